//! share-dispatcher's own keys; `config.default.toml` says what they mean.

use bootstrap::Secret;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::rules::Keys;

/// The service's own configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How placeholders get their ids.
    pub placeholder: Placeholder,
}

/// How placeholders get their ids.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Placeholder {
    /// One key a line.
    #[serde(deserialize_with = "keys")]
    keys: Secret,
    keys_file: String,
}

impl Placeholder {
    /// The keys, which only `run` needs.
    ///
    /// # Errors
    /// When none is given.
    pub fn keys(&self) -> anyhow::Result<Keys> {
        if self.keys.is_empty() {
            anyhow::bail!(
                "`placeholder.keys` is not set, give it as DESKMESH__PLACEHOLDER__KEYS or as the \
                 path of a file in DESKMESH__PLACEHOLDER__KEYS_FILE"
            );
        }
        Keys::read(self.keys.reveal()).map_err(|why| anyhow::anyhow!("`placeholder.keys`: {why}"))
    }
}

/// Refuses keys that cannot be used, without repeating them.
fn keys<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    let text = Secret::deserialize(from)?;
    if !text.is_empty() {
        Keys::read(text.reveal()).map_err(de::Error::custom)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = include_str!("../config.default.toml");

    fn with(keys: &str) -> Result<Config, bootstrap::ConfigError> {
        let variable = ("DESKMESH__PLACEHOLDER__KEYS".to_owned(), keys.to_owned());
        bootstrap::load_own(DEFAULTS, [variable])
    }

    #[test]
    fn without_keys_there_is_nothing_to_run_with() {
        let config: Config = bootstrap::load_own(DEFAULTS, []).unwrap();
        let error = config.placeholder.keys().unwrap_err().to_string();
        assert!(error.starts_with("`placeholder.keys` is not set"), "{error}");
    }

    #[test]
    fn keys_are_one_a_line_and_long_enough_and_not_shown() {
        let (one, other) = ("a-key-that-is-long-enough-to-be-used", "b".repeat(32));
        let config = with(&format!("{one}\n\n{other}\n")).unwrap();
        assert!(config.placeholder.keys().is_ok());
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains(one) && !shown.contains(&other), "{shown}");
        for bad in ["hush", &format!("{one}\nhush")] {
            let error = with(bad).unwrap_err().to_string();
            assert!(error.contains("`placeholder.keys`") && error.contains("32"), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
