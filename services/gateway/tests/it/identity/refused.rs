//! What a provider, or somebody between, gets wrong: each is refused, said in a sentence, and signs
//! nobody in.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use web::StaffRole;

use super::visit::Visit;
use super::{SAM, person, set_up};
use crate::browser::text;
use crate::harness::{ACME, GatewayHarness};
use crate::provider::{Broken, Manner, Provider, Signs};

type Change = Box<dyn Fn(&mut Manner)>;

fn claim(name: &'static str, value: Value) -> Change {
    Box::new(move |manner| manner.claims = vec![(name, value.clone())])
}

fn signed(signs: Signs) -> Change {
    Box::new(move |manner| manner.signs = signs)
}

fn answers(name: &'static str, value: &str) -> Change {
    let value = value.to_owned();
    Box::new(move |manner| manner.back = vec![(name, value.clone())])
}

fn broken(path: &'static str, how: Broken) -> Change {
    Box::new(move |manner| manner.broken = Some((path, how)))
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

#[tokio::test]
async fn each_wrong_thing_is_refused_with_a_sentence() {
    let (gateway, provider, _) = set_up("identity_refused").await;
    person(&gateway, ACME, SAM, StaffRole::Agent).await;
    let now = seconds();
    let evil = "https://evil.example";
    let table: Vec<(&str, Change, u16, &str)> = vec![
        // Its keys were read within half a minute, and are not read again.
        ("a key read lately", signed(Signs::NewKey), 502, "that it does not publish"),
        ("another nonce", claim("nonce", json!("n")), 502, "is of another sign-in"),
        ("no nonce", claim("nonce", Value::Null), 502, "is of another sign-in"),
        ("another audience", claim("aud", json!("other")), 502, "for another application"),
        ("two, without azp", claim("aud", json!(["deskmesh", "x"])), 502, "another application"),
        ("another azp", claim("azp", json!("other")), 502, "for another application"),
        ("expired", claim("exp", json!(now - 120)), 502, "has expired"),
        ("not yet", claim("iat", json!(now + 600)), 502, "is not valid yet"),
        ("another issuer", claim("iss", json!(evil)), 502, "names another issuer"),
        ("no subject", claim("sub", Value::Null), 502, "is incomplete"),
        ("another key", signed(Signs::OtherKey), 502, "the signature of its ID token is wrong"),
        ("alg none", signed(Signs::Nothing), 502, "is not signed by RS256"),
        ("a shared secret", signed(Signs::Hs256), 502, "is not signed by RS256"),
        ("unverified", claim("email_verified", json!(false)), 403, "is verified"),
        ("not said", claim("email_verified", Value::Null), 403, "is verified"),
        ("somebody else", claim("email", json!("x@acme.example")), 403, "Nobody with the address"),
        ("denied", answers("error", "access_denied"), 422, "<code>access_denied</code>"),
        ("markup", answers("error", "<script>alert(1)</script>"), 422, "<code>error</code>"),
        ("another state", answers("state", &"ab".repeat(32)), 422, "has been used already"),
        ("no state", answers("state", ""), 422, "has been used already"),
        ("another provider", answers("iss", evil), 422, "not the one that was asked for"),
        ("no code", answers("code", ""), 422, "not the one that was asked for"),
        ("another code", answers("code", "x"), 502, "<code>invalid_grant</code>"),
        ("HTML", broken("/token", Broken::Html), 502, "token endpoint did not answer with"),
        ("huge", broken("/token", Broken::Huge), 502, "token endpoint could not be read"),
        ("a fault", broken("/token", Broken::Fault), 502, "answered with status 500"),
    ];
    for (what, change, status, said) in table {
        provider.set(|manner| change(manner));
        let mut visit = Visit::default();
        let answer = visit.tries(&gateway, "acme").await;
        let page = text(&answer);
        assert_eq!(answer.status, status, "{what}: {page}");
        assert!(page.contains(said) && page.contains("You are not signed in"), "{what}: {page}");
        assert!(page.contains("href=\"/sign-in?account="), "{what}: there is a way on");
        assert_eq!(answer.header("set-cookie"), "", "{what}");
        assert!(!page.contains("<script>alert"), "{what}");
        assert_eq!(visit.get(&gateway, "/me").await.status, 303, "{what}");
        provider.set(|manner| {
            manner.signs = Signs::Es256;
            manner.claims.clear();
            manner.back.clear();
            manner.broken = None;
        });
    }
    let sessions = "select count(*) from web_session session
        join web_person person on person.id = session.person where person.email = $1";
    let sessions: i64 =
        sqlx::query_scalar(sessions).bind(SAM).fetch_one(&gateway.pool).await.expect("it answers");
    assert_eq!(sessions, 0);
    assert_eq!(Visit::default().signs_in(&gateway, "acme").await, Ok("/".to_owned()));
    gateway.remove().await;
}

#[tokio::test]
async fn an_answer_is_taken_once_and_of_the_browser_that_asked() {
    let (gateway, _provider, _) = set_up("identity_once").await;
    person(&gateway, ACME, SAM, StaffRole::Agent).await;
    let go = "/sign-in/organisation/go?account=acme";
    let refused = |page: &str| page.contains("begun in another browser");

    // Somebody else's answer, which an attacker has them open.
    let mut attacker = Visit::default();
    let to = attacker.goes(&gateway, go).await;
    let back = attacker.at_provider(&to).await;
    let mut victim = Visit::default();
    victim.goes(&gateway, go).await;
    let answer = victim.get(&gateway, &back).await;
    assert_eq!(answer.status, 422);
    assert!(refused(&text(&answer)));
    assert_eq!(attacker.get(&gateway, &back).await.status, 422, "it is used up");

    // The same answer again, and its code with a sign-in of its own.
    let mut sam = Visit::default();
    let to = sam.goes(&gateway, go).await;
    let back = sam.at_provider(&to).await;
    assert_eq!(sam.goes(&gateway, &back).await, "/");
    assert_eq!(sam.get(&gateway, &back).await.status, 422);
    let code = |path: &str| path.split("code=").nth(1).map(|it| it[..32].to_owned());
    let to = sam.goes(&gateway, go).await;
    let second = sam.at_provider(&to).await;
    let (old, new) = (code(&back).expect("a code"), code(&second).expect("a code"));
    let answer = sam.get(&gateway, &second.replace(&new, &old)).await;
    assert_eq!(answer.status, 502);
    assert!(text(&answer).contains("invalid_grant"));

    // Two windows of one browser do not end each other.
    let mut both = Visit::default();
    let (one, other) = (both.goes(&gateway, go).await, both.goes(&gateway, go).await);
    let (one, other) = (both.at_provider(&one).await, both.at_provider(&other).await);
    assert_eq!(both.goes(&gateway, &one).await, "/");
    assert_eq!(both.goes(&gateway, &other).await, "/");

    // One that took too long.
    let to = sam.goes(&gateway, go).await;
    let back = sam.at_provider(&to).await;
    sqlx::query("update web_flow set started_at = started_at - interval '11 minutes'")
        .execute(&gateway.pool)
        .await
        .expect("it answers");
    let answer = sam.get(&gateway, &back).await;
    assert!(answer.status == 422 && text(&answer).contains("longer than 10 minutes"));
    gateway.remove().await;
}

#[tokio::test]
async fn it_goes_on_to_a_page_of_ours_only() {
    let (gateway, _provider, _) = set_up("identity_next").await;
    person(&gateway, ACME, SAM, StaffRole::Agent).await;
    for (next, to) in [
        ("/deliveries%3Fx%3D1", "/deliveries?x=1"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/%5Cevil.example", "/"),
        ("/a%0D%0AB:%20c", "/"),
    ] {
        let mut sam = Visit::default();
        let path = format!("/sign-in/organisation/go?account=acme&next={next}");
        let at = sam.goes(&gateway, &path).await;
        let back = sam.at_provider(&at).await;
        assert_eq!(sam.goes(&gateway, &back).await, to, "{next}");
        let path = format!("/sign-in?account=acme&next={next}");
        let page = Visit::default().page(&gateway, &path).await;
        assert_eq!(page.contains("next=%2Fdeliveries"), to != "/", "{next}");
    }
    gateway.remove().await;
}

#[tokio::test]
async fn ways_to_the_provider_are_counted_unless_somebody_signs_in() {
    let (gateway, _provider, _) = set_up("identity_tries").await;
    person(&gateway, ACME, SAM, StaffRole::Agent).await;
    let mut visit = Visit::default();
    for _ in 0..3 {
        assert_eq!(visit.signs_in(&gateway, "acme").await, Ok("/".to_owned()));
    }
    sqlx::query("update web_failure set failures = failures + 199")
        .execute(&gateway.pool)
        .await
        .expect("it answers");
    let go = "/sign-in/organisation/go?account=acme";
    visit.goes(&gateway, go).await;
    let paused = visit.get(&gateway, go).await;
    assert_eq!(paused.status, 429, "{paused:?}");
    let password = [("account", "acme"), ("email", SAM), ("password", "x")];
    let answer = crate::browser::Browser::default().post(&gateway, "/sign-in", &password).await;
    assert_eq!(answer.status, 429, "a place is one, whatever is tried");
    gateway.remove().await;
}

#[tokio::test]
async fn refusals_are_said_in_the_readers_language() {
    let (gateway, _provider, _) = set_up("identity_languages").await;
    for (language, said) in [
        ("de", "ist hier niemand mit der Adresse <strong>sam@acme.example</strong> bekannt"),
        ("it", "qui non c’è nessuno con l’indirizzo <strong>sam@acme.example</strong>"),
    ] {
        let mut visit = Visit::in_language(language);
        let page = visit.signs_in(&gateway, "acme").await.expect_err("nobody is known");
        assert!(page.contains(said), "{language}: {page}");
    }
    gateway.remove().await;
}

/// What people see when a provider that was read before is gone, and one that was not.
#[tokio::test]
async fn a_provider_that_is_gone_slow_or_odd_is_said_to_be() {
    let (gateway, provider, mut admin) = set_up("identity_gone").await;
    let table = [
        (Some(("/.well-known/openid-configuration", Broken::Html)), "did not answer with the JSON"),
        (Some(("/.well-known/openid-configuration", Broken::Huge)), "more than 262144 bytes"),
        (Some(("/.well-known/openid-configuration", Broken::Fault)), "answered with status 500"),
        (Some(("/keys", Broken::Slow)), "took too long"),
        (Some(("/keys", Broken::Html)), "list of keys did not answer"),
        (None, "refuses connections"),
    ];
    for (broken, said) in table {
        provider.set(|manner| manner.broken = broken);
        if broken.is_none() {
            provider.stop();
        }
        let tested = admin.post(&gateway, "/settings/sign-in/test", &[]).await;
        let page = text(&tested);
        assert!(page.contains(said) && page.contains("notice--bad"), "{broken:?}: {page}");
    }
    forget_what_was_read(&gateway, &provider).await;
    gateway.remove().await;
}

/// Under another name of the same host nothing of it was read: the way there ends on our page.
async fn forget_what_was_read(gateway: &GatewayHarness, provider: &Provider) {
    let unread = format!("{}/", provider.issuer());
    sqlx::query("update web_provider set issuer = $1")
        .bind(&unread)
        .execute(&gateway.pool)
        .await
        .expect("it answers");
    let answer = Visit::default().tries(gateway, "acme").await;
    assert_eq!(answer.status, 502);
    assert!(text(&answer).contains("The description of the provider could not be read"));
}
