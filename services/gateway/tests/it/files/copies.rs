//! Files that lie elsewhere are copied before the command that names them is sent.

use std::sync::Arc;

use files::{Files, copy};
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{get, rows, status, upload};
use crate::harness::{ACME, Answer, GLOBEX, GatewayHarness, egress};

/// Somebody else's server of files.
struct Elsewhere {
    origin: String,
    /// Of these an answer takes one and gives none back.
    answers: Arc<Semaphore>,
    asked: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Elsewhere {
    /// Answers the first requests with these, and all after them with the last one. So many are
    /// answered at once; `allow` lets more be.
    async fn open(answers: &[&[u8]], at_once: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let (permits, asked) = (Arc::new(Semaphore::new(at_once)), Arc::default());
        let answers: Vec<Vec<u8>> = answers.iter().map(|answer| answer.to_vec()).collect();
        let elsewhere = Self { origin, answers: Arc::clone(&permits), asked: Arc::clone(&asked) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (permits, answers) = (Arc::clone(&permits), answers.clone());
                let asked = Arc::clone(&asked);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let line =
                        String::from_utf8_lossy(&head).lines().next().unwrap_or("").to_owned();
                    let number = {
                        let mut asked = asked.lock().expect("not poisoned");
                        asked.push(line);
                        asked.len() - 1
                    };
                    permits.acquire().await.expect("open").forget();
                    let answer = &answers[number.min(answers.len() - 1)];
                    stream.write_all(answer).await.unwrap_or_default();
                });
            }
        });
        elsewhere
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.origin)
    }

    fn asked(&self) -> usize {
        self.asked.lock().expect("not poisoned").len()
    }

    async fn is_asked(&self, times: usize) {
        until("the other server is asked", PATIENCE, async || {
            let asked = self.asked();
            if asked >= times { Ok(()) } else { Err(format!("{asked} times")) }
        })
        .await;
    }
}

const MANY: usize = 1000;
const PHOTO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 5\r\n\
      connection: close\r\n\r\nphoto";
/// Its size is not announced, and it comes in one part.
const PHOTOS: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nphoto, photo, photo";
const BUSY: &[u8] = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const INWARDS: &[u8] = b"HTTP/1.1 302 Found\r\nlocation: http://inside.example/x\r\n\
      content-length: 0\r\nconnection: close\r\n\r\n";
const GONE: &[u8] = b"HTTP/1.1 404 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn file(id: &str, url: &str) -> Value {
    json!({ "id": id, "filename": format!("{id}.png"), "url": url })
}

async fn say(harness: &GatewayHarness, token: &str, key: &str, files: &[Value]) -> Answer {
    let comment =
        json!({ "id": format!("acme/{key}"), "body": "See there.", "attachments": files });
    harness.keyed("POST", "/v1/tickets/1/comments", token, Some(key), &comment).await
}

/// The attachments of a command, once it is sent.
async fn sent(harness: &GatewayHarness, account: &str, key: &str) -> Vec<Value> {
    until(&format!("{key} is sent"), PATIENCE, async || {
        let row: Option<(String, bool)> = sqlx::query_as(
            "select body, sent_at is not null from desk_outbox where account = $1 and key = $2",
        )
        .bind(account)
        .bind(key)
        .fetch_optional(&harness.pool)
        .await
        .expect("the database answers");
        match row {
            Some((body, true)) => {
                let body: Value = serde_json::from_str(&body).expect("JSON");
                Ok(body["comments"][0]["attachments"].as_array().cloned().unwrap_or_default())
            }
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

async fn receipt(harness: &GatewayHarness, token: &str, key: &str) -> Value {
    harness.get(&format!("/v1/receipts/ticket/{key}"), token).await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_lies_elsewhere_is_copied_and_the_copy_is_what_crosses() {
    let harness = GatewayHarness::set("gateway-copies").await;
    let token = harness.token(ACME, &["*"]).await;
    let elsewhere = Elsewhere::open(&[PHOTO], MANY).await;
    let url = elsewhere.url("pump.png?signature=1");
    let own = upload(&harness, &token, "own.png", b"own").await;
    let said = say(&harness, &token, "k1", &[file("a", &url), own.body.clone()]).await;
    assert_eq!((said.status, &said.body["state"]), (202, &json!("waits")), "{said:?}");
    let crossed = sent(&harness, ACME, "k1").await;
    let copy = crossed[0]["url"].as_str().unwrap();
    assert!(copy.starts_with(&format!("{}/f/", harness.files_url)), "{copy}");
    assert_eq!(
        (&crossed[0]["size"], &crossed[0]["content_type"]),
        (&json!(5), &json!("image/png"))
    );
    let mut as_it_is = own.body.clone();
    as_it_is.as_object_mut().expect("an object").remove("sha256");
    assert_eq!(crossed[1], as_it_is, "an own file crosses as it is, without the hash");
    let got = get("GET", copy, &[]).await;
    assert_eq!((got.status, got.body.as_slice()), (200, &b"photo"[..]));
    assert_eq!(
        got.header("content-disposition"),
        Some("attachment; filename=\"a.png\"; filename*=UTF-8''a.png")
    );
    let told = receipt(&harness, &token, "k1").await;
    let files = json!([{ "comment_id": "acme/k1", "attachment_id": "a", "state": "copied" }]);
    assert_eq!(told["files"], files);
    // At home the ticket has the same link, as the line has it for a resync.
    let ticket = harness.get("/v1/tickets/1", &token).await.body;
    let attachments = ticket["comments"][0]["attachments"].to_string();
    assert!(attachments.contains(copy) && !attachments.contains("signature"), "{attachments}");
    // The same again is answered as the first was; another account's copy is a file of its own.
    let again = say(&harness, &token, "k1", &[file("a", &url), own.body.clone()]).await;
    assert_eq!((again.status, elsewhere.asked()), (202, 1), "{again:?}");
    let globex = harness.token(GLOBEX, &["*"]).await;
    say(&harness, &globex, "k1", &[file("a", &url)]).await;
    let theirs = sent(&harness, GLOBEX, "k1").await[0]["url"].as_str().unwrap().to_owned();
    assert_ne!(theirs, copy);
    // A redaction takes its own copy away, and no other.
    let redact = "/v1/tickets/1/comments/acme%2Fk1/attachments/a";
    assert_eq!(harness.json("DELETE", redact, &token, &Value::Null).await.status, 202);
    assert_eq!((status(copy).await, status(&theirs).await), (404, 200));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_is_told_and_the_rest_goes() {
    let limit = |files: &mut files::FilesSettings| files.file_bytes = 4;
    let harness = GatewayHarness::with_files("gateway-copies-bad", limit).await;
    let token = harness.token(ACME, &["*"]).await;
    let gone = Elsewhere::open(&[GONE], MANY).await;
    let large = Elsewhere::open(&[PHOTO], MANY).await;
    let unannounced = Elsewhere::open(&[PHOTOS], MANY).await;
    let inwards = Elsewhere::open(&[INWARDS], MANY).await;
    let files = [
        file("gone", &gone.url("a")),
        file("large", &large.url("a")),
        file("unannounced", &unannounced.url("a")),
        file("inwards", &inwards.url("a")),
        file("inside", "https://inside.example/secret"),
        file("metadata", "http://169.254.169.254/latest"),
        file("password", "https://user:secret@elsewhere.example/a"),
        file("cid", "cid:part1@acme"),
    ];
    assert_eq!(say(&harness, &token, "k1", &files).await.status, 202);
    let crossed = sent(&harness, ACME, "k1").await;
    let urls: Vec<&str> = crossed.iter().map(|it| it["url"].as_str().unwrap()).collect();
    // The line takes no empty link, and says so of each file.
    assert_eq!(urls, ["", "", "", "", "", "", "", "cid:part1@acme"]);
    let told = receipt(&harness, &token, "k1").await;
    let told: Vec<(&str, &str)> = told["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["attachment_id"].as_str().unwrap(), it["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("gone", "status_404"),
            ("large", "too_large"),
            ("unannounced", "too_large"),
            ("inwards", "refused_address"),
            ("inside", "refused_address"),
            ("metadata", "refused_address"),
            ("password", "bad_url"),
        ]
    );
    assert_eq!((large.asked(), unannounced.asked()), (1, 1));
    let home = harness.get("/v1/tickets/1", &token).await.body.to_string();
    assert!(home.contains(&gone.url("a")), "at home it stays where it lies: {home}");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_is_asked_again_and_holds_up_no_other_ticket() {
    let harness = GatewayHarness::set("gateway-copies-busy").await;
    let token = harness.token(ACME, &["*"]).await;
    let busy = Elsewhere::open(&[BUSY, PHOTO], 0).await;
    say(&harness, &token, "first", &[file("a", &busy.url("a"))]).await;
    busy.is_asked(1).await;
    // Behind it waits what is about the same ticket, and nothing else.
    let status = json!({ "status": "open" });
    harness.keyed("PATCH", "/v1/tickets/1", &token, Some("second"), &status).await;
    harness.keyed("PATCH", "/v1/tickets/2", &token, Some("other"), &status).await;
    let redact = "/v1/tickets/1/comments/acme%2Fold";
    harness.keyed("DELETE", redact, &token, Some("redact"), &Value::Null).await;
    sent(&harness, ACME, "other").await;
    sent(&harness, ACME, "redact").await;
    let waits = receipt(&harness, &token, "second").await;
    assert_eq!(waits["state"], "waits");
    busy.answers.add_permits(1);
    until("the file is said to wait", PATIENCE, async || {
        let told = receipt(&harness, &token, "first").await;
        let file = &told["files"][0];
        let said = (&file["state"], &file["reason"]);
        if said == (&json!("waits"), &json!("status_503")) { Ok(()) } else { Err(told.to_string()) }
    })
    .await;
    busy.answers.add_permits(1);
    sent(&harness, ACME, "first").await;
    sent(&harness, ACME, "second").await;
    let order: Vec<String> = sqlx::query_scalar(
        "select key from desk_outbox where key in ('first', 'second') order by sent_at, number",
    )
    .fetch_all(&harness.pool)
    .await
    .unwrap();
    assert_eq!(order, ["first", "second"]);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_ends_the_copying_and_lets_the_rest_go() {
    let harness = GatewayHarness::set("gateway-copies-redacted").await;
    let token = harness.token(ACME, &["*"]).await;
    let slow = Elsewhere::open(&[PHOTO], 0).await;
    say(&harness, &token, "k1", &[file("a", &slow.url("a"))]).await;
    slow.is_asked(1).await;
    let redact = "/v1/tickets/1/comments/acme%2Fk1/attachments/a";
    assert_eq!(harness.json("DELETE", redact, &token, &Value::Null).await.status, 202);
    assert_eq!(sent(&harness, ACME, "k1").await, Vec::<Value>::new());
    // What arrives afterwards is nobody's.
    slow.answers.add_permits(1);
    until("the copy goes", PATIENCE, async || {
        let left = rows(&harness).await;
        if left == 0 { Ok(()) } else { Err(format!("{left} files")) }
    })
    .await;
    let copies: i64 = sqlx::query_scalar("select count(*) from file_copy")
        .fetch_one(&harness.pool)
        .await
        .unwrap();
    assert_eq!(copies, 0);
    harness.remove().await;
}

/// A replica that copies, until it is aborted.
fn copying(files: &Files) -> tokio::task::JoinHandle<()> {
    let (files, new) = (files.clone(), Arc::default());
    tokio::spawn(async move {
        let Ok(()) = copy(files, egress(), new, CancellationToken::new()).await;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_between_copy_and_commit_loses_and_doubles_nothing() {
    let harness = GatewayHarness::without_copies("gateway-copies-crash").await;
    let token = harness.token(ACME, &["*"]).await;
    let elsewhere = Elsewhere::open(&[PHOTO], MANY).await;
    say(&harness, &token, "k1", &[file("a", &elsewhere.url("a"))]).await;
    // The copy arrives, and what would let the command go cannot be written.
    let mut held = harness.pool.begin().await.unwrap();
    sqlx::query("select from desk_outbox for update").execute(&mut *held).await.unwrap();
    let files = Files::open(harness.pool.clone(), harness.files.clone()).await.unwrap();
    let dies = copying(&files);
    until("the copy is there", PATIENCE, async || {
        let arrived: i64 =
            sqlx::query_scalar("select count(*) from file where arrived_at is not null")
                .fetch_one(&harness.pool)
                .await
                .unwrap();
        if arrived == 1 { Ok(()) } else { Err(format!("{arrived}")) }
    })
    .await;
    dies.abort();
    assert!(dies.await.unwrap_err().is_cancelled());
    held.rollback().await.unwrap();
    assert_eq!(receipt(&harness, &token, "k1").await["files"][0]["state"], "waits");
    // Its lease ends; another one takes over.
    sqlx::query("update file_copy set leased_until = now()").execute(&harness.pool).await.unwrap();
    let lives = copying(&files);
    let crossed = sent(&harness, ACME, "k1").await;
    assert_eq!(status(crossed[0]["url"].as_str().unwrap()).await, 200);
    let linked: i64 = sqlx::query_scalar(
        "select count(*) from file where linked_at is not null and taken_at is null",
    )
    .fetch_one(&harness.pool)
    .await
    .unwrap();
    assert_eq!((elsewhere.asked(), linked), (2, 1), "the first copy goes as one that nobody named");
    lives.abort();
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_replica_held_that_lost_its_lease_is_not_used() {
    let harness = GatewayHarness::without_copies("gateway-copies-lease").await;
    let token = harness.token(ACME, &["*"]).await;
    let elsewhere = Elsewhere::open(&[PHOTO], 0).await;
    say(&harness, &token, "k1", &[file("a", &elsewhere.url("a"))]).await;
    let files = Files::open(harness.pool.clone(), harness.files.clone()).await.unwrap();
    let slow = copying(&files);
    elsewhere.is_asked(1).await;
    sqlx::query("update file_copy set lease = gen_random_uuid(), leased_until = now()")
        .execute(&harness.pool)
        .await
        .unwrap();
    let other = copying(&files);
    elsewhere.is_asked(2).await;
    elsewhere.answers.add_permits(2);
    sent(&harness, ACME, "k1").await;
    until("one copy stays", PATIENCE, async || {
        let left = rows(&harness).await;
        if left == 1 { Ok(()) } else { Err(format!("{left} files")) }
    })
    .await;
    slow.abort();
    other.abort();
    harness.remove().await;
}
