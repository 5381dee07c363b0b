//! Comments of which nobody can tell who may see them, because a member that looks like `public` is
//! not spelt so: they stay. Without the member a comment is public, and an internal note would be
//! published by a slip of the pen.

use std::collections::BTreeMap;

use serde_json::Value;

/// The members that leave it unclear, by their comments' places in the command.
pub type Unclear = BTreeMap<usize, String>;

/// What other desks call it.
const SYNONYMS: [&str; 6] =
    ["private", "internal", "visible", "visibility", "confidential", "hidden"];
/// Words that say nothing beside it.
const FILLERS: [&str; 8] = ["is", "comment", "note", "flag", "make", "to", "be", "reply"];

/// The comments of a command that give no `public`, but a member that looks like it.
#[must_use]
pub fn unclear(comments: Option<&Value>) -> Unclear {
    let of_comment = |(place, comment): (usize, &Value)| {
        let members = comment.as_object().filter(|members| !members.contains_key("public"))?;
        members.keys().find(|name| looks_like_public(name)).map(|name| (place, name.clone()))
    };
    let comments = comments.and_then(Value::as_array).into_iter().flatten();
    comments.enumerate().filter_map(of_comment).collect()
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
    SYNONYMS.contains(&word)
        || SYNONYMS.iter().any(|synonym| word.strip_prefix("is") == Some(*synonym))
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
            "hidden",
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
            "pub",
            "is",
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
