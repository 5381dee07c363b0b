#![doc = include_str!("../README.md")]

use std::fmt;
use std::io::{Error, ErrorKind};

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::{Connection, ConnectionProperties, runtime};
use url::form_urlencoded;

const AUTHORITIES: &str = "cacertfile";
const CERTIFICATE: &str = "certfile";
const KEY: &str = "keyfile";

/// An address, and what its files hold now.
#[derive(Clone, PartialEq)]
pub struct BrokerAddress {
    uri: String,
    tls: OwnedTLSConfig,
}

impl BrokerAddress {
    /// Reads an address with the files that it names.
    ///
    /// # Errors
    /// A file that cannot be read or holds nothing of its kind, or one of a pair.
    pub fn read(address: &str) -> std::io::Result<Self> {
        let NamedFiles { uri, authorities, identity } = NamedFiles::of(address)?;
        let cert_chain =
            authorities.map(|file| pem(AUTHORITIES, &file, "CERTIFICATE")).transpose()?;
        let identity = match identity {
            None => None,
            Some((certificate, key)) => Some(OwnedIdentity::PKCS8 {
                pem: pem(CERTIFICATE, &certificate, "CERTIFICATE")?.into_bytes(),
                key: pem(KEY, &key, "PRIVATE KEY")?.into_bytes(),
            }),
        };
        Ok(Self { uri, tls: OwnedTLSConfig { identity, cert_chain } })
    }

    /// The address without the files, for what reads no more than that.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// What the files hold.
    #[must_use]
    pub fn tls(&self) -> &OwnedTLSConfig {
        &self.tls
    }

    /// Logs in.
    ///
    /// # Errors
    /// What the client library says.
    pub async fn connect(&self, properties: ConnectionProperties) -> lapin::Result<Connection> {
        let (tls, runtime) = (self.tls.clone(), runtime::default_runtime()?);
        Connection::connect_with_config(&self.uri, properties, tls, runtime).await
    }
}

/// A password and a key stand in it.
impl fmt::Debug for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrokerAddress")
    }
}

/// Logs in at an address, with the files that it names.
///
/// # Errors
/// A file that cannot be used, or what the client library says.
pub async fn connect(address: &str, properties: ConnectionProperties) -> lapin::Result<Connection> {
    BrokerAddress::read(address)?.connect(properties).await
}

/// An address without its files, and their names.
#[derive(Debug, PartialEq, Eq)]
struct NamedFiles {
    uri: String,
    authorities: Option<String>,
    identity: Option<(String, String)>,
}

impl NamedFiles {
    fn of(address: &str) -> std::io::Result<Self> {
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        let (mut authorities, mut certificate, mut key) = (None, None, None);
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let named = form_urlencoded::parse(pair.as_bytes()).next();
            match named.as_ref().map(|(name, file)| (name.as_ref(), file.as_ref())) {
                Some((AUTHORITIES, file)) => authorities = Some(file.to_owned()),
                Some((CERTIFICATE, file)) => certificate = Some(file.to_owned()),
                Some((KEY, file)) => key = Some(file.to_owned()),
                _ => others.push(pair),
            }
        }
        let names_files = authorities.is_some() || certificate.is_some() || key.is_some();
        if names_files && !base.starts_with("amqps://") {
            return Err(wrong("the broker's address names certificates and is not amqps://"));
        }
        let identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            _ => {
                return Err(wrong(
                    "the broker's address has `certfile` and `keyfile` together or not at all",
                ));
            }
        };
        let uri = match others.as_slice() {
            [] => base.to_owned(),
            others => format!("{base}?{}", others.join("&")),
        };
        Ok(Self { uri, authorities, identity })
    }
}

/// What a file holds, if it has a block of this kind.
fn pem(parameter: &str, file: &str, kind: &str) -> std::io::Result<String> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let sentence = format!(
            "{file}, which `{parameter}` of the broker's address names, cannot be read: {error}"
        );
        Error::new(error.kind(), sentence)
    })?;
    let has_block = text.lines().any(|line| line.starts_with("-----BEGIN") && line.contains(kind));
    if has_block {
        Ok(text)
    } else {
        Err(wrong(format!(
            "{file}, which `{parameter}` of the broker's address names, has no {kind} in PEM"
        )))
    }
}

fn wrong(sentence: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, sentence.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn m6_files_leave_the_address_and_the_rest_stays_as_it_is() {
        for (address, uri, authorities, identity) in [
            ("amqp://a:b@h/v", "amqp://a:b@h/v", None, None),
            ("amqps://h/v?heartbeat=5", "amqps://h/v?heartbeat=5", None, None),
            ("amqps://h/v?cacertfile=/ca.pem", "amqps://h/v", Some("/ca.pem"), None),
            (
                "amqps://h/v?heartbeat=5&cacertfile=%2Fa%20b.pem&channel_max=8",
                "amqps://h/v?heartbeat=5&channel_max=8",
                Some("/a b.pem"),
                None,
            ),
            (
                "amqps://h/v?certfile=/c.pem&keyfile=/k.pem",
                "amqps://h/v",
                None,
                Some(("/c.pem", "/k.pem")),
            ),
        ] {
            let named = NamedFiles::of(address).unwrap();
            assert_eq!(named.uri, uri);
            assert_eq!(named.authorities.as_deref(), authorities, "{address}");
            let of = |(certificate, key): (&str, &str)| (certificate.to_owned(), key.to_owned());
            assert_eq!(named.identity, identity.map(of), "{address}");
        }
    }

    #[test]
    fn m6_half_a_pair_and_certificates_without_tls_are_refused() {
        for address in [
            "amqps://h/v?certfile=/c.pem",
            "amqps://h/v?keyfile=/k.pem",
            "amqp://h/v?cacertfile=/ca.pem",
        ] {
            assert!(NamedFiles::of(address).is_err(), "{address}");
        }
    }

    #[test]
    fn m6_a_file_that_cannot_be_used_is_named() {
        let missing = BrokerAddress::read("amqps://h/v?cacertfile=/nowhere/ca.pem").unwrap_err();
        assert!(missing.to_string().starts_with("/nowhere/ca.pem, which `cacertfile`"));
        let other = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let no_pem = BrokerAddress::read(&format!("amqps://h/v?cacertfile={other}")).unwrap_err();
        assert!(no_pem.to_string().ends_with("has no CERTIFICATE in PEM"), "{no_pem}");
    }

    proptest! {
        #[test]
        fn an_address_without_files_stays_as_it_is(
            query in "[a-z_]{1,8}=[a-z0-9%+]{0,8}(&[a-z]{1,3}=[0-9]{1,3}){0,3}",
        ) {
            let address = format!("amqps://user:pass@host/vhost?{query}");
            let named = NamedFiles::of(&address).unwrap();
            prop_assert_eq!(named.uri, address);
        }
    }
}
