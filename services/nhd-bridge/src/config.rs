//! nhd-bridge's own keys; `config.default.toml` says what they mean.

use bootstrap::{GuardedListener, Listener, Secret, Within};
use serde::{Deserialize, Serialize};

/// The service's own configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What partners speak to.
    pub sharing: Listener,
    /// What the operator speaks to.
    pub operator: GuardedListener,
    /// What the edges speak to that serve pages.
    pub pages: GuardedListener,
    /// Where partners' files are kept.
    pub files: files::FilesConfig,
    /// How access keys are kept.
    pub keys: Keys,
    /// What partners may take.
    pub limits: Limits,
    /// How partners are called.
    pub calls: CallSettings,
    /// What may be called.
    #[serde(deserialize_with = "egress::checked")]
    pub egress: egress::EgressSettings,
}

/// How access keys are kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// What they are encrypted with.
    #[serde(deserialize_with = "Secret::of_door")]
    pub secret: Secret,
    secret_file: String,
}

/// What partners may take.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// KiB of a body.
    pub body_kib: Within<16, 16_384>,
    /// Requests at the same time.
    pub open_requests: Within<1, 10_000>,
    /// Milliseconds that an answer waits for the line.
    pub answer_ms: Within<100, 60_000>,
    /// Milliseconds in which a request has to arrive.
    pub arrival_ms: Within<100, 60_000>,
    /// Unproven invites for one address.
    pub invites_of_address: Within<1, 10_000>,
    /// Invites from one network address in a day.
    pub invites_of_source: Within<1, 10_000>,
    /// Invites in a day.
    pub invites_of_day: Within<1, 1_000_000>,
    /// Days until an unproven invite is withdrawn.
    pub unproven_days: Within<1, 365>,
    /// Seconds after which a command without a receipt is sent again.
    pub send_again_seconds: Within<10, 86_400>,
}

/// How partners are called.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CallSettings {
    /// Milliseconds until a call that failed is made again.
    pub first_retry_ms: Within<1, 600_000>,
    /// Milliseconds that a call may take.
    pub timeout_ms: Within<100, 60_000>,
    /// Calls at the same time.
    pub at_once: Within<1, 1_000>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = include_str!("../config.default.toml");

    fn with(key: &str, value: &str) -> Result<Config, bootstrap::ConfigError> {
        bootstrap::load_own(DEFAULTS, [(format!("DESKMESH__{key}"), value.to_owned())])
    }

    #[test]
    fn the_default_file_has_every_key() {
        let config: Config = bootstrap::load_own(DEFAULTS, []).unwrap();
        assert_eq!(config.sharing.public_url, "http://127.0.0.1:8085");
        assert!(config.keys.secret.reveal().is_empty());
    }

    #[test]
    fn what_cannot_work_is_named_and_no_secret_is() {
        for (key, value, said) in [
            ("SHARING__PUBLIC_URL", "https://bridge.example/", "slash"),
            ("OPERATOR__SECRET", "hush", "32 characters"),
            ("KEYS__SECRET", "hush", "32 characters"),
            ("PAGES__SECRET", "hush", "32 characters"),
            ("LIMITS__BODY_KIB", "1", "16384"),
            ("CALLS__TIMEOUT_MS", "1", "60000"),
            ("EGRESS__ALLOW", "[\"everywhere\"]", "`egress.allow"),
        ] {
            let error = with(key, value).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("hush"), "{key}: {error}");
        }
    }
}
