//! Whether anything can be done about a reason, and by whom.

use std::fmt;

use super::Reason;

/// Whether anything can be done about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It is as the parties, or the rules of sharing, want it: nothing to mend.
    AsAgreed,
    /// Once this one has mended it, the same passes.
    Mendable(Mender),
    /// What it builds on was not there yet: after the receipt of that the same passes.
    Transient,
}

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mender {
    /// The account that published the command: its desk or its people.
    Publisher,
    /// The account on the other side.
    Partner,
    /// Either of the two; the detail says whose is what.
    Either,
    /// Who operates the deployment.
    Operator,
}

impl Class {
    /// The class as programs read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AsAgreed => "as_agreed",
            Self::Mendable(_) => "mendable",
            Self::Transient => "transient",
        }
    }

    /// Who can mend it; nobody where there is nothing to mend.
    #[must_use]
    pub fn mender(self) -> Option<Mender> {
        match self {
            Self::Mendable(mender) => Some(mender),
            Self::AsAgreed | Self::Transient => None,
        }
    }
}

impl Mender {
    /// The one who mends as programs read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Partner => "partner",
            Self::Either => "either",
            Self::Operator => "operator",
        }
    }
}

/// For people, beside the reason's code: `as agreed`, `mendable by the partner`, `transient`.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsAgreed => "as agreed",
            Self::Mendable(Mender::Publisher) => "mendable by the publisher",
            Self::Mendable(Mender::Partner) => "mendable by the partner",
            Self::Mendable(Mender::Either) => "mendable by either side",
            Self::Mendable(Mender::Operator) => "mendable by the operator",
            Self::Transient => "transient",
        })
    }
}

impl Reason {
    /// Whether anything can be done about it, and by whom.
    #[must_use]
    pub fn class(self) -> Class {
        use Reason as R;
        match self {
            // The terms, an account's own settings, or a rule that knows no exception.
            R::AgreementInactive
            | R::AlreadyDecided
            | R::InvitesDeclined
            | R::SameKindOnly
            | R::NotTheSender
            | R::NotTheReceiver
            | R::TicketClosed
            | R::WouldLoop
            | R::ChainTooLong
            | R::ReceiverCannotUnshare
            | R::NewerChangeExists
            | R::PublicCommentsNotAllowed
            | R::StatusNotSynced
            | R::OnHoldMapsToOpen
            | R::CategoryMapped
            | R::TagsNotSynced
            | R::AddedByRule
            | R::CustomFieldsNotSynced
            | R::SystemField
            | R::SecureDownloads
            | R::RecordingStays
            | R::CcsStay
            | R::AddressStays
            | R::TooLong
            | R::NoPrivateComments
            | R::AlreadyKnown
            | R::Unchanged
            | R::AccountRenamed
            | R::NotTheAuthor => Class::AsAgreed,
            R::Malformed
            | R::UnknownType
            | R::TooLarge
            | R::LimitExceeded
            | R::NotYourAccount
            | R::MessageIdReused
            | R::NotAnAdmin
            | R::UnknownAccount
            | R::AccountExists
            | R::InvalidName
            | R::NameTaken
            | R::IdTaken
            | R::InviteToSelf
            | R::AlreadyShared
            | R::AlreadyBound
            | R::NoSuchStatus
            | R::CommentDiffers
            | R::BadLink
            | R::UnknownMembers => Class::Mendable(Mender::Publisher),
            // The receiver has not accepted; a field of its form is missing.
            R::AgreementNotAccepted | R::NotOnDefaultForm => Class::Mendable(Mender::Partner),
            R::NoSuchField
            | R::TitleNotUnique
            | R::TypeMismatch
            | R::OptionTagsDiffer
            | R::BadValue => Class::Mendable(Mender::Either),
            R::Discarded => Class::Mendable(Mender::Operator),
            // An entry service has waited for it a while already; or it has to come back later.
            R::UnknownAgreement | R::NotShared | R::QuotaExceeded => Class::Transient,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_crosses_and_what_is_held_already_has_nothing_to_mend() {
        for reason in Reason::ALL.iter().filter(|reason| reason.never_crosses()) {
            assert_eq!(reason.class(), Class::AsAgreed, "{reason}");
        }
        assert_eq!(Reason::Unchanged.class(), Class::AsAgreed);
    }

    #[test]
    fn only_what_is_mendable_has_somebody_who_mends() {
        for (class, name, mender, text) in [
            (Class::AsAgreed, "as_agreed", None, "as agreed"),
            (Class::Transient, "transient", None, "transient"),
            (
                Class::Mendable(Mender::Either),
                "mendable",
                Some(Mender::Either),
                "mendable by either side",
            ),
        ] {
            assert_eq!((class.name(), class.mender()), (name, mender));
            assert_eq!(class.to_string(), text);
        }
        for (reason, class) in [
            (Reason::TagsNotSynced, Class::AsAgreed),
            (Reason::Malformed, Class::Mendable(Mender::Publisher)),
            (Reason::NotOnDefaultForm, Class::Mendable(Mender::Partner)),
            (Reason::OptionTagsDiffer, Class::Mendable(Mender::Either)),
            (Reason::Discarded, Class::Mendable(Mender::Operator)),
            (Reason::NotShared, Class::Transient),
        ] {
            assert_eq!(reason.class(), class, "{reason}");
        }
    }
}
