//! Where a service that serves more than its health is reached, as sections of its own file.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::values::{Secret, public_url};
use crate::serve::Tls;

/// What others speak to.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What it is reached by.
    #[serde(deserialize_with = "public_url")]
    pub public_url: String,
    /// Certificate chain, PEM; empty: it does not serve TLS.
    pub certificate_file: PathBuf,
    /// Private key, PEM.
    pub key_file: PathBuf,
}

impl Listener {
    /// How it serves TLS, if it does.
    #[must_use]
    pub fn tls(&self) -> Option<Tls> {
        let (certificate, key) = (self.certificate_file.clone(), self.key_file.clone());
        (!certificate.as_os_str().is_empty()).then_some(Tls { certificate, key })
    }
}

/// What is answered only to whoever shows its secret: the operator, or other services.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GuardedListener {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What whoever asks must show.
    #[serde(deserialize_with = "Secret::of_door")]
    pub secret: Secret,
    secret_file: String,
}
