//! One mail: headers, plain text and HTML.

use contracts::Timestamp;
use contracts::sync::Notice;
use mail::{Letter, LetterError, Mail, Mailbox, letter};
use uuid::Uuid;

use super::templates::Templates;
use crate::rules::wording::Words;

/// Why no mail can be made of a notice. Trying again would not help.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A template asks for what is not there.
    #[error("a template cannot be filled in: {0}")]
    Template(#[from] minijinja::Error),
    /// The parts make no mail.
    #[error(transparent)]
    Letter(#[from] LetterError),
}

/// Makes the mail for one notice to one recipient.
///
/// # Errors
/// [`ComposeError`].
pub fn compose(
    id: Uuid,
    recipient: &str,
    notice: &Notice,
    made_at: Timestamp,
    from: &Mailbox,
    templates: &Templates,
) -> Result<Mail, ComposeError> {
    let words = Words::of(notice, &templates.pages);
    let text = templates.text(notice.locale.as_deref(), &words)?;
    Ok(letter(Letter {
        id,
        from,
        name: &words.recipient,
        recipient,
        made_at,
        subject: text.subject,
        plain: text.plain,
        html: Some(text.html),
    })?)
}

#[cfg(test)]
mod tests {
    use contracts::sync::{About, AgreementEvent, AgreementNotice, CommentNotice};

    use super::*;
    use crate::rules::samples::{agreement, comment, every_kind, notice, to_admin, to_cc};

    fn composed(notice: &Notice) -> Result<Mail, ComposeError> {
        let from = "Deskmesh <mesh@mesh.example>".parse().unwrap();
        let made_at = Timestamp::parse("2026-03-01T10:00:01Z").unwrap();
        let id = Uuid::from_u128(7);
        compose(id, &notice.to[0].email, notice, made_at, &from, &Templates::new().unwrap())
    }

    fn raw(notice: &Notice) -> String {
        String::from_utf8(composed(notice).unwrap().formatted()).unwrap()
    }

    fn headers(raw: &str) -> Vec<&str> {
        raw.split("\r\n\r\n").next().unwrap().split("\r\n").collect()
    }

    #[test]
    fn a_mail_has_all_its_headers_and_two_parts() {
        let raw = raw(&to_admin(AgreementEvent::Deactivated));
        let headers = headers(&raw);
        for header in [
            "From: Deskmesh <mesh@mesh.example>",
            "To: \"Agent Ada\" <ada@acme.example>",
            "Subject: Globex Support ended the sharing agreement with you",
            "Date: Sun, 01 Mar 2026 10:00:01 +0000",
            "Message-ID: <00000000-0000-0000-0000-000000000007@mesh.example>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(headers.contains(&header), "{header} is not in {headers:#?}");
        }
        let plain = include_str!("../../tests/golden/deactivated.txt").replace('\n', "\r\n");
        assert!(raw.contains(&plain), "{raw}");
        assert!(raw.contains("Content-Type: text/html; charset=utf-8"), "{raw}");
    }

    #[test]
    fn the_same_notice_makes_the_same_bytes() {
        for notice in every_kind() {
            assert_eq!(raw(&notice), raw(&notice));
        }
    }

    #[test]
    fn no_name_makes_a_header_or_an_element() {
        let hostile = "Globex\r\nBcc: all@acme.example\r\n\r\n<script>alert(1)</script>";
        let agreement = AgreementNotice {
            name: Some(hostile.to_owned()),
            ..agreement(AgreementEvent::Invited)
        };
        let comment =
            CommentNotice { link: Some(format!("https://{hostile}")), ..comment(hostile) };
        for about in [About::Agreement(agreement), About::Comment(comment)] {
            let mut notice = notice(about);
            notice.partner.display_name = hostile.to_owned();
            notice.partner.address = hostile.to_owned();
            notice.by = hostile.to_owned();
            notice.to[0].name = hostile.to_owned();
            let raw = raw(&notice);
            assert!(
                headers(&raw).iter().all(|line| !line.to_lowercase().starts_with("bcc")),
                "{raw}"
            );
            assert_eq!(raw.matches("Content-Type: ").count(), 3, "{raw}");
            let html = raw.split("text/html").nth(1).unwrap();
            assert!(!html.contains("<script"), "{html}");
            assert_eq!(composed(&notice).unwrap().envelope().to().len(), 1);
        }
    }

    #[test]
    fn r_25_any_comment_makes_lines_that_every_mail_server_takes() {
        for body in [
            "a long line ".repeat(2_000),
            "株式会社".repeat(5_000),
            ".\r\n.\r\n\tFrom here\u{1b}".to_owned(),
        ] {
            let raw = raw(&to_cc(&body));
            assert!(raw.is_ascii());
            assert!(
                raw.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])),
                "{raw}"
            );
        }
    }

    #[test]
    fn names_in_any_script_arrive_encoded() {
        let mut notice = to_admin(AgreementEvent::Accepted);
        notice.partner.display_name = "Große Hilfe 株式会社".to_owned();
        notice.to[0].name = "Agent Zoë, \"Z\"".to_owned();
        assert!(raw(&notice).is_ascii());
    }

    #[test]
    fn an_address_that_is_none_makes_no_mail() {
        for address in
            ["", "ada", "ada@", "a@b\r\nRCPT TO:<all@acme.example>", "<ada@acme.example>"]
        {
            let mut notice = to_admin(AgreementEvent::Accepted);
            notice.to[0].email = address.to_owned();
            assert!(
                matches!(composed(&notice), Err(ComposeError::Letter(LetterError::Recipient(_)))),
                "{address:?}"
            );
        }
    }
}
