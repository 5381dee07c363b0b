//! Links: what of them may cross. They are read by the URL standard, which every desk's browser
//! follows, and held to what it would not silently mend.

use url::Url;

/// What attachments and links to tickets may begin with.
pub const SCHEMES: &[&str] = &["https"];

/// A link as it may cross: as it was sent, its scheme in lower case.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with its place.
pub fn read(text: &str, schemes: &[&str]) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if !schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(format!("does not begin with {}", list(schemes)));
    }
    let is_odd = |letter: char| {
        letter.is_whitespace() || letter.is_control() || matches!(letter, '"' | '<' | '>' | '\\')
    };
    if text.contains(is_odd) {
        return Err("has a blank or another character that no link has".to_owned());
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("carries a user or password".to_owned());
    }
    // A placeholder there would send people elsewhere than the link shows.
    if authority.is_empty() || authority.contains(['{', '}']) {
        return Err("names no host".to_owned());
    }
    match Url::parse(text) {
        Ok(url) if url.port() == Some(0) => Err("names no port that can be reached".to_owned()),
        Ok(url) if url.host_str().is_some_and(is_host) => {
            Ok(format!("{}://{rest}", scheme.to_ascii_lowercase()))
        }
        Ok(_) => Err("names no host".to_owned()),
        Err(error) => Err(format!("is no link: {error}")),
    }
}

/// Whether each label of a name has a letter; the last dot, of the root, may stand.
fn is_host(host: &str) -> bool {
    host.strip_suffix('.').unwrap_or(host).split('.').all(|label| !label.is_empty())
}

fn list(schemes: &[&str]) -> String {
    schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ")
}

/// Whether two links lead to the same file, whatever their spelling, and whoever they are for.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || bare(one).is_some_and(|link| Some(link) == bare(other))
}

/// A link without what does not tell files apart.
fn bare(link: &str) -> Option<Url> {
    let mut link = Url::parse(link.trim()).ok()?;
    // Refused only for links that have no place for them, and then there is nothing to take away.
    let _ = link.set_username("");
    let _ = link.set_password(None);
    link.set_fragment(None);
    Some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_https_with_a_host_and_nobodys_password() {
        for good in [
            "https://acme.example/files/1",
            "https://acme.example",
            "https://acme.example:8443/a?b=c&d[]=e#f",
            "https://acme.example./1",
            "https://acme.example/100%/Pr\u{fc}fbericht.pdf",
            "https://b\u{fc}cher.example/1",
            "https://192.0.2.1/x",
            "https://[2001:db8::1]/x",
            "https://acme.example/@ada/mail@x",
            "https://acme.example/?to=a@b",
        ] {
            assert_eq!(read(good, SCHEMES).as_deref(), Ok(good));
        }
        assert_eq!(read("HTTPS://Acme.example/A", SCHEMES).unwrap(), "https://Acme.example/A");
        for bad in [
            "http://acme.example/1",
            "ftp://acme.example/1",
            "cid:part1@acme.example",
            "data:text/plain;base64,SGVsbG8=",
            "javascript:alert(1)//https://acme.example",
            "/files/1",
            "files/1",
            "//acme.example/1",
            "acme.example/1",
            "",
            "https:acme.example/1",
            "https:/acme.example/1",
            "https://",
            "https:///files/1",
            "https://?a",
            "https://#a",
            "https://:8443/",
            "https://./",
            "https://../1",
            "https://acme..example/1",
            "https://.acme.example/1",
            "https://acme.example:0/1",
            "https://acme.example:x/",
            "https://acme.example:99999/",
            "https://ada:secret@acme.example/1",
            "https://ada@acme.example/1",
            "https://@acme.example/1",
            "https://:@acme.example/1",
            "https://acme.example\\@evil.example/1",
            "https://{host}/1",
            "https://acme.example/a b",
            " https://acme.example/1",
            "https://acme.example/1\r\nX-Evil: 1",
            "https://acme.example/1\n",
            "https://acme\t.example/1",
            "https://acme.example/\u{a0}1",
            "https://acme.example/\u{3000}1",
            "https://acme.example/\"onload=",
            "https://acme.example/<b>",
            "https://acme .example/",
            "https://acme%20.example/",
            "https://[2001:db8::1/x",
            "h\u{442}tps://acme.example/",
        ] {
            assert!(read(bad, SCHEMES).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_file_has_many_links() {
        let file = "https://acme.example/calls/1.mp3";
        for same in [
            file,
            "HTTPS://ACME.example/calls/1.mp3",
            "https://acme.example:443/calls/1.mp3",
            "https://ada:secret@acme.example/calls/1.mp3",
            "https://acme.example/calls/../calls/1.mp3",
            "https://acme.example/calls/1.mp3#t=10",
            " https://acme.example/calls/1.mp3",
        ] {
            assert!(is_same(file, same) && is_same(same, file), "{same}");
        }
        for other in ["https://acme.example/calls/2.mp3", "https://acme.example/calls/1.MP3", ""] {
            assert!(!is_same(file, other), "{other}");
        }
        assert!(is_same("calls/1.mp3", "calls/1.mp3"), "also what is no link is itself");
    }

    proptest::proptest! {
        #[test]
        fn what_crosses_leads_where_it_says_and_carries_nobodys_password(
            link in "[hH]ttp[sS]?:/{0,3}[a-z@:.\\[\\]{} \u{a0}\t\\\\/?#%0-9]{0,12}\
                /[a-z@ \r\n\"<>/]{0,6}",
        ) {
            if let Ok(read) = read(&link, SCHEMES) {
                let url = Url::parse(&read).unwrap();
                proptest::prop_assert_eq!(url.scheme(), "https");
                proptest::prop_assert_eq!((url.username(), url.password()), ("", None));
                let host = url.host_str().unwrap_or_default();
                proptest::prop_assert!(!host.is_empty());
                let told = read["https://".len()..].split(['/', '?', '#', ':']).next();
                let is_told = told.is_some_and(|told| told.starts_with('[') || !told.is_empty());
                proptest::prop_assert!(is_told);
                proptest::prop_assert!(read.starts_with("https://"));
                proptest::prop_assert!(
                    !read.contains(|it: char| it.is_whitespace() || it.is_control())
                );
            }
        }
    }
}
