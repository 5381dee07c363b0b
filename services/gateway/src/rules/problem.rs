//! Why a request is refused, as a problem document (RFC 9457). A command that the line refuses is
//! none: its receipt says so.

use serde::Serialize;

/// A refusal. As JSON it also has `type`, `title`, `status` and `reason`, which follow from why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Why.
    pub why: Why,
    /// What to do.
    pub detail: String,
    /// Where in the request, as a JSON pointer (RFC 6901).
    pub pointer: Option<String>,
    /// After how many seconds it may be tried again.
    pub retry_after: Option<u64>,
}

/// As it is written.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (reason, status, title) = self.why.told();
        let document = Document {
            r#type: format!("urn:deskmesh:reason:{reason}"),
            title,
            status,
            detail: &self.detail,
            pointer: self.pointer.as_deref(),
            reason,
            retry_after: self.retry_after,
        };
        document.serialize(serializer)
    }
}

/// Every reason for which the gateway itself refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No token, or none that is valid.
    NoToken,
    /// The token may not do this.
    WrongScope,
    /// There is no such thing, or it is another account's.
    NotFound,
    /// The path has no such method.
    MethodNotAllowed,
    /// The request is not as it must be.
    Malformed,
    /// No command has this type.
    UnknownType,
    /// The body is too large.
    TooLarge,
    /// The account's files would take more than they may.
    QuotaExceeded,
    /// The key was used for another request.
    MessageIdReused,
    /// What stood at the cursor is no longer kept.
    CursorGone,
    /// More requests than the account may make.
    TooManyRequests,
    /// More long polls and streams than the account may hold open.
    TooManyStreams,
    /// It was not stored: try again.
    NotStored,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::NoToken,
        Self::WrongScope,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Malformed,
        Self::UnknownType,
        Self::TooLarge,
        Self::QuotaExceeded,
        Self::MessageIdReused,
        Self::CursorGone,
        Self::TooManyRequests,
        Self::TooManyStreams,
        Self::NotStored,
    ];

    /// Code, status and title.
    #[must_use]
    pub fn told(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::NoToken => ("no_token", 401, "a valid token is needed"),
            Self::WrongScope => ("wrong_scope", 403, "the token may not do this"),
            Self::NotFound => ("not_found", 404, "there is no such thing here"),
            Self::MethodNotAllowed => ("method_not_allowed", 405, "this path has no such method"),
            Self::Malformed => ("malformed", 422, "the request is not as it must be"),
            Self::UnknownType => ("unknown_type", 422, "no command has this type"),
            Self::TooLarge => ("too_large", 413, "the body is too large"),
            Self::QuotaExceeded => ("quota_exceeded", 413, "the account's files take too much"),
            Self::MessageIdReused => {
                ("message_id_reused", 422, "the key was used for another request")
            }
            Self::CursorGone => ("cursor_gone", 410, "what stood at the cursor is no longer kept"),
            Self::TooManyRequests => ("too_many_requests", 429, "too many requests"),
            Self::TooManyStreams => ("too_many_streams", 429, "too many open polls and streams"),
            Self::NotStored => ("not_stored", 503, "nothing was stored"),
        }
    }

    /// The code alone.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.told().0
    }
}

impl Problem {
    /// A refusal with a sentence that says what to do.
    pub fn new(why: Why, detail: impl Into<String>) -> Self {
        Self { why, detail: detail.into(), pointer: None, retry_after: None }
    }

    /// Adds where.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// Adds when to try again.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_and_a_status_of_an_error() {
        let codes: BTreeSet<&str> = Why::ALL.iter().map(|why| why.code()).collect();
        assert_eq!(codes.len(), Why::ALL.len());
        assert!(Why::ALL.iter().all(|why| (400..600).contains(&why.told().1)));
    }
}
