//! Calls behind comments: the recording stays, the transcript crosses as lines of text (R-31 to
//!

use contracts::comment::SharedComment;
use contracts::sync::TransferComment;
use contracts::{Decision, Item, Reason, link};

/// Makes of a comment what may cross: no recording, neither as such nor as a file, and the
/// transcript as text.
pub(super) fn without_recording(comment: &TransferComment) -> (SharedComment, Vec<Decision>) {
    let mut shared = SharedComment {
        id: comment.id.clone(),
        author: comment.author.clone(),
        body: comment.body.clone(),
        html_body: comment.html_body.clone(),
        public: comment.public,
        authored_at: comment.authored_at,
        attachments: comment.attachments.clone(),
    };
    let mut decisions = Vec::new();
    let Some(call) = &comment.call else { return (shared, decisions) };
    if let Some(recording) = &call.recording_url {
        decisions
            .push(Decision::withheld(Item::Recording(comment.id.clone()), Reason::RecordingStays));
        // Some desks list the recording among the files as well, and spell its link otherwise.
        let same = shared.attachments.extract_if(.., |file| link::is_same(&file.url, recording));
        decisions.extend(
            same.map(|file| Decision::withheld(Item::Attachment(file.id), Reason::RecordingStays)),
        );
    }
    if let Some(transcript) =
        call.transcript.as_deref().map(str::trim).filter(|transcript| !transcript.is_empty())
    {
        append(&mut shared, transcript);
    }
    (shared, decisions)
}

fn append(shared: &mut SharedComment, transcript: &str) {
    let lines: Vec<&str> = transcript.lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    let body = shared.body.trim_end();
    shared.body = if body.is_empty() { text } else { format!("{body}\n\n{text}") };
    if let Some(html) = &mut shared.html_body {
        for paragraph in
            lines.split(|line| line.is_empty()).filter(|paragraph| !paragraph.is_empty())
        {
            let lines: Vec<String> = paragraph.iter().map(|line| escape(line)).collect();
            html.push_str("<p>");
            html.push_str(&lines.join("<br>"));
            html.push_str("</p>");
        }
    }
}

/// Text as HTML shows it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::samples::{file, id, published};
    use super::*;
    use contracts::comment::Call;

    const RECORDING: &str = "https://acme.example/calls/1.mp3";

    /// A comment with a call behind it.
    fn called(recording: Option<&str>, transcript: Option<&str>) -> TransferComment {
        let (recording_url, transcript) =
            (recording.map(str::to_owned), transcript.map(str::to_owned));
        TransferComment {
            call: Some(Call { recording_url, transcript, duration_s: Some(30) }),
            ..published("acme/1")
        }
    }

    #[test]
    fn r_31_recordings_stay_in_the_account_of_the_call() {
        let comment = called(Some(RECORDING), None);
        let (shared, decisions) = without_recording(&comment);
        assert_eq!(
            decisions,
            [Decision::withheld(Item::Recording(id("acme/1")), Reason::RecordingStays)]
        );
        assert_eq!(shared.body, comment.body);
    }

    #[test]
    fn r_32_no_link_to_the_recording_is_left_to_play() {
        let mut comment = called(Some(RECORDING), None);
        comment.attachments = vec![file("f1"), file("f2")];
        comment.attachments[0].url = RECORDING.to_owned();
        let (shared, decisions) = without_recording(&comment);
        assert!(!serde_json::to_string(&shared).unwrap().contains(RECORDING));
        assert_eq!(shared.attachments, [file("f2")]);
        assert_eq!(
            decisions[1],
            Decision::withheld(Item::Attachment("f1".into()), Reason::RecordingStays)
        );
    }

    #[test]
    fn r_32_a_recording_is_known_in_any_spelling_of_its_link() {
        for spelling in [
            "HTTPS://acme.example/calls/1.mp3",
            "https://ACME.example:443/calls/1.mp3",
            "https://ada:secret@acme.example/calls/1.mp3",
            "https://acme.example/calls/1.mp3#t=1",
            "https://acme.example/calls/./1.mp3",
        ] {
            let mut comment = called(Some(spelling), None);
            comment.attachments = vec![file("f1")];
            comment.attachments[0].url = RECORDING.to_owned();
            let (shared, decisions) = without_recording(&comment);
            assert_eq!((shared.attachments.len(), decisions.len()), (0, 2), "{spelling}");
        }
    }

    #[test]
    fn r_33_the_comment_itself_crosses() {
        let comment = called(Some(RECORDING), None);
        assert_eq!(without_recording(&comment).0, without_recording(&published("acme/1")).0);
    }

    #[test]
    fn r_34_a_transcript_crosses_as_lines_of_text() {
        let mut comment = called(None, Some("  Hello,\r\nit is me \n"));
        comment.body = "Voicemail".into();
        let (shared, decisions) = without_recording(&comment);
        assert_eq!(shared.body, "Voicemail\n\nHello,\nit is me");
        assert_eq!(shared.html_body, None);
        assert!(decisions.is_empty());
    }

    #[test]
    fn r_34_a_transcript_is_text_in_html_too() {
        let mut comment = called(None, Some("<b>A & B</b>\nis\n\nall"));
        comment.body = String::new();
        comment.html_body = Some("<h1>Call</h1>".into());
        let (shared, _) = without_recording(&comment);
        assert_eq!(shared.body, "<b>A & B</b>\nis\n\nall");
        let html = "<h1>Call</h1><p>&lt;b&gt;A &amp; B&lt;/b&gt;<br>is</p><p>all</p>";
        assert_eq!(shared.html_body.as_deref(), Some(html));
    }

    #[test]
    fn an_empty_transcript_adds_nothing() {
        let comment = called(None, Some(" \n "));
        assert_eq!(without_recording(&comment), without_recording(&published("acme/1")));
    }
}
