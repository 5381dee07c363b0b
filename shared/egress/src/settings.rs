//! What the operator may say.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderValue;
use ipnet::{IpNet, Ipv6Net};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::address::Networks;
use crate::error::SetupError;
use crate::url::UrlRules;

/// What the operator may say; README.md describes each key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressSettings {
    /// Networks that may be reached though they are not public.
    pub allow: Vec<IpNet>,
    /// Networks that may not be reached though they are public, or allowed.
    pub refuse: Vec<IpNet>,
    /// Networks where `http` is enough.
    pub plain_http: Vec<IpNet>,
    /// Ports that may be called.
    pub ports: Vec<Ports>,
    /// Certificates in PEM, trusted beside the system's; empty: none.
    pub ca_file: PathBuf,
    pub user_agent: String,
    pub lookup_timeout_ms: u32,
    /// For all addresses of a name, and the TLS handshake.
    pub connect_timeout_ms: u32,
    /// From the connection, or from the last of the request that was taken, to the answer's head.
    pub head_timeout_ms: u32,
    /// Between two parts of the answer's body.
    pub idle_timeout_ms: u32,
    /// From the call to the last byte of its answer, all redirects included.
    pub total_timeout_ms: u32,
    pub calls_per_host: u32,
    pub calls: u32,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            refuse: Vec::new(),
            plain_http: Vec::new(),
            ports: vec![Ports::one(443), Ports::one(8443)],
            ca_file: PathBuf::new(),
            user_agent: concat!("Deskmesh/", env!("CARGO_PKG_VERSION")).to_owned(),
            lookup_timeout_ms: 5_000,
            connect_timeout_ms: 10_000,
            head_timeout_ms: 15_000,
            idle_timeout_ms: 15_000,
            total_timeout_ms: 30_000,
            calls_per_host: 8,
            calls: 256,
        }
    }
}

impl EgressSettings {
    pub(crate) fn networks(&self) -> Networks<'_> {
        Networks { allow: &self.allow, refuse: &self.refuse, plain_http: &self.plain_http }
    }

    pub(crate) fn url_rules(&self) -> UrlRules<'_> {
        UrlRules { ports: &self.ports, http: !self.plain_http.is_empty() }
    }

    /// Checks what the types do not say: ranges, and that there is a port.
    ///
    /// # Errors
    /// [`SetupError::Setting`], with the key and what it must be.
    pub fn check(&self) -> Result<(), SetupError> {
        let times = [
            ("lookup_timeout_ms", self.lookup_timeout_ms),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("head_timeout_ms", self.head_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
            ("total_timeout_ms", self.total_timeout_ms),
        ];
        for (key, given) in times {
            if !(10..=86_400_000).contains(&given) {
                return Err(SetupError::Setting { key, must: "from 10 to 86400000" });
            }
        }
        for (key, given) in [("calls_per_host", self.calls_per_host), ("calls", self.calls)] {
            if !(1..=100_000).contains(&given) {
                return Err(SetupError::Setting { key, must: "from 1 to 100000" });
            }
        }
        let nets =
            [("allow", &self.allow), ("refuse", &self.refuse), ("plain_http", &self.plain_http)];
        for (key, nets) in nets {
            // addresses are compared in their plain spelling, so it would name nothing
            if nets.iter().any(|net| MAPPED.contains(net)) {
                return Err(SetupError::Setting { key, must: "IPv4 in its plain spelling" });
            }
        }
        if self.ports.is_empty() {
            return Err(SetupError::Setting { key: "ports", must: "at least one port" });
        }
        Ok(())
    }

    pub(crate) fn user_agent(&self) -> Result<HeaderValue, SetupError> {
        HeaderValue::from_str(&self.user_agent).map_err(|_| SetupError::Setting {
            key: "user_agent",
            must: "a text that may stand in a header",
        })
    }
}

/// Reads and checks the settings, as the section `egress` of a service's file.
///
/// # Errors
/// The key and what it must be.
pub fn checked<'de, D: Deserializer<'de>>(from: D) -> Result<EgressSettings, D::Error> {
    let settings = EgressSettings::deserialize(from)?;
    settings.check().map_err(|error| de::Error::custom(format!("egress.{error}")))?;
    Ok(settings)
}

/// IPv4 addresses in IPv6's spelling.
const MAPPED: IpNet = IpNet::V6(Ipv6Net::new_assert(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), 96));

pub(crate) const fn milliseconds(given: u32) -> Duration {
    Duration::from_millis(given as u64)
}

/// A port, or ports from one to another: `443`, `"1024-65535"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    #[must_use]
    pub const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// All ports there are.
    #[must_use]
    pub const fn all() -> Self {
        Self { first: 1, last: u16::MAX }
    }

    pub(crate) const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

const A_PORT: &str = "a port as in 443, or ports as in \"1024-65535\"";

impl FromStr for Ports {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<u16>().map_err(|_| A_PORT);
        let (first, last) = (number(first)?, number(last)?);
        if first == 0 || first > last { Err(A_PORT) } else { Ok(Self { first, last }) }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;

        impl Visitor<'_> for NumberOrText {
            type Value = Ports;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(A_PORT)
            }

            fn visit_u64<E: de::Error>(self, given: u64) -> Result<Ports, E> {
                self.visit_str(&given.to_string())
            }

            fn visit_i64<E: de::Error>(self, given: i64) -> Result<Ports, E> {
                self.visit_str(&given.to_string())
            }

            fn visit_str<E: de::Error>(self, given: &str) -> Result<Ports, E> {
                given.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(given), &self))
            }
        }

        deserializer.deserialize_any(NumberOrText)
    }
}

#[cfg(test)]
mod tests;
