//! What must not be reached is not, by whatever way.

use std::net::Ipv4Addr;

use egress::{AddressClass, EgressSettings, Error, HttpCall};

use crate::server::{Names, Server, client, ok, settings};

/// Only 127.0.0.0/24 is allowed; 127.0.1.1 stands for what is private.
fn narrow() -> EgressSettings {
    EgressSettings {
        allow: vec!["127.0.0.0/24".parse().expect("a network")],
        plain_http: vec!["127.0.0.0/8".parse().expect("a network")],
        ..settings()
    }
}

async fn inner() -> Server {
    Server::at(Ipv4Addr::new(127, 0, 1, 1), |_| ok("secret")).await
}

#[tokio::test]
async fn a_name_is_refused_for_its_address() {
    let server = inner().await;
    let names = Names::default()
        .with("inner.test", &[&["127.0.1.1"]])
        .with("mapped.test", &[&["::ffff:127.0.1.1"]])
        .with("nat64.test", &[&["64:ff9b::127.0.1.1"]])
        .with("metadata.test", &[&["169.254.169.254"]]);
    let egress = client(narrow(), names);
    for (name, class) in [
        ("inner.test", AddressClass::Loopback),
        ("INNER.test.", AddressClass::Loopback),
        ("mapped.test", AddressClass::Loopback),
        ("nat64.test", AddressClass::Translated),
        ("metadata.test", AddressClass::LinkLocal),
    ] {
        let url = format!("http://{name}:{}/", server.address.port());
        let error = egress.send(HttpCall::get(url)).await.unwrap_err();
        let Error::RefusedAddress { host, class: is } = &error else { panic!("{error}") };
        assert_eq!(*is, class, "{name}");
        assert!(host.starts_with(name.to_lowercase().trim_end_matches('.')), "{host}");
        assert!(!error.to_string().contains("127.0"), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_in_a_url_is_refused_however_it_is_spelled() {
    let server = inner().await;
    let egress = client(narrow(), Names::default());
    let port = server.address.port();
    for host in [
        "127.0.1.1",
        "127.0.257",
        "127.257",
        "2130706689",
        "0x7f000101",
        "0x7f.0.1.1",
        "0177.0.1.1",
        "017700000401",
        "127.0.1.1.",
        "%31%32%37.0.1.1",
        "①②⑦.0.1.1",
        "127。0。1。1",
        "[::ffff:127.0.1.1]",
        "[::ffff:7f00:101]",
        "[0:0:0:0:0:ffff:7f00:0101]",
        "[::127.0.1.1]",
        "[64:ff9b::7f00:101]",
        "[::1]",
        "0.0.0.0",
        "0",
        "[::]",
    ] {
        let url = format!("http://{host}:{port}/");
        let error = egress.send(HttpCall::get(url.as_str())).await.unwrap_err();
        assert_eq!(error.code(), "refused_address", "{host}: {error}");
        assert_eq!(egress.check(&url).unwrap_err(), error, "{host}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_is_reached_where_it_was_looked_at() {
    let (outer, inner) = (Server::plain(|_| ok("outer")).await, inner().await);
    let port = outer.address.port();
    // what is asked a second time leads inside
    let names = Names::default().with("rebinds.test", &[&["127.0.0.1"], &["127.0.1.1"]]);
    let egress = client(narrow(), names.clone());
    let url = format!("http://rebinds.test:{port}/");
    let answer = egress.send(HttpCall::get(url.as_str())).await.unwrap();
    assert_eq!(answer.collect().await.unwrap(), "outer");
    // the connection is still open, and stays the checked one
    let answer = egress.send(HttpCall::get(url)).await.unwrap();
    assert_eq!(answer.collect().await.unwrap(), "outer");
    // a new connection is a new lookup, and is looked at again
    let url = format!("http://rebinds.test:{}/", inner.address.port());
    let error = egress.send(HttpCall::get(url)).await.unwrap_err();
    assert_eq!(error.code(), "refused_address");
    assert_eq!((outer.connections(), inner.connections()), (1, 0));
}

#[tokio::test]
async fn of_several_addresses_only_those_that_may_be_are_reached() {
    let (outer, inner) = (Server::plain(|_| ok("outer")).await, inner().await);
    let names = Names::default()
        .with("both.test", &[&["127.0.1.1", "10.0.0.1", "127.0.0.1", "::1"]])
        // nothing listens there, and the next is tried
        .with("second.test", &[&["127.0.0.9", "127.0.0.1"]]);
    let egress = client(narrow(), names);
    for name in ["both.test", "second.test"] {
        let url = format!("http://{name}:{}/", outer.address.port());
        let answer = egress.send(HttpCall::get(url)).await.unwrap();
        assert_eq!(answer.collect().await.unwrap(), "outer", "{name}");
    }
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn without_settings_loopback_and_http_are_out_of_reach() {
    let server = Server::plain(|_| ok("secret")).await;
    let names = Names::default().with("desk.test", &[&["127.0.0.1"]]);
    let port = server.address.port();
    let out_of_the_box = client(EgressSettings::default(), names.clone());
    let url = format!("http://desk.test:{port}/");
    assert_eq!(out_of_the_box.send(HttpCall::get(url)).await.unwrap_err().code(), "bad_url");
    let url = format!("https://desk.test:{port}/");
    assert_eq!(out_of_the_box.send(HttpCall::get(url)).await.unwrap_err().code(), "bad_url");
    let url = "https://desk.test:8443/";
    let error = out_of_the_box.send(HttpCall::get(url)).await.unwrap_err();
    assert_eq!(error.code(), "refused_address");

    // http elsewhere does not make it enough here
    let elsewhere = vec!["10.0.0.0/8".parse().expect("a network")];
    let egress = client(EgressSettings { plain_http: elsewhere, ..settings() }, names);
    let error = egress.send(HttpCall::get(format!("http://desk.test:{port}/"))).await.unwrap_err();
    assert!(
        matches!(error, Error::RefusedAddress { class: AddressClass::HttpsOnly, .. }),
        "{error}"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn names_and_hosts_that_are_not_there_say_so() {
    let names = Names::default().with("empty.test", &[&[]]).with("desk.test", &[&["127.0.0.1"]]);
    let egress = client(settings(), names);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    for (host, code) in [
        ("unknown.test".to_owned(), "name_not_found"),
        ("empty.test".to_owned(), "name_not_found"),
        (format!("desk.test:{port}"), "not_connected"),
    ] {
        let error = egress.send(HttpCall::get(format!("https://{host}/"))).await.unwrap_err();
        assert_eq!(error.code(), code, "{host}");
        assert!(error.to_string().contains(&host), "{error}");
    }
    assert!(
        egress
            .send(HttpCall::get(format!("https://desk.test:{port}/")))
            .await
            .unwrap_err()
            .to_string()
            .contains("refuses connections")
    );
}

#[tokio::test]
async fn the_system_knows_localhost_and_not_what_cannot_be() {
    let server = Server::plain(|_| ok("hello")).await;
    let egress = egress::Egress::new(settings()).expect("a client");
    let url = format!("http://localhost:{}/", server.address.port());
    let answer = egress.send(HttpCall::get(url)).await.unwrap();
    assert_eq!(answer.collect().await.unwrap(), "hello");
}
