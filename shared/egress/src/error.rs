//! Why a call came to nothing: a code that stays, and a sentence. Of a URL no more than host and
//! port is told, of a header nothing.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::address::AddressClass;
use crate::redirect::RedirectFault;
use crate::url::UrlFault;

/// Why a call came to nothing. `host` is a name or address, with its port if that is not 443 (80
/// for http).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the URL may not be called: {0}")]
    BadUrl(UrlFault),
    #[error("{host} is {class}, which may not be reached from here")]
    RefusedAddress { host: String, class: AddressClass },
    #[error("the name {host} was not found: it does not exist, or its name servers do not answer")]
    NameNotFound { host: String },
    #[error("{host} cannot be connected to: {}", said(*.kind))]
    NotConnected { host: String, kind: io::ErrorKind },
    #[error("no secure connection to {host}: {fault}")]
    Tls { host: String, fault: TlsFault },
    #[error("{host} took too long: {phase}")]
    TimedOut { host: String, phase: Phase },
    #[error("the answer of {host} is too large: {size}")]
    TooLarge { host: String, size: Size },
    #[error("{host} redirects once more after {at_most} redirects")]
    TooManyRedirects { host: String, at_most: u8 },
    #[error("{host} redirects, and that is not followed: {fault}")]
    RedirectRefused { host: String, fault: RedirectFault },
    #[error("{host} broke off or does not speak HTTP as it should: {fault}")]
    Protocol { host: String, fault: ProtocolFault },
    /// The caller's own stream failed, or was not as long as was said.
    #[error("the body for {host} could not be read to its end")]
    RequestBody { host: String },
}

impl Error {
    /// The code, which stays though sentences change.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadUrl(_) => "bad_url",
            Self::RefusedAddress { .. } => "refused_address",
            Self::NameNotFound { .. } => "name_not_found",
            Self::NotConnected { .. } => "not_connected",
            Self::Tls { .. } => "tls",
            Self::TimedOut { .. } => "timed_out",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyRedirects { .. } => "too_many_redirects",
            Self::RedirectRefused { .. } => "redirect_refused",
            Self::Protocol { .. } => "protocol",
            Self::RequestBody { .. } => "request_body",
        }
    }
}

fn said(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionRefused => "it refuses connections",
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            "it breaks connections off"
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "no way leads to it",
        _ => "the connection failed",
    }
}

/// Why there is no secure connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    Expired,
    NotYetValid,
    UnknownAuthority,
    WrongName,
    Revoked,
    /// The certificate is wrong in another way: an authority's own, shown by a server, too.
    Certificate,
    /// The other side speaks no TLS, or none that both know.
    Handshake,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet",
            Self::UnknownAuthority => {
                "its certificate is from an authority that is not known here; \
                 an intermediate certificate may be missing"
            }
            Self::WrongName => "its certificate is for another name",
            Self::Revoked => "its certificate was revoked",
            Self::Certificate => "its certificate is not valid, as one signed by itself is not",
            Self::Handshake => "it speaks no TLS 1.2 or 1.3, or broke off",
        })
    }
}

/// What a call was at when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waited for other calls to the same host, or for all calls of this process.
    Queue,
    Lookup,
    Connect,
    Tls,
    /// The request was sent, or being sent, and the answer's head did not come.
    Head,
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "other calls to it had not ended",
            Self::Lookup => "its name servers did not answer",
            Self::Connect => "no connection came about",
            Self::Tls => "it did not finish the TLS handshake",
            Self::Head => "it did not begin to answer",
            Self::Body => "its answer did not end",
        })
    }
}

/// What of an answer was too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Head,
    /// More bytes than this.
    Body(u64),
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("its headers"),
            Self::Body(at_most) => write!(f, "more than {at_most} bytes"),
        }
    }
}

/// What was wrong with the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolFault {
    /// The connection ended before the answer did.
    BrokenOff,
    /// What came is not HTTP/1.1.
    NotHttp,
    Other,
}

impl fmt::Display for ProtocolFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokenOff => "the connection ended before the answer did",
            Self::NotHttp => "the answer is not HTTP/1.1",
            Self::Other => "the exchange failed",
        })
    }
}

/// Why the client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{key} has to be {must}")]
    Setting { key: &'static str, must: &'static str },
    #[error("ca_file: {} cannot be read as certificates in PEM: {why}", path.display())]
    CaFile { path: PathBuf, why: String },
    #[error(
        "this system has no root certificates, and ca_file names none: install ca-certificates"
    )]
    NoRoots,
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}
