//! JSON values as YAML in block style. JSON is YAML already, so only maps and plain words are
//! written another way; for that a page of code is less to keep than a library.

use serde_json::Value;

/// Words that YAML does not read as text.
const NOT_TEXT: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "y"];

/// A map as a document, one key a line.
pub(super) fn block(document: &Value) -> String {
    let mut out = String::new();
    write_map(document, 0, &mut out);
    out
}

fn write_map(map: &Value, indent: usize, out: &mut String) {
    for (key, value) in map.as_object().into_iter().flatten() {
        out.push_str(&" ".repeat(indent));
        out.push_str(&scalar(&Value::from(key.as_str())));
        out.push(':');
        if value.as_object().is_some_and(|inner| !inner.is_empty()) {
            out.push('\n');
            write_map(value, indent + 2, out);
        } else {
            out.push(' ');
            out.push_str(&scalar(value));
            out.push('\n');
        }
    }
}

fn scalar(value: &Value) -> String {
    match value.as_str() {
        Some(text) if is_plain(text) => text.to_owned(),
        _ => value.to_string(),
    }
}

/// Whether a text needs no quotes: it begins with a letter, has nothing in it that means something,
/// and is no other type.
fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|each| each.is_ascii_alphanumeric() || "._/-".contains(each))
        && !NOT_TEXT.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_plain_and_everything_else_is_json() {
        let document = json!({
            "a": { "count": 3, "empty": {}, "list": ["x"] },
            "text": "share.events",
            "pattern": "^a\\.b$", "word": "Yes", "number": "1s", "none": "",
        });
        let expected = concat!(
            "a:\n  count: 3\n  empty: {}\n  list: [\"x\"]\n",
            "none: \"\"\nnumber: \"1s\"\npattern: \"^a\\\\.b$\"\ntext: share.events\n\
             word: \"Yes\"\n",
        );
        assert_eq!(block(&document), expected);
    }
}
