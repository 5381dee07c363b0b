//! What a link answers, for whom, and when it is taken away.

use files::hex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{comment, get, status, until_rows, upload};
use crate::harness::{ACME, GLOBEX, GatewayHarness};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_out_by_its_link_as_it_went_in() {
    let harness = GatewayHarness::set("gateway-files").await;
    let token = harness.token(ACME, &["files"]).await;
    let photo: Vec<u8> = (0..300_000).map(|_| fastrand::u8(..)).collect();
    let name = "%CE%B1%CE%BD%CF%84%CE%BB%CE%AF%CE%B1%20%F0%9F%92%A7.png";
    let kept = upload(&harness, &token, name, &photo).await;
    assert_eq!(kept.status, 201, "{kept:?}");
    assert_eq!(kept.body["filename"], "αντλία 💧.png");
    assert_eq!(kept.body["content_type"], "image/png");
    assert_eq!(kept.body["size"], 300_000);
    assert_eq!(kept.body["sha256"], hex(&Sha256::digest(&photo)));
    let url = kept.body["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/f/", harness.files_url)), "{url}");

    let got = get("GET", url, &[("cookie", "a=b")]).await;
    assert_eq!(got.status, 200);
    assert!(got.body == photo, "the bytes are the same");
    let disposition = format!("attachment; filename=\"______ _.png\"; filename*=UTF-8''{name}");
    for (header, value) in [
        ("content-type", "image/png"),
        ("content-length", "300000"),
        ("content-disposition", disposition.as_str()),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private"),
    ] {
        assert_eq!(got.header(header), Some(value), "{header}");
    }
    assert_eq!(got.header("set-cookie"), None);

    let head = get("HEAD", url, &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("300000")));
    let part = get("GET", url, &[("range", "bytes=10-19")]).await;
    assert_eq!((part.status, &part.body[..]), (206, &photo[10..20]));
    assert_eq!(part.header("content-range"), Some("bytes 10-19/300000"));
    let other = [("range", "bytes=10-19"), ("if-range", "\"another\"")];
    assert_eq!(get("GET", url, &other).await.status, 200);
    assert_eq!(get("GET", url, &[("range", "bytes=300000-")]).await.status, 416);

    // Two files, though they are the same.
    let globex = harness.token(GLOBEX, &["*"]).await;
    let again = upload(&harness, &globex, "x", &photo).await;
    assert_ne!(again.body["url"], kept.body["url"]);
    assert_eq!(harness.objects().await, 2);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_answers_where_links_do_and_no_link_elsewhere() {
    let harness = GatewayHarness::set("gateway-files-origin").await;
    let token = harness.token(ACME, &["*"]).await;
    let kept = upload(&harness, &token, "a.html", b"<script>alert(1)</script>").await;
    let url = kept.body["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(&harness.files_url).unwrap();
    let unknown = format!("{}/f/{}/a.html", harness.files_url, "0".repeat(64));
    let bearer = format!("Bearer {token}");
    let missing = get("GET", &unknown, &[]).await;
    for (method, there) in [
        ("GET", "/"),
        ("GET", "/v1/account"),
        ("GET", "/v1/openapi.json"),
        ("GET", "/f/"),
        ("GET", "/f/%ff/%ff"),
        ("POST", path),
        ("DELETE", path),
    ] {
        let url = format!("{}{there}", harness.files_url);
        let got = get(method, &url, &[("authorization", bearer.as_str())]).await;
        assert_eq!((got.status, &got.body), (404, &missing.body), "{method} {there}");
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(harness.get(path, &token).await.status, 404);
    assert_eq!(status(&url).await, 200);
    let deleted = format!("/v1/files/{}", kept.body["id"].as_str().unwrap());
    assert_eq!(harness.json("DELETE", &deleted, &token, &Value::Null).await.status, 204);
    let gone = get("GET", &url, &[]).await;
    assert_eq!((gone.status, &gone.body), (404, &missing.body), "as one that never was");
    until_rows(&harness, 0).await;
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_file_is_as_one_that_is_not_there() {
    let harness = GatewayHarness::set("gateway-files-tenants").await;
    let (acme, globex) = (harness.token(ACME, &["*"]).await, harness.token(GLOBEX, &["*"]).await);
    let kept = upload(&harness, &acme, "a", b"a").await;
    let path = format!("/v1/files/{}", kept.body["id"].as_str().unwrap());
    let others = harness.json("DELETE", &path, &globex, &Value::Null).await;
    let unknown = "/v1/files/0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
    let unknown = harness.json("DELETE", unknown, &globex, &Value::Null).await;
    assert_eq!((others.status, &others.body), (404, &unknown.body));
    assert_eq!(harness.get("/v1/files", &globex).await.body["files"], json!([]));
    // Its link in a command of another account's keeps it no longer, and a redaction there does
    // nothing.
    comment(&harness, &globex, "globex/1", &[&kept]).await;
    comment(&harness, &acme, "acme/1", &[&kept]).await;
    for id in ["globex%2F1", "acme%2F1"] {
        let path = format!("/v1/tickets/1/comments/{id}");
        assert_eq!(harness.json("DELETE", &path, &globex, &Value::Null).await.status, 202);
    }
    let links: Vec<String> =
        sqlx::query_scalar("select account from file_link").fetch_all(&harness.pool).await.unwrap();
    assert_eq!(links, [ACME]);
    assert_eq!(status(kept.body["url"].as_str().unwrap()).await, 200);
    // What a token may not do.
    let reader = harness.token(ACME, &["read", "ticket.*"]).await;
    for answer in [
        upload(&harness, &reader, "a", b"a").await,
        harness.get("/v1/files", &reader).await,
        harness.json("DELETE", &path, &reader, &Value::Null).await,
    ] {
        assert_eq!((answer.status, answer.problem().as_str()), (403, "wrong_scope"));
    }
    let unnamed = harness.json("POST", "/v1/files", &acme, &Value::Null).await;
    assert_eq!((unnamed.status, unnamed.problem().as_str()), (422, "malformed"));
    assert_eq!(harness.get("/v1/files?after=x", &acme).await.problem(), "malformed");
    assert_eq!(harness.json("DELETE", "/v1/files/x", &acme, &Value::Null).await.status, 404);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_takes_links_away_before_it_is_answered() {
    let harness = GatewayHarness::set("gateway-files-redact").await;
    let token = harness.token(ACME, &["*"]).await;
    let mut files = Vec::new();
    for name in ["a", "b", "c"] {
        files.push(upload(&harness, &token, name, name.as_bytes()).await);
    }
    let urls: Vec<&str> = files.iter().map(|file| file.body["url"].as_str().unwrap()).collect();
    comment(&harness, &token, "acme/1", &[&files[0], &files[1]]).await;
    comment(&harness, &token, "acme/2", &[&files[2]]).await;
    let id = files[0].body["id"].as_str().unwrap();
    let one = format!("/v1/tickets/1/comments/acme%2F1/attachments/{id}");
    assert_eq!(harness.json("DELETE", &one, &token, &Value::Null).await.status, 202);
    assert_eq!((status(urls[0]).await, status(urls[1]).await), (404, 200));
    let whole = json!({ "type": "ticket.redact.v1",
        "payload": { "ticket_id": "1", "comment_id": "acme/1" } });
    assert_eq!(harness.json("POST", "/v1/commands", &token, &whole).await.status, 202);
    assert_eq!((status(urls[1]).await, status(urls[2]).await), (404, 200));
    until_rows(&harness, 1).await;
    harness.remove().await;
}
