//! Servers that hang, never end, or send too much.

use std::io::Write;
use std::time::{Duration, Instant};

use egress::{Body, Bytes, EgressSettings, Error, HttpCall, Phase, Size};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt, stream};

use crate::server::{Names, SILENCE, Script, Server, client, local, ok, settings};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

fn phase(error: &Error) -> Option<Phase> {
    match error {
        Error::TimedOut { phase, .. } => Some(*phase),
        _ => None,
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    for said in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nx: y\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let server = Server::plain(move |_| Script::Hang(said.to_owned())).await;
        let began = Instant::now();
        let error = local().send(HttpCall::get(server.url("/"))).await.unwrap_err();
        assert_eq!(phase(&error), Some(Phase::Head), "{said:?}: {error}");
        assert!(began.elapsed() < SILENCE * 10, "long before the whole time is over");
    }
}

#[tokio::test]
async fn informational_answers_without_end_are_given_up() {
    let server = Server::plain(|_| Script::Repeat {
        first: String::new(),
        part: b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(),
        pause: Duration::from_millis(1),
    })
    .await;
    let began = Instant::now();
    let error = local().send(HttpCall::get(server.url("/"))).await.unwrap_err();
    assert_eq!(phase(&error), Some(Phase::Head), "{error}");
    assert!(began.elapsed() < SILENCE * 10, "long before the whole time is over");
}

#[tokio::test]
async fn a_body_that_stops_is_given_up() {
    for said in
        ["content-length: 10\r\n\r\nhalf", "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"]
    {
        let server =
            Server::plain(move |_| Script::Hang(format!("HTTP/1.1 200 OK\r\n{said}"))).await;
        let mut answer = local().send(HttpCall::get(server.url("/"))).await.unwrap();
        let began = Instant::now();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "half");
        let error = answer.chunk().await.unwrap_err();
        assert_eq!(phase(&error), Some(Phase::Body), "{error}");
        assert!(began.elapsed() < SILENCE * 10, "long before the whole time is over");
        // what came is enough for a log
        let answer = local().send(HttpCall::get(server.url("/"))).await.unwrap();
        assert_eq!(answer.start(100).await, "half");
    }
}

#[tokio::test]
async fn a_body_that_drips_ends_with_the_whole_time() {
    let server = Server::plain(|_| Script::Repeat {
        first: CHUNKED.to_owned(),
        part: b"1\r\nx\r\n".to_vec(),
        pause: Duration::from_millis(20),
    })
    .await;
    let began = Instant::now();
    let call = HttpCall::get(server.url("/")).total_timeout(Duration::from_millis(600));
    let error = local().send(call).await.unwrap().collect().await.unwrap_err();
    assert_eq!(phase(&error), Some(Phase::Body), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn the_whole_time_holds_before_the_head_too() {
    let server = Server::plain(|_| Script::Hang(String::new())).await;
    let call = HttpCall::get(server.url("/"))
        .head_timeout(Duration::from_mins(1))
        .total_timeout(Duration::from_millis(100));
    let error = local().send(call).await.unwrap_err();
    assert_eq!(phase(&error), Some(Phase::Head), "{error}");
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_at_the_bound() {
    let mut part = b"10000\r\n".to_vec();
    part.extend(vec![b'x'; 0x10000]);
    part.extend(b"\r\n");
    let server = Server::plain(move |_| Script::Repeat {
        first: CHUNKED.to_owned(),
        part: part.clone(),
        pause: Duration::ZERO,
    })
    .await;
    let call = HttpCall::get(server.url("/")).answer_bytes(3_000_000);
    let mut answer = local().send(call).await.unwrap();
    let mut read = 0;
    let error = loop {
        match answer.chunk().await {
            Ok(part) => {
                let part = part.expect("no end");
                // however much is read, little is in memory
                assert!(part.len() <= 64 * 1024, "{}", part.len());
                read += part.len();
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::TooLarge { size: Size::Body(3_000_000), .. }), "{error}");
    assert!(read <= 3_000_000 && read > 2_900_000, "{read}");
    // and again, without a panic
    assert_eq!(answer.chunk().await.unwrap_err(), error);
    let answer = local().send(HttpCall::get(server.url("/"))).await.unwrap();
    assert_eq!(answer.start(70_000).await.len(), 70_000);
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_read() {
    let server = Server::plain(|_| {
        Script::Hang("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_owned())
    })
    .await;
    let call = HttpCall::get(server.url("/")).answer_bytes(1000);
    let answer = local().send(call).await.unwrap();
    assert_eq!(answer.announced(), Some(1001));
    let error = answer.collect().await.unwrap_err();
    assert_eq!(error.code(), "too_large");

    let server = Server::plain(|_| ok(&"x".repeat(1000))).await;
    let call = HttpCall::get(server.url("/")).answer_bytes(1000);
    assert_eq!(local().send(call).await.unwrap().collect().await.unwrap().len(), 1000);
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(65 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
    let fine = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(50 * 1024));
    for (head, code) in [(long, Some("too_large")), (many, Some("too_large")), (fine, None)] {
        let server = Server::plain(move |_| Script::Close(head.clone())).await;
        let sent = local().send(HttpCall::get(server.url("/"))).await;
        assert_eq!(sent.as_ref().err().map(Error::code), code, "{:?}", sent.err());
    }
    let server = Server::plain(|_| Script::Repeat {
        first: "HTTP/1.1 200 OK\r\nx: ".to_owned(),
        part: vec![b'y'; 1024],
        pause: Duration::ZERO,
    })
    .await;
    let error = local().send(HttpCall::get(server.url("/"))).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { size: Size::Head, .. }), "{error}");
}

#[tokio::test]
async fn nothing_is_decompressed() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 10_000_000]).expect("memory");
    let bomb = bomb.finish().expect("memory");
    let size = bomb.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: text/plain\r\n\
         content-length: {size}\r\n\r\n"
    );
    let server = Server::plain(move |_| Script::Repeat {
        first: head.clone(),
        part: bomb.clone(),
        pause: Duration::from_mins(1),
    })
    .await;
    let answer = local().send(HttpCall::get(server.url("/"))).await.unwrap();
    let body = answer.collect().await.unwrap();
    assert_eq!((body.len(), &body[..2]), (size, &[0x1f, 0x8b][..]));
    assert!(server.asked()[0].contains("accept-encoding: identity\r\n"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_no_http_says_so() {
    for (said, words) in [
        ("", "ended before"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "ended before"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "ended before"),
        ("SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
        ("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "not HTTP"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "not HTTP"),
    ] {
        let server = Server::plain(move |_| Script::Close(said.to_owned())).await;
        let error = match local().send(HttpCall::get(server.url("/"))).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.code(), "protocol", "{said:?}");
        assert!(error.to_string().contains(words), "{said:?}: {error}");
    }
}

#[tokio::test]
async fn name_servers_and_hosts_that_hang_are_given_up() {
    let began = Instant::now();
    let error = local().send(HttpCall::get("https://hangs.test/")).await.unwrap_err();
    assert_eq!(phase(&error), Some(Phase::Lookup), "{error}");

    // takes connections, and never says anything of TLS
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("an address").port();
    let error =
        local().send(HttpCall::get(format!("https://127.0.0.1:{port}/"))).await.unwrap_err();
    assert_eq!(phase(&error), Some(Phase::Tls), "{error}");
    assert!(began.elapsed() < SILENCE * 20, "long before the whole time is over");
}

#[tokio::test]
async fn an_upload_that_moves_is_not_silence() {
    let server = Server::plain(|_| ok("taken")).await;
    let parts = stream::iter(0..8).then(|_| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(Bytes::from("part"))
    });
    // longer than silence may last
    let call = HttpCall::put(server.url("/"), Body::stream(parts, Some(32)));
    assert_eq!(local().send(call).await.unwrap().collect().await.unwrap(), "taken");
}

#[tokio::test]
async fn a_host_that_hangs_takes_no_place_of_others() {
    let hangs = Server::plain(|_| Script::Hang(CHUNKED.to_owned())).await;
    let works = Server::plain(|_| ok("hello")).await;
    let names = Names::default().with("works.test", &[&["127.0.0.1"]]);
    let few = EgressSettings { calls_per_host: 2, calls: 3, ..settings() };
    let egress = client(few, names);
    let call = || HttpCall::get(hangs.url("/")).total_timeout(Duration::from_millis(200));
    let held = [egress.send(call()).await.unwrap(), egress.send(call()).await.unwrap()];
    let error = egress.send(call()).await.unwrap_err();
    assert_eq!(phase(&error), Some(Phase::Queue), "{error}");
    let url = format!("http://works.test:{}/", works.address.port());
    let answer = egress.send(HttpCall::get(url)).await.unwrap();
    assert_eq!(answer.collect().await.unwrap(), "hello");
    drop(held);
    assert!(egress.send(call()).await.is_ok());
}
