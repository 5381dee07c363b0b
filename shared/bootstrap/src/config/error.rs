//! Why a configuration stops the start: one sentence with the key, where it came from and what is
//! expected.

use std::error::Error;
use std::io;

use figment::Figment;
use figment::error::{Actual, Kind};

use super::{origin, variable_name};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key that does not exist.
    #[error("unknown key `{key}` ({origin}), {expected}")]
    Unknown {
        /// The dotted key.
        key: String,
        /// The layer it came from.
        origin: String,
        /// What could stand there.
        expected: String,
    },
    /// A value of the wrong type or out of range.
    #[error("`{key}` ({origin}) must be {expected}, found {found}")]
    Value {
        /// The dotted key.
        key: String,
        /// The layer it came from.
        origin: String,
        /// What is allowed.
        expected: String,
        /// What was given; a text is not repeated, it may be a secret.
        found: String,
    },
    /// A value that its type refuses in its own words.
    #[error("`{key}` ({origin}) cannot be used: {reason}")]
    Refused {
        /// The dotted key.
        key: String,
        /// The layer it came from.
        origin: String,
        /// The words of the type.
        reason: String,
    },
    /// A key that this command needs and that nobody set.
    #[error(
        "`{key}` is not set, give it as {variable} or as the path of a file in {variable}_FILE"
    )]
    Missing {
        /// The dotted key.
        key: &'static str,
        /// Its environment variable.
        variable: String,
    },
    /// An address of another kind.
    #[error("`{key}` must be an address that starts with {schemes}")]
    Scheme {
        /// The dotted key.
        key: &'static str,
        /// The beginnings that are allowed.
        schemes: String,
    },
    /// An address that cannot be taken apart.
    #[error("`{key}` is not a usable address: {reason}")]
    Address {
        /// The dotted key.
        key: &'static str,
        /// What is wrong, without the address, which holds a password.
        reason: String,
    },
    /// A key given both directly and as a file.
    #[error("`{key}` ({key_origin}) and `{twin}` ({twin_origin}) are both set, keep one")]
    Both {
        /// The dotted key.
        key: String,
        /// The layer that sets the key.
        key_origin: String,
        /// The key that names the file.
        twin: String,
        /// The layer that names the file.
        twin_origin: String,
    },
    /// A file that is not TOML.
    #[error("{file} is not valid TOML, {reason}")]
    Syntax {
        file: String,
        /// What is wrong, and in which line.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("{what} cannot be read")]
    Unreadable {
        /// The file and who asked for it.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl ConfigError {
    pub(crate) fn missing(key: &'static str) -> Self {
        Self::Missing { key, variable: variable_name(key) }
    }

    /// Turns figment's error into the sentence, with the layer that the value came from.
    pub(super) fn value(merged: &Figment, error: figment::Error) -> Self {
        let key = error.path.join(".");
        let origin = origin(merged, &key);
        let (expected, found) = match error.kind {
            Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
                (plain(expected), given(&found))
            }
            Kind::UnknownVariant(_, choices) => {
                (format!("one of {}", choices.join(", ")), "another text".to_owned())
            }
            Kind::UnknownField(name, choices) => {
                let expected = format!("expected one of {}", choices.join(", "));
                let key = if key.is_empty() { name } else { key };
                return Self::Unknown { key, origin, expected };
            }
            Kind::MissingField(name) => {
                let key = if key.is_empty() { name.into_owned() } else { format!("{key}.{name}") };
                return Self::Refused { key, origin, reason: "no default file has it".to_owned() };
            }
            other => return Self::Refused { key, origin, reason: other.to_string() },
        };
        Self::Value { key, origin, expected, found }
    }
}

/// Says in plain words what serde expects by the name of a type.
fn plain(expected: String) -> String {
    match expected.as_str() {
        "a string" | "string" | "str" | "String" => "a text".to_owned(),
        "a boolean" | "bool" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        _ => expected,
    }
}

fn given(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(value) => value.to_string(),
        Actual::Signed(value) => value.to_string(),
        Actual::Float(value) => value.to_string(),
        Actual::Str(text) if text.is_empty() => "an empty text".to_owned(),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a section".to_owned(),
        _ => "another text".to_owned(),
    }
}

/// Joins an error and its sources to one line.
pub(crate) fn sentence(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // Some libraries repeat their source in their own text.
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        source = error.source();
    }
    line
}
