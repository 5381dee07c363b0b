use proptest::prelude::*;

use super::*;

const HTTPS: UrlRules<'static> =
    UrlRules { ports: &[Ports::one(443), Ports::one(8443), Ports::one(80)], http: false };
const BOTH: UrlRules<'static> = UrlRules { http: true, ..HTTPS };

#[test]
fn urls_that_may_be_called_are_read_by_the_standard() {
    let table = [
        ("https://desk.test", "https://desk.test/"),
        ("HTTPS://DESK.Test:443/A?b=C#d", "https://desk.test/A?b=C"),
        ("https://desk.test:8443/%41", "https://desk.test:8443/%41"),
        ("https://bücher.test/", "https://xn--bcher-kva.test/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://134744072/", "https://8.8.8.8/"),
        ("https://0x8.0x8.2056/", "https://8.8.8.8/"),
        ("https://010.8.8.8/", "https://8.8.8.8/"),
        ("https://127.1/", "https://127.0.0.1/"),
        ("https://①②⑦.0.0.1/", "https://127.0.0.1/"),
        ("https://[::FFFF:127.0.0.1]/", "https://[::ffff:7f00:1]/"),
        (r"https:\\desk.test\a", "https://desk.test/a"),
    ];
    for (text, expected) in table {
        assert_eq!(acceptable(text, HTTPS).unwrap().as_str(), expected, "{text}");
    }
    assert!(acceptable("http://desk.test/", BOTH).is_ok());
}

#[test]
fn urls_that_may_not_be_called_say_why() {
    let long = format!("https://desk.test/{}", "a".repeat(LONGEST));
    let table = [
        ("http://desk.test/", UrlFault::Scheme),
        ("ftp://desk.test/", UrlFault::Scheme),
        ("file:///etc/passwd", UrlFault::Scheme),
        ("gopher://desk.test/", UrlFault::Scheme),
        ("javascript:alert(1)", UrlFault::Scheme),
        ("https://user@desk.test/", UrlFault::UserInfo),
        ("https://:word@desk.test/", UrlFault::UserInfo),
        ("https://desk.test:22/", UrlFault::Port(22)),
        ("https://desk.test:0/", UrlFault::Port(0)),
        ("https://desk test/", UrlFault::Blank),
        ("https://de\nsk.test/", UrlFault::Blank),
        (" https://desk.test/", UrlFault::Blank),
        ("https://desk.test/\t", UrlFault::Blank),
        ("https://desk.test/\0", UrlFault::Blank),
        (&long, UrlFault::TooLong),
        ("https://", UrlFault::Unreadable(url::ParseError::EmptyHost)),
        ("https://1.2.3.256/", UrlFault::Unreadable(url::ParseError::InvalidIpv4Address)),
        ("https://[fe80::1%25eth0]/", UrlFault::Unreadable(url::ParseError::InvalidIpv6Address)),
        ("desk.test/hook", UrlFault::Unreadable(url::ParseError::RelativeUrlWithoutBase)),
    ];
    for (text, fault) in table {
        assert_eq!(acceptable(text, HTTPS), Err(fault), "{text}");
    }
}

#[test]
fn a_place_is_host_and_port_alone() {
    let table = [
        ("https://desk.test./secret?secret", "desk.test"),
        ("https://desk.test:8443/secret", "desk.test:8443"),
        ("https://[::1]:8443/", "[::1]:8443"),
    ];
    for (text, expected) in table {
        assert_eq!(place(&acceptable(text, HTTPS).unwrap()), expected);
    }
}

proptest! {
    /// What is accepted is what it says: scheme, port, nobody's name, and read again the same.
    #[test]
    fn what_is_accepted_keeps_the_rules(
        scheme in "(https?|ftp|HTTPS)",
        user in "([a-z]{1,3}(:[a-z]{0,3})?@)?",
        host in "([a-z.]{1,12}|[0-9]{1,10}|[0-9.x]{1,12}|\\[[0-9a-f:]{2,20}\\])",
        port in "(:[0-9]{1,5})?",
        rest in "[ -~]{0,12}",
    ) {
        let text = format!("{scheme}://{user}{host}{port}/{rest}");
        if let Ok(url) = acceptable(&text, HTTPS) {
            prop_assert_eq!(url.scheme(), "https");
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!([443, 8443, 80].contains(&super::port(&url)));
            prop_assert!(url.fragment().is_none());
            prop_assert!(!host_of(&url).is_empty());
            let again = acceptable(url.as_str(), HTTPS);
            prop_assert_eq!(again, Ok(url.clone()));
            // the HTTP library reads the same host and port out of it
            if let Ok(uri) = url.as_str().parse::<http::Uri>() {
                prop_assert_eq!(uri.host(), url.host_str());
                prop_assert_eq!(uri.port_u16(), url.port());
            }
        }
    }
}

fn host_of(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}
