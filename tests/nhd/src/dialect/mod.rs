//! What each implementation writes, and what it makes of an answer. Functions of values.

pub mod agreement;
pub mod head;
pub mod ids;
pub mod shape;
pub mod ticket;
pub mod time;
pub mod verdict;

pub use shape::Unmeant;
pub use time::TimeForm;
pub use verdict::Verdict;

/// Whose implementation a partner speaks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Zendesk's Ruby gem.
    Zendesk,
    /// The JavaScript client.
    JavaScript,
    /// Request Tracker with its extension.
    RequestTracker,
}

impl Dialect {
    pub const ALL: [Self; 3] = [Self::Zendesk, Self::JavaScript, Self::RequestTracker];

    /// What it does when nobody has changed a setting.
    #[must_use]
    pub fn habits(self) -> Habits {
        match self {
            Self::Zendesk => Habits {
                dialect: self,
                content_type: "application/json",
                accept: Some("application/json"),
                version_header: false,
                token_on_invite: false,
                unmeant: Unmeant::Null,
                update: UpdateBody::Changes,
                absent_public: Visibility::Public,
                omits_public: false,
                html_body: true,
                times: TimeForm::Offset { minutes: -8 * 60 },
                redirects: 2,
            },
            Self::JavaScript => Habits {
                dialect: self,
                content_type: "application/json; charset=utf-8",
                accept: Some("application/json"),
                version_header: true,
                token_on_invite: false,
                unmeant: Unmeant::Absent,
                update: UpdateBody::Whole,
                absent_public: Visibility::Private,
                omits_public: true,
                html_body: false,
                times: TimeForm::NoZone,
                redirects: 0,
            },
            Self::RequestTracker => Habits {
                dialect: self,
                content_type: "text/x-json; charset=\"UTF-8\"",
                accept: None,
                version_header: true,
                token_on_invite: true,
                unmeant: Unmeant::Absent,
                update: UpdateBody::Changes,
                absent_public: Visibility::Public,
                omits_public: false,
                html_body: false,
                times: TimeForm::Offset { minutes: -8 * 60 },
                redirects: 0,
            },
        }
    }

    /// Whether it tells tickets at all: Request Tracker's extension has a client for agreements
    /// alone.
    #[must_use]
    pub fn tells_tickets(self) -> bool {
        self != Self::RequestTracker
    }

    /// Whether its unshare reaches anybody: the JavaScript client fails before it makes a request.
    #[must_use]
    pub fn tells_unshare(self) -> bool {
        self == Self::Zendesk
    }
}

/// What a partner does, each a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit that a test changes alone")]
pub struct Habits {
    pub dialect: Dialect,
    pub content_type: &'static str,
    pub accept: Option<&'static str>,
    /// Whether it sends `X-Ticket-Sharing-Version`.
    pub version_header: bool,
    /// Whether its invite carries the token that it announces.
    pub token_on_invite: bool,
    /// How a member that it does not mean to change is written.
    pub unmeant: Unmeant,
    pub update: UpdateBody,
    /// What a comment without `public` is.
    pub absent_public: Visibility,
    /// Whether it leaves `public` out where that says the same.
    pub omits_public: bool,
    /// Whether a comment has its text as HTML too.
    pub html_body: bool,
    pub times: TimeForm,
    /// How many redirects its client follows, with method, body and token.
    pub redirects: u8,
}

/// What an update carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateBody {
    /// What has changed.
    Changes,
    /// All that it holds.
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Public,
    Private,
}

impl Visibility {
    #[must_use]
    pub fn of(public: bool) -> Self {
        if public { Self::Public } else { Self::Private }
    }

    #[must_use]
    pub fn is_public(self) -> bool {
        self == Self::Public
    }
}
