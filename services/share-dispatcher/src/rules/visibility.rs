//! Comments of which nobody can tell who may see them, because another member than `public` seems
//! to say it: they stay. Without the member a comment is public, and an internal note would be
//! published by a slip of the pen.

use std::collections::BTreeMap;

use serde_json::Value;

/// The members that leave it unclear, by their comments' places in the command.
pub type Unclear = BTreeMap<usize, String>;

/// A comment's members: what stands in them says nothing of who may see it.
const MEMBERS: [&str; 8] =
    ["attachments", "author", "authored_at", "body", "call", "html_body", "id", "public"];
/// What other desks call it, in the languages of their programmers.
const SYNONYMS: [&str; 15] = [
    "private",
    "internal",
    "intern",
    "interno",
    "visible",
    "visibility",
    "confidential",
    "vertraulich",
    "\u{f6}ffentlich",
    "hidden",
    "privacy",
    "audience",
    "restricted",
    "nonpublic",
    "pub",
];
/// Words that say nothing beside it.
const FILLERS: [&str; 22] = [
    "is",
    "comment",
    "note",
    "flag",
    "make",
    "to",
    "be",
    "reply",
    "for",
    "by",
    "only",
    "agent",
    "agents",
    "staff",
    "team",
    "customer",
    "customers",
    "client",
    "requester",
    "user",
    "users",
    "jsd",
];

/// The comments of a command that give no `public`, but a member that seems to say it.
#[must_use]
pub fn unclear(comments: Option<&Value>) -> Unclear {
    let of_comment = |(place, comment): (usize, &Value)| {
        let members = comment.as_object().filter(|members| !members.contains_key("public"))?;
        let unknown = members.iter().filter(|(name, _)| !MEMBERS.contains(&name.as_str()));
        let mut telling =
            unknown.filter(|(name, value)| looks_like_public(name) || says_private(name, value));
        telling.next().map(|(name, _)| (place, name.clone()))
    };
    let comments = comments.and_then(Value::as_array).into_iter().flatten();
    comments.enumerate().filter_map(of_comment).collect()
}

/// Whether a member whose name does not tell says that the comment is not for everybody:
/// `type: "internal_note"`, `agents_only: true`, `note: true`.
fn says_private(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) if text.len() <= 40 => {
            text.eq_ignore_ascii_case("note") || looks_like_public(text)
        }
        Value::Bool(true) => {
            let words = words(name);
            let is_told = words.iter().any(|word| word == "only" || word == "note");
            is_told && words.iter().all(|word| FILLERS.contains(&word.as_str()))
        }
        _ => false,
    }
}

/// Whether a member's name is a spelling of `public`, or another desk's word for it, whatever its
/// case, its separators and its fillers: `isPublic`, `public_comment`, `publik`, `internal`. Words
/// of which it is only a part, such as `public_url`, are not.
#[must_use]
pub fn looks_like_public(name: &str) -> bool {
    let words: Vec<String> = words(name);
    let telling: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| !FILLERS.contains(word)).collect();
    match telling[..] {
        [word] => is_near(word),
        // `pubLic`, `pub-lic`: case and separators may stand anywhere.
        _ => strsim::osa_distance(&words.concat(), "public") <= 1,
    }
}

/// One slip, or two in a word that begins as `public` or `ispublic` do: a letter too many, too few,
/// another one, or two swapped.
fn is_near(word: &str) -> bool {
    let slips = strsim::osa_distance(word, "public");
    let is_long = word.chars().count() > 3;
    let is_synonym = |synonym: &str| {
        word == synonym
            || word.strip_prefix("is") == Some(synonym)
            || (synonym.len() > 5 && strsim::osa_distance(word, synonym) <= 1)
    };
    SYNONYMS.into_iter().any(is_synonym)
        || slips <= 1
        || (slips == 2 && is_long && (word.starts_with("pu") || word.starts_with("is")))
}

/// The words of a name, in lower case: it is parted at humps and at everything but letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for letter in name.chars() {
        let is_hump = letter.is_uppercase() && after_small;
        if (is_hump || !letter.is_alphanumeric()) && words.last().is_some_and(|it| !it.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
        after_small = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_public_are_known_and_other_names_are_not() {
        for name in [
            "is_public",
            "isPublic",
            "IsPublic",
            "ispublic",
            "is-public",
            "Public",
            "PUBLIC",
            "pubLic",
            "publik",
            "pubilc",
            "publc",
            "publicc",
            "ublic",
            "pulbic",
            "public?",
            " public",
            "public_comment",
            "comment_public",
            "make_public",
            "publish",
            "is_publik",
            "private",
            "is_private",
            "isPrivate",
            "internal",
            "is_internal",
            "internal_note",
            "visibility",
            "visibilty",
            "hidden",
            "pub",
            "privat",
            "privacy",
            "audience",
            "restricted",
            "intern",
            "\u{d6}ffentlich",
            "jsdPublic",
            "isVisibleForCustomer",
            "visible_to_client",
            "customer_visible",
        ] {
            assert!(looks_like_public(name), "{name}");
        }
        for name in [
            "id",
            "author",
            "body",
            "html_body",
            "authored_at",
            "attachments",
            "call",
            "source",
            "subject",
            "public_url",
            "publicKey",
            "public_id",
            "published_at",
            "publisher",
            "publication_date",
            "internal_id",
            "private_key",
            "rubric",
            "cubic",
            "republic_code",
            "is",
            "note",
            "type",
            "agents_only",
            "customer",
            "",
            "_",
            "\u{1f600}",
            "visible_from",
            "topic",
            "duplicate",
            "is_spam",
        ] {
            assert!(!looks_like_public(name), "{name}");
        }
    }

    #[test]
    fn what_is_said_in_the_contracts_word_is_clear() {
        let comments = json!([
            { "id": "a", "is_public": false },
            { "id": "b", "is_public": false, "public": true },
            { "id": "c" },
            { "id": "d", "Public": 0 },
            "no comment",
        ]);
        let unclear = unclear(Some(&comments));
        assert_eq!(unclear, [(0, "is_public".to_owned()), (3, "Public".to_owned())].into());
        assert_eq!(super::unclear(None), Unclear::new());
        assert_eq!(super::unclear(Some(&json!({}))), Unclear::new());
    }

    #[test]
    fn what_another_member_says_of_the_audience_is_heard() {
        for (member, value) in [
            ("type", json!("internal_note")),
            ("type", json!("Private")),
            ("kind", json!("note")),
            ("comment_type", json!("internal")),
            ("note", json!(true)),
            ("is_note", json!(true)),
            ("agents_only", json!(true)),
            ("staffOnly", json!(true)),
        ] {
            let comments = json!([{ "id": "a", "body": "private", member: value }]);
            assert_eq!(unclear(Some(&comments)), [(0, member.to_owned())].into(), "{comments}");
        }
        for (member, value) in [
            ("type", json!("Comment")),
            ("note", json!("see below")),
            ("note", json!(false)),
            ("agents_only", json!(false)),
            ("source", json!("email")),
            ("customer", json!(true)),
            ("via", json!({ "channel": "private" })),
        ] {
            let comments = json!([{ "id": "a", "body": "internal", member: value }]);
            assert_eq!(unclear(Some(&comments)), Unclear::new(), "{comments}");
        }
    }

    #[test]
    fn a_comments_own_members_are_not_taken_for_it() {
        let schema = schemars::schema_for!(contracts::comment::Comment);
        let members = schema.get("properties").and_then(Value::as_object).expect("an object");
        let members: BTreeSet<&str> = members.keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(MEMBERS));
    }

    proptest! {
        #[test]
        fn one_slip_in_any_case_and_with_any_filler_is_still_seen(
            slip in 0_usize..4,
            at in 0_usize..6,
            letter in proptest::char::range('a', 'z'),
            filler in 0_usize..4,
            upper in any::<bool>(),
        ) {
            let mut word: Vec<char> = "public".chars().collect();
            match slip {
                0 => drop(word.remove(at)),
                1 => word.insert(at, letter),
                2 => word[at] = letter,
                _ => word.swap(at, (at + 1) % 6),
            }
            // Over the end it is a swap of the first and the last letter, which is two slips.
            prop_assume!(slip != 3 || at != 5);
            let word: String = word.into_iter().collect();
            let word = if upper { word.to_uppercase() } else { word };
            let name = match filler {
                0 => word,
                1 => format!("is_{word}"),
                2 => format!("{word}-comment"),
                _ => format!(" {word} "),
            };
            prop_assert!(looks_like_public(&name), "{name}");
        }
    }
}
