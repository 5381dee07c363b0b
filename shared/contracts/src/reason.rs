//! Why something was refused, withheld or changed: stable codes with a sentence and a class each.

mod class;

pub use class::{Class, Mender};

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($variant:ident $code:literal $sentence:literal,)*) => {
        /// A reason code. Codes are stable; more may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $(#[doc = $sentence] #[serde(rename = $code)] $variant,)*
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands in messages and logs.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What the code means, for people.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

reasons! {
    Malformed "malformed" "The message breaks the contract; the detail has a JSON pointer and a \
        sentence. Of an item: what was mended in it.",
    UnknownType "unknown_type" "No service handles this message type.",
    TooLarge "too_large" "The body is over 512 KiB.",
    LimitExceeded "limit_exceeded" "The message has more comments, attachments, tags or fields \
        than one message may.",
    NotYourAccount "not_your_account" "The publishing user may not speak for the account in the \
        routing key.",
    MessageIdReused "message_id_reused" "This message id was used before with another type or \
        content.",
    NotAnAdmin "not_an_admin" "Only an administrator may do this (R-51).",
    UnknownAccount "unknown_account" "No such account is registered.",
    AccountExists "account_exists" "An account of this name is registered already.",
    InvalidName "invalid_name" "The name is reserved, not well-formed or not below its operator's, \
        or the account named as its operator operates none.",
    NameTaken "name_taken" "Another account has this address or sharing URL, gave the address up \
        less than 90 days ago, or has it as its name; or names that begin so are those of another \
        account's operator; or another account stands for third-party systems already.",
    IdTaken "id_taken" "The id belongs to something else.",
    UnknownAgreement "unknown_agreement" "No such agreement of this account is known.",
    AgreementNotAccepted "agreement_not_accepted" "The agreement is pending or declined (R-01).",
    AgreementInactive "agreement_inactive" "The agreement was deactivated (R-78, R-79).",
    AlreadyDecided "already_decided" "The agreement is not in a state from which this is possible.",
    InviteToSelf "invite_to_self" "An account cannot invite itself.",
    InvitesDeclined "invites_declined" "The receiver declines all invites (R-71).",
    SameKindOnly "same_kind_only" "Custom fields cross between accounts that are connected, hosted \
        or third parties with open fields, and no others (R-62).",
    NotTheSender "not_the_sender" "Only the sender of the agreement or share may do this (R-09).",
    NotTheReceiver "not_the_receiver" "Only the receiver of the agreement or share may do this.",
    TicketClosed "ticket_closed" "A closed ticket cannot be shared (R-26).",
    AlreadyShared "already_shared" "The ticket is shared with an account already (R-13).",
    AlreadyBound "already_bound" "The copy has another ticket number, or the ticket belongs to \
        another share.",
    WouldLoop "would_loop" "The receiver is in the ticket's chain already.",
    ChainTooLong "chain_too_long" "The chain would have more than 8 accounts.",
    NotShared "not_shared" "The ticket is in no live share of this account.",
    ReceiverCannotUnshare "receiver_cannot_unshare" "Only the account that shared a ticket can \
        unshare it (R-12).",
    NewerChangeExists "newer_change_exists" "A newer change of the same field or attribute stands.",
    PublicCommentsNotAllowed "public_comments_not_allowed" "The terms allow the receiver private \
        comments only (R-54).",
    StatusNotSynced "status_not_synced" "The terms do not sync status (R-54).",
    OnHoldMapsToOpen "on_hold_maps_to_open" "On-hold arrives as open in the other account (R-48).",
    CategoryMapped "category_mapped" "A custom status arrives as its category (R-49).",
    NoSuchStatus "no_such_status" "The account has no such custom status, or it is not of the \
        given category.",
    TagsNotSynced "tags_not_synced" "The terms do not sync tags (R-59).",
    AddedByRule "added_by_rule" "Tags that a business rule sets or removes are not synced (R-61).",
    CustomFieldsNotSynced "custom_fields_not_synced" "The terms do not sync custom fields (R-62).",
    SystemField "system_field" "System fields are not synced as custom fields (R-93).",
    NoSuchField "no_such_field" "The account has no field of this key or title (R-90).",
    TitleNotUnique "title_not_unique" "Two fields of one account have this title.",
    TypeMismatch "type_mismatch" "The two fields have types that do not fit each other (R-92, \
        R-94).",
    OptionTagsDiffer "option_tags_differ" "Options of the same name have different tags in the two \
        accounts (R-95).",
    BadValue "bad_value" "The value does not fit the field.",
    NotOnDefaultForm "not_on_default_form" "The receiver's field is not on its default form \
        (R-98).",
    SecureDownloads "secure_downloads" "The account keeps its attachments to itself (R-35).",
    RecordingStays "recording_stays" "Recordings stay in the account of the call (R-31).",
    CcsStay "ccs_stay" "CC recipients are not carried over (R-23).",
    AddressStays "address_stays" "Addresses and telephone numbers do not leave the account (R-41).",
    AlreadyKnown "already_known" "The message was handled before; its receipt is no longer kept.",
    Unchanged "unchanged" "Both copies hold this already.",
    AccountRenamed "account_renamed" "A party of the agreement was renamed (R-17).",
    Discarded "discarded" "An operator discarded the parked message.",
    CommentDiffers "comment_differs" "The account published this comment id before with other text \
        or visibility: what was published first stands, or another ticket has it.",
    NotTheAuthor "not_the_author" "Only the account of its author may redact a comment.",
    BadLink "bad_link" "The link is not https, names no host, carries a user or password, or has a \
        character that no link has; or the account's edge could not fetch what it leads to.",
    TooLong "too_long" "The other desk cannot hold it as long as it is: text was cut at a word, \
        HTML or a file left out.",
    QuotaExceeded "quota_exceeded" "The account has used up a quota. The detail says which, how \
        much it is, and when there is more.",
    NoPrivateComments "no_private_comments" "The other desk cannot keep a private comment from the \
        requester, so none is told to it.",
    UnknownMembers "unknown_members" "The contract has no such members: they were ignored. A \
        comment with one that looks like `public` stays, because nobody can tell who may see it.",
}

impl Reason {
    /// Whether it is about what never crosses, by rule and whatever the terms: nothing that the
    /// publisher could have had was left out.
    #[must_use]
    pub fn never_crosses(self) -> bool {
        matches!(self, Self::AddressStays | Self::CcsStay | Self::RecordingStays)
    }
}

/// By hand, and open: more codes may be added, so a reader must take one it does not know. The
/// known ones are examples and not a union with `string`, from which code generators make a type
/// per code.
impl JsonSchema for Reason {
    fn schema_name() -> Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A reason code. Codes are stable and more may be added: one that is not \
                among the examples is taken as it is.",
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]*$",
            "examples": Self::ALL,
        })
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_is_written() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        }
    }
}
