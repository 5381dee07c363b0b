//! May this redirect be followed, and with what?

use std::fmt;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use url::Url;

use crate::url::{UrlFault, UrlRules, check, host};

/// Which redirects a call follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redirects {
    at_most: u8,
    same_host: bool,
    keeps_method: bool,
}

impl Redirects {
    /// None: a redirect is the answer.
    #[must_use]
    pub const fn none() -> Self {
        Self { at_most: 0, same_host: true, keeps_method: false }
    }

    /// At most so many, to whatever may be reached. Elsewhere than the first host, only headers
    /// that say nothing of the caller go along, and no body.
    #[must_use]
    pub const fn anywhere(at_most: u8) -> Self {
        Self { at_most, same_host: false, keeps_method: false }
    }

    /// At most so many, and only to the host that was called.
    #[must_use]
    pub const fn same_host(at_most: u8) -> Self {
        Self { at_most, same_host: true, keeps_method: false }
    }

    /// With method and body whatever the status: what clients of a protocol agree on, and browsers
    /// do not.
    #[must_use]
    pub const fn keeping_method(mut self) -> Self {
        self.keeps_method = true;
        self
    }
}

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectFault {
    /// To what is not a URL that may be called.
    Target(UrlFault),
    /// From `https` to `http`.
    Downgrade,
    /// To another host, of a call that stays at one.
    OtherHost,
    /// The body would go to another host.
    BodyToOtherHost,
    /// The body was a stream, which cannot be sent again.
    BodyOnce,
    /// `301` or `302` to what is neither GET nor HEAD: some repeat it, others make it a GET, and a
    /// GET's success would look like its own.
    Method,
}

impl fmt::Display for RedirectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(fault) => write!(f, "its target's URL may not be called: {fault}"),
            Self::Downgrade => f.write_str("it leads from https to http"),
            Self::OtherHost => f.write_str("it leads to another host"),
            Self::BodyToOtherHost => f.write_str("it would take the body to another host"),
            Self::BodyOnce => f.write_str("the body cannot be sent a second time"),
            Self::Method => {
                f.write_str("it does not say whether the method stays; give its target")
            }
        }
    }
}

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub url: &'a Url,
    pub method: &'a Method,
    pub body: Carries,
    /// Redirects that led to it.
    pub followed: u8,
}

/// Whether a request has a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    Nothing,
    Bytes,
    /// A stream, which is gone once it is sent.
    Stream,
}

/// The request that a redirect asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Onward {
    pub url: Url,
    pub method: Method,
    pub with_body: bool,
    /// Whether the headers that were meant for the first host may go along.
    pub with_headers: bool,
}

/// Why there is no next request, though one was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    TooMany(u8),
    Refused(RedirectFault),
}

/// The next request, or nothing if the answer is the last one.
///
/// # Errors
///
/// Why the redirect is not followed.
pub(crate) fn next(
    sent: Sent<'_>,
    status: StatusCode,
    location: Option<&[u8]>,
    redirects: Redirects,
    rules: UrlRules<'_>,
) -> Result<Option<Onward>, Stop> {
    let asks = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = location.filter(|_| asks && redirects.at_most > 0) else {
        return Ok(None);
    };
    if sent.followed >= redirects.at_most {
        return Err(Stop::TooMany(redirects.at_most));
    }
    onward(sent, status, location, redirects, rules).map(Some).map_err(Stop::Refused)
}

fn onward(
    sent: Sent<'_>,
    status: StatusCode,
    location: &[u8],
    redirects: Redirects,
    rules: UrlRules<'_>,
) -> Result<Onward, RedirectFault> {
    let url = target(sent.url, location, rules).map_err(RedirectFault::Target)?;
    if sent.url.scheme() == "https" && url.scheme() != "https" {
        return Err(RedirectFault::Downgrade);
    }
    let stays = same_host(sent.url, &url);
    if redirects.same_host && !stays {
        return Err(RedirectFault::OtherHost);
    }
    let is_read = [Method::GET, Method::HEAD].contains(sent.method);
    let (method, with_body) = match status {
        _ if redirects.keeps_method => (sent.method.clone(), sent.body != Carries::Nothing),
        StatusCode::SEE_OTHER if *sent.method == Method::HEAD => (Method::HEAD, false),
        StatusCode::SEE_OTHER => (Method::GET, false),
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if !is_read => {
            return Err(RedirectFault::Method);
        }
        _ => (sent.method.clone(), sent.body != Carries::Nothing),
    };
    if with_body && sent.body == Carries::Stream {
        return Err(RedirectFault::BodyOnce);
    }
    if with_body && !stays {
        return Err(RedirectFault::BodyToOtherHost);
    }
    Ok(Onward { url, method, with_body, with_headers: stays })
}

fn target(base: &Url, location: &[u8], rules: UrlRules<'_>) -> Result<Url, UrlFault> {
    let location = std::str::from_utf8(location).map_err(|_| UrlFault::Blank)?;
    if location.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err(UrlFault::Blank);
    }
    let mut url = base.join(location).map_err(UrlFault::Unreadable)?;
    check(&url, rules)?;
    url.set_fragment(None);
    Ok(url)
}

/// Whether two URLs mean the same host: by name, and by port unless both are their scheme's own.
fn same_host(one: &Url, other: &Url) -> bool {
    let port = |url: &Url| if url.scheme() == one.scheme() { url.port() } else { None };
    let moved = one.scheme() != other.scheme() && (one.port().is_some() || other.port().is_some());
    host(one) == host(other) && port(one) == port(other) && !moved
}

/// What of a request's headers goes along. To another host only what says nothing of the caller:
/// a header with a token in it may have any name.
pub(crate) fn headers(onward: &Onward, headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    if !onward.with_headers {
        kept = HeaderMap::new();
        for name in HARMLESS {
            if let Some(value) = headers.get(&name) {
                kept.insert(name, value.clone());
            }
        }
    }
    if !onward.with_body {
        for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
            kept.remove(name);
        }
    }
    kept
}

const HARMLESS: [HeaderName; 2] = [ACCEPT, ACCEPT_LANGUAGE];

#[cfg(test)]
mod tests;
