//! helpdesk's own keys; `config.default.toml` says what they mean.

use bootstrap::{GuardedListener, Listener, Secret, Within};
use serde::{Deserialize, Deserializer, Serialize};

/// The service's own configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What people reach.
    pub pages: Listener,
    /// What the operator speaks to.
    pub operator: GuardedListener,
    /// What accounts keep.
    pub files: files::FilesConfig,
    /// How commands are sent.
    pub limits: Limits,
    /// How mails are sent.
    pub smtp: Smtp,
    /// What may be called.
    #[serde(deserialize_with = "egress::checked")]
    pub egress: egress::EgressSettings,
    /// Who calls third-party systems.
    pub bridge: web::bridge::BridgeConfig,
    /// How secrets of identity providers are kept.
    pub keys: web::oidc::ProviderKeys,
}

/// How commands are sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Seconds after which a command without a receipt is sent again.
    pub send_again_seconds: Within<10, 86_400>,
}

/// How mails are sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Where the mail server is.
    #[serde(deserialize_with = "server_url")]
    pub url: Secret,
    url_file: String,
    /// Who the mails are from.
    #[serde(deserialize_with = "mail::sender")]
    pub from: String,
    /// How long connecting may take, and then one mail.
    pub timeout_ms: Within<1_000, 600_000>,
}

fn server_url<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    mail::server_url(from, Secret::reveal)
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
        assert_eq!(config.pages.public_url, "http://127.0.0.1:8080");
        assert!(config.operator.secret.reveal().is_empty());
    }

    #[test]
    fn what_cannot_work_is_named_and_the_secret_is_not() {
        for (key, value, said) in [
            ("PAGES__PUBLIC_URL", "desk.example", "`pages.public_url`"),
            ("PAGES__PUBLIC_URL", "https://desk.example/", "slash"),
            ("PAGES__LISTEN", "everywhere", "`pages.listen`"),
            ("OPERATOR__SECRET", "hush", "32 characters"),
            ("SMTP__URL", "http://u:hush@mail.example", "`smtp.url`"),
            ("SMTP__FROM", "Deskmesh", "`smtp.from`"),
            ("LIMITS__SEND_AGAIN_SECONDS", "1", "86400"),
            ("EGRESS__ALLOW", "[\"everywhere\"]", "`egress.allow"),
            ("KEYS__SECRET", "hush", "32 characters"),
        ] {
            let error = with(key, value).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("hush"), "{key}: {error}");
        }
    }
}
