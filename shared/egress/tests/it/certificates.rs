//! Whom a certificate is from, and for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egress::{Egress, EgressSettings, Error, HttpCall, SetupError, TlsFault};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use crate::server::{Names, Server, client, moved, ok, settings};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(parameters, key).expect("a certificate")
}

/// The authority's certificate in a file of this test's own.
fn file(authority: &Authority, test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.pem"));
    std::fs::write(&path, authority.pem()).expect("a file");
    path
}

/// What a server shows for `desk.test` and 127.0.0.1, good from one year to another.
fn shown(authority: &Authority, from: i32, until: i32) -> ServerConfig {
    let names = ["desk.test".to_owned(), "127.0.0.1".to_owned()];
    let mut parameters = CertificateParams::new(names).expect("names");
    parameters.not_before = date_time_ymd(from, 1, 1);
    parameters.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.signed_by(&key, authority).expect("a certificate");
    config(&certificate, &key)
}

fn config(certificate: &Certificate, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate")
}

/// What a server shows that signed for itself, as `openssl req -x509` makes it, or as others do.
fn own(is_authority: bool) -> ServerConfig {
    let mut parameters = CertificateParams::new(["desk.test".to_owned()]).expect("names");
    if is_authority {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    config(&certificate, &key)
}

fn names() -> Names {
    Names::default().with("desk.test", &[&["127.0.0.1"]]).with("other.test", &[&["127.0.0.1"]])
}

fn trusting(ca_file: PathBuf) -> Egress {
    client(EgressSettings { ca_file, ..settings() }, names())
}

async fn fault(egress: &Egress, server: &Server, host: &str) -> Option<TlsFault> {
    let url = format!("https://{host}:{}/", server.address.port());
    match egress.send(HttpCall::get(url)).await {
        Ok(answer) => {
            assert_eq!(answer.collect().await.expect("a body"), "hello");
            None
        }
        Err(Error::Tls { fault, .. }) => Some(fault),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn certificates_of_the_file_are_trusted_and_no_others() {
    let (trusted, unknown) = (authority("trusted"), authority("unknown"));
    let egress = trusting(file(&trusted, "trusted"));
    for (by, from, until, host, expected) in [
        (&trusted, 2020, 4000, "desk.test", None),
        (&trusted, 2020, 4000, "desk.test.", None),
        (&trusted, 2020, 4000, "127.0.0.1", None),
        (&trusted, 2020, 2021, "desk.test", Some(TlsFault::Expired)),
        (&trusted, 3999, 4000, "desk.test", Some(TlsFault::NotYetValid)),
        (&trusted, 2020, 4000, "other.test", Some(TlsFault::WrongName)),
        (&unknown, 2020, 4000, "desk.test", Some(TlsFault::UnknownAuthority)),
    ] {
        let server = Server::tls(shown(by, from, until), |_| ok("hello")).await;
        assert_eq!(fault(&egress, &server, host).await, expected, "{from} {until} {host}");
        assert!(expected.is_none() || server.asked().is_empty());
    }
    let without = client(settings(), names());
    let server = Server::tls(shown(&trusted, 2020, 4000), |_| ok("hello")).await;
    assert_eq!(fault(&without, &server, "desk.test").await, Some(TlsFault::UnknownAuthority));
}

#[tokio::test]
async fn what_a_server_signed_for_itself_is_not_trusted() {
    let egress = client(settings(), names());
    for (is_authority, expected) in
        [(true, TlsFault::Certificate), (false, TlsFault::UnknownAuthority)]
    {
        let server = Server::tls(own(is_authority), |_| ok("hello")).await;
        assert_eq!(fault(&egress, &server, "desk.test").await, Some(expected));
    }
}

#[tokio::test]
async fn a_server_without_tls_is_no_secure_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let said = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, said).await;
        }
    });
    let egress = client(settings(), names());
    let error = egress.send(HttpCall::get(format!("https://desk.test:{port}/"))).await.unwrap_err();
    let Error::Tls { fault, .. } = error else { panic!("{error}") };
    assert_eq!(fault, TlsFault::Handshake);
}

#[tokio::test]
async fn from_https_nothing_goes_to_http() {
    let inner = Server::plain(|_| ok("hello")).await;
    let authority = authority("trusted");
    let to = inner.url("/");
    let server = Server::tls(shown(&authority, 2020, 4000), move |_| moved(302, &to)).await;
    let call = HttpCall::get(format!("https://desk.test:{}/", server.address.port()));
    let egress = trusting(file(&authority, "downgrade"));
    let error = egress.send(call.redirects(egress::Redirects::anywhere(2))).await.unwrap_err();
    assert_eq!(error.code(), "redirect_refused");
    assert_eq!(inner.connections(), 0);
}

#[test]
fn a_file_that_is_none_stops_the_start() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty.pem");
    std::fs::write(&path, "nothing").expect("a file");
    let missing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing.pem");
    for ca_file in [path, missing] {
        let error =
            Egress::new(EgressSettings { ca_file: ca_file.clone(), ..settings() }).unwrap_err();
        assert!(matches!(error, SetupError::CaFile { .. }), "{error}");
        assert!(error.to_string().contains(&ca_file.display().to_string()), "{error}");
    }
}
