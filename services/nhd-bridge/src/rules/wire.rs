//! What partners send, read. Absent and `null` mean "not given" everywhere: Zendesk's client writes
//! every member it knows, and `null` for all that it does not mean.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::token::AccessKey;

/// An agreement, or what of it changes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, expecting = "an object")]
pub struct AgreementBody {
    /// 40 hexadecimal digits.
    pub uuid: Option<Text>,
    /// The organisation that speaks.
    pub name: Option<Text>,
    /// Where the sender is reached.
    pub sender_url: Option<Text>,
    /// Where the receiver is reached.
    pub receiver_url: Option<Text>,
    /// The secret of the agreement.
    pub access_key: Option<AccessKey>,
    /// `pending`, `accepted`, `declined` or `inactive`.
    pub status: Option<Text>,
    /// Who did it.
    pub current_actor: Option<ActorBody>,
    /// Whether tags cross.
    pub sync_tags: Option<bool>,
    /// Whether custom fields cross.
    pub sync_custom_fields: Option<bool>,
    /// Whether the receiver may comment publicly, and with it whether status crosses.
    pub allows_public_comments: Option<bool>,
}

/// A ticket, or what of it changes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, expecting = "an object")]
pub struct TicketBody {
    /// 40 hexadecimal digits.
    pub uuid: Option<Text>,
    /// Subject.
    pub subject: Option<Text>,
    /// When it was asked.
    pub requested_at: Option<Text>,
    /// Status.
    pub status: Option<Text>,
    /// Who asked.
    pub requester: Option<ActorBody>,
    /// Comments, new ones or all.
    pub comments: Option<Vec<Option<CommentBody>>>,
    /// Who did it.
    pub current_actor: Option<ActorBody>,
    /// All tags that it has.
    pub tags: Option<Vec<Option<Text>>>,
    /// The partner's own number.
    pub original_id: Option<Text>,
    /// Values by title.
    pub custom_fields: Option<Map<String, Value>>,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, expecting = "an object")]
pub struct ActorBody {
    /// Any text.
    pub uuid: Option<Text>,
    /// Display name.
    pub name: Option<Text>,
    /// `agent`, or something else.
    pub role: Option<Text>,
}

/// A comment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, expecting = "an object")]
pub struct CommentBody {
    /// Any text.
    pub uuid: Option<Text>,
    /// Who wrote it.
    pub author: Option<ActorBody>,
    /// Plain text.
    pub body: Option<Text>,
    /// The same as HTML.
    pub html_body: Option<Text>,
    /// When it was written.
    pub authored_at: Option<Text>,
    /// Whether the requester sees it.
    pub public: Option<bool>,
    /// Files.
    pub attachments: Option<Vec<Option<AttachmentBody>>>,
}

/// A file, as a link.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, expecting = "an object")]
pub struct AttachmentBody {
    /// Where it is.
    pub url: Option<Text>,
    /// Its name.
    pub filename: Option<Text>,
    /// Its name as people see it.
    pub display_filename: Option<Text>,
    /// Media type.
    pub content_type: Option<Text>,
}

/// A text; a number counts as its digits, because ids are numbers to some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub String);

impl Text {
    /// The text, if there is anything in it.
    #[must_use]
    pub fn given(text: Option<&Self>) -> Option<&str> {
        text.map(|text| text.0.trim()).filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;

        impl Visitor<'_> for TextOrNumber {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, given: &str) -> Result<Text, E> {
                Ok(Text(given.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, given: u64) -> Result<Text, E> {
                Ok(Text(given.to_string()))
            }

            fn visit_i64<E: de::Error>(self, given: i64) -> Result<Text, E> {
                Ok(Text(given.to_string()))
            }
        }

        deserializer.deserialize_any(TextOrNumber)
    }
}

/// Reads a body.
///
/// # Errors
/// What is wrong where, as a sentence.
pub fn read<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, String> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("the body is empty; send JSON".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        format!("{place}: {}", error.into_inner())
    })?;
    json.end().map_err(|error| format!("after the object: {error}"))?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_absent_are_the_same() {
        let nulls: TicketBody = read(
            br#"{"uuid":null,"subject":null,"requested_at":null,"status":null,"requester":null,
                "comments":[],"current_actor":null,"tags":null,"original_id":null,
                "custom_fields":null,"custom_status":null,"unknown":[1]}"#,
        )
        .unwrap();
        assert_eq!(nulls, TicketBody { comments: Some(Vec::new()), ..TicketBody::default() });
        let nulls: AgreementBody =
            read(br#"{"status":null,"sync_tags":null,"current_actor":null}"#).unwrap();
        assert_eq!(nulls, AgreementBody::default());
        let comment: CommentBody =
            read(br#"{"uuid":"t1","public":null,"attachments":null,"author":null}"#).unwrap();
        assert_eq!(comment.public, None);
    }

    #[test]
    fn a_number_is_taken_for_its_digits() {
        let ticket: TicketBody = read(br#"{"original_id": 12, "tags": ["a", null, 7]}"#).unwrap();
        assert_eq!(Text::given(ticket.original_id.as_ref()), Some("12"));
        assert_eq!(ticket.tags.unwrap().into_iter().flatten().count(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let deep =
            format!("{{\"custom_fields\":{{\"a\":{}{}}}}}", "[".repeat(500), "]".repeat(500));
        for (body, said) in [
            ("", "empty"),
            ("  \n", "empty"),
            ("{", "EOF"),
            ("<html>", "expected"),
            (r#"{"comments":[{"public":"yes"}]}"#, "comments[0].public"),
            (r#"{"comments":{"a":1}}"#, "comments"),
            (r#"{"uuid":"1"} {"uuid":"2"}"#, "after the object"),
            (deep.as_str(), "recursion limit"),
        ] {
            let error = read::<TicketBody>(body.as_bytes()).unwrap_err();
            assert!(error.contains(said), "{body:.40}: {error}");
        }
    }
}
