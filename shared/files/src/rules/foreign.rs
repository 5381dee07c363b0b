//! Which files of a command lie elsewhere, and have to be copied before it is sent.

use serde_json::Value;
use url::Url;

use super::capability::Capability;
use super::{link, name};

/// A file that lies elsewhere, as an attachment of a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The comment's id.
    pub comment: String,
    /// The attachment's id.
    pub attachment: String,
    /// Where it lies.
    pub url: String,
    /// What it is called.
    pub filename: String,
    /// What it is, if that was said.
    pub content_type: Option<String>,
}

/// The files that the comments of a command name and that are no links to `origin`, each once. What
/// HTTP cannot fetch is none: the line says so of it. What is only tried out is not copied.
#[must_use]
pub fn foreign(command_type: &str, content: &Value, origin: &str) -> Vec<Foreign> {
    if content["dry_run"] == Value::Bool(true) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (comment, file) in link::attachments(command_type, content) {
        let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned);
        let ids = text(comment, "id").zip(text(file, "id"));
        let Some(((comment, attachment), url)) = ids.zip(text(file, "url")) else { continue };
        if !is_fetched(&url) || Capability::of_url(&url, origin).is_some() {
            continue;
        }
        let filename = name::cleaned(file["filename"].as_str().unwrap_or_default());
        let content_type = text(file, "content_type");
        let one = Foreign { comment, attachment, url, filename, content_type };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

fn is_fetched(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ORIGIN: &str = "https://files.example";

    #[test]
    fn what_lies_elsewhere_and_can_be_fetched_is_copied_once() {
        let own = Capability::of([7; 32]).url(ORIGIN, "pump.png");
        let elsewhere = "https://elsewhere.example/pump.png?key=1";
        let file = |id: &str, url: &str| json!({ "id": id, "filename": "a/b.png", "url": url });
        let comments = json!([
            { "id": "acme/1", "attachments": [
                file("a", elsewhere), file("a", elsewhere), file("b", &own), file("c", "cid:x"),
                file("d", "data:text/plain,x"), file("e", "ftp://elsewhere.example/x"),
                { "url": elsewhere }, { "id": "f", "url": 7 }] },
            { "attachments": [file("g", elsewhere)] },
            "no comment",
        ]);
        let one = Foreign {
            comment: "acme/1".to_owned(),
            attachment: "a".to_owned(),
            url: elsewhere.to_owned(),
            filename: "b.png".to_owned(),
            content_type: None,
        };
        let update = json!({ "comments": comments });
        assert_eq!(foreign("ticket.update.v1", &update, ORIGIN), std::slice::from_ref(&one));
        let share = json!({ "ticket": update });
        assert_eq!(foreign("ticket.share.v1", &share, ORIGIN), [one]);
        assert_eq!(foreign("ticket.bind.v1", &update, ORIGIN), []);
        let tried = json!({ "dry_run": true, "comments": comments });
        assert_eq!(foreign("ticket.update.v1", &tried, ORIGIN), []);
    }

    #[test]
    fn a_path_of_the_own_origin_that_is_no_link_is_no_file_of_ours() {
        for url in
            ["https://files.example/f/x/y", "http://files.example:8080/a", "HTTPS://x.example"]
        {
            let file = json!({ "id": "a", "filename": "a", "url": url });
            let update = json!({ "comments": [{ "id": "1", "attachments": [file] }] });
            assert_eq!(foreign("ticket.update.v1", &update, ORIGIN).len(), 1, "{url}");
        }
    }
}
