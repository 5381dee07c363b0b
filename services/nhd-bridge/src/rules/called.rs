//! What a partner's answer means, and what happens after it.

use std::time::Duration;

/// What is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// We invite: `POST` of an agreement.
    Invite,
    /// The invite was accepted here, and the partner's URL is proven by its answer.
    Accept,
    /// It was declined here.
    Decline,
    /// The agreement ended here.
    Deactivate,
    /// A moved partner, or one that knew no ticket, is asked whether it knows the agreement.
    Prove,
    /// A ticket is shared: `POST`.
    Share,
    /// It changed: `PUT`.
    Update,
    /// It is shared no more: `DELETE`.
    Unshare,
}

impl CallKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Invite,
        Self::Accept,
        Self::Decline,
        Self::Deactivate,
        Self::Prove,
        Self::Share,
        Self::Update,
        Self::Unshare,
    ];

    /// Its word, as it is stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Deactivate => "deactivate",
            Self::Prove => "prove",
            Self::Share => "share",
            Self::Update => "update",
            Self::Unshare => "unshare",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The method.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Invite | Self::Share => "POST",
            Self::Accept | Self::Decline | Self::Deactivate | Self::Prove | Self::Update => "PUT",
            Self::Unshare => "DELETE",
        }
    }

    /// Whether the agreement stands or falls with it.
    const fn proves(self) -> bool {
        matches!(self, Self::Invite | Self::Accept | Self::Prove)
    }

    /// Whether it tells of an end, after which nothing is to be called.
    const fn ends(self) -> bool {
        matches!(self, Self::Decline | Self::Deactivate | Self::Unshare)
    }
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// An answer.
    Status {
        /// Its status code.
        status: u16,
        /// Whether it is a page for people: then a 2xx says nothing.
        is_page: bool,
        /// What `Retry-After` asks for.
        retry_after: Option<Duration>,
    },
    /// None.
    Nothing,
}

/// How the call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// What it was for.
    pub kind: CallKind,
    /// How often it had failed before.
    pub failures: u32,
    /// Whether it was begun before: then that attempt may have been taken, though nobody heard so.
    pub was_begun: bool,
    /// Whether the media type may still be another one.
    pub may_change_media: bool,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It was taken.
    Taken,
    /// Whether it was taken shows when it is read back.
    ReadBack,
    /// It is to be sent as the other media type, at once.
    OtherMedia,
    /// The partner has the ticket already: it is to be sent as an update, at once.
    AsUpdate,
    /// It was not taken; again later, not before this time is over.
    Again(Option<Duration>),
    /// It was refused for what it says: the next one follows.
    Refused,
    /// The partner does not know the ticket.
    UnknownTicket,
    /// The partner does not know the agreement, or wants nothing more of it.
    Over,
}

/// Reads an answer.
#[must_use]
pub fn meaning(made: Made, answered: Answered) -> Meaning {
    let Answered::Status { status, is_page, retry_after } = answered else {
        return Meaning::Again(None);
    };
    let kind = made.kind;
    match status {
        200..=299 if is_page => Meaning::ReadBack,
        200..=299 => Meaning::Taken,
        // Some say 422, because they read no body of another type.
        400 | 412 | 415 | 422 if made.may_change_media && kind != CallKind::Unshare => {
            Meaning::OtherMedia
        }
        // What has ended here may have ended there, or never been; a partner may know no DELETE.
        401 | 403 | 404 | 405 | 409 | 410 | 422 if kind.ends() => Meaning::Taken,
        408 | 425 | 429 | 500..=599 => Meaning::Again(retry_after),
        409 | 422 if made.was_begun && kind == CallKind::Share => Meaning::AsUpdate,
        409 | 422 if made.was_begun && kind == CallKind::Invite => Meaning::ReadBack,
        404 | 410 if kind == CallKind::Update => Meaning::UnknownTicket,
        401 | 403 | 404 | 410 => Meaning::Over,
        400..=499 if kind.proves() => Meaning::Over,
        // A redirect that is not followed, and what is no status, may be mended by the partner.
        _ if !(400..=499).contains(&status) => Meaning::Again(None),
        _ => Meaning::Refused,
    }
}

/// What a read-back shows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// What was sent is there; of an end, nothing is.
    Done,
    /// The agreement or ticket is there, and says something else.
    Otherwise,
    /// Nothing that can be read.
    Nothing,
}

impl Shown {
    /// What is shown where the agreement or ticket is there: its status beside the one that was
    /// sent. What tells no status is taken at its word.
    #[must_use]
    pub fn there(kind: CallKind, sent: Option<&str>, status: Option<&str>) -> Self {
        match kind {
            CallKind::Unshare => Self::Otherwise,
            // They are taken if they are there: the partner may have decided, or changed the
            // ticket, before it is asked.
            CallKind::Invite | CallKind::Share => Self::Done,
            _ if sent.is_some() && status.is_some() && sent != status => Self::Otherwise,
            _ => Self::Done,
        }
    }
}

/// How often an end that shows no effect is told again: who knows no end never will.
const ENDS_TOLD: u32 = 3;

/// Reads what a read-back showed. Some answer 200 to a body that they did not read, or to a value
/// that they do not take: sent again it would be no better.
#[must_use]
pub fn meaning_of_shown(made: Made, shown: Shown) -> Meaning {
    match shown {
        Shown::Done => Meaning::Taken,
        _ if made.kind.ends() && made.failures >= ENDS_TOLD => Meaning::Refused,
        _ if made.kind == CallKind::Unshare => Meaning::Again(None),
        Shown::Otherwise if made.may_change_media => Meaning::OtherMedia,
        Shown::Otherwise => given_up(made.kind),
        Shown::Nothing => Meaning::Again(None),
    }
}

/// Whether a ticket that is shared with this status may begin as an open one, whose status follows:
/// Request Tracker's lifecycle begins none as anything else.
#[must_use]
pub fn begins_otherwise(status: Option<&str>) -> bool {
    status.is_some_and(|status| !matches!(status, "new" | "open"))
}

/// What becomes of a call that failed as often as it may.
#[must_use]
pub fn given_up(kind: CallKind) -> Meaning {
    if kind.proves() { Meaning::Over } else { Meaning::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: CallKind, was_begun: bool, may_change_media: bool, status: u16) -> Meaning {
        let answered = Answered::Status { status, is_page: false, retry_after: None };
        meaning(Made { kind, failures: 0, was_begun, may_change_media }, answered)
    }

    #[test]
    fn each_answer_means_one_thing() {
        use CallKind::{Accept, Deactivate, Invite, Prove, Share, Unshare, Update};
        for (kind, was_begun, status, expected) in [
            (Invite, false, 201, Meaning::Taken),
            (Update, false, 204, Meaning::Taken),
            (Update, false, 500, Meaning::Again(None)),
            (Update, false, 429, Meaning::Again(None)),
            (Update, false, 408, Meaning::Again(None)),
            (Update, false, 302, Meaning::Again(None)),
            (Update, false, 422, Meaning::Refused),
            (Update, true, 422, Meaning::Refused),
            (Update, false, 404, Meaning::UnknownTicket),
            (Update, false, 410, Meaning::UnknownTicket),
            (Update, false, 403, Meaning::Over),
            (Update, false, 401, Meaning::Over),
            (Share, false, 404, Meaning::Over),
            (Share, false, 422, Meaning::Refused),
            (Share, true, 422, Meaning::AsUpdate),
            (Invite, false, 422, Meaning::Over),
            (Invite, true, 422, Meaning::ReadBack),
            (Accept, false, 404, Meaning::Over),
            (Accept, false, 418, Meaning::Over),
            (Accept, false, 503, Meaning::Again(None)),
            (Prove, false, 410, Meaning::Over),
            (Unshare, false, 404, Meaning::Taken),
            (Unshare, false, 405, Meaning::Taken),
            (Deactivate, false, 403, Meaning::Taken),
            (Deactivate, false, 502, Meaning::Again(None)),
        ] {
            assert_eq!(
                read(kind, was_begun, false, status),
                expected,
                "{kind:?} {was_begun} {status}"
            );
        }
    }

    #[test]
    fn the_other_media_type_is_tried_where_the_first_may_be_the_matter() {
        assert_eq!(read(CallKind::Share, false, true, 415), Meaning::OtherMedia);
        assert_eq!(read(CallKind::Invite, false, true, 400), Meaning::OtherMedia);
        assert_eq!(read(CallKind::Share, false, false, 415), Meaning::Refused);
        assert_eq!(read(CallKind::Invite, false, true, 422), Meaning::OtherMedia);
        assert_eq!(read(CallKind::Share, false, false, 422), Meaning::Refused);
    }

    #[test]
    fn a_page_for_people_proves_nothing() {
        let answered = Answered::Status { status: 200, is_page: true, retry_after: None };
        for kind in CallKind::ALL {
            let made = Made { kind, failures: 0, was_begun: false, may_change_media: false };
            assert_eq!(meaning(made, answered), Meaning::ReadBack, "{kind:?}");
            assert_eq!(meaning(made, Answered::Nothing), Meaning::Again(None), "{kind:?}");
            assert_eq!(CallKind::of_word(kind.word()), Some(kind));
        }
    }

    #[test]
    fn what_is_new_is_taken_if_it_is_there_whatever_became_of_it() {
        use CallKind::{Accept, Deactivate, Invite, Prove, Share, Unshare, Update};
        for (kind, sent, status, expected) in [
            (Invite, "pending", Some("pending"), Shown::Done),
            (Invite, "pending", Some("accepted"), Shown::Done),
            (Invite, "pending", Some("declined"), Shown::Done),
            (Share, "open", Some("solved"), Shown::Done),
            (Update, "open", Some("open"), Shown::Done),
            (Update, "open", Some("solved"), Shown::Otherwise),
            (Update, "open", None, Shown::Done),
            (Accept, "accepted", Some("pending"), Shown::Otherwise),
            (Prove, "accepted", Some("inactive"), Shown::Otherwise),
            (Deactivate, "inactive", Some("accepted"), Shown::Otherwise),
            (Deactivate, "inactive", Some("inactive"), Shown::Done),
        ] {
            assert_eq!(Shown::there(kind, Some(sent), status), expected, "{kind:?} {status:?}");
        }
        assert_eq!(Shown::there(Update, None, Some("open")), Shown::Done);
        assert_eq!(Shown::there(Unshare, None, None), Shown::Otherwise);
    }

    #[test]
    fn what_a_read_back_shows_decides() {
        use CallKind::{Accept, Deactivate, Unshare, Update};
        for (kind, failures, may_change_media, shown, expected) in [
            (Accept, 0, true, Shown::Done, Meaning::Taken),
            (Accept, 0, true, Shown::Otherwise, Meaning::OtherMedia),
            (Accept, 0, false, Shown::Otherwise, Meaning::Over),
            (Accept, 0, false, Shown::Nothing, Meaning::Again(None)),
            (Update, 5, false, Shown::Otherwise, Meaning::Refused),
            (Unshare, 0, true, Shown::Otherwise, Meaning::Again(None)),
            (Unshare, 3, true, Shown::Otherwise, Meaning::Refused),
            (Deactivate, 0, true, Shown::Otherwise, Meaning::OtherMedia),
            (Deactivate, 3, false, Shown::Nothing, Meaning::Refused),
        ] {
            let made = Made { kind, failures, was_begun: failures > 0, may_change_media };
            assert_eq!(meaning_of_shown(made, shown), expected, "{made:?} {shown:?}");
        }
    }

    #[test]
    fn an_agreement_that_cannot_be_proven_is_over() {
        assert_eq!(given_up(CallKind::Accept), Meaning::Over);
        assert_eq!(given_up(CallKind::Update), Meaning::Refused);
    }
}
