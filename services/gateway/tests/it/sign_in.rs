//! Signing in, sessions, what pages say to browsers.

use web::StaffRole;

use crate::browser::{Browser, PASSWORD, link, text};
use crate::harness::{ACME, GLOBEX, GatewayHarness};

const EMAIL: &str = "sam@acme.example";

#[tokio::test]
async fn a_link_sets_a_password_once_and_the_password_signs_in() {
    let gateway = GatewayHarness::set("sign_in_link").await;
    let link = link(&gateway, ACME, EMAIL, StaffRole::Admin).await;
    let mut browser = Browser::default();
    assert!(browser.page(&gateway, &link).await.contains("Welcome, Sam Rivers"), "shown, not used");
    for (password, again, said, input) in [
        ("short", "short", "12 characters", "password"),
        (PASSWORD, "another one here", "do not match", "again"),
    ] {
        let form = [("password", password), ("again", again)];
        let answer = browser.post(&gateway, &link, &form).await;
        assert_eq!(answer.status, 422);
        let page = text(&answer);
        assert!(page.contains(said), "{said}");
        let (_, error) = page.split_once(&format!("id=\"{input}-e\"")).expect("at its input");
        assert!(error.split("</p>").next().is_some_and(|it| it.contains(said)), "{error}");
    }
    let form = [("password", PASSWORD), ("again", PASSWORD)];
    let answer = browser.post(&gateway, &link, &form).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-deskmesh="), "{cookie}");
    assert_eq!(browser.get(&gateway, "/").await.header("location"), "/sharing");
    assert_eq!(Browser::default().get(&gateway, &link).await.status, 422, "used up");

    assert!(browser.done(&gateway, "/sign-out", &[]).await.starts_with("/sign-in?account=acme"));
    let away = browser.get(&gateway, "/sharing?show=past").await;
    assert_eq!(away.status, 303);
    assert_eq!(away.header("location"), "/sign-in?next=%2Fsharing%3Fshow%3Dpast");
    let form = [
        ("account", "acme"),
        ("email", "SAM@acme.example"),
        ("password", PASSWORD),
        ("next", "/sharing?show=past"),
    ];
    assert_eq!(browser.done(&gateway, "/sign-in", &form).await, "/sharing?show=past");
    let elsewhere =
        [("account", "acme"), ("email", EMAIL), ("password", PASSWORD), ("next", "//evil.example")];
    assert_eq!(Browser::default().done(&gateway, "/sign-in", &elsewhere).await, "/");
    gateway.remove().await;
}

#[tokio::test]
async fn tries_that_fail_are_counted_for_a_login_and_not_told_apart() {
    let gateway = GatewayHarness::set("sign_in_tries").await;
    Browser::of(&gateway, ACME, EMAIL, StaffRole::Admin).await;
    let mut browser = Browser::default();
    let wrong = |email| [("account", "acme"), ("email", email), ("password", "not this one")];
    let mut pages = Vec::new();
    for email in [EMAIL, "nobody@acme.example"] {
        let answer = browser.post(&gateway, "/sign-in", &wrong(email)).await;
        assert_eq!(answer.status, 422);
        pages.push(text(&answer).replace(email, "X"));
    }
    assert_eq!(pages[0], pages[1], "nobody learns who is known");
    for _ in 0..4 {
        assert_eq!(browser.post(&gateway, "/sign-in", &wrong(EMAIL)).await.status, 422);
    }
    let right = [("account", "acme"), ("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(browser.post(&gateway, "/sign-in", &right).await.status, 429, "it pauses");
    sqlx::query("update web_failure set since = now() - interval '11 minutes'")
        .execute(&gateway.pool)
        .await
        .expect("time passes");
    assert_eq!(browser.done(&gateway, "/sign-in", &right).await, "/");
    gateway.remove().await;
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_old_or_its_person_is_let_out() {
    let gateway = GatewayHarness::set("sign_in_end").await;
    let browser = Browser::of(&gateway, ACME, EMAIL, StaffRole::Admin).await;
    for (ends, undo) in [
        (
            "update web_session set seen_at = now() - interval '13 hours'",
            "update web_session set seen_at = now()",
        ),
        (
            "update web_session set started_at = now() - interval '15 days'",
            "update web_session set started_at = now()",
        ),
        ("update web_person set disabled_at = now()", "update web_person set disabled_at = null"),
        (
            "update desk_account set ended_at = now() where account = 'gateway-acme'",
            "update desk_account set ended_at = null where account = 'gateway-acme'",
        ),
    ] {
        assert_eq!(browser.get(&gateway, "/me").await.status, 200);
        sqlx::query(ends).execute(&gateway.pool).await.expect("it ends");
        assert_eq!(browser.get(&gateway, "/me").await.status, 303, "{ends}");
        sqlx::query(undo).execute(&gateway.pool).await.expect("it is as before");
    }
    gateway.remove().await;
}

#[tokio::test]
async fn only_pages_of_ours_change_something() {
    let gateway = GatewayHarness::set("sign_in_csrf").await;
    let mut browser = Browser::of(&gateway, ACME, EMAIL, StaffRole::Admin).await;
    let form = [("name", "Other"), ("language", "de"), ("zone", "UTC"), ("theme", "")];
    let own = gateway.url.clone();
    for (headers, status) in [
        (vec![("sec-fetch-site", "cross-site"), ("origin", own.as_str())], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("origin", "https://evil.example")], 403),
        (vec![], 403),
        (vec![("origin", own.as_str())], 303),
    ] {
        let answer = browser.post_with(&gateway, "/me", &form, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    assert!(browser.page(&gateway, "/me").await.contains("<html lang=\"de\">"));
    gateway.remove().await;
}

#[tokio::test]
async fn every_answer_has_the_strict_headers_and_failures_are_pages() {
    let gateway = GatewayHarness::set("sign_in_headers").await;
    let browser = Browser::of(&gateway, ACME, EMAIL, StaffRole::Admin).await;
    let page = browser.page(&gateway, "/me").await;
    let style = page.split("stylesheet\" href=\"").nth(1).and_then(|it| it.split('"').next());
    let style = style.expect("a stylesheet").to_owned();
    for (path, status) in [
        ("/me", 200),
        ("/sign-in", 303),
        ("/nowhere", 404),
        ("/sharing/agreements/%00", 404),
        ("/assets/x", 404),
        (&style, 200),
    ] {
        let answer = browser.get(&gateway, path).await;
        assert_eq!(answer.status, status, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        let kept = if path == style { "public, max-age=31536000, immutable" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), kept, "{path}");
    }
    for inline in ["<style", " style=", " onclick", "<script>", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
    let lost = text(&browser.get(&gateway, "/nowhere").await);
    assert!(lost.contains("Page not found") && lost.contains("Sign out"), "{lost}");
    let api = gateway.ask("GET", "/v1/nowhere", &[], None).await;
    assert_eq!(api.header("content-type"), "application/problem+json");
    let cookie_only = gateway.ask("GET", "/v1/account", &[("cookie", "x=y")], None).await;
    assert_eq!(cookie_only.status, 401, "cookies mean nothing to the API");
    gateway.remove().await;
}

#[tokio::test]
async fn pages_come_in_the_browsers_language_and_then_in_the_persons() {
    let gateway = GatewayHarness::set("sign_in_language").await;
    let mut browser = Browser::of(&gateway, ACME, EMAIL, StaffRole::Admin).await;
    for (accepted, tag, said) in [
        ("", "en", "Your settings"),
        ("de-AT, en;q=0.5", "de", "Ihre Einstellungen"),
        ("it", "it", "Le Sue impostazioni"),
        ("fr", "en", "Your settings"),
    ] {
        accepted.clone_into(&mut browser.language);
        let page = browser.page(&gateway, "/me").await;
        assert!(page.contains(&format!("<html lang=\"{tag}\">")) && page.contains(said), "{tag}");
    }
    let form = [("name", "Sam"), ("language", "it"), ("zone", "Asia/Tokyo"), ("theme", "dark")];
    assert_eq!(browser.done(&gateway, "/me", &form).await, "/me?said=said.saved");
    "de".clone_into(&mut browser.language);
    let page = browser.page(&gateway, "/me?said=said.saved").await;
    assert!(page.contains("<html lang=\"it\" class=\"dark\">") && page.contains("Salvato."));
    assert!(page.contains("<option selected>Asia/Tokyo</option>"));
    gateway.remove().await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let gateway = GatewayHarness::set("sign_in_password").await;
    let mut browser = Browser::of(&gateway, GLOBEX, EMAIL, StaffRole::Agent).await;
    let mut other = Browser::default();
    let sign_in = [("account", "globex"), ("email", EMAIL), ("password", PASSWORD)];
    other.done(&gateway, "/sign-in", &sign_in).await;
    let new = "another three pumps";
    for (current, again, input) in [("not this one", new, "current"), (PASSWORD, "x", "again")] {
        let wrong = [("current", current), ("password", new), ("again", again)];
        let answer = browser.post(&gateway, "/me/password", &wrong).await;
        assert_eq!(answer.status, 422);
        assert!(text(&answer).contains(&format!("id=\"{input}-e\"")), "{input}");
    }
    assert_eq!(other.get(&gateway, "/me").await.status, 200);
    let right = [("current", PASSWORD), ("password", new), ("again", new)];
    browser.done(&gateway, "/me/password", &right).await;
    assert_eq!(other.get(&gateway, "/me").await.status, 303);
    assert_eq!(browser.get(&gateway, "/me").await.status, 200);
    assert_eq!(browser.get(&gateway, "/").await.header("location"), "/deliveries");
    gateway.remove().await;
}

#[tokio::test]
async fn what_is_told_between_a_page_and_its_stream_is_not_missed() {
    use std::io::{BufRead as _, BufReader};

    let gateway = GatewayHarness::set("sign_in_live").await;
    let browser = Browser::of(&gateway, ACME, EMAIL, StaffRole::Admin).await;
    let page = browser.page(&gateway, "/sharing").await;
    let live = page.split("hx-sse:connect=\"").nth(1).and_then(|it| it.split('"').next());
    let live = live.expect("the page is live").to_owned();
    let state = serde_json::json!({ "any": "thing" });
    gateway.tell(ACME, "later.release.v1", "d1", &state).await;
    testkit::until("what was told", testkit::desk::PATIENCE, async || {
        let head = desk::log::head(&gateway.pool, ACME).await.expect("it answers");
        let position = head.map(|head| head.position);
        match position {
            Some(position) if !live.ends_with(&format!("after={position}")) => Ok(()),
            _ => Err(format!("the head is {position:?}")),
        }
    })
    .await;
    let (url, cookie) = (format!("{}{live}", gateway.url), browser.cookie().to_owned());
    let first = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(testkit::desk::PATIENCE))
            .build()
            .into();
        let response = agent.get(&url).header("cookie", cookie).call().expect("a stream");
        let lines = BufReader::new(response.into_body().into_reader()).lines();
        lines.map_while(Result::ok).find(|line| line.starts_with("event:"))
    });
    assert_eq!(first.await.expect("it ends").as_deref(), Some("event: changed"));
    assert_eq!(Browser::default().get(&gateway, &live).await.status, 303, "nobody else hears it");
    gateway.remove().await;
}
