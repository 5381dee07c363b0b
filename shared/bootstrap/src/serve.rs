//! The listener of an edge: with TLS, if there is a certificate, or without.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use messaging::cause;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

/// How long open requests may take when the process stops.
const GRACE: Duration = Duration::from_secs(10);
/// How often the certificate is read again.
const RENEW: Duration = Duration::from_mins(1);

/// Certificate chain and private key, PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Tls {
    fn read(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| {
                format!("the certificate {} cannot be read", self.certificate.display())
            })?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .with_context(|| format!("the key {} cannot be read", self.key.display()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("certificate and key do not belong together")?;
        // What is served is HTTP/1.1: a client that is offered more would speak it.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Serves until it is told to stop.
///
/// # Errors
/// The address cannot be listened on, or the certificate cannot be used.
pub async fn serve(
    name: &'static str,
    listen: SocketAddr,
    tls: Option<Tls>,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let handle = Handle::new();
    let listener = std::net::TcpListener::bind(listen)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .with_context(|| format!("`{name}.listen` names {listen}, which cannot be listened on"))?;
    tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), "{name} listens");
    let stopping = handle.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        stopping.graceful_shutdown(Some(GRACE));
    });
    let app = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        None => axum_server::from_tcp(listener)?.handle(handle).serve(app).await?,
        Some(tls) => {
            let config = RustlsConfig::from_config(tls.read()?);
            let renewing = tokio::spawn(renew(config.clone(), tls));
            let served =
                axum_server::from_tcp_rustls(listener, config)?.handle(handle).serve(app).await;
            renewing.abort();
            served?;
        }
    }
    Ok(())
}

async fn renew(config: RustlsConfig, tls: Tls) {
    loop {
        tokio::time::sleep(RENEW).await;
        match tls.read() {
            Ok(read) => config.reload_from_config(read),
            Err(error) => tracing::warn!(
                cause = cause(error.as_ref()),
                "the certificate cannot be read again; the last one is kept"
            ),
        }
    }
}
