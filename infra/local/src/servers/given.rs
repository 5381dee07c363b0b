//! Servers that the environment names.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::BrokerAddress;
use crate::error::{Error, Result};
use operator::address;

/// What the environment says is there already.
#[derive(Default)]
pub(super) struct Given {
    pub(super) broker: Option<BrokerAddress>,
    pub(super) database_url: Option<String>,
}

impl Given {
    pub(super) fn from_environment() -> Result<Self> {
        Self::from(variable)
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let broker = match (variable("AMQP_URL"), variable("MANAGEMENT_URL")) {
            (Some(amqp_url), Some(management_url)) => Some(BrokerAddress {
                amqp_url: amqp_url.trim_end_matches('/').to_owned(),
                management_url: management_url.trim_end_matches('/').to_owned(),
            }),
            (None, None) => None,
            (Some(_), None) => return Err(half("AMQP_URL", "MANAGEMENT_URL")),
            (None, Some(_)) => return Err(half("MANAGEMENT_URL", "AMQP_URL")),
        };
        Ok(Self { broker, database_url: variable("DATABASE_URL") })
    }

    /// An address left over from servers that are gone would otherwise show as a puzzling
    /// failure much later.
    pub(super) fn check_answers(&self) -> Result<()> {
        let broker = self.broker.as_ref();
        let named = [
            ("AMQP_URL", broker.map(|broker| &broker.amqp_url), 5672),
            ("MANAGEMENT_URL", broker.map(|broker| &broker.management_url), 80),
            ("DATABASE_URL", self.database_url.as_ref(), 5432),
        ];
        for (name, url, port) in named {
            let Some(url) = url else { continue };
            let url = address::parse(name, url)?;
            let target =
                (url.host_str().unwrap_or("127.0.0.1").to_owned(), url.port().unwrap_or(port));
            let found = target.to_socket_addrs().ok().and_then(|mut found| {
                found
                    .find(|found| TcpStream::connect_timeout(found, Duration::from_secs(5)).is_ok())
            });
            if found.is_none() {
                return Err(Error::Environment(format!(
                    "{name} names {}:{}, where nothing answers: start that server, or unset {name} \
                     to get a private one",
                    target.0, target.1
                )));
            }
        }
        Ok(())
    }
}

fn half(set: &str, unset: &str) -> Error {
    Error::Environment(format!(
        "{set} is set but {unset} is not: set both to use your own broker, or neither to get a \
         private one"
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests and tools have no configuration but these three variables"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_broker_is_refused_in_one_sentence() {
        let only_amqp = |name: &str| (name == "AMQP_URL").then(|| "amqp://127.0.0.1:1".to_owned());
        let refused = Given::from(only_amqp).err().unwrap().to_string();
        assert!(refused.starts_with("AMQP_URL is set but MANAGEMENT_URL is not"), "{refused}");
        assert!(Given::from(|_| None).unwrap().broker.is_none());
    }
}
