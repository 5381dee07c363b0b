//! Which URL may be called?

use std::fmt;

use url::Url;

use crate::settings::Ports;

/// The longest URL that is called, in characters.
const LONGEST: usize = 8 * 1024;

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// Not a URL, in the words of the URL standard.
    Unreadable(url::ParseError),
    /// White space or control characters, which readers of URLs drop and others do not.
    Blank,
    TooLong,
    /// With letters that URLs have and requests have not.
    Unfit,
    /// Neither `https`, nor `http` where the operator has networks for it.
    Scheme,
    /// With a name or password before the host: they belong into a header.
    UserInfo,
    /// Not among the operator's ports.
    Port(u16),
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "it cannot be read ({why})"),
            Self::Blank => f.write_str("it has blanks or control characters in it"),
            Self::TooLong => write!(f, "it is longer than {LONGEST} characters"),
            Self::Unfit => f.write_str("it has characters in it that a request cannot carry"),
            Self::Scheme => f.write_str("it has to begin with https://"),
            Self::UserInfo => f.write_str("it has a user name or password before the host"),
            Self::Port(port) => write!(f, "port {port} is not among those that may be called"),
        }
    }
}

/// What the operator said of URLs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UrlRules<'a> {
    pub ports: &'a [Ports],
    /// Whether there is any network for `http`; which, is decided by the address.
    pub http: bool,
}

/// Reads a URL that may be called; its fragment, which is nobody's business, is gone.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn acceptable(text: &str, rules: UrlRules<'_>) -> Result<Url, UrlFault> {
    if text.len() > LONGEST {
        return Err(UrlFault::TooLong);
    }
    if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err(UrlFault::Blank);
    }
    let mut url = Url::parse(text).map_err(UrlFault::Unreadable)?;
    check(&url, rules)?;
    url.set_fragment(None);
    Ok(url)
}

/// The same of a URL that is read.
pub(crate) fn check(url: &Url, rules: UrlRules<'_>) -> Result<(), UrlFault> {
    match url.scheme() {
        "https" => {}
        "http" if rules.http => {}
        _ => return Err(UrlFault::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFault::UserInfo);
    }
    if url.as_str().len() > LONGEST {
        return Err(UrlFault::TooLong);
    }
    let port = port(url);
    if rules.ports.iter().any(|ports| ports.contains(port)) {
        Ok(())
    } else {
        Err(UrlFault::Port(port))
    }
}

/// The port that a URL of ours means.
pub(crate) fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// The host as it is compared and told: in lower case, without the root's dot.
pub(crate) fn host(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    host.strip_suffix('.').unwrap_or(host)
}

/// Host, and port if it is not the scheme's own: all of a URL that errors tell.
pub(crate) fn place(url: &Url) -> String {
    match url.port() {
        Some(port) => format!("{}:{port}", host(url)),
        None => host(url).to_owned(),
    }
}

#[cfg(test)]
mod tests;
