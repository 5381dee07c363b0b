//! Which files a command names, and which it takes away.

use serde_json::Value;

use super::capability::Capability;

/// A file as an attachment of a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedFile {
    /// Whose link it is.
    pub capability: Capability,
    /// The comment's id.
    pub comment: String,
    /// The attachment's id.
    pub attachment: String,
}

/// The attachments of a command's comments, each with its comment.
pub(crate) fn attachments<'a>(
    command_type: &str,
    content: &'a Value,
) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let place = match command_type {
        "ticket.share.v1" => Some("/ticket/comments"),
        "ticket.update.v1" => Some("/comments"),
        _ => None,
    };
    let comments = place.and_then(|place| content.pointer(place)).and_then(Value::as_array);
    comments.into_iter().flatten().flat_map(|comment| {
        let files = comment["attachments"].as_array().into_iter().flatten();
        files.map(move |file| (comment, file))
    })
}

/// The files of `origin` that the comments of a command name.
#[must_use]
pub fn named(command_type: &str, content: &Value, origin: &str) -> Vec<AttachedFile> {
    attachments(command_type, content)
        .filter_map(|(comment, file)| {
            Some(AttachedFile {
                capability: Capability::of_url(file["url"].as_str()?, origin)?,
                comment: comment["id"].as_str()?.to_owned(),
                attachment: file["id"].as_str().unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// The comment that a command blanks, and its attachment, if it is that alone.
#[must_use]
pub fn redacted<'a>(command_type: &str, content: &'a Value) -> Option<(&'a str, Option<&'a str>)> {
    if command_type != "ticket.redact.v1" {
        return None;
    }
    Some((content["comment_id"].as_str()?, content["attachment_id"].as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ORIGIN: &str = "https://files.example";

    #[test]
    fn files_of_this_origin_are_found_wherever_comments_stand() {
        let capability = Capability::of([7; 32]);
        let url = capability.url(ORIGIN, "pump.png");
        let comments = json!([
            { "id": "acme/1", "attachments": [
                { "id": "a", "url": url },
                { "id": "b", "url": "https://elsewhere.example/f/pump.png" },
                { "id": "c", "url": 7 }] },
            { "id": "acme/2", "attachments": "none" },
            { "attachments": [{ "id": "d", "url": url }] },
            "no comment",
        ]);
        let one =
            vec![AttachedFile { capability, comment: "acme/1".into(), attachment: "a".into() }];
        let update = json!({ "comments": comments });
        let share = json!({ "ticket": { "comments": comments } });
        assert_eq!(named("ticket.update.v1", &update, ORIGIN), one);
        assert_eq!(named("ticket.share.v1", &share, ORIGIN), one);
        assert_eq!(named("ticket.bind.v1", &update, ORIGIN), []);
        assert_eq!(named("ticket.update.v1", &update, "https://other.example"), []);
    }

    #[test]
    fn a_redaction_names_a_comment_or_one_of_its_files() {
        let redact = "ticket.redact.v1";
        let comment = json!({ "comment_id": "acme/1" });
        let file = json!({ "comment_id": "acme/1", "attachment_id": "a" });
        assert_eq!(redacted(redact, &comment), Some(("acme/1", None)));
        assert_eq!(redacted(redact, &file), Some(("acme/1", Some("a"))));
        assert_eq!(redacted("ticket.update.v1", &comment), None);
        assert_eq!(redacted(redact, &json!({})), None);
    }
}
