//! Addresses of servers, changed part by part.

use url::Url;

use crate::error::{Error, Result};

/// Reads an address; `name` says in the error which one it was.
///
/// # Errors
/// [`Error::Url`] when it is none, or names no host.
pub fn parse(name: &str, address: &str) -> Result<Url> {
    let unusable = |detail: String| Error::Url { name: name.to_owned(), detail };
    let url = Url::parse(address).map_err(|refused| unusable(refused.to_string()))?;
    if url.has_host() { Ok(url) } else { Err(unusable("it names no host".to_owned())) }
}

/// The same server for another user, at another path (a virtual host or a database).
///
/// # Errors
/// [`Error::Url`] when `address` is none, or names no host.
pub fn for_user(
    name: &str,
    address: &str,
    user: &str,
    password: &str,
    path: &str,
) -> Result<String> {
    let mut url = parse(name, address)?;
    // Both fail only for an address without a host, which `parse` refused.
    url.set_username(user).and_then(|()| url.set_password(Some(password))).map_err(|()| {
        Error::Url { name: name.to_owned(), detail: "it takes no user".to_owned() }
    })?;
    url.set_path(&segment(path));
    Ok(url.into())
}

/// One segment of a path, with everything encoded that could end it.
///
/// # Panics
/// Never: a string takes every byte.
#[must_use]
pub fn segment(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes every byte");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_in_an_address() {
        let url = for_user("AMQP_URL", "amqp://guest:guest@127.0.0.1:6000", "svc.x", "p", "a/b c")
            .unwrap();
        assert_eq!(url, "amqp://svc.x:p@127.0.0.1:6000/a%2Fb%20c");
        assert_eq!(segment("desk.acme"), "desk.acme");
    }
}
