//! Where the mail server is, read from its URL.

use std::fmt;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// How the connection is kept from being read along the way.
#[derive(Clone)]
pub(crate) enum Security {
    /// Not at all.
    None,
    /// With STARTTLS, or there is no connection.
    StartTls(TlsParameters),
    /// With TLS from the first byte.
    Tls(TlsParameters),
}

/// Where the mail server is, and how it is spoken to.
#[derive(Clone)]
pub struct ServerAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) hello: ClientId,
    pub(crate) credentials: Option<Credentials>,
}

/// Prints no password.
impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerAddress")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Why a URL is not the address of a mail server. Does not repeat the URL, which may hold a
/// password.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("it is not a URL: {0}")]
    NotAUrl(#[from] url::ParseError),
    #[error("it names no host")]
    NoHost,
    /// It is of another kind.
    #[error("it is none of smtp://, smtp://…?tls=required and smtps://")]
    Kind,
    /// User or password are not UTF-8.
    #[error("user and password must be percent-encoded UTF-8")]
    Encoding,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] lettre::transport::smtp::Error),
}

impl ServerAddress {
    /// Reads a URL such as `smtps://user:password@mail.example.org`, in the form that lettre gave
    /// it.
    ///
    /// # Errors
    /// Anything but `smtp://`, `smtp://…?tls=required` and `smtps://`.
    pub fn read(url: &str) -> Result<Self, AddressError> {
        let url = Url::parse(url)?;
        let host = match url.host().ok_or(AddressError::NoHost)? {
            Host::Domain("") => return Err(AddressError::NoHost),
            Host::Domain(name) => name.to_owned(),
            // Without the brackets that a URL puts round an address.
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let tls = || TlsParameters::new(host.clone());
        let (port, security) = match (url.scheme(), url.query()) {
            ("smtp", None) => (SMTP_PORT, Security::None),
            ("smtp", Some("tls=required")) => (SUBMISSION_PORT, Security::StartTls(tls()?)),
            ("smtps", None | Some("tls=required")) => (SUBMISSIONS_PORT, Security::Tls(tls()?)),
            _ => return Err(AddressError::Kind),
        };
        let decoded = |text: &str| match percent_decode_str(text).decode_utf8() {
            Ok(text) => Ok(text.into_owned()),
            Err(_) => Err(AddressError::Encoding),
        };
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
            None => None,
        };
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        Ok(Self { port: url.port().unwrap_or(port), host, security, hello, credentials })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> ServerAddress {
        ServerAddress::read(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn the_scheme_says_port_and_security() {
        assert!(matches!(
            read("smtp://127.0.0.1"),
            ServerAddress { port: 25, security: Security::None, .. }
        ));
        assert!(matches!(
            read("smtp://m.example?tls=required"),
            ServerAddress { port: 587, security: Security::StartTls(_), .. }
        ));
        assert!(matches!(
            read("smtps://m.example"),
            ServerAddress { port: 465, security: Security::Tls(_), .. }
        ));
        assert!(matches!(read("smtps://m.example:4465"), ServerAddress { port: 4465, .. }));
        assert_eq!(read("smtp://[::1]:2525").host, "::1");
    }

    #[test]
    fn user_password_and_name_are_decoded_and_not_printed() {
        let address = read("smtps://desk%40mesh:p%2Fss%20w@m.example/mesh.example.org");
        assert_eq!(
            address.credentials,
            Some(Credentials::new("desk@mesh".into(), "p/ss w".into()))
        );
        assert_eq!(address.hello, ClientId::Domain("mesh.example.org".into()));
        let shown = format!("{address:?}");
        assert!(!shown.contains("ss w"), "{shown}");
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        for url in [
            "",
            "mail.example.org",
            "http://u:hush@m.example",
            "smtp://u:hush@m.example?tls=opportunistic",
            "smtp://u:hush@m.example?tsl=required",
            "smtp://u:%ff%fe@m.example",
            "smtp:",
            "smtp://",
            "smtp://u:hush@m.example:99999",
        ] {
            let error = ServerAddress::read(url).map(|_| ()).unwrap_err().to_string();
            assert!(!error.contains("hush"), "{url}: {error}");
        }
    }
}
