//! Whom a certificate has to be from, and what was wrong with one.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::error::{SetupError, TlsFault};

/// TLS by ring, as everywhere here, with the system's roots and those of a file, if one is named.
///
/// # Errors
/// The file cannot be read or has no certificate, or there are no roots at all.
pub fn config(ca_file: &Path) -> Result<ClientConfig, SetupError> {
    let mut roots = RootCertStore::empty();
    // a certificate of the system's that cannot be read is one fewer, as with any other client
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !ca_file.as_os_str().is_empty() {
        let failed = |why: String| SetupError::CaFile { path: ca_file.to_owned(), why };
        let mut given = 0;
        for certificate in
            CertificateDer::pem_file_iter(ca_file).map_err(|error| failed(error.to_string()))?
        {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            given += 1;
        }
        if given == 0 {
            return Err(failed("there is none in it".to_owned()));
        }
    }
    if roots.is_empty() {
        return Err(SetupError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// What was wrong, as far as a handshake's error says it.
pub(crate) fn fault(error: &io::Error) -> TlsFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(wrong)) = inner else {
        return TlsFault::Handshake;
    };
    match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFault::NotYetValid
        }
        // what one signed for itself is not from an authority either
        CertificateError::UnknownIssuer => TlsFault::UnknownAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::WrongName
        }
        CertificateError::Revoked => TlsFault::Revoked,
        _ => TlsFault::Certificate,
    }
}
