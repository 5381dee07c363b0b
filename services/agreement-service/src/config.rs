//! agreement-service's own keys; `config.default.toml` says what they mean.

use bootstrap::Within;
use serde::{Deserialize, Serialize};

/// The service's own configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What bounds invites.
    pub invites: InviteBounds,
}

/// What bounds invites.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InviteBounds {
    /// How many an account makes in 24 hours.
    pub a_day: Within<1, 10_000>,
}
