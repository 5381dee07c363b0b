//! One mail: headers, plain text and HTML.

use contracts::{Timestamp, ids::derive_id};
use lettre::Message;
use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use uuid::Uuid;

use crate::line::one_line;

/// What a mail is made of.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// Of its row; its `Message-ID` follows from it.
    pub id: Uuid,
    /// Who it is from.
    pub from: &'a Mailbox,
    /// How its recipient is called; may be empty.
    pub name: &'a str,
    /// Its recipient's address.
    pub recipient: &'a str,
    /// When it was made.
    pub made_at: Timestamp,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub plain: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// Why no mail can be made. Trying again would not help.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// The recipient's address is none.
    #[error("the recipient's address cannot be used: {0}")]
    Recipient(#[from] AddressError),
    /// The parts make no mail.
    #[error("the mail cannot be put together: {0}")]
    Mail(#[from] lettre::error::Error),
}

/// Makes a mail. The same letter makes the same bytes, with the same `Message-ID`, at every try, so
/// that a mail that arrives twice is known as one.
///
/// # Errors
/// [`LetterError`].
pub fn letter(letter: Letter<'_>) -> Result<Message, LetterError> {
    let Letter { id, from, name, recipient, made_at, subject, plain, html } = letter;
    let name = Some(one_line(name)).filter(|name| !name.is_empty());
    let builder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name, recipient.trim().parse()?))
        .subject(one_line(&subject))
        .date(made_at.utc().into())
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        // No desk and no absence notice answers a mail that says it was made by a program (RFC
        // 3834).
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    let plain = SinglePart::plain(plain);
    let mail = match html {
        Some(html) => {
            let boundary = derive_id("boundary", &[&id.to_string()]).simple().to_string();
            let body = MultiPart::alternative().boundary(boundary).build();
            builder.multipart(body.singlepart(plain).singlepart(SinglePart::html(html)))?
        }
        None => builder.singlepart(plain)?,
    };
    Ok(mail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(name: &str, subject: &str, html: Option<&str>) -> String {
        let from = "Deskmesh <mesh@mesh.example>".parse().unwrap();
        let mail = letter(Letter {
            id: Uuid::from_u128(7),
            from: &from,
            name,
            recipient: "ada@acme.example",
            made_at: Timestamp::parse("2026-03-01T10:00:01Z").unwrap(),
            subject: subject.to_owned(),
            plain: "Hello.".to_owned(),
            html: html.map(str::to_owned),
        });
        String::from_utf8(mail.unwrap().formatted()).unwrap()
    }

    #[test]
    fn the_same_letter_makes_the_same_bytes() {
        for html in [None, Some("<p>Hello.</p>")] {
            assert_eq!(raw("Ada", "Hello", html), raw("Ada", "Hello", html));
        }
        assert!(raw("Ada", "Hello", None).contains("Auto-Submitted: auto-generated"));
    }

    #[test]
    fn no_word_of_outside_makes_a_header() {
        let hostile = "Globex\r\nBcc: all@acme.example\r\n\r\nhello";
        let raw = raw(hostile, hostile, None);
        let head = raw.split("\r\n\r\n").next().unwrap().to_lowercase();
        assert!(!head.contains("\r\nbcc"), "{raw}");
    }
}
