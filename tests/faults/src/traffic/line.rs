//! Who shares with whom on which terms, and who therefore has to hear of what: the publishers' side
//! of the proof.

use std::collections::BTreeSet;

use contracts::Terms;
use contracts::terms::CommentTerms;

/// The desks. Where the site has a gateway, those it operates are behind it, and the others log in
/// at the broker.
pub const ACCOUNTS: [&str; 4] = ["acme", "globex", "gateway-initech", "gateway-umbrella"];

/// A path of accounts along which tickets are shared.
#[derive(Debug)]
pub struct AccountPath {
    /// From the one that shares first.
    pub accounts: &'static [&'static str],
    /// The terms of each hop: of its first account's agreement with its second.
    pub hops: &'static [Terms],
}

const ALL: Terms =
    Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true };
const LITTLE: Terms =
    Terms { comments: CommentTerms::PrivateOnly, tags: false, custom_fields: false };
const NO_TAGS: Terms = Terms { tags: false, ..ALL };

/// Both directions, chains of three, and terms that hold something back.
pub const LINES: [AccountPath; 4] = [
    AccountPath { accounts: &["acme", "globex", "gateway-initech"], hops: &[ALL, ALL] },
    AccountPath { accounts: &["globex", "acme"], hops: &[LITTLE] },
    AccountPath {
        accounts: &["gateway-initech", "gateway-umbrella", "acme"],
        hops: &[NO_TAGS, ALL],
    },
    AccountPath { accounts: &["gateway-umbrella", "globex"], hops: &[ALL] },
];

/// What an agent says or sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A comment for the requester's eyes too.
    PublicComment,
    /// A comment for agents only.
    PrivateComment,
    Tag,
    /// A custom field's value.
    CustomField,
}

impl AccountPath {
    /// The accounts that have to hear of what the account at `from` says, and no others: hop by hop
    /// outwards, each by its own terms, over the hops from `first_live` on.
    #[must_use]
    pub fn audience(
        &self,
        from: usize,
        content: Content,
        first_live: usize,
    ) -> BTreeSet<&'static str> {
        let towards_end = (from..self.hops.len())
            .take_while(|hop| *hop >= first_live && crosses(self.hops[*hop], true, content));
        let towards_start = (0..from)
            .rev()
            .take_while(|hop| *hop >= first_live && crosses(self.hops[*hop], false, content));
        towards_end
            .map(|hop| self.accounts[hop + 1])
            .chain(towards_start.map(|hop| self.accounts[hop]))
            .collect()
    }
}

/// terms limit the receiver's comments, and both sides' tags and fields.
fn crosses(terms: Terms, by_sender: bool, content: Content) -> bool {
    match content {
        Content::PrivateComment => true,
        Content::PublicComment => by_sender || terms.comments == CommentTerms::PublicAndPrivate,
        Content::Tag => terms.tags,
        Content::CustomField => terms.custom_fields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(line: usize, from: usize, content: Content, first_live: usize) -> Vec<&'static str> {
        LINES[line].audience(from, content, first_live).into_iter().collect()
    }

    #[test]
    fn everybody_on_a_line_of_full_terms_hears_everything() {
        assert_eq!(heard(0, 0, Content::PublicComment, 0), ["gateway-initech", "globex"]);
        assert_eq!(heard(0, 1, Content::CustomField, 0), ["acme", "gateway-initech"]);
        assert_eq!(heard(0, 2, Content::Tag, 0), ["acme", "globex"]);
    }

    #[test]
    fn terms_hold_back_what_they_say() {
        assert_eq!(heard(1, 0, Content::PublicComment, 0), ["acme"]);
        assert_eq!(heard(1, 1, Content::PublicComment, 0), [""; 0]);
        assert_eq!(heard(1, 1, Content::PrivateComment, 0), ["globex"]);
        assert_eq!(heard(2, 0, Content::Tag, 0), [""; 0]);
        assert_eq!(heard(2, 2, Content::Tag, 0), ["gateway-umbrella"]);
    }

    #[test]
    fn nothing_crosses_a_hop_that_has_ended() {
        assert_eq!(heard(0, 0, Content::PrivateComment, 1), [""; 0]);
        assert_eq!(heard(0, 1, Content::PrivateComment, 1), ["gateway-initech"]);
        assert_eq!(heard(0, 2, Content::PrivateComment, 1), ["globex"]);
    }
}
