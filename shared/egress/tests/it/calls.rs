//! What works.

use std::io;

use egress::{Body, Bytes, HeaderName, HeaderValue, HttpCall, StatusCode, header};
use futures_util::{StreamExt, stream};

use crate::server::{Names, Script, Server, client, local, ok, settings};

#[tokio::test]
async fn a_call_is_sent_and_its_answer_read() {
    let server = Server::plain(|_| ok("hello")).await;
    let call = HttpCall::post(server.url("/hook?key=1"), "the body")
        .header(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))
        .header(header::HOST, HeaderValue::from_static("other.test"))
        .header(header::CONTENT_LENGTH, HeaderValue::from_static("3"));
    let answer = local().send(call).await.unwrap();
    assert_eq!((answer.status(), answer.announced()), (StatusCode::OK, Some(5)));
    assert_eq!(answer.collect().await.unwrap(), "hello");
    let asked = server.asked().remove(0).to_lowercase();
    assert!(asked.starts_with("post /hook?key=1 http/1.1\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\nthe body"), "{asked}");
    for line in [
        format!("host: {}", server.address),
        "content-length: 8".to_owned(),
        "content-type: text/plain".to_owned(),
        "accept-encoding: identity".to_owned(),
        concat!("user-agent: deskmesh/", env!("CARGO_PKG_VERSION")).to_owned(),
    ] {
        assert!(asked.contains(&format!("{line}\r\n")), "{line} in {asked}");
    }
}

#[tokio::test]
async fn an_error_of_the_other_side_is_an_answer() {
    let server = Server::plain(|_| {
        Script::Say("HTTP/1.1 410 Gone\r\ncontent-length: 9\r\n\r\nit's gone".to_owned())
    })
    .await;
    let answer = local().send(HttpCall::get(server.url("/"))).await.unwrap();
    assert_eq!(answer.status(), StatusCode::GONE);
    assert_eq!(answer.start(4).await, "it's");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::plain(|_| ok("hello")).await;
    let egress = local();
    for _ in 0..3 {
        let answer = egress.send(HttpCall::get(server.url("/"))).await.unwrap();
        answer.collect().await.unwrap();
    }
    assert_eq!((server.asked().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn a_stream_goes_out_with_its_length_or_in_chunks() {
    let server = Server::plain(|_| ok("")).await;
    let parts = || stream::iter(["one ", "two"].map(|part| io::Result::Ok(Bytes::from(part))));
    for length in [Some(7), None] {
        let call = HttpCall::put(server.url("/"), Body::stream(parts(), length));
        local().send(call).await.unwrap();
    }
    let asked = server.asked();
    assert!(asked[0].contains("content-length: 7\r\n"), "{}", asked[0]);
    assert!(asked[0].ends_with("one two"), "{}", asked[0]);
    assert!(asked[1].contains("transfer-encoding: chunked\r\n"), "{}", asked[1]);
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let server = Server::plain(|_| ok("")).await;
    let body: String = ('a'..='z').cycle().take(1_000_003).collect();
    local().send(HttpCall::put(server.url("/"), body.clone())).await.unwrap();
    let asked = server.asked().remove(0);
    assert!(asked.contains("content-length: 1000003\r\n"));
    assert!(asked.ends_with(&body));
}

#[tokio::test]
async fn a_stream_that_is_not_as_long_as_said_fails_the_call() {
    let server = Server::plain(|_| ok("")).await;
    for length in [6, 8] {
        let parts = stream::iter(["one ", "two"].map(|part| io::Result::Ok(Bytes::from(part))));
        let call = HttpCall::put(server.url("/"), Body::stream(parts, Some(length)));
        let error = local().send(call).await.unwrap_err();
        assert_eq!(error.code(), "request_body", "{length}");
    }
}

#[tokio::test]
async fn an_answer_is_read_as_a_stream() {
    let server = Server::plain(|_| {
        Script::Say(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
                .to_owned(),
        )
    })
    .await;
    let answer = local().send(HttpCall::get(server.url("/"))).await.unwrap();
    assert_eq!(answer.announced(), None);
    let parts: Vec<_> = answer.into_stream().map(Result::unwrap).collect().await;
    assert_eq!(parts.concat(), b"onetwo");
}

#[tokio::test]
async fn what_is_printed_and_what_fails_tells_no_secret() {
    let server = Server::plain(|_| {
        Script::Close(
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nset-cookie: s3cret\r\n\r\n".to_owned(),
        )
    })
    .await;
    let names = Names::default().with("desk.test", &[&["10.0.0.1"]]);
    let egress = client(settings(), names);
    let call = |url: &str| {
        HttpCall::post(url, "s3cret")
            .header(header::AUTHORIZATION, HeaderValue::from_static("s3cret"))
            .header(HeaderName::from_static("x-key"), HeaderValue::from_static("s3cret"))
    };
    let mut told = vec![format!("{:?}", call("https://desk.test/s3cret"))];
    let answer = egress.send(call(&server.url("/s3cret?s3cret"))).await.unwrap();
    told.push(format!("{answer:?}"));
    let error = answer.collect().await.unwrap_err();
    assert_eq!(error.code(), "protocol");
    told.push(format!("{error} {error:?}"));
    for url in [
        "https://s3cret:s3cret@desk.test/",
        "https://desk.test/s3cret?s3cret#s3cret",
        "https://unknown.test/s3cret?s3cret",
        "http://desk.test:81/s3cret?s3cret",
        "ftp://desk.test/s3cret",
        "https://desk.test:bad/s3cret",
        "s3cret",
    ] {
        let error = egress.send(call(url)).await.unwrap_err();
        told.push(format!("{error} {error:?}"));
    }
    for text in told {
        assert!(!text.contains("s3cret"), "{text}");
    }
}
