//! notifier's own keys; `config.default.toml` says what they mean.

use bootstrap::{Secret, Within};
use serde::{Deserialize, Deserializer, Serialize};

/// The service's own configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How mails are sent.
    pub smtp: Smtp,
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
    use std::time::Duration;

    use super::*;

    const DEFAULTS: &str = include_str!("../config.default.toml");

    fn with(key: &str, value: &str) -> Result<Config, bootstrap::ConfigError> {
        bootstrap::load_own(DEFAULTS, [(format!("DESKMESH__SMTP__{key}"), value.to_owned())])
    }

    #[test]
    fn the_default_file_has_every_key() {
        let Config { smtp } = bootstrap::load_own(DEFAULTS, []).unwrap();
        assert_eq!(smtp.url.reveal(), "smtp://127.0.0.1:25");
        assert_eq!(smtp.from, "Deskmesh <deskmesh@localhost>");
        assert_eq!(smtp.timeout_ms.milliseconds(), Duration::from_secs(20));
    }

    #[test]
    fn what_cannot_work_is_named_and_a_password_is_not() {
        for (key, value, said) in [
            ("URL", "http://u:hush@mail.example", "`smtp.url`"),
            ("URL", "smtp://u:hush@mail.example?tls=perhaps", "tls=required"),
            ("FROM", "Deskmesh", "`smtp.from`"),
            ("FROM", "a@b.example, c@d.example", "`smtp.from`"),
            ("TIMEOUT_MS", "10", "1000"),
            ("TIMEOUT", "10", "smtp.timeout"),
        ] {
            let error = with(key, value).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("hush"), "{key}: {error}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let config = with("URL", "smtps://mesh:hush@mail.example").unwrap();
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("hush"), "{shown}");
    }
}
