//! Types that say what a key may hold, so that a wrong value stops the start with a sentence.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tracing_subscriber::EnvFilter;
use url::Url;

/// A text that is never printed whole: a URL loses its password, anything else is hidden.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text that must not be printed.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text itself, for the one place that uses it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Tells whether nothing was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is what was given, in a time that does not tell where they differ. No secret is
    /// nobody's.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        let bytes = self.0.bytes().zip(given.bytes());
        let differ = bytes.fold(0, |all, (one, other)| all | (one ^ other));
        !self.0.is_empty() && self.0.len() == given.len() && differ == 0
    }

    /// Whether a request shows this, as `Authorization: Bearer`.
    #[must_use]
    pub fn is_shown_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        given.and_then(|given| given.strip_prefix("Bearer ")).is_some_and(|given| self.is(given))
    }

    /// One that is shown at a door, which must be long: a short one is guessed.
    ///
    /// # Errors
    /// It has less than 32 characters and is not empty.
    pub fn of_door<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let secret = Self::deserialize(from)?;
        if secret.is_empty() || secret.0.len() >= 32 {
            Ok(secret)
        } else {
            Err(de::Error::custom("it must have 32 characters at least"))
        }
    }

    fn hidden(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return "***".to_owned();
        };
        // An unescaped password may hold any of these characters, so whatever stands before the
        // last `@` and is not plainly a name is hidden; so are parameters, one of which may be a
        // password.
        let (user, address) =
            rest.rsplit_once('@').map_or((None, rest), |(user, address)| (Some(user), address));
        let user =
            user.map_or_else(String::new, |user| match user.split_once([':', '/', '?', '@']) {
                Some((name, _)) => format!("{name}:***@"),
                None => format!("{user}@"),
            });
        let (address, parameters) =
            address.split_once('?').map_or((address, ""), |(address, _)| (address, "?***"));
        format!("{scheme}://{user}{address}{parameters}")
    }
}

/// What something is reached by from outside: links begin with it.
///
/// # Errors
/// It is no http or https address, or has a query or a slash at its end.
pub fn public_url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let is_base = Url::parse(&text).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme()) && url.query().is_none() && !text.ends_with('/')
    });
    if is_base {
        Ok(text)
    } else {
        Err(de::Error::custom("it must be an http or https address without a slash at its end"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.hidden())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hidden())
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Within<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Within<MIN, MAX> {
    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the number as a size.
    #[must_use]
    pub const fn size(self) -> usize {
        self.0 as usize
    }

    /// Returns the number as that many milliseconds.
    #[must_use]
    pub const fn milliseconds(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }

    /// Returns the number as that many seconds.
    #[must_use]
    pub const fn seconds(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }

    /// Returns the number as that many minutes.
    #[must_use]
    pub const fn minutes(self) -> Duration {
        Duration::from_mins(self.0 as u64)
    }

    /// Returns the number as that many hours.
    #[must_use]
    pub const fn hours(self) -> Duration {
        Duration::from_hours(self.0 as u64)
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MIN: u32, const MAX: u32>;

        impl<const MIN: u32, const MAX: u32> Visitor<'_> for Number<MIN, MAX> {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_u64<E: de::Error>(self, given: u64) -> Result<u32, E> {
                u32::try_from(given)
                    .ok()
                    .filter(|number| (MIN..=MAX).contains(number))
                    .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(given), &self))
            }

            fn visit_i64<E: de::Error>(self, given: i64) -> Result<u32, E> {
                match u64::try_from(given) {
                    Ok(given) => self.visit_u64(given),
                    Err(_) => Err(E::invalid_value(Unexpected::Signed(given), &self)),
                }
            }
        }

        deserializer.deserialize_any(Number::<MIN, MAX>).map(Self)
    }
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Fraction(f64);

impl Fraction {
    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = f64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 0.0 to 1.0")
            }

            fn visit_f64<E: de::Error>(self, given: f64) -> Result<f64, E> {
                if (0.0..=1.0).contains(&given) {
                    Ok(given)
                } else {
                    Err(E::invalid_value(Unexpected::Float(given), &self))
                }
            }

            fn visit_u64<E: de::Error>(self, given: u64) -> Result<f64, E> {
                match given {
                    0 => Ok(0.0),
                    1 => Ok(1.0),
                    _ => Err(E::invalid_value(Unexpected::Unsigned(given), &self)),
                }
            }

            fn visit_i64<E: de::Error>(self, given: i64) -> Result<f64, E> {
                match u64::try_from(given) {
                    Ok(given) => self.visit_u64(given),
                    Err(_) => Err(E::invalid_value(Unexpected::Signed(given), &self)),
                }
            }
        }

        deserializer.deserialize_any(Number).map(Self)
    }
}

pub(super) fn socket_address<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    text(from, "an address and a port such as 0.0.0.0:9090", |given| given.parse().ok())
}

pub(super) fn log_filter<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let expected = "a level (error, warn, info, debug, trace) or targets with levels such as \
        info,messaging=debug";
    text(from, expected, |given| {
        // An unknown level alone would be taken for the name of a target, and nothing would be
        // logged.
        let known_level =
            given.split(',').filter(|part| !part.contains(['=', '[', ':'])).all(is_level);
        (known_level && EnvFilter::try_new(given).is_ok()).then(|| given.to_owned())
    })
}

fn is_level(part: &str) -> bool {
    ["off", "error", "warn", "info", "debug", "trace"].contains(&part.trim())
}

pub(super) fn collector<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    // The exporter is built without TLS: traces go to a collector in the same network, which sends
    // them on.
    text(from, "empty or an address such as http://collector:4318", |given| {
        let named = given.strip_prefix("http://").is_some_and(|address| !address.is_empty());
        (given.is_empty() || named).then(|| given.trim_end_matches('/').to_owned())
    })
}

fn text<'de, D: Deserializer<'de>, T>(
    from: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let given = String::deserialize(from)?;
    parse(&given).ok_or_else(|| de::Error::invalid_value(Unexpected::Str(&given), &expected))
}
