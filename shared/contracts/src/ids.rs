//! Identifiers and names. Each validates what it wraps, so a value of the type is always
//! well-formed, and has one spelling: a UUID and 40 hex digits are the same in either case (RFC
//! 9562, 4), and are kept and told in lower case.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// Why a text is not the identifier it was given as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidId {
    value: String,
    expected: &'static str,
}

/// Length of an account's name, in characters.
pub(crate) const NAME_LENGTH: usize = 39;

// The patterns say the same as the functions beside them, for whoever only has the published
// schemas. `\x` is the one spelling of a control character that every dialect of regular
// expressions knows.
const ACCOUNT_NAME: &str = "^[a-z0-9][a-z0-9-]{1,38}$";
const UUID_OR_SHA1: &str = "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40})$";
const TICKET_ID: &str = r"^[^\x00-\x1f\x7f-\x9f]{1,128}$";
const COMMENT_ID: &str = concat!(
    "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40}|",
    r"[a-z0-9][a-z0-9-]{1,38}/[^\x00-\x1f\x7f-\x9f]{1,128})$",
);
const COPY_ID: &str = "^[os]:([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{40})$";

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $valid:path, $spelt:path, $pattern:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(extend("pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// [`InvalidId`] says what was expected.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let value = text.into();
                if $valid(&value) {
                    Ok(Self($spelt(value)))
                } else {
                    Err(InvalidId { value: shown(&value), expected: $expected })
                }
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

text_id! {
    /// An account: a help desk in Deskmesh, fixed for life, equal to its broker user.
    AccountName, is_account_name, std::convert::identity, ACCOUNT_NAME, "an account name: 2 to 39 \
        of a-z, 0-9 and -, not beginning with -"
}
text_id! {
    /// An agreement: a UUID or 40 hex digits, made by the sender; taken in either case, told in
    /// lower case.
    AgreementId, is_uuid_or_sha1, one_spelling, UUID_OR_SHA1, "a UUID or 40 hex digits"
}
text_id! {
    /// A share: a UUID or 40 hex digits; made by Deskmesh where the command gives none. Taken in
    /// either case, told in lower case.
    ShareId, is_uuid_or_sha1, one_spelling, UUID_OR_SHA1, "a UUID or 40 hex digits"
}
text_id! {
    /// A desk's own number for a ticket: 1 to 128 characters without control characters.
    TicketId, is_ticket_id, std::convert::identity, TICKET_ID, "a ticket id: 1 to 128 characters, \
        none of them a control character"
}
text_id! {
    /// A comment, unique in all of Deskmesh: a UUID, 40 hex digits or `<account>/<local id>`. A
    /// UUID and 40 hex digits, also as the local id, are taken in either case and told in lower
    /// case; any other local id is its desk's own and stays as it is.
    CommentId, is_comment_id, comment_spelling, COMMENT_ID, "a UUID, 40 hex digits or \
        <account>/<local id>"
}
text_id! {
    /// One copy of a ticket: `o:<uuid>` for an original, `s:<share id>` for what a share created.
    CopyId, is_copy_id, std::convert::identity, COPY_ID, "a copy id"
}
text_id! {
    /// A chain with all its branches, named after the copy that was shared first. Locks and
    /// revisions are per chain.
    ChainId, is_copy_id, std::convert::identity, COPY_ID, "a chain id"
}

/// Namespace of the ids that Deskmesh derives (UUID v5 of a URL-like name, RFC 9562 5.5).
const NAMESPACE: Uuid = Uuid::from_u128(0x9d1f_0d1a_53c0_5e0c_a9d2_4f6f_8f1b_7c11);

/// Derives an id from the texts that determine it: the same texts give the same id, wherever and
/// whenever.
#[must_use]
pub fn derive_id(kind: &str, parts: &[&str]) -> Uuid {
    let mut name = String::from(kind);
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        let sized = format!("/{}:{part}", part.len());
        name.push_str(&sized);
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

impl AccountName {
    /// Names that no account can have: roles of the broker, the services' own, and `parked`, whose
    /// desk queue would be `desk.parked`.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        matches!(self.as_str(), "operator" | "desk" | "guest" | "parked")
            || crate::topology::Service::ALL.iter().any(|service| service.name() == self.as_str())
    }

    /// The operator of the deployment, who registers accounts.
    #[must_use]
    pub fn operator() -> Self {
        Self("operator".to_owned())
    }

    /// The names of accounts that could operate this one: each of its beginnings before a `-`.
    pub fn operator_names(&self) -> impl Iterator<Item = Self> {
        let ends = self.0.match_indices('-').map(|(end, _)| &self.0[..end]);
        ends.filter_map(|beginning| Self::new(beginning).ok())
    }

    /// Whether this name is one that `operator_account` may publish for: `<X>-…` for user `X`.
    #[must_use]
    pub fn is_under(&self, operator_account: &Self) -> bool {
        self.0.strip_prefix(&operator_account.0).is_some_and(|rest| rest.starts_with('-'))
    }
}

impl CopyId {
    /// The copy that was shared first: `ticket` of `account`.
    #[must_use]
    pub fn original(account: &AccountName, ticket: &TicketId) -> Self {
        Self(format!("o:{}", derive_id("ticket", &[account.as_str(), ticket.as_str()])))
    }

    /// The copy that `share` created in the receiver.
    #[must_use]
    pub fn of_share(share: &ShareId) -> Self {
        Self(format!("s:{share}"))
    }
}

impl ChainId {
    /// The chain that begins with the copy `first`.
    #[must_use]
    pub fn starting_with(first: &CopyId) -> Self {
        Self(first.0.clone())
    }
}

impl CommentId {
    /// The account that an `<account>/<local id>` names; nothing for a UUID or 40 hex digits.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.0.split_once('/').map(|(account, _)| account)
    }
}

/// The one spelling of an id that is valid in several: of a UUID and of 40 hex digits, lower case.
/// Any other text is its desk's own, and case may tell two of them apart.
#[must_use]
pub fn one_spelling(mut id: String) -> String {
    if is_uuid_or_sha1(&id) {
        id.make_ascii_lowercase();
    }
    id
}

fn comment_spelling(mut id: String) -> String {
    let local = id.find('/').map_or(0, |slash| slash + 1);
    if is_uuid_or_sha1(&id[local..]) {
        id[local..].make_ascii_lowercase();
    }
    id
}

/// Reads an id that may be any text, in its one spelling.
pub(crate) fn spelt_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(one_spelling)
}

/// The same for one that need not be given.
pub(crate) fn spelt_once_if_given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(one_spelling))
}

/// A wrong value, short enough for an error text.
pub(crate) fn shown(value: &str) -> String {
    const MOST: usize = 60;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

fn is_account_name(text: &str) -> bool {
    let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (2..=NAME_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| letter_or_digit(byte) || byte == b'-')
        && text.bytes().next().is_some_and(letter_or_digit)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether it is a UUID in the one form that the contract has: no braces, no `urn:uuid:`, and not
/// without hyphens, all of which a UUID parser takes.
pub(crate) fn is_uuid(text: &str) -> bool {
    let groups = || text.split('-');
    groups().map(str::len).eq([8, 4, 4, 4, 12]) && groups().all(is_hex)
}

fn is_uuid_or_sha1(text: &str) -> bool {
    match text.len() {
        40 => is_hex(text),
        36 => is_uuid(text),
        _ => false,
    }
}

fn is_ticket_id(text: &str) -> bool {
    (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_comment_id(text: &str) -> bool {
    match text.split_once('/') {
        Some((account, local)) => is_account_name(account) && is_ticket_id(local),
        None => is_uuid_or_sha1(text),
    }
}

fn is_copy_id(text: &str) -> bool {
    let is_lower = |id: &str| !id.bytes().any(|byte| byte.is_ascii_uppercase());
    matches!(
        text.split_at_checked(2),
        Some(("o:" | "s:", id)) if is_uuid_or_sha1(id) && is_lower(id)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_names() {
        for good in ["ac", "acme", "4711", "a-b-c", &"a".repeat(39)] {
            assert!(AccountName::new(good).is_ok(), "{good}");
        }
        for bad in
            ["", "a", "-acme", "Acme", "ac.me", "ac me", "acmé", "ac\0me", "a*", &"a".repeat(40)]
        {
            assert!(AccountName::new(bad).is_err(), "{bad:?}");
        }
        for reserved in ["operator", "desk", "guest", "field-sync"] {
            assert!(AccountName::new(reserved).unwrap().is_reserved(), "{reserved}");
        }
    }

    #[test]
    fn an_operator_publishes_for_names_below_its_own() {
        let name = |text: &str| AccountName::new(text).unwrap();
        assert!(name("bridge-acme").is_under(&name("bridge")));
        assert!(!name("bridgeacme").is_under(&name("bridge")));
        assert!(!name("bridge").is_under(&name("bridge")));
    }

    #[test]
    fn whatever_stands_before_a_hyphen_could_operate_a_name() {
        let name = |text: &str| AccountName::new(text).unwrap();
        let found: Vec<_> = name("bridge-acme-eu").operator_names().collect();
        assert_eq!(found, [name("bridge"), name("bridge-acme")]);
        assert!(found.iter().all(|operator| name("bridge-acme-eu").is_under(operator)));
        assert_eq!(name("bridge").operator_names().next(), None);
        assert_eq!(
            name("a-bridge--x").operator_names().collect::<Vec<_>>(),
            [name("a-bridge"), name("a-bridge-")]
        );
    }

    #[test]
    fn share_ids_are_uuids_or_sha1() {
        assert!(ShareId::new("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").is_ok());
        assert!(ShareId::new("ed46838bfb41461e4f3b16ba471162c8e2764260").is_ok());
        for bad in [
            "{0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10}",
            "urn:uuid:0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10",
            "0b9f0a527c1e4d9a9a363c9f9f9d8f10",
            " 0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10",
            "0b9f0a527c1e-4d9a-9a36-3c9f9f9d8f10-0000",
            "",
            "x",
        ] {
            assert!(ShareId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_is_the_same_in_either_case_and_written_in_lower_case() {
        const UUID: &str = "0B9F0A52-7c1e-4D9A-9A36-3C9F9F9D8F10";
        const SHA1: &str = "ED46838bfb41461E4F3B16BA471162C8E2764260";
        for id in [UUID, SHA1] {
            let lower = id.to_ascii_lowercase();
            assert_eq!(ShareId::new(id).unwrap().as_str(), lower);
            assert_eq!(AgreementId::new(id).unwrap().as_str(), lower);
            assert_eq!(CommentId::new(id).unwrap(), CommentId::new(lower.as_str()).unwrap());
            let local = CommentId::new(format!("acme/{id}")).unwrap();
            assert_eq!(local.as_str(), format!("acme/{lower}"));
            let read: CommentId = serde_json::from_value(id.into()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), lower);
            for item in ["comment", "recording", "attachment"] {
                let item: crate::Item = format!("{item}:{id}").parse().unwrap();
                assert!(item.to_string().ends_with(&lower), "{item}");
            }
        }
        // What is no UUID and no 40 hex digits is its desk's own, and case may tell two apart.
        for own in
            ["acme/AbC", "acme/0B9F0A527C1E", "acme/ED46838BFB41461E4F3B16BA471162C8E276426G"]
        {
            assert_eq!(CommentId::new(own).unwrap().as_str(), own);
        }
    }

    #[test]
    fn comment_ids_name_their_account_or_none() {
        assert_eq!(CommentId::new("acme/77").unwrap().prefix(), Some("acme"));
        assert_eq!(CommentId::new("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").unwrap().prefix(), None);
        assert!(CommentId::new("77").is_err());
        assert!(CommentId::new("Acme/77").is_err());
        assert!(CommentId::new("acme/").is_err());
    }

    #[test]
    fn derived_ids_depend_on_every_part_and_its_borders() {
        assert_eq!(derive_id("a", &["b", "c"]), derive_id("a", &["b", "c"]));
        assert_ne!(derive_id("a", &["ab", "c"]), derive_id("a", &["a", "bc"]));
    }

    proptest::proptest! {
        #[test]
        fn the_case_of_hex_digits_tells_no_ids_apart(
            id in "([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{40})",
        ) {
            let lower = id.to_ascii_lowercase();
            proptest::prop_assert_eq!(
                ShareId::new(id.as_str()).unwrap().to_string(),
                lower.clone()
            );
            proptest::prop_assert_eq!(one_spelling(id.clone()), lower.clone());
            let local = CommentId::new(format!("acme/{id}")).unwrap().to_string();
            proptest::prop_assert_eq!(local, format!("acme/{lower}"));
        }

        #[test]
        fn any_other_id_stays_as_it_is(id in "[0-9a-fA-F-]{1,50}") {
            proptest::prop_assume!(!is_uuid_or_sha1(&id));
            proptest::prop_assert_eq!(one_spelling(id.clone()), id.clone());
            let local = CommentId::new(format!("acme/{id}")).unwrap().to_string();
            proptest::prop_assert_eq!(local, format!("acme/{id}"));
        }
    }
}
