//! What is kept of files, how much of it, and what goes.

use std::io::Write as _;
use std::net::TcpStream;

use files::store::{NewFile, begin};
use files::{Files, FilesPlace, FilesSettings};
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;
use uuid::Uuid;

use super::{MIB, comment, rows, status, stream, until_rows, upload};
use crate::harness::{ACME, Answer, GLOBEX, GatewayHarness};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_too_much_leaves_nothing() {
    let limit = |files: &mut FilesSettings| {
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
         content-length: 20000000\r\n\r\n"
    )
    .unwrap();
    // More than a part of S3, so that there is an upload to be ended.
    half.write_all(&vec![7; 11_000_000]).unwrap();
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
        "insert into file (id, account, filename, content_type, size, created_at, upload)
         values ($1::uuid, $2, 'died', 'text/plain', 4, now() - interval '3 hours', 'over')",
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
    let is_there = harness.folder.join(unfinished).exists();
    assert_eq!(is_there, matches!(harness.files.place, FilesPlace::S3(_)));
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
        let settings = FilesSettings { place: FilesPlace::Folder(folder), ..harness.files.clone() };
        let error = Files::open(harness.pool.clone(), settings).await.unwrap_err();
        assert!(error.to_string().contains("`files.folder` names"), "{error}");
    }
    harness.remove().await;
}
