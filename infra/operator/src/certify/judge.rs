//! How what a desk holds differs from what Deskmesh would tell it, in words for whoever writes the
//! desk.

use std::collections::BTreeMap;

use serde_json::Value;

use super::held::{Held, Said};

/// Letters of a text that are quoted around the first difference.
const QUOTED: usize = 24;

/// What is different, one sentence each; nothing where both hold the same.
pub(super) fn differences(expected: &Held, holds: &Held) -> Vec<String> {
    let mut all = Vec::new();
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "none".to_owned());
    if expected.status != holds.status {
        all.push(format!(
            "the status is `{}` and must be `{}`",
            word(&holds.status),
            word(&expected.status)
        ));
    } else if expected.custom_status != holds.custom_status {
        all.push(format!(
            "the custom status is `{}` and must be `{}`",
            word(&holds.custom_status),
            word(&expected.custom_status)
        ));
    }
    for tag in holds.tags.difference(&expected.tags) {
        all.push(format!("the tag `{tag}` is on the ticket and must not be"));
    }
    for tag in expected.tags.difference(&holds.tags) {
        all.push(format!("the tag `{tag}` is not on the ticket and must be"));
    }
    for (field, value) in &expected.fields {
        match holds.fields.get(field) {
            None => all.push(format!("the custom field `{field}` is empty and must be {value}")),
            Some(held) if !same(held, value) => {
                all.push(format!("the custom field `{field}` is {held} and must be {value}"));
            }
            Some(_) => {}
        }
    }
    for (field, value) in holds.fields.iter().filter(|(key, _)| !expected.fields.contains_key(*key))
    {
        all.push(format!("the custom field `{field}` is {value} and must be empty"));
    }
    comments(expected, holds, &mut all);
    all
}

/// Options of a multiselect have no order.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().all(|option| other.contains(option))
        }
        _ => one == other,
    }
}

fn comments(expected: &Held, holds: &Held, all: &mut Vec<String>) {
    let mut told: BTreeMap<&str, &Said> = BTreeMap::new();
    for (id, said) in &expected.comments {
        told.insert(id, said);
    }
    let mut held: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
    for (id, said) in &holds.comments {
        held.entry(id).or_default().push(said);
    }
    for (id, said) in &told {
        match held.get(id).map(Vec::as_slice) {
            None => all.push(format!("the comment `{id}` is missing")),
            Some([one]) => all.extend(different(id, said, one)),
            Some(several) => {
                all.push(format!("the comment `{id}` is there {} times", several.len()));
            }
        }
    }
    for id in held.keys().filter(|id| !told.contains_key(**id)) {
        all.push(format!("the comment `{id}` is on the ticket, and Deskmesh knows none like it"));
    }
}

fn different(id: &str, expected: &Said, held: &Said) -> Option<String> {
    if expected.body != held.body {
        return Some(if expected.body.is_empty() {
            format!("the comment `{id}` was redacted, and its text is still there")
        } else {
            format!("the text of the comment `{id}` {}", changed(&expected.body, &held.body))
        });
    }
    if expected.public != held.public {
        let word = |public: bool| if public { "public" } else { "private" };
        return Some(format!(
            "the comment `{id}` is {} and must be {}",
            word(held.public),
            word(expected.public)
        ));
    }
    let gone = held.files.difference(&expected.files).next();
    if let Some(file) = gone {
        return Some(format!("the file `{file}` of the comment `{id}` was redacted, and is there"));
    }
    let missing = expected.files.difference(&held.files).next();
    missing.map(|file| format!("the file `{file}` of the comment `{id}` is missing"))
}

/// Where a text differs: its first letter that is another, with what is around it.
fn changed(expected: &str, held: &str) -> String {
    let same = expected.chars().zip(held.chars()).take_while(|(one, other)| one == other).count();
    let (wanted, has) = (expected.chars().count(), held.chars().count());
    if same == has {
        return format!("ends after {has} of {wanted} letters");
    }
    let quoted = |text: &str| {
        let from = same.saturating_sub(QUOTED / 4);
        text.chars().skip(from).take(QUOTED).collect::<String>().escape_default().to_string()
    };
    format!(
        "is another from letter {} on: \"{}\" and must be \"{}\"",
        same + 1,
        quoted(held),
        quoted(expected)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ticket(change: impl FnOnce(&mut Value)) -> Held {
        let mut report = json!({ "status": { "value": "open" }, "tags": [{ "name": "a" }],
            "custom_fields": { "order": { "value": "7" }, "many": { "value": ["x", "y"] } },
            "comments": [
                { "id": "acme/1", "body": "Straße 😀", "public": true,
                  "attachments": [{ "id": "f" }] },
                { "id": "acme/2", "body": "", "public": true },
            ] });
        change(&mut report);
        Held::read(&report).unwrap()
    }

    #[test]
    fn each_difference_is_said() {
        type Change = fn(&mut Value);
        let expected = ticket(|_| ());
        let table: [(Change, &str); 14] = [
            (|it| it["status"]["value"] = json!("hold"), "the status is `hold` and must be `open`"),
            (
                |it| it["status"]["custom_status"] = json!("vip"),
                "the custom status is `vip` and must be `none`",
            ),
            (|it| it["tags"] = json!([]), "the tag `a` is not on the ticket and must be"),
            (|it| it["tags"] = json!(["a", "b"]), "the tag `b` is on the ticket and must not be"),
            (
                |it| it["custom_fields"]["order"]["value"] = json!("8"),
                "the custom field `order` is \"8\" and must be \"7\"",
            ),
            (
                |it| it["custom_fields"]["order"]["value"] = json!({ "clear": true }),
                "the custom field `order` is empty and must be \"7\"",
            ),
            (
                |it| it["custom_fields"]["new"] = json!({ "value": 1 }),
                "the custom field `new` is 1 and must be empty",
            ),
            (
                |it| drop(it["comments"].as_array_mut().unwrap().pop()),
                "the comment `acme/2` is missing",
            ),
            (
                |it| {
                    let twice = it["comments"][0].clone();
                    it["comments"].as_array_mut().unwrap().push(twice);
                },
                "the comment `acme/1` is there 2 times",
            ),
            (
                |it| it["comments"][1]["body"] = json!("secret"),
                "the comment `acme/2` was redacted, and its text is still there",
            ),
            (
                |it| it["comments"][0]["body"] = json!("Straße ?"),
                "the text of the comment `acme/1` is another from letter 8 on: \"tra\\u{df}e ?\" \
                 and must be \"tra\\u{df}e \\u{1f600}\"",
            ),
            (
                |it| it["comments"][0]["body"] = json!("Straße"),
                "the text of the comment `acme/1` ends after 6 of 8 letters",
            ),
            (
                |it| it["comments"][0]["public"] = json!(false),
                "the comment `acme/1` is private and must be public",
            ),
            (
                |it| it["comments"][0]["attachments"] = json!([]),
                "the file `f` of the comment `acme/1` is missing",
            ),
        ];
        for (change, sentence) in table {
            assert_eq!(differences(&expected, &ticket(change)), [sentence]);
        }
        assert_eq!(differences(&expected, &expected), [""; 0]);
        let turned = ticket(|it| it["custom_fields"]["many"]["value"] = json!(["y", "x"]));
        assert_eq!(differences(&expected, &turned), [""; 0]);
    }
}
