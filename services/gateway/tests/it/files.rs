//! Files: what goes in comes out by its link and by nothing else, and goes when it shall.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use files::store::{NewFile, begin};
use files::{Files, Settings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::desk::PATIENCE;
use testkit::until;
use uuid::Uuid;

use crate::harness::{ACME, Answer, GLOBEX, GatewayHarness};

const MIB: usize = 1024 * 1024;

/// An answer in bytes.
struct Got {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE * 4));
    config.http_status_as_error(false).allow_non_standard_methods(true).build().into()
}

async fn get(method: &str, url: &str, headers: &[(&str, &str)]) -> Got {
    let mut builder = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let getting = move || {
        let mut answer = agent().run(builder.body(()).expect("a request")).expect("an answer");
        let body = answer.body_mut().with_config().limit(100 * MIB as u64).read_to_vec();
        Got {
            status: answer.status().as_u16(),
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned()))
                .collect(),
            body: body.expect("a body"),
        }
    };
    tokio::task::spawn_blocking(getting).await.expect("the request ends")
}

/// Uploads a file; its name as it stands in a query.
async fn upload(harness: &GatewayHarness, token: &str, name: &str, body: &[u8]) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "image/png")];
    harness.ask("POST", &format!("/v1/files?filename={name}"), &headers, Some(body)).await
}

/// The same without its length.
async fn stream(harness: &GatewayHarness, token: &str, parts: usize, part: Vec<u8>) -> Value {
    struct Repeated {
        part: Vec<u8>,
        left: usize,
        at: usize,
    }
    impl std::io::Read for Repeated {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.at == self.part.len() {
                (self.left, self.at) = (self.left - 1, 0);
            }
            if self.left == 0 {
                return Ok(0);
            }
            let count = into.len().min(self.part.len() - self.at);
            into[..count].copy_from_slice(&self.part[self.at..self.at + count]);
            self.at += count;
            Ok(count)
        }
    }
    let url = format!("{}/v1/files?filename=streamed", harness.url);
    let bearer = format!("Bearer {token}");
    let sending = move || {
        let mut body = Repeated { part, left: parts, at: 0 };
        let request = agent().post(url).header("authorization", bearer);
        let mut answer = request.send(ureq::SendBody::from_reader(&mut body)).expect("an answer");
        let status = answer.status().as_u16();
        let mut said: Value = answer.body_mut().read_json().expect("JSON");
        said["status"] = json!(status);
        said
    };
    tokio::task::spawn_blocking(sending).await.expect("the request ends")
}

async fn status(url: &str) -> u16 {
    get("GET", url, &[]).await.status
}

async fn comment(harness: &GatewayHarness, token: &str, id: &str, files: &[&Answer]) {
    let files: Vec<&Value> = files.iter().map(|file| &file.body).collect();
    let comment = json!({ "id": id, "body": "See there.", "attachments": files });
    let answer = harness.json("POST", "/v1/tickets/1/comments", token, &comment).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

/// Files in a folder, however deep.
fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

async fn rows(harness: &GatewayHarness) -> i64 {
    let counted = sqlx::query_scalar("select count(*) from file").fetch_one(&harness.pool);
    counted.await.expect("the database answers")
}

async fn until_rows(harness: &GatewayHarness, wanted: i64) {
    until("the rows that stay", PATIENCE, async || {
        let found = (rows(harness).await, count(&harness.folder));
        let same = found.0 == wanted && i64::try_from(found.1) == Ok(wanted);
        if same { Ok(()) } else { Err(format!("rows and objects: {found:?}")) }
    })
    .await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

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
    assert_eq!(count(&harness.folder), 2);
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
async fn what_is_too_large_or_too_much_leaves_nothing() {
    let limit = |files: &mut Settings| {
        (files.file_bytes, files.account_bytes) = (MIB as u64, 5 * MIB as u64 / 2);
    };
    let harness = GatewayHarness::with_files("gateway-files-limits", limit).await;
    let token = harness.token(ACME, &["files"]).await;
    let over = upload(&harness, &token, "x", &vec![7; MIB + 1]).await;
    assert_eq!((over.status, over.problem().as_str()), (413, "too_large"));
    let over = stream(&harness, &token, MIB / 1024 + 1, vec![7; 1024]).await;
    assert_eq!((&over["status"], &over["reason"]), (&json!(413), &json!("too_large")));
    until_rows(&harness, 0).await;

    // Whichever come at once, no more is kept than may be.
    let whole = vec![7; MIB];
    let uploads = (0..6).map(|_| upload(&harness, &token, "x", &whole));
    let answers = futures_util::future::join_all(uploads).await;
    let kept = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(kept, 2, "{answers:?}");
    let refused = answers.iter().find(|answer| answer.status != 201).unwrap();
    assert_eq!((refused.status, refused.problem().as_str()), (413, "quota_exceeded"));
    let over = stream(&harness, &token, MIB * 3 / 4 / 1024, vec![7; 1024]).await;
    assert_eq!(over["reason"], "quota_exceeded");
    let fits = stream(&harness, &token, MIB / 2 / 1024, vec![7; 1024]).await;
    assert_eq!(fits["status"], 201, "{fits}");
    until_rows(&harness, 3).await;
    let listed = harness.get("/v1/files?limit=2", &token).await.body;
    let quota = json!({ "used": 5 * MIB / 2, "bytes": 5 * MIB / 2 });
    assert_eq!((&listed["quota"], listed["files"].as_array().unwrap().len()), (&quota, 2));
    let next = format!("/v1/files?limit=2&after={}", listed["next"].as_str().unwrap());
    let rest = harness.get(&next, &token).await.body;
    assert_eq!((rest["files"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    // Another account has a quota of its own.
    let globex = harness.token(GLOBEX, &["*"]).await;
    assert_eq!(upload(&harness, &globex, "x", &whole).await.status, 201);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_room_is_given_once_whoever_asks_at_once() {
    let harness = GatewayHarness::set("gateway-files-room").await;
    // As many connections as there may be, so that they do ask at once.
    drop(futures_util::future::join_all((0..12).map(|_| harness.pool.acquire())).await);
    let asking = (0..40).map(|number| {
        let file = NewFile {
            id: Uuid::from_u128(number),
            account: ACME.to_owned(),
            filename: "x".to_owned(),
            content_type: "text/plain".to_owned(),
        };
        let pool = harness.pool.clone();
        tokio::spawn(async move { begin(&pool, &file, 10, 25).await.unwrap() })
    });
    let given = futures_util::future::join_all(asking).await;
    let given = given.into_iter().filter(|given| *given.as_ref().unwrap()).count();
    assert_eq!((given, rows(&harness).await), (2, 2));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let harness = GatewayHarness::set("gateway-files-broken").await;
    let token = harness.token(ACME, &["files"]).await;
    let address = harness.url.trim_start_matches("http://").to_owned();
    let mut half = TcpStream::connect(&address).unwrap();
    write!(
        half,
        "POST /v1/files?filename=x HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-length: 1000000\r\n\r\n"
    )
    .unwrap();
    half.write_all(&vec![7; 100_000]).unwrap();
    until("it has begun", PATIENCE, async || {
        if rows(&harness).await == 1 { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    drop(half);
    until_rows(&harness, 0).await;
    assert_eq!(harness.get("/v1/files", &token).await.body["quota"]["used"], 0);
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
    // Its link in a command of another account's keeps it no longer, and a redaction there does nothing.
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

#[tokio::test(flavor = "multi_thread")]
async fn what_no_command_named_goes_and_what_one_named_stays() {
    let harness = GatewayHarness::set("gateway-files-age").await;
    let token = harness.token(ACME, &["*"]).await;
    let linked = upload(&harness, &token, "linked", b"a").await;
    let alone = upload(&harness, &token, "alone", b"b").await;
    let young = upload(&harness, &token, "young", b"c").await;
    comment(&harness, &token, "acme/1", &[&linked]).await;
    // The process died while this one arrived.
    let died = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
    std::fs::create_dir_all(harness.folder.join("0b")).unwrap();
    let unfinished = format!("0b/{}#1", died.replace('-', ""));
    std::fs::write(harness.folder.join(&unfinished), b"half").unwrap();
    sqlx::query(
        "insert into file (id, account, filename, content_type, size, created_at)
         values ($1::uuid, $2, 'died', 'text/plain', 4, now() - interval '3 hours')",
    )
    .bind(died)
    .bind(ACME)
    .execute(&harness.pool)
    .await
    .unwrap();
    sqlx::query(
        "update file set arrived_at = now() - interval '24 hours 1 second'
         where filename in ('linked', 'alone')",
    )
    .execute(&harness.pool)
    .await
    .unwrap();
    until_rows(&harness, 2).await;
    assert!(!harness.folder.join(unfinished).exists());
    let url = |file: &Answer| file.body["url"].as_str().unwrap().to_owned();
    assert_eq!(status(&url(&linked)).await, 200);
    assert_eq!(status(&url(&alone)).await, 404);
    assert_eq!(status(&url(&young)).await, 200);
    let listed = harness.get("/v1/files", &token).await.body;
    let told: Vec<(&Value, &Value)> = listed["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (&file["filename"], &file["linked"]))
        .collect();
    let (young, linked) = (json!("young"), json!("linked"));
    assert_eq!(told, [(&young, &json!(false)), (&linked, &json!(true))]);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_stops_the_start() {
    let harness = GatewayHarness::set("gateway-files-folder").await;
    let file = harness.folder.join("no-folder");
    std::fs::write(&file, b"x").unwrap();
    for folder in [harness.folder.join("missing"), file] {
        let settings = Settings { folder, ..harness.files.clone() };
        let error = Files::open(harness.pool.clone(), settings).await.unwrap_err();
        assert!(error.to_string().contains("`files.folder` names"), "{error}");
    }
    harness.remove().await;
}

/// What this process holds of memory, in KiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("a number of KiB")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_streamed_and_memory_stays_flat() {
    const SIZE: usize = 64;
    let harness = GatewayHarness::set("gateway-files-large").await;
    let token = harness.token(ACME, &["files"]).await;
    // What the process keeps of memory once it has served a file is not this one's.
    stream(&harness, &token, SIZE / 4, vec![7; MIB]).await;
    let before = memory();
    let most = Arc::new(AtomicUsize::new(0));
    let watching = tokio::spawn({
        let most = Arc::clone(&most);
        async move {
            loop {
                most.fetch_max(memory(), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let kept = stream(&harness, &token, SIZE, vec![7; MIB]).await;
    watching.abort();
    assert_eq!((&kept["status"], &kept["size"]), (&json!(201), &json!(SIZE * MIB)), "{kept}");
    let grown = most.load(Ordering::Relaxed).saturating_sub(before);
    println!("64 MiB were uploaded; the process grew by {grown} KiB");
    // All tests of the process are in this number; the whole file would be more.
    assert!(grown < SIZE * 1024 * 3 / 4, "it grew by {grown} KiB");
    let got = get("GET", kept["url"].as_str().unwrap(), &[]).await;
    assert_eq!(kept["sha256"], hex(&Sha256::digest(&got.body)));
    assert!(got.body == vec![7; SIZE * MIB], "the bytes are the same");
    harness.remove().await;
}
