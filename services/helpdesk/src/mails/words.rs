//! What a mail says, in its reader's language.

use chrono::{DateTime, Utc};
use web::{Language, Reader};

use crate::pages::TEXTS;
use crate::rules::link::Link;
use crate::store::mail::DueMail;

/// Characters of a comment that a mail has; the whole is on the page.
const LONGEST: usize = 10_000;

/// A mail in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MailWords {
    pub subject: String,
    pub plain: String,
}

/// The words of a mail; nothing where what it was to tell is no longer there.
pub(super) fn of(due: &DueMail, public_url: &str, now: DateTime<Utc>) -> Option<MailWords> {
    let language = Language::of_tag(&due.language).unwrap_or_default();
    let reader = Reader::absent(language, &TEXTS, now);
    let key = due.link_key.as_deref()?;
    let organisation = mail::one_line(&due.organisation);
    if let Some(confirmation) = due.confirmation {
        let id = confirmation.to_string();
        let link = format!("{public_url}{}", Link::Confirm(&id).path(&due.address, key));
        let say = |text: &str| reader.say_of(text, "organisation", &organisation).into_owned();
        return Some(MailWords {
            subject: say("mail.confirm.subject"),
            plain: paragraphs(&[say("mail.confirm.text"), link, say("mail.confirm.otherwise")]),
        });
    }
    let (ticket, person) = (due.ticket?, due.person.as_deref());
    let subject = mail::one_line(due.subject.as_deref()?);
    // An agent signs in.
    let path = match person {
        Some(person) => Link::Request(ticket, person).path(&due.address, key),
        None => format!("/tickets/{ticket}"),
    };
    let link = format!("{public_url}{path}");
    let author = mail::one_line(due.author.as_deref().unwrap_or_default());
    let values: [(&str, &dyn std::fmt::Display); 4] = [
        ("organisation", &organisation),
        ("number", &ticket),
        ("subject", &subject),
        ("author", &author),
    ];
    let say = |text: &str| reader.say_with(text, &values).into_owned();
    let why = say(if person.is_some() { "mail.why" } else { "mail.why_agent" });
    if due.kind == "rule" {
        let (text, _) = fit(due.text.as_deref()?);
        let plain = paragraphs(&[text, say("mail.rule.link"), link, why]);
        return Some(MailWords { subject: say("mail.rule.subject"), plain });
    }
    if due.kind == "opened" {
        let plain = paragraphs(&[say("mail.opened.text"), link, why]);
        return Some(MailWords { subject: say("mail.opened.subject"), plain });
    }
    let (text, whole) = fit(due.body.as_deref()?);
    let mut parts = vec![say("mail.said.text"), text];
    if !whole {
        parts.push(say("mail.said.cut"));
    }
    parts.extend([say("mail.said.answer"), link, why]);
    Some(MailWords { subject: say("mail.said.subject"), plain: paragraphs(&parts) })
}

fn paragraphs(parts: &[String]) -> String {
    parts.join("\r\n\r\n")
}

/// A comment's text as a mail has it: its lines, without letters that act on others; and whether it
/// is all of it.
fn fit(body: &str) -> (String, bool) {
    let fit: String = body
        .replace("\r\n", "\n")
        .chars()
        .map(|letter| if letter == '\n' || !mail::is_unfit(letter) { letter } else { ' ' })
        .collect();
    match fit.char_indices().nth(LONGEST) {
        Some((end, _)) => (format!("{}…", &fit[..end]).replace('\n', "\r\n"), false),
        None => (fit.replace('\n', "\r\n"), true),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn due(kind: &str) -> DueMail {
        let is_confirm = kind == "confirm";
        DueMail {
            id: Uuid::from_u128(7),
            kind: kind.into(),
            recipient: "rita@customer.example".into(),
            name: "Rita".into(),
            language: "en".into(),
            confirmation: is_confirm.then(|| Uuid::from_u128(9)),
            ticket: (!is_confirm).then_some(12),
            person: (!is_confirm).then(|| "p".into()),
            attempts: 0,
            created_at: DateTime::UNIX_EPOCH,
            address: "acme".into(),
            organisation: "Acme\r\nBcc: x".into(),
            link_key: Some(b"key".to_vec()),
            subject: (!is_confirm).then(|| "The pump\nleaks".into()),
            author: Some("Sam".into()),
            body: Some("Line one\n.\nline two\u{202e}".into()),
            text: (kind == "rule").then(|| "We look at it.".into()),
        }
    }

    fn words(due: &DueMail) -> MailWords {
        of(due, "https://desk.example", DateTime::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_mail_to_confirm_has_no_word_of_a_ticket() {
        let said = words(&due("confirm"));
        assert!(said.plain.contains("https://desk.example/help/acme/confirm/"), "{said:?}");
        assert!(!said.plain.contains("pump") && !said.plain.contains("Line"), "{said:?}");
    }

    #[test]
    fn a_reply_has_its_text_and_a_link_in_every_language() {
        for language in Language::ALL {
            let told = DueMail { language: language.tag().into(), ..due("said") };
            let said = words(&told);
            assert!(said.plain.contains("Line one\r\n.\r\nline two "), "{said:?}");
            assert!(said.plain.contains("https://desk.example/help/acme/requests/12/"));
            assert!(said.subject.contains("The pump leaks") && !said.subject.contains('\n'));
            assert!(!said.plain.contains("\r\nBcc"), "{said:?}");
        }
    }

    #[test]
    fn a_rules_mail_leads_whoever_asked_and_agents_each_their_way() {
        let asker = words(&due("rule"));
        assert!(asker.plain.starts_with("We look at it.\r\n"), "{asker:?}");
        assert!(asker.plain.contains("https://desk.example/help/acme/requests/12/"));
        assert!(!asker.plain.contains("Line one"), "{asker:?}");
        let agent = words(&DueMail { person: None, ..due("rule") });
        assert!(agent.plain.contains("https://desk.example/tickets/12\r\n"), "{agent:?}");
        assert!(!agent.plain.contains("/help/"), "{agent:?}");
    }

    #[test]
    fn what_was_redacted_meanwhile_is_not_told() {
        let redacted = DueMail { body: None, ..due("said") };
        assert_eq!(of(&redacted, "https://desk.example", DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let long = DueMail { body: Some("ä".repeat(LONGEST + 1)), ..due("said") };
        let said = words(&long);
        assert!(said.plain.contains("ä…") && said.plain.chars().count() < LONGEST + 1000);
    }
}
