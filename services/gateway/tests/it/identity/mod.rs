//! Signing in through an identity provider, which is a real one on loopback.

mod refused;
mod settings;
mod visit;

use serde_json::json;
use web::StaffRole;
use web::people::{self, NewPerson};

use crate::browser::{Browser, PASSWORD};
use crate::harness::{ACME, GLOBEX, GatewayHarness};
use crate::provider::{CLIENT, Provider, SECRET, Signs};
use visit::Visit;

const SAM: &str = "sam@acme.example";
const ADMIN: &str = "ada@acme.example";

/// Acme with an admin, who has set up the provider.
async fn set_up(test: &str) -> (GatewayHarness, Provider, Browser) {
    let gateway = GatewayHarness::set(test).await;
    let provider = Provider::start(&gateway.url).await;
    let mut admin = Browser::of(&gateway, ACME, ADMIN, StaffRole::Admin).await;
    save(&gateway, &provider, &mut admin, &[]).await;
    (gateway, provider, admin)
}

/// Saves the provider, with other values where some are given.
async fn save(
    gateway: &GatewayHarness,
    provider: &Provider,
    admin: &mut Browser,
    others: &[(&str, &str)],
) {
    let usual = [("issuer", provider.issuer()), ("client_id", CLIENT), ("client_secret", SECRET)];
    let is_other = |name: &str| others.iter().any(|(other, _)| *other == name);
    let usual = usual.into_iter().filter(|(name, _)| !is_other(name));
    let form: Vec<_> = usual.chain(others.iter().copied()).collect();
    let done = admin.done(gateway, "/settings/sign-in", &form).await;
    assert_eq!(done, "/settings/sign-in?said=said.saved");
}

/// Somebody whom the account knows.
async fn person(gateway: &GatewayHarness, account: &str, email: &str, role: StaffRole) {
    let new = NewPerson { account, email, name: "Sam Rivers", role };
    people::add(&gateway.pool, new).await.expect("it is kept").expect("it is new");
}

#[tokio::test]
async fn who_is_known_signs_in_by_verified_address_then_by_subject() {
    let (gateway, provider, mut admin) = set_up("identity_sign_in").await;
    person(&gateway, ACME, "Sam@Acme.example", StaffRole::Agent).await;
    let page = Browser::default().page(&gateway, "/sign-in?account=ACME&next=%2Fdeliveries").await;
    let page = page.replace("&#38;", "&");
    let path = "/sign-in/organisation/go?account=acme&next=%2Fdeliveries";
    assert!(page.contains(path) && page.contains("name=\"password\""), "{page}");

    let mut sam = Visit::default();
    let to = sam.goes(&gateway, path).await;
    assert!(to.starts_with(&format!("{}/authorize?tenant=acme&", provider.issuer())), "{to}");
    let cookie = sam.set.clone();
    for part in ["__Host-deskmesh-flow=", "; Secure", "; HttpOnly", "; SameSite=Lax", "Max-Age=600"]
    {
        assert!(cookie.contains(part), "{cookie}");
    }
    for never in [SECRET, "verifier", "code="] {
        assert!(!to.replace("response_type=code", "").contains(never), "{to}");
    }
    let back = sam.at_provider(&to).await;
    assert_eq!(sam.goes(&gateway, &back).await, "/deliveries");
    assert!(sam.page(&gateway, "/me").await.contains("Sam@Acme.example"));

    // Another address, not even verified: who they are is known.
    for signs in [Signs::Rs256, Signs::EdDsa, Signs::Es256] {
        let other = vec![("email", json!("rivers@acme.example")), ("email_verified", json!(false))];
        provider.set(|manner| (manner.signs, manner.claims) = (signs, other));
        let mut again = Visit::default();
        assert_eq!(again.signs_in(&gateway, "acme").await, Ok("/".to_owned()), "{signs:?}");
        assert!(again.page(&gateway, "/me").await.contains("Sam@Acme.example"), "{signs:?}");
    }
    let settings = admin.page(&gateway, "/settings/sign-in").await;
    assert!(settings.contains("Sam Rivers") && settings.contains("Forget"), "{settings}");

    let out = sam.posts(&gateway, "/sign-out").await;
    assert_eq!(out, "/sign-in?account=acme");
    assert!(sam.goes(&gateway, "/me").await.starts_with("/sign-in?next="), "the session is over");
    // Whoever is let out is let out of this too.
    let id: uuid::Uuid = sqlx::query_scalar("select id from web_person where lower(email) = $1")
        .bind(SAM)
        .fetch_one(&gateway.pool)
        .await
        .expect("it answers");
    admin.done(&gateway, &format!("/people/{id}"), &[("what", "disable")]).await;
    let refused = Visit::default().signs_in(&gateway, "acme").await;
    assert!(refused.is_err_and(|page| page.contains("has ended your access")));
    gateway.remove().await;
}

#[tokio::test]
async fn an_address_the_token_lacks_is_taken_of_the_same_subject_alone() {
    let (gateway, provider, _) = set_up("identity_thin").await;
    person(&gateway, ACME, SAM, StaffRole::Agent).await;
    provider.set(|manner| (manner.thin, manner.profile_sub) = (true, "user-8"));
    let refused = Visit::default().signs_in(&gateway, "acme").await;
    assert!(refused.is_err_and(|page| page.contains("did not tell your e-mail address")));
    provider.set(|manner| manner.profile_sub = "user-7");
    assert_eq!(Visit::default().signs_in(&gateway, "acme").await, Ok("/".to_owned()));
    gateway.remove().await;
}

#[tokio::test]
async fn a_provider_that_wants_the_secret_in_the_form_and_a_new_key_is_understood() {
    let (gateway, provider, mut admin) = set_up("identity_post").await;
    person(&gateway, ACME, SAM, StaffRole::Agent).await;
    let methods = json!(["client_secret_post", "private_key_jwt"]);
    provider.set(|manner| {
        manner.discovery = vec![("token_endpoint_auth_methods_supported", methods)];
        manner.back = vec![("iss", provider.issuer().to_owned())];
    });
    // What was read lasts ten minutes; a test reads anew.
    let tested = admin.post(&gateway, "/settings/sign-in/test", &[]).await;
    assert!(crate::browser::text(&tested).contains("knows the client"), "{tested:?}");
    assert_eq!(Visit::default().signs_in(&gateway, "acme").await, Ok("/".to_owned()));
    gateway.remove().await;
}

#[tokio::test]
async fn new_people_come_in_from_named_domains_with_the_chosen_role() {
    let (gateway, provider, mut admin) = set_up("identity_new").await;
    let refused = Visit::default().signs_in(&gateway, "acme").await;
    assert!(refused.is_err_and(|page| page.contains("Nobody with the address")));
    let open = [("new_role", "light_agent"), ("domains", "Acme.example, @acme.test")];
    save(&gateway, &provider, &mut admin, &open).await;
    let elsewhere = vec![("email", json!("sam@acme.example.evil.example"))];
    provider.set(|manner| manner.claims = elsewhere);
    let refused = Visit::default().signs_in(&gateway, "acme").await;
    assert!(refused.is_err_and(|page| page.contains("Nobody with the address")));
    provider.set(|manner| manner.claims.clear());
    let mut sam = Visit::default();
    assert_eq!(sam.signs_in(&gateway, "acme").await, Ok("/".to_owned()));
    let role: String = sqlx::query_scalar("select role from web_person where email = $1")
        .bind(SAM)
        .fetch_one(&gateway.pool)
        .await
        .expect("it answers");
    assert_eq!(role, "light_agent");
    // The same address at another subject is somebody else.
    provider.set(|manner| manner.claims = vec![("sub", json!("user-8"))]);
    let refused = Visit::default().signs_in(&gateway, "acme").await;
    assert!(refused.is_err_and(|page| page.contains("another user of your identity provider")));
    gateway.remove().await;
}

#[tokio::test]
async fn a_provider_of_one_account_lets_nobody_into_another() {
    let (gateway, provider, mut admin) = set_up("identity_tenants").await;
    person(&gateway, ACME, SAM, StaffRole::Agent).await;
    person(&gateway, GLOBEX, SAM, StaffRole::Admin).await;
    let page = Browser::default().get(&gateway, "/sign-in/organisation?account=globex").await;
    assert_eq!(page.status, 422);
    let page = crate::browser::text(&page);
    assert!(page.contains("id=\"account-e\"") && page.contains("signs in this way"), "{page}");
    let go = Browser::default().get(&gateway, "/sign-in/organisation/go?account=globex").await;
    assert_eq!(go.status, 404);
    let mut sam = Visit::default();
    assert_eq!(sam.signs_in(&gateway, "acme").await, Ok("/".to_owned()));
    // Globex has the same provider: who signed in at Acme is nobody there before they do.
    let mut gus = Browser::of(&gateway, GLOBEX, "gus@globex.example", StaffRole::Admin).await;
    save(&gateway, &provider, &mut gus, &[]).await;
    let page = gus.page(&gateway, "/settings/sign-in").await;
    let (_, bound) = page.split_once("id=\"bound-h\"").expect("who has signed in");
    assert!(bound.contains("Nobody yet") && !bound.contains("Sam Rivers"), "{bound}");
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select person from web_subject")
        .fetch_all(&gateway.pool)
        .await
        .expect("it answers");
    let path = format!("/settings/sign-in/people/{}", ids[0]);
    assert_eq!(gus.post(&gateway, &path, &[]).await.status, 404, "another account's");
    assert_eq!(sam.goes(&gateway, "/").await, "/deliveries", "nothing of it had an effect");
    assert_eq!(Visit::default().signs_in(&gateway, "globex").await, Ok("/".to_owned()));

    admin.done(&gateway, &path, &[]).await;
    assert!(sam.goes(&gateway, "/").await.starts_with("/sign-in"), "who is forgotten is out");
    let mut agent = Browser::of(&gateway, ACME, "lee@acme.example", StaffRole::Agent).await;
    for (method, path) in
        [("GET", ""), ("POST", ""), ("POST", "/test"), ("POST", "/remove"), ("POST", "/people/x")]
    {
        let path = format!("/settings/sign-in{path}").replace("/x", &format!("/{}", ids[0]));
        let form = [("issuer", "x"), ("client_id", "x")];
        let answer = match method {
            "GET" => agent.get(&gateway, &path).await,
            _ => agent.post(&gateway, &path, &form).await,
        };
        assert_eq!(answer.status, 403, "{method} {path}");
    }
    gateway.remove().await;
}

#[tokio::test]
async fn where_it_is_required_only_admins_come_in_by_a_link() {
    let (gateway, provider, mut admin) = set_up("identity_required").await;
    let mut lee = Browser::of(&gateway, ACME, "lee@acme.example", StaffRole::Agent).await;
    let required = [("is_required", "yes")];
    let mut form =
        vec![("issuer", provider.issuer()), ("client_id", CLIENT), ("client_secret", "")];
    form.extend(required);
    let untried = admin.post(&gateway, "/settings/sign-in", &form).await;
    assert_eq!(untried.status, 422);
    assert!(crate::browser::text(&untried).contains("id=\"is_required-e\""), "{untried:?}");

    provider.set(|manner| manner.claims = vec![("email", json!(ADMIN))]);
    assert_eq!(Visit::default().signs_in(&gateway, "acme").await, Ok("/".to_owned()));
    admin.done(&gateway, "/settings/sign-in", &form).await;
    assert_eq!(lee.get(&gateway, "/me").await.status, 303, "who came by a password is out");
    let me = admin.page(&gateway, "/me").await;
    assert!(!me.contains("/me/password"), "{me}");
    let changed = [("current", PASSWORD), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(admin.post(&gateway, "/me/password", &changed).await.status, 422);

    let sign_in = [("account", "acme"), ("email", "lee@acme.example"), ("password", PASSWORD)];
    let answer = lee.post(&gateway, "/sign-in", &sign_in).await;
    assert_eq!(answer.status, 422);
    let page = crate::browser::text(&answer);
    assert!(page.contains("Passwords are off") && page.contains("/sign-in/organisation/go"));
    let page = Browser::default().page(&gateway, "/sign-in?account=acme").await;
    assert!(page.contains("Passwords are off") && !page.contains("name=\"password\""), "{page}");

    for (email, is_admin) in [(ADMIN, true), ("lee@acme.example", false)] {
        let person = people::by_email(&gateway.pool, ACME, email).await.expect("it answers");
        let person = person.expect("there is one");
        let link = people::make_link(&gateway.pool, person.id).await.expect("a link");
        let mut browser = Browser::default();
        let page = browser.page(&gateway, &link).await;
        assert!(!page.contains("name=\"password\""), "{page}");
        let answer = browser.post(&gateway, &link, &[]).await;
        assert_eq!(answer.status, if is_admin { 303 } else { 422 }, "{email}");
        assert_eq!(browser.get(&gateway, "/me").await.status, if is_admin { 200 } else { 303 });
    }
    // Without the provider passwords are as they were.
    let mut admin = Browser::default();
    let person = people::by_email(&gateway.pool, ACME, ADMIN).await.expect("it answers");
    let link = people::make_link(&gateway.pool, person.expect("there is one").id).await;
    admin.done(&gateway, &link.expect("a link"), &[]).await;
    let unsure = admin.post(&gateway, "/settings/sign-in/remove", &[]).await;
    assert_eq!(unsure.status, 422);
    assert!(crate::browser::text(&unsure).contains("id=\"sure-e\""), "{unsure:?}");
    let sure = admin.done(&gateway, "/settings/sign-in/remove", &[("sure", "yes")]).await;
    assert_eq!(sure, "/settings/sign-in?said=said.provider_removed");
    assert_eq!(lee.done(&gateway, "/sign-in", &sign_in).await, "/");
    gateway.remove().await;
}
