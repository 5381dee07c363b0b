//! What people wrote, as it is shown.

use web::Html;

use crate::store::comment::Comment;

/// A file of a comment.
pub(super) struct FileLink {
    pub id: String,
    pub name: String,
    pub url: String,
}

/// The files of a comment: own ones, and a partner's whose links a browser may follow.
pub(super) fn links(comment: &Comment) -> Vec<FileLink> {
    let is_own = comment.received_from.is_none();
    let link = |file: &serde_json::Value| {
        let url = file["url"].as_str()?;
        let is_link = url.starts_with("https://") || (is_own && url.starts_with("http://"));
        let text = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
        let name = Some(text("filename")).filter(|name| !name.is_empty());
        is_link.then(|| FileLink {
            id: text("id"),
            name: name.unwrap_or_else(|| url.to_owned()),
            url: url.to_owned(),
        })
    };
    comment.attachments.iter().filter_map(link).collect()
}

/// Plain text as paragraphs; nothing in it is markup.
pub(super) fn paragraphs(text: &str) -> Html {
    let paragraph = |part: &str| {
        let lines: Vec<String> =
            part.lines().map(|line| Html::text(line).as_str().to_owned()).collect();
        format!("<p>{}</p>", lines.join("<br>"))
    };
    let text = text.replace("\r\n", "\n");
    let parts = text.split("\n\n").filter(|part| !part.trim().is_empty()).map(paragraph);
    Html::trusted(parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text_and_nothing_else() {
        let html = paragraphs("One <b>\r\ntwo\r\n\r\n<script>three");
        assert_eq!(html.as_str(), "<p>One &lt;b&gt;<br>two</p><p>&lt;script&gt;three</p>");
    }
}
