//! One layer: values, and the words that name where they come from.

use std::collections::BTreeMap;
use std::path::Path;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::{ConfigError, PROFILE, origin};

const PREFIX: &str = "DESKMESH__";
const TWIN: &str = "_file";

/// Values from one place.
pub(super) struct Layer {
    origin: String,
    values: Dict,
}

impl Layer {
    pub(super) fn new(origin: impl Into<String>, values: Dict) -> Self {
        Self { origin: origin.into(), values }
    }

    /// Refuses keys that no default file has: a mistyped key must not be ignored in silence.
    fn checked(self, known: &Dict) -> Result<Self, ConfigError> {
        check_keys(known, &self.values, &mut Vec::new(), &self.origin)?;
        Ok(self)
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(PROFILE.collect(self.values.clone()))
    }
}

pub(super) fn parse(text: &str, name: &str) -> Result<Dict, ConfigError> {
    Toml::from_str(text).map_err(|error| ConfigError::Syntax {
        file: name.to_owned(),
        // The parser draws the line over several lines; its first says where, its last says what.
        reason: {
            let drawn = error.to_string();
            let mut lines = drawn.lines().map(str::trim).filter(|line| !line.is_empty());
            let place =
                lines.next().unwrap_or_default().trim_start_matches("TOML parse error ").to_owned();
            lines.next_back().map_or_else(|| place.clone(), |what| format!("{what} {place}"))
        },
    })
}

pub(super) fn from_file(path: &Path, known: &Dict) -> Result<Layer, ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        what: format!("the file of --config, {name},"),
        source,
    })?;
    Layer::new(format!("file {name}"), parse(&text, &name)?).checked(known)
}

/// Makes one layer of each variable, so that an error can name the variable.
pub(super) fn from_environment(
    environment: impl IntoIterator<Item = (String, String)>,
    known: &Dict,
) -> Result<Vec<Layer>, ConfigError> {
    let ours: BTreeMap<String, String> =
        environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    ours.into_iter()
        .map(|(name, text)| {
            let key = name[PREFIX.len()..].to_lowercase();
            let path: Vec<&str> = key.split("__").collect();
            let value = match find(known, &path) {
                // A text is taken as it stands: a password may look like a number or a list.
                Some(Value::String(..)) | None => Value::from(text),
                Some(_) => text.parse().unwrap_or_else(|never| match never {}),
            };
            Layer::new(format!("environment variable {name}"), nest(&path, value)).checked(known)
        })
        .collect()
}

/// Reads the files that `_file` keys name, each as the value of the key beside it.
pub(super) fn from_secret_files(merged: &Figment, known: &Dict) -> Result<Vec<Layer>, ConfigError> {
    let mut layers = Vec::new();
    for twin in text_keys(known) {
        let Some(key) = twin.strip_suffix(TWIN) else { continue };
        let path: Vec<&str> = key.split('.').collect();
        let Some(Value::String(_, default)) = find(known, &path) else { continue };
        let file = text_of(merged, &twin);
        if file.is_empty() {
            continue;
        }
        if text_of(merged, key) != *default {
            return Err(ConfigError::Both {
                key: key.to_owned(),
                key_origin: origin(merged, key),
                twin_origin: origin(merged, &twin),
                twin,
            });
        }
        let content = std::fs::read_to_string(&file).map_err(|source| ConfigError::Unreadable {
            what: format!("the file {file} that `{twin}` ({}) names", origin(merged, &twin)),
            source,
        })?;
        let value = Value::from(content.trim_end_matches(['\r', '\n']));
        layers.push(Layer::new(format!("file {file}, named by `{twin}`"), nest(&path, value)));
    }
    Ok(layers)
}

fn text_of(merged: &Figment, key: &str) -> String {
    merged.find_value(key).ok().and_then(Value::into_string).unwrap_or_default()
}

fn text_keys(known: &Dict) -> Vec<String> {
    leaves(known)
        .into_iter()
        .filter(|(_, value)| matches!(value, Value::String(..)))
        .map(|(key, _)| key)
        .collect()
}

/// Lists every key, dotted, with its value.
pub(super) fn leaves(values: &Dict) -> Vec<(String, &Value)> {
    values
        .iter()
        .flat_map(|(key, value)| match value {
            Value::Dict(_, section) => leaves(section)
                .into_iter()
                .map(|(inner, value)| (format!("{key}.{inner}"), value))
                .collect(),
            leaf => vec![(key.clone(), leaf)],
        })
        .collect()
}

/// Names the environment variable of a dotted key.
pub(crate) fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn find<'a>(values: &'a Dict, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    match (values.get(*first)?, rest) {
        (value, []) => Some(value),
        (Value::Dict(_, section), rest) => find(section, rest),
        _ => None,
    }
}

fn nest(path: &[&str], value: Value) -> Dict {
    let mut dict = Dict::new();
    if let Some((first, rest)) = path.split_first() {
        let inner = if rest.is_empty() { value } else { Value::from(nest(rest, value)) };
        dict.insert((*first).to_owned(), inner);
    }
    dict
}

fn check_keys<'a>(
    known: &Dict,
    given: &'a Dict,
    path: &mut Vec<&'a str>,
    origin: &str,
) -> Result<(), ConfigError> {
    for (name, value) in given {
        path.push(name);
        let refuse = |expected| ConfigError::Unknown {
            key: path.join("."),
            origin: origin.to_owned(),
            expected,
        };
        match (known.get(name), value) {
            (None, _) => return Err(refuse(choices(known, &path[..path.len() - 1]))),
            (Some(Value::Dict(_, section)), Value::Dict(_, given)) => {
                check_keys(section, given, path, origin)?;
            }
            (Some(Value::Dict(_, section)), _) => return Err(refuse(choices(section, path))),
            (Some(_), Value::Dict(..)) => {
                return Err(refuse(format!("expected `{}` to hold a value", path.join("."))));
            }
            (Some(_), _) => {}
        }
        path.pop();
    }
    Ok(())
}

fn choices(known: &Dict, path: &[&str]) -> String {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let names = names.join(", ");
    if path.is_empty() {
        format!("expected a section of {names}")
    } else {
        format!("expected a key of `{}`: {names}", path.join("."))
    }
}
