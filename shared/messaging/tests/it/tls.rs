//! M6: TLS to the broker. An authority of one's own is trusted, and nobody else's; who logs in
//! shows a certificate; both change without a restart. TLS ends before the broker, as at a
//! balancer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use lapin::ConnectionProperties;
use messaging::Service as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::harness::ServiceHarness;
use crate::tally::{Tally, Treat};

/// Who signs certificates.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn signed(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("a certificate"), key)
    }

    /// A broker's side: its certificate is for `localhost`, and it lets in whom this one signed.
    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).expect("an authority");
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let (own, key) = self.signed("localhost");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(clients.build().expect("a verifier"))
            .with_single_cert(vec![own.der().clone()], key)
            .expect("a certificate and its key");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// The files that an address names.
struct Files(PathBuf);

impl Files {
    fn of(test: &str, authority: &Authority) -> Self {
        let folder = std::env::temp_dir().join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let files = Self(folder);
        files.write(authority);
        files
    }

    fn write(&self, authority: &Authority) {
        let (own, key) = authority.signed("comment-sync");
        let write = |name: &str, text: &str| {
            std::fs::write(self.0.join(name), text).expect("it is written");
        };
        write("ca.pem", &authority.certificate.pem());
        write("own.pem", &own.pem());
        write("own.key", &key.serialize_pem());
    }

    fn trusting(&self) -> String {
        format!("cacertfile={}", self.0.join("ca.pem").display())
    }

    fn showing(&self) -> String {
        let at = |name: &str| self.0.join(name);
        format!("certfile={}&keyfile={}", at("own.pem").display(), at("own.key").display())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        std::fs::remove_dir_all(Path::new(&self.0)).ok();
    }
}

/// TLS before a broker that speaks none.
struct Gate {
    port: u16,
    acceptor: Arc<Mutex<TlsAcceptor>>,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    listening: JoinHandle<()>,
}

impl Gate {
    async fn before(broker: &Url, authority: &Authority) -> Self {
        let listener = TcpListener::bind("localhost:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let acceptor = Arc::new(Mutex::new(authority.acceptor()));
        let open = Arc::<Mutex<Vec<AbortHandle>>>::default();
        let to = format!("127.0.0.1:{}", broker.port().expect("a port"));
        let (current, kept) = (Arc::clone(&acceptor), Arc::clone(&open));
        let listening = tokio::spawn(async move {
            loop {
                let Ok((outer, _)) = listener.accept().await else { return };
                let acceptor = current.lock().expect("nobody panics with it").clone();
                let to = to.clone();
                let passing = tokio::spawn(async move {
                    let Ok(mut outer) = acceptor.accept(outer).await else { return };
                    let mut inner = TcpStream::connect(to).await.expect("the broker listens");
                    copy_bidirectional(&mut outer, &mut inner).await.ok();
                });
                kept.lock().expect("nobody panics with it").push(passing.abort_handle());
            }
        });
        Self { port, acceptor, open, listening }
    }

    /// Has another certificate from now on, and breaks all connections.
    fn change(&self, authority: &Authority) {
        *self.acceptor.lock().expect("nobody panics with it") = authority.acceptor();
        for passing in self.open.lock().expect("nobody panics with it").drain(..) {
            passing.abort();
        }
    }

    fn address(&self, broker: &Url, host: &str, query: &str) -> String {
        let mut url = broker.clone();
        url.set_scheme("amqps").expect("a scheme");
        url.set_host(Some(host)).expect("a host");
        url.set_port(Some(self.port)).expect("a port");
        url.set_query(Some(query));
        url.into()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn broker(stage: &ServiceHarness) -> Url {
    let url = stage.world.installation.service_url(Tally::SERVICE).expect("an address");
    url.parse().expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn m6_certificates_on_both_sides_change_without_a_restart() {
    let stage = ServiceHarness::set("tls-change").await;
    let (first, second) = (Authority::new("one"), Authority::new("other"));
    let files = Files::of("tls-change", &first);
    let broker = broker(&stage);
    let gate = Gate::before(&broker, &first).await;
    let query = format!("{}&{}", files.trusting(), files.showing());
    let replica = stage.replica_through(gate.address(&broker, "localhost", &query));
    stage.send(&["before"], Treat::Well).await;
    stage.all_done_once(&["before"]).await;
    files.write(&second);
    gate.change(&second);
    stage.send(&["after"], Treat::Well).await;
    stage.all_done_once(&["before", "after"]).await;
    replica.stop().await;
    stage.world.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m6_who_is_not_known_is_not_logged_in_to_and_not_let_in() {
    let stage = ServiceHarness::set("tls-known").await;
    let (own, other) = (Authority::new("one"), Authority::new("other"));
    let (files, others) = (Files::of("tls-known", &own), Files::of("tls-other", &other));
    let broker = broker(&stage);
    let gate = Gate::before(&broker, &own).await;
    let (trusting, showing) = (files.trusting(), files.showing());
    for (host, query, refused) in [
        ("localhost", format!("{trusting}&{showing}"), None),
        ("127.0.0.1", format!("{trusting}&{showing}"), Some("not valid for name")),
        ("localhost", format!("{}&{showing}", others.trusting()), Some("UnknownIssuer")),
        ("localhost", showing.clone(), Some("UnknownIssuer")),
        ("localhost", trusting.clone(), Some("")),
        ("localhost", format!("{trusting}&{}", others.showing()), Some("")),
    ] {
        let address = gate.address(&broker, host, &query);
        let login = broker_address::connect(&address, ConnectionProperties::default()).await;
        match (login, refused) {
            (Ok(_), None) => {}
            (Err(error), Some(why)) => {
                let told = messaging::cause(&error);
                assert!(told.contains(why), "{query}: {told}");
            }
            (login, _) => panic!("{host} {query}: {login:?}"),
        }
    }
    stage.world.remove().await;
}
