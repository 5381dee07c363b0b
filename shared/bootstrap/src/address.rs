//! Where broker and database are, as their files say it now: a password changed there needs no
//! restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{ConfigError, Secret};

/// An address with a password in it, checked when it was given.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    key: &'static str,
    schemes: &'static [&'static str],
    file: Option<PathBuf>,
    last: Arc<Mutex<Last>>,
}

#[derive(Debug)]
struct Last {
    address: Secret,
    /// What is wrong with the file, as it was told: once, not at every look.
    trouble: Option<String>,
}

impl Address {
    /// The value of `key`, which came out of `file` unless that is empty.
    pub fn given(
        key: &'static str,
        schemes: &'static [&'static str],
        value: &Secret,
        file: &str,
    ) -> Result<Self, ConfigError> {
        if value.is_empty() {
            return Err(ConfigError::missing(key));
        }
        if !begins(value.reveal(), schemes) {
            return Err(ConfigError::Scheme { key, schemes: schemes.join(" or ") });
        }
        let file = (!file.is_empty()).then(|| PathBuf::from(file));
        Ok(Self {
            key,
            schemes,
            file,
            last: Arc::new(Mutex::new(Last { address: value.clone(), trouble: None })),
        })
    }

    /// The address as it is now. While its file cannot be read, or holds no such address, the last
    /// one that was any good.
    pub fn now(&self) -> Secret {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &self.file else { return last.address.clone() };
        match self.read(file) {
            Ok(address) => {
                if address != last.address {
                    tracing::info!(key = self.key, file = %file.display(), "the address has \
                        changed in its file");
                }
                *last = Last { address, trouble: None };
            }
            Err(trouble) => {
                if last.trouble.as_ref() != Some(&trouble) {
                    tracing::warn!(key = self.key, file = %file.display(), trouble, "its file is \
                        no good; the last address is kept");
                }
                last.trouble = Some(trouble);
            }
        }
        last.address.clone()
    }

    fn read(&self, file: &Path) -> Result<Secret, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let address = text.trim_end_matches(['\r', '\n']);
        if begins(address, self.schemes) {
            Ok(Secret::new(address))
        } else {
            Err("it holds no address".to_owned())
        }
    }
}

fn begins(address: &str, schemes: &[&str]) -> bool {
    schemes.iter().any(|scheme| address.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_its_file_says_now_counts_as_long_as_it_is_an_address() {
        let folder = std::env::temp_dir().join(format!("deskmesh-address-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("broker");
        let address = Address::given(
            "broker.url",
            &["amqp://"],
            &Secret::new("amqp://a:1@h"),
            file.to_str().unwrap(),
        )
        .unwrap();
        let mut seen = vec![address.now()];
        for text in ["amqp://a:2@h\n", "", "http://h", "amqp://a:3@h"] {
            std::fs::write(&file, text).unwrap();
            seen.push(address.now());
        }
        std::fs::remove_dir_all(&folder).unwrap();
        seen.push(address.now());
        let passwords: String =
            seen.iter().map(|address| address.reveal().as_bytes()[9] as char).collect();
        assert_eq!(passwords, "122233");
    }

    #[test]
    fn one_that_was_given_itself_stays() {
        let address =
            Address::given("broker.url", &["amqp://"], &Secret::new("amqp://a:1@h"), "").unwrap();
        assert_eq!(address.now().reveal(), "amqp://a:1@h");
    }
}
