//! Terms as sentences: what each side may do, in words, before and after it is decided.

use contracts::Terms;
use contracts::delivery::Side;

/// A sentence of the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermsSentence {
    /// `yes` for what crosses, `no` for what stays, nothing for what is so under all terms.
    pub class: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// The key of its text, in which `{partner}` is the other side.
    pub key: &'static str,
}

const fn yes(icon: &'static str, key: &'static str) -> TermsSentence {
    TermsSentence { class: "yes", icon, key }
}

const fn no(icon: &'static str, key: &'static str) -> TermsSentence {
    TermsSentence { class: "no", icon, key }
}

/// The terms as the invited side reads them; with `under_all` also what is so under all terms.
#[must_use]
pub fn for_receiver(terms: &Terms, under_all: bool) -> Vec<TermsSentence> {
    let mut lines = vec![yes("in", "terms.in.share")];
    lines.extend(if terms.syncs_status() {
        [yes("reply", "terms.in.both"), yes("both", "terms.in.status")]
    } else {
        [no("lock", "terms.in.private"), no("stay", "terms.in.no_status")]
    });
    lines.extend(tags_and_fields(*terms));
    if under_all {
        lines.extend([
            no("out", "terms.in.one_way"),
            no("stay", "terms.in.no_unshare"),
            TermsSentence { class: "", icon: "shield", key: "terms.privacy" },
        ]);
    }
    lines
}

/// The terms as the side that shares reads them.
#[must_use]
pub fn for_sender(terms: &Terms) -> Vec<TermsSentence> {
    let mut lines = vec![yes("out", "terms.out.share")];
    lines.extend(if terms.syncs_status() {
        [yes("reply", "terms.out.both"), yes("both", "terms.out.status")]
    } else {
        [no("lock", "terms.out.private"), no("stay", "terms.out.no_status")]
    });
    lines.extend(tags_and_fields(*terms));
    lines
}

fn tags_and_fields(terms: Terms) -> [TermsSentence; 2] {
    [
        if terms.tags { yes("tag", "terms.tags") } else { no("stay", "terms.no_tags") },
        if terms.custom_fields {
            yes("list", "terms.fields")
        } else {
            no("stay", "terms.no_fields")
        },
    ]
}

/// The terms in two sentences: their keys, for a row of the list.
#[must_use]
pub fn in_short(terms: &Terms, side: Side) -> [&'static str; 2] {
    let comments = match (side, terms.syncs_status()) {
        (Side::Sender, true) => "short.out.both",
        (Side::Sender, false) => "short.out.private",
        (Side::Receiver, true) => "short.in.both",
        (Side::Receiver, false) => "short.in.private",
    };
    let synced = match (terms.tags, terms.custom_fields) {
        (true, true) => "short.tags_fields",
        (true, false) => "short.tags",
        (false, true) => "short.fields",
        (false, false) => "short.none",
    };
    [comments, synced]
}

#[cfg(test)]
mod tests {
    use contracts::terms::CommentTerms;

    use super::*;
    use crate::language::Language;
    use crate::texts;

    fn all() -> impl Iterator<Item = Terms> {
        (0..8).map(|bits| Terms {
            comments: if bits & 1 == 0 {
                CommentTerms::PublicAndPrivate
            } else {
                CommentTerms::PrivateOnly
            },
            tags: bits & 2 == 0,
            custom_fields: bits & 4 == 0,
        })
    }

    #[test]
    fn each_of_the_terms_has_its_sentences_in_both_directions() {
        for terms in all() {
            for lines in [for_receiver(&terms, true), for_sender(&terms)] {
                let said = |key: &str| lines.iter().any(|line| line.key.ends_with(key));
                assert_eq!(said(".private"), terms.comments == CommentTerms::PrivateOnly);
                assert_eq!(said(".no_status"), !terms.syncs_status());
                assert_eq!((said(".tags"), said(".no_tags")), (terms.tags, !terms.tags));
                assert_eq!(
                    (said(".fields"), said(".no_fields")),
                    (terms.custom_fields, !terms.custom_fields)
                );
            }
        }
    }

    #[test]
    fn every_sentence_has_its_text() {
        for terms in all() {
            let lines = for_receiver(&terms, true).into_iter().chain(for_sender(&terms));
            let keys = lines.map(|line| line.key);
            let short = [Side::Sender, Side::Receiver].map(|side| in_short(&terms, side));
            for key in keys.chain(short.into_iter().flatten()) {
                assert!(texts::own().get(Language::English, key).is_some(), "{key}");
            }
        }
    }
}
