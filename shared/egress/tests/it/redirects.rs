//! Where a redirect may lead.

use std::net::Ipv4Addr;

use egress::{
    Body, Bytes, EgressSettings, HeaderName, HeaderValue, HttpCall, Redirects, StatusCode, header,
};
use futures_util::stream;

use crate::server::{Names, Server, client, local, moved, ok, settings};

#[tokio::test]
async fn a_redirect_is_the_answer_unless_the_call_follows() {
    let server = Server::plain(|_| moved(302, "/b")).await;
    let answer = local().send(HttpCall::get(server.url("/"))).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_redirect_inside_is_refused() {
    let inner = Server::at(Ipv4Addr::new(127, 0, 1, 1), |_| ok("secret")).await;
    let port = inner.address.port();
    let server = Server::plain(move |asked| {
        let way = asked.split(' ').nth(1).unwrap_or_default();
        moved(307, &format!("http://{}:{port}/", way.trim_start_matches('/')))
    })
    .await;
    let names = Names::default().with("inner.test", &[&["127.0.1.1"]]);
    let allow = vec!["127.0.0.0/24".parse().expect("a network")];
    let egress = client(EgressSettings { allow, ..settings() }, names);
    for way in ["127.0.1.1", "inner.test", "0x7f000101", "2130706689", "[::ffff:127.0.1.1]"] {
        let call = HttpCall::get(server.url(&format!("/{way}"))).redirects(Redirects::anywhere(3));
        let error = egress.send(call).await.unwrap_err();
        assert_eq!(error.code(), "refused_address", "{way}: {error}");
    }
    for way in ["user@inner.test"] {
        let call = HttpCall::get(server.url(&format!("/{way}"))).redirects(Redirects::anywhere(3));
        let error = egress.send(call).await.unwrap_err();
        assert_eq!(error.code(), "redirect_refused", "{way}: {error}");
    }
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn a_circle_ends() {
    let server = Server::plain(|_| moved(302, "/again")).await;
    let call = HttpCall::get(server.url("/")).redirects(Redirects::same_host(3));
    let error = local().send(call).await.unwrap_err();
    assert_eq!(error.code(), "too_many_redirects");
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn tokens_go_to_the_same_host_alone() {
    let there = Server::plain(|_| ok("there")).await;
    let elsewhere = there.url("/there");
    let here = Server::plain(move |asked| match asked.split(' ').nth(1) {
        Some("/here") => moved(302, "/next"),
        Some("/next") => moved(302, &elsewhere),
        _ => ok("here"),
    })
    .await;
    let call = |redirects| {
        HttpCall::get(here.url("/here"))
            .header(header::AUTHORIZATION, HeaderValue::from_static("s3cret"))
            .header(header::COOKIE, HeaderValue::from_static("s3cret"))
            .header(HeaderName::from_static("x-token"), HeaderValue::from_static("s3cret"))
            .header(header::ACCEPT, HeaderValue::from_static("text/plain"))
            .redirects(redirects)
    };
    let answer = local().send(call(Redirects::anywhere(2))).await.unwrap();
    assert_eq!(answer.url().as_str(), there.url("/there"));
    assert_eq!(answer.collect().await.unwrap(), "there");
    assert_eq!(here.asked()[1].matches("s3cret").count(), 3);
    let asked = there.asked().remove(0);
    assert!(!asked.contains("s3cret"), "{asked}");
    assert!(asked.contains("accept: text/plain\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: {}\r\n", there.address)), "{asked}");

    let error = local().send(call(Redirects::same_host(2))).await.unwrap_err();
    assert_eq!(error.code(), "redirect_refused");
    assert_eq!(there.asked().len(), 1);
}

#[tokio::test]
async fn a_body_is_sent_again_to_the_same_host_and_a_stream_is_not() {
    let server = Server::plain(|asked| match asked.split(' ').nth(1) {
        Some("/") => moved(308, "/b"),
        _ => ok("taken"),
    })
    .await;
    let call = HttpCall::post(server.url("/"), "the body").redirects(Redirects::same_host(1));
    let answer = local().send(call).await.unwrap();
    assert_eq!(answer.collect().await.unwrap(), "taken");
    assert!(server.asked()[1].starts_with("POST /b "));
    assert!(server.asked()[1].ends_with("\r\n\r\nthe body"));

    let parts = stream::iter([Ok(Bytes::from("the body"))]);
    let call = HttpCall::post(server.url("/"), Body::stream(parts, Some(8)));
    let error = local().send(call.redirects(Redirects::same_host(1))).await.unwrap_err();
    assert_eq!(error.code(), "redirect_refused");
}
