//! Where a partner's redirect may lead. Method, body and token go along, as every known client has
//! it, so it may lead to the same host only.

use url::Url;

/// How many are followed.
pub const AT_MOST: u8 = 2;

/// The next URL of a redirect.
///
/// # Errors
/// Why it is not followed.
pub fn next(url: &Url, location: &str, followed: u8) -> Result<Url, &'static str> {
    if followed >= AT_MOST {
        return Err("it redirects once more after two redirects");
    }
    let next = url.join(location.trim()).map_err(|_| "it redirects to what is no URL")?;
    let to_tls = url.scheme() == "http" && next.scheme() == "https";
    if url.scheme() != next.scheme() && !to_tls {
        return Err("it redirects from https to http");
    }
    let same_port = url.port() == next.port() || (to_tls && url.port().is_none());
    if url.host() != next.host() || !same_port {
        return Err("it redirects to another host, where the token must not go");
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_redirects_are_followed_at_the_same_host() {
        let base = Url::parse("https://desk.example/sharing/tickets/1").unwrap();
        let next = |to: &str, followed| next(&base, to, followed).map(String::from);
        assert_eq!(next("/nhd/tickets/1", 0).unwrap(), "https://desk.example/nhd/tickets/1");
        assert_eq!(next("https://desk.example:443/x", 1).unwrap(), "https://desk.example/x");
        for (to, followed, said) in [
            ("/x", 2, "two redirects"),
            ("https://other.example/x", 0, "another host"),
            ("https://desk.example:8443/x", 0, "another host"),
            ("http://desk.example/x", 0, "https to http"),
            ("https://desk.example.evil.example/x", 0, "another host"),
            ("//other.example/x", 0, "another host"),
            ("https://[", 0, "no URL"),
        ] {
            assert!(next(to, followed).unwrap_err().contains(said), "{to}");
        }
        let plain = Url::parse("http://desk.example/x").unwrap();
        assert!(super::next(&plain, "https://desk.example/x", 0).is_ok());
        let plain = Url::parse("http://desk.example:8080/x").unwrap();
        assert!(super::next(&plain, "https://desk.example/x", 0).is_err());
    }
}
