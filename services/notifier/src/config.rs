//! notifier's own keys; `config.default.toml` says what they mean.

use bootstrap::{Secret, Within};
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

use crate::rules::page::Pages;

/// The service's own configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How mails are sent.
    pub smtp: Smtp,
    /// What mails link.
    pub pages: EdgePages,
}

/// Where the edges have their pages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EdgePages {
    #[serde(deserialize_with = "page_url")]
    gateway: String,
    #[serde(deserialize_with = "page_url")]
    helpdesk: String,
}

impl EdgePages {
    /// Those that are known.
    #[must_use]
    pub fn known(&self) -> Pages {
        Pages::of(&[("gateway", &self.gateway), ("helpdesk", &self.helpdesk)])
    }
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

/// Nothing, or an address that a browser opens.
fn page_url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let is_page = |url: Url| ["https", "http"].contains(&url.scheme()) && url.query().is_none();
    if text.is_empty() || Url::parse(&text).is_ok_and(is_page) {
        return Ok(text);
    }
    Err(de::Error::custom("it must be empty, or an address such as \"https://desk.example.org\""))
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
        let Config { smtp, pages } = bootstrap::load_own(DEFAULTS, []).unwrap();
        assert_eq!(pages.known(), Pages::default());
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
    fn pages_are_addresses_that_a_browser_opens() {
        let with = |value: &str| {
            let set = [("DESKMESH__PAGES__HELPDESK".to_owned(), value.to_owned())];
            bootstrap::load_own::<Config>(DEFAULTS, set)
        };
        let known = with("https://desk.example").unwrap().pages.known();
        assert_eq!(known, Pages::of(&[("helpdesk", "https://desk.example")]));
        for odd in ["desk.example", "ftp://desk.example", "https://desk.example/?a=b"] {
            let error = with(odd).unwrap_err().to_string();
            assert!(error.contains("`pages.helpdesk`"), "{odd}: {error}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let config = with("URL", "smtps://mesh:hush@mail.example").unwrap();
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("hush"), "{shown}");
    }
}
