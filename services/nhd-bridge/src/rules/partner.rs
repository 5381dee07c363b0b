//! A partner's sharing URL, and the account that stands for it.

use contracts::AccountName;
use contracts::ids::derive_id;
use url::Url;

/// Digits of the hash in an account's name.
const DIGITS: usize = 20;

/// A sharing URL in its one spelling: lower-case host, no default port, no slash at its end, nothing
/// that names a user, and no query.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with its place.
pub fn normalised(text: &str) -> Result<String, String> {
    let mut url = Url::parse(text.trim()).map_err(|error| format!("is no URL: {error}"))?;
    if url.scheme() != "https" {
        return Err("does not begin with https://".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host".to_owned());
    }
    // Neither fails for a URL with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The account of a normalised sharing URL.
#[must_use]
pub fn account(edge: &str, sharing_url: &str) -> Option<AccountName> {
    let digits = derive_id("sharing-url", &[sharing_url]).simple().to_string();
    AccountName::new(format!("{edge}-{}", &digits[..DIGITS])).ok()
}

/// The host of a URL, by which people know it.
#[must_use]
pub fn host(sharing_url: &str) -> String {
    let url = Url::parse(sharing_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("an unknown host");
    match url.as_ref().and_then(Url::port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_spelling_and_one_account() {
        let plain = "https://globex.example/sharing";
        for text in [
            plain,
            " https://Globex.example:443/sharing/ ",
            "https://kim@globex.example/sharing?x=1#y",
        ] {
            assert_eq!(normalised(text).as_deref(), Ok(plain), "{text}");
        }
        let name = account("nhd-bridge", plain).unwrap();
        assert!(name.as_str().starts_with("nhd-bridge-") && name.as_str().len() == 31);
        assert_ne!(Some(name), account("nhd-bridge", "https://globex.example/sharing2"));
        assert_eq!(host("https://globex.example:8443/x"), "globex.example:8443");
        for text in ["", "globex", "ftp://globex.example/x", "https://"] {
            assert!(normalised(text).is_err(), "{text}");
        }
    }
}
