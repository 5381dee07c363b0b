//! Signing in through the identity provider of an account's organisation (OpenID Connect): the
//! authorization code flow with PKCE, and the page on which an admin sets it up.

mod pages;
mod provider;
mod rules;
mod settings;
mod store;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bootstrap::{Seal, Secret};
use egress::Egress;
use serde::{Deserialize, Serialize};

pub(crate) use pages::{ProviderWay, router, way};
pub use settings::router as settings_router;
pub(crate) use store::is_required;

use self::provider::Cached;

/// Where providers send people back to, below the address of the pages.
const BACK: &str = "/sign-in/organisation/back";

/// How secrets of providers are kept, as a section of an edge's file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderKeys {
    /// What they are encrypted with; empty: nobody signs in through a provider.
    #[serde(deserialize_with = "Secret::of_door")]
    pub secret: Secret,
    secret_file: String,
}

/// What asks identity providers. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Oidc(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    egress: Egress,
    seal: Seal,
    redirect_uri: String,
    /// Providers by their issuer, as they were read last.
    cache: Mutex<HashMap<String, Cached>>,
}

impl Oidc {
    /// Asks by `egress`, for pages reached by `public_url`; nothing without a secret.
    #[must_use]
    pub fn open(secret: &Secret, egress: Egress, public_url: &str) -> Option<Self> {
        if secret.is_empty() {
            return None;
        }
        let inner = Inner {
            egress,
            seal: Seal::new(secret.reveal(), "deskmesh web", "client secrets")?,
            redirect_uri: format!("{public_url}{BACK}"),
            cache: Mutex::default(),
        };
        Some(Self(Arc::new(inner)))
    }

    /// What is registered at a provider.
    fn redirect_uri(&self) -> &str {
        &self.0.redirect_uri
    }
}
