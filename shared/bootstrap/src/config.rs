//! What is in force: the layers merged, checked and split into the keys every service has and the
//! service's own.
//!
//! The default files are the reference: a key that is in none of them does not exist, whichever
//! layer brings it.

mod error;
mod layer;
mod listener;
mod printed;
mod values;

use std::net::SocketAddr;
use std::path::Path;

use figment::value::{Dict, Value};
use figment::{Figment, Profile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::error::ConfigError;
pub(crate) use self::error::sentence;
pub(crate) use self::layer::variable_name;
use self::layer::{Layer, leaves, parse};
pub use self::listener::{GuardedListener, Listener};
pub(crate) use self::printed::in_force;
pub use self::values::{Fraction, Secret, Within, public_url};
use crate::address::Address;

/// The default file with the keys that every service has.
pub(crate) const COMMON_DEFAULTS: &str = include_str!("../config.default.toml");

/// Stands for the configuration of a service that has no keys of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoKeys {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Common {
    pub broker: Broker,
    pub database: DatabaseConfig,
    pub http: Http,
    pub telemetry: TelemetryConfig,
    pub shutdown: Shutdown,
    pub journal: Journal,
    pub retention: Retention,
    pub events: Events,
    pub undelivered: Undelivered,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broker {
    pub url: Secret,
    url_file: String,
    pub slots: Within<1, 32>,
    pub batch_size: Within<1, 1024>,
    pub confirm_timeout_ms: Within<100, 600_000>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatabaseConfig {
    pub url: Secret,
    url_file: String,
    pub max_connections: Within<0, 1000>,
    pub acquire_timeout_ms: Within<100, 60_000>,
    pub answer_timeout_ms: Within<1_000, 600_000>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    #[serde(deserialize_with = "values::socket_address")]
    pub listen: SocketAddr,
    #[serde(deserialize_with = "Secret::of_door")]
    pub trace_secret: Secret,
    trace_secret_file: String,
    #[serde(deserialize_with = "Secret::of_door")]
    pub operator_secret: Secret,
    operator_secret_file: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetryConfig {
    #[serde(deserialize_with = "values::log_filter")]
    pub log_filter: String,
    pub log_format: LogFormat,
    #[serde(deserialize_with = "values::collector")]
    pub otlp_endpoint: String,
    pub trace_ratio: Fraction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Json,
    Text,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shutdown {
    pub grace_seconds: Within<1, 3600>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    pub keep_days: Within<30, 400>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    pub interval_ms: Within<100, 3_600_000>,
    pub outputs_wait_minutes: Within<0, 1440>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Events {
    pub publish: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Undelivered {
    pub interval_ms: Within<100, 600_000>,
    pub max_age_hours: Within<1, 720>,
}

impl Common {
    /// Returns the broker's address, which only `run` needs.
    pub(crate) fn broker_address(&self) -> Result<Address, ConfigError> {
        Address::given(
            "broker.url",
            &["amqp://", "amqps://"],
            &self.broker.url,
            &self.broker.url_file,
        )
    }

    /// Returns the database's address, which `run` and `migrate` need.
    pub(crate) fn database_address(&self) -> Result<Address, ConfigError> {
        Address::given(
            "database.url",
            &["postgres://", "postgresql://"],
            &self.database.url,
            &self.database.url_file,
        )
    }

    /// Returns the size of the connection pool: one connection per slot, one for the bulk queue,
    /// and a few for what runs beside them.
    pub(crate) fn max_connections(&self) -> u32 {
        match self.database.max_connections.get() {
            0 => self.broker.slots.get() + 5,
            given => given,
        }
    }
}

/// What was loaded, and from where.
#[derive(Debug)]
pub(crate) struct Loaded<C> {
    pub common: Common,
    pub service: C,
    merged: Figment,
}

/// Loads the configuration from its layers, the last of which wins.
///
/// The environment is a value, so that a test needs no process environment.
pub(crate) fn load<C: DeserializeOwned + Serialize>(
    service_defaults: &str,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded<C>, ConfigError> {
    let defaults = default_layers(service_defaults)?;
    let known: Dict = defaults.extract().map_err(|error| ConfigError::value(&defaults, error))?;

    let mut merged = defaults;
    if let Some(path) = file {
        merged = merged.merge(layer::from_file(path, &known)?);
    }
    for layer in layer::from_environment(environment, &known)? {
        merged = merged.merge(layer);
    }
    for layer in layer::from_secret_files(&merged, &known)? {
        merged = merged.merge(layer);
    }

    let all: Dict = merged.extract().map_err(|error| ConfigError::value(&merged, error))?;
    let common_sections = parse(COMMON_DEFAULTS, "shared default file")?;
    let (common, service): (Dict, Dict) =
        all.into_iter().partition(|(section, _)| common_sections.contains_key(section));
    let loaded =
        Loaded { common: extract(&merged, &common)?, service: extract(&merged, &service)?, merged };
    every_key_is_a_field(&service, &loaded.service)?;
    Ok(loaded)
}

/// Loads a service's own keys from its default file and the given environment, for its tests.
///
/// # Errors
///
/// When the default file and the type do not have the same keys, or a value is not allowed.
pub fn load_own<C: DeserializeOwned + Serialize>(
    service_defaults: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<C, ConfigError> {
    load(service_defaults, None, environment).map(|loaded| loaded.service)
}

/// Lists every key with its default, as TOML writes it.
pub(crate) fn defaults(service_defaults: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let layers = default_layers(service_defaults)?;
    let known: Dict = layers.extract().map_err(|error| ConfigError::value(&layers, error))?;
    let as_toml = |value: &Value| serde_json::to_value(value).unwrap_or_default().to_string();
    Ok(leaves(&known).into_iter().map(|(key, value)| (key, as_toml(value))).collect())
}

fn default_layers(service_defaults: &str) -> Result<Figment, ConfigError> {
    let common = parse(COMMON_DEFAULTS, "shared default file")?;
    let own = parse(service_defaults, "service's default file")?;
    Ok(Figment::from(Layer::new("default", common)).merge(Layer::new("default", own)))
}

/// Finds keys of the default file that the type ignores, which `deny_unknown_fields` on every
/// struct would refuse.
fn every_key_is_a_field<C: Serialize>(given: &Dict, typed: &C) -> Result<(), ConfigError> {
    let typed = Value::serialize(typed).ok().and_then(Value::into_dict).unwrap_or_default();
    let fields: Vec<String> = leaves(&typed).into_iter().map(|(key, _)| key).collect();
    match leaves(given).into_iter().find(|(key, _)| !fields.contains(key)) {
        None => Ok(()),
        Some((key, _)) => Err(ConfigError::Unknown {
            key,
            origin: "service's default file".to_owned(),
            expected: "expected a field of the service's configuration".to_owned(),
        }),
    }
}

fn extract<T: DeserializeOwned>(merged: &Figment, part: &Dict) -> Result<T, ConfigError> {
    Value::from(part.clone()).deserialize().map_err(|error| ConfigError::value(merged, error))
}

/// Names the layer that a key's value comes from.
pub(crate) fn origin(merged: &Figment, key: &str) -> String {
    merged
        .find_metadata(key)
        .map_or_else(|| "default".to_owned(), |metadata| metadata.name.to_string())
}

/// The profile of every layer: Deskmesh does not use figment's profiles.
const PROFILE: Profile = Profile::Default;

#[cfg(test)]
mod tests;
