//! A redaction in what is kept as JSON: deliveries of the log, commands of the outbox.

use serde_json::{Value, json};

/// Blanks a comment, or takes one file from it, wherever it stands in `body`. Returns whether
/// anything changed.
pub fn blank(body: &mut Value, comment: &str, attachment: Option<&str>) -> bool {
    let mut changed = false;
    for place in ["/comments", "/ticket/comments"] {
        let comments = body.pointer_mut(place).and_then(Value::as_array_mut);
        for held in comments.into_iter().flatten().filter(|held| held["id"] == comment) {
            changed |= match attachment {
                Some(file) => without_file(held, file),
                None => without_text(held),
            };
        }
    }
    changed
}

fn without_file(comment: &mut Value, file: &str) -> bool {
    let Some(files) = comment.get_mut("attachments").and_then(Value::as_array_mut) else {
        return false;
    };
    let before = files.len();
    files.retain(|held| held["id"] != file);
    files.len() < before
}

fn without_text(comment: &mut Value) -> bool {
    let Some(members) = comment.as_object_mut() else { return false };
    let before = members.len();
    for member in ["html_body", "attachments", "call"] {
        members.remove(member);
    }
    let text = members.insert("body".to_owned(), json!(""));
    members.len() < before || text.is_some_and(|text| text != "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_comment_keeps_its_id_and_loses_what_it_says() {
        let comment = json!({ "id": "acme/1", "body": "secret", "html_body": "<b>secret</b>",
            "public": false, "attachments": [{ "id": "1", "filename": "secret.png" }],
            "call": { "transcript": "secret" } });
        for place in ["comments", "ticket"] {
            let comments = json!([comment, { "id": "acme/2", "body": "stays" }]);
            let mut body = if place == "ticket" {
                json!({ "ticket": { "comments": comments } })
            } else {
                json!({ "comments": comments })
            };
            assert!(blank(&mut body, "acme/1", None), "{place}");
            let text = body.to_string();
            assert!(!text.contains("secret") && text.contains("stays"), "{text}");
            assert!(text.contains("acme/1") && text.contains("\"public\":false"), "{text}");
            assert!(!blank(&mut body, "acme/1", None), "it is blank already");
        }
    }

    #[test]
    fn one_file_goes_and_the_text_stays() {
        let mut body = json!({ "comments": [{ "id": "acme/1", "body": "see both",
            "attachments": [{ "id": "1" }, { "id": "2" }] }] });
        assert!(blank(&mut body, "acme/1", Some("1")));
        assert_eq!(body["comments"][0]["attachments"], json!([{ "id": "2" }]));
        assert_eq!(body["comments"][0]["body"], "see both");
        assert!(!blank(&mut body, "acme/1", Some("1")), "it is gone already");
        assert!(!blank(&mut body, "acme/9", None), "nobody has it");
    }
}
