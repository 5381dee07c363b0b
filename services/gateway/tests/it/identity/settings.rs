//! The page on which an admin sets up the provider.

use serde_json::{Value, json};

use super::visit::Visit;
use super::{save, set_up};
use crate::browser::text;
use crate::provider::{CLIENT, SECRET};

const HERE: &str = "/settings/sign-in";

#[tokio::test]
async fn the_page_shows_what_to_register_and_never_the_secret() {
    let (gateway, provider, mut admin) = set_up("identity_settings").await;
    let page = admin.page(&gateway, HERE).await;
    let back = format!("{}/sign-in/organisation/back</code>", gateway.url);
    assert!(page.contains(&back), "{page}");
    assert!(page.contains(provider.issuer()) && page.contains("value=\"deskmesh\""), "{page}");
    assert!(!page.contains("client secret of this test"), "{page}");
    assert!(admin.page(&gateway, "/people").await.contains("href=\"/settings/sign-in\""));
    let kept: Vec<u8> = sqlx::query_scalar("select client_secret from web_provider")
        .fetch_one(&gateway.pool)
        .await
        .expect("it answers");
    assert!(!kept.windows(6).any(|part| part == b"client"), "it is encrypted");

    // Saved again without one it is the one that was.
    save(&gateway, &provider, &mut admin, &[("client_secret", "")]).await;
    let tested = text(&admin.post(&gateway, "/settings/sign-in/test", &[]).await);
    assert!(tested.contains("has 3 keys, and knows the client"), "{tested}");
    gateway.remove().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_provider_is_said_before_it_is_saved_and_by_the_test() {
    let (gateway, provider, mut admin) = set_up("identity_test").await;
    let evil = "https://evil.example";
    let found: [(&str, Value, &str); 8] = [
        ("issuer", json!(evil), "calls itself <code>https://evil.example</code>"),
        ("token_endpoint", Value::Null, "<code>token_endpoint</code> is missing"),
        ("jwks_uri", json!("https://10.0.0.1/keys"), "<code>jwks_uri</code> is missing or may not"),
        ("authorization_endpoint", json!("javascript:x"), "<code>authorization_endpoint</code>"),
        ("response_types_supported", json!(["token"]), "does not support code"),
        ("code_challenge_methods_supported", json!(["plain"]), "does not support S256"),
        ("id_token_signing_alg_values_supported", json!(["HS256"]), "does not support RS256"),
        ("jwks_uri", json!(format!("{}/userinfo", provider.issuer())), "answered with status 401"),
    ];
    for (name, value, said) in found {
        provider.set(|manner| manner.discovery = vec![(name, value.clone())]);
        let page = text(&admin.post(&gateway, "/settings/sign-in/test", &[]).await);
        assert!(page.contains(said) && page.contains("notice--bad"), "{name}: {page}");
    }
    provider.set(|manner| manner.discovery.clear());

    // Its last slash counts, so another issuer is read before it is kept.
    let slash = format!("{}/", provider.issuer());
    let form = [("issuer", slash.as_str()), ("client_id", CLIENT), ("client_secret", SECRET)];
    let answer = admin.post(&gateway, HERE, &form).await;
    assert_eq!(answer.status, 422);
    let page = text(&answer);
    let (_, error) = page.split_once("id=\"issuer-e\"").expect("an error at its input");
    let said = format!("calls itself <code>{}</code>", provider.issuer());
    assert!(error.split("</p>").next().is_some_and(|it| it.contains(&said)), "{error}");
    assert!(page.contains(&format!("value=\"{slash}\"")) && !page.contains(SECRET), "{page}");

    for (form, input) in [
        ([("issuer", "acme"), ("client_id", CLIENT), ("client_secret", "x")], "issuer"),
        ([("issuer", "https://10.0.0.1"), ("client_id", "x"), ("client_secret", "x")], "issuer"),
        ([("issuer", provider.issuer()), ("client_id", ""), ("client_secret", "x")], "client_id"),
        (
            [("issuer", slash.as_str()), ("client_id", CLIENT), ("client_secret", "")],
            "client_secret",
        ),
        ([("issuer", provider.issuer()), ("client_id", CLIENT), ("new_role", "agent")], "domains"),
        ([("issuer", provider.issuer()), ("client_id", CLIENT), ("new_role", "admin")], "new_role"),
    ] {
        let answer = admin.post(&gateway, HERE, &form).await;
        assert_eq!(answer.status, 422, "{form:?}");
        assert!(text(&answer).contains(&format!("id=\"{input}-e\"")), "{form:?}");
    }

    // A secret that the provider does not know, and an address that is not registered there.
    save(&gateway, &provider, &mut admin, &[("client_secret", "another")]).await;
    let page = text(&admin.post(&gateway, "/settings/sign-in/test", &[]).await);
    assert!(page.contains("<code>invalid_client</code>"), "{page}");
    provider.set(|manner| manner.redirect_uri = "https://elsewhere.example/back".to_owned());
    let to = Visit::default().goes(&gateway, "/sign-in/organisation/go?account=acme").await;
    let at = tokio::task::spawn_blocking(move || crate::harness::request("GET", &to, &[], None));
    let at = at.await.expect("it ends");
    assert_eq!((at.status, at.body), (400, json!("redirect_uri_mismatch")), "it sends nobody back");
    gateway.remove().await;
}
