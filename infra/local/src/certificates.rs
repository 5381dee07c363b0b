//! A throw-away authority for one clone, and a certificate for what listens on loopback.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::error::{Error, Result};
use crate::state;

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate, which clients trust.
    pub authority: PathBuf,
    /// The certificate of `localhost` and `127.0.0.1`.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Certificates {
    /// Those of a folder; they are made where they are missing. The authority's own key is not
    /// kept.
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn open(dir: &Path) -> Result<Self> {
        let these = Self {
            authority: dir.join("ca.pem"),
            certificate: dir.join("localhost.pem"),
            key: dir.join("localhost.key"),
        };
        if [&these.authority, &these.certificate, &these.key].iter().all(|file| file.exists()) {
            return Ok(these);
        }
        let made = make().map_err(|error| Error::Start {
            what: "making a certificate for loopback".to_owned(),
            detail: error.to_string(),
        })?;
        for (file, text) in [&these.key, &these.certificate, &these.authority].into_iter().zip(made)
        {
            state::write_text(file, &text)?;
        }
        Ok(these)
    }
}

/// Key, certificate and authority, as PEM.
fn make() -> std::result::Result<[String; 3], rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Deskmesh on this machine");
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut own = CertificateParams::new(names)?;
    own.distinguished_name.push(DnType::CommonName, "localhost");
    own.use_authority_key_identifier_extension = true;
    own.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let own_key = KeyPair::generate()?;
    let own_certificate = own.signed_by(&own_key, &issuer)?;
    Ok([own_key.serialize_pem(), own_certificate.pem(), authority_certificate.pem()])
}
