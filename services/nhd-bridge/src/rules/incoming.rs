//! A ticket as a partner sends it, read.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::{Attachment, Comment};
use contracts::fields::Status;
use contracts::limits::HTML_BYTES;
use contracts::{AccountName, Actor, CommentId, Role};
use serde_json::Value;

use super::answer::Refusal;
use super::id::{self, sha1};
use super::time;
use super::wire::{ActorBody, AttachmentBody, CommentBody, Text, TicketBody};

/// Who speaks.
#[derive(Clone, Debug)]
pub struct Speaker<'a> {
    /// The partner's account.
    pub account: &'a AccountName,
    /// Whether a comment is public that does not say so: to Zendesk it is, to those that send the
    /// protocol's version header it is not.
    pub public_by_default: bool,
}

/// What was sent of a ticket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Incoming {
    /// Subject.
    pub subject: Option<String>,
    /// When it was asked.
    pub requested_at: Option<contracts::Timestamp>,
    /// Status.
    pub status: Option<Status>,
    /// Who asked.
    pub requester: Option<Actor>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// Comments by the ids that they have here, in the order sent, each once.
    pub comments: Vec<Comment>,
    /// The whole list of tags.
    pub tags: Option<BTreeSet<String>>,
    /// Values of custom fields by title.
    pub fields: BTreeMap<String, Value>,
    /// The partner's own number.
    pub number: Option<String>,
}

/// Reads a ticket, but for the comments in `ours`, which are ours by the uuids that they have
/// there.
///
/// # Errors
/// What cannot be taken, with its place.
pub fn read(
    speaker: &Speaker<'_>,
    ours: &BTreeSet<String>,
    body: &TicketBody,
) -> Result<Incoming, Refusal> {
    let given = |text: &Option<Text>| Text::given(text.as_ref()).map(str::to_owned);
    let status = match Text::given(body.status.as_ref()) {
        Some(word) => Some(status(word)?),
        None => None,
    };
    let mut comments: Vec<Comment> = Vec::new();
    let mut seen = BTreeSet::new();
    let sent = body.comments.iter().flatten().enumerate();
    for (place, comment) in sent.filter_map(|(place, comment)| Some((place, comment.as_ref()?))) {
        if Text::given(comment.uuid.as_ref()).is_some_and(|uuid| ours.contains(uuid)) {
            continue;
        }
        let comment = read_comment(speaker, place, comment)?;
        if seen.insert(comment.id.clone()) {
            comments.push(comment);
        }
    }
    let tags = body.tags.as_ref().map(|tags| {
        let tags = tags.iter().flatten();
        tags.filter_map(|tag| Text::given(Some(tag))).map(str::to_owned).collect()
    });
    let fields = body.custom_fields.iter().flatten();
    let fields = fields
        .filter(|(_, value)| !value.is_null())
        .map(|(title, value)| (title.clone(), plain(value)))
        .collect();
    Ok(Incoming {
        subject: given(&body.subject),
        requested_at: Text::given(body.requested_at.as_ref()).and_then(time::read),
        status,
        requester: body.requester.as_ref().and_then(actor),
        actor: body.current_actor.as_ref().and_then(actor),
        comments,
        tags,
        fields,
        number: given(&body.original_id)
            .filter(|text| contracts::TicketId::new(text.as_str()).is_ok()),
    })
}

/// A status by its word.
fn status(word: &str) -> Result<Status, Refusal> {
    Ok(match word.to_ascii_lowercase().as_str() {
        "new" => Status::New,
        "open" => Status::Open,
        "pending" => Status::Pending,
        "hold" | "on-hold" | "on_hold" => Status::Hold,
        "solved" => Status::Solved,
        "closed" => Status::Closed,
        _ => {
            return Err(Refusal::content(format!(
                "status: {word:?} is none of new, open, pending, hold, solved, closed"
            )));
        }
    })
}

/// A person; nothing where nobody is named.
#[must_use]
pub fn actor(body: &ActorBody) -> Option<Actor> {
    let name = Text::given(body.name.as_ref());
    let id = Text::given(body.uuid.as_ref());
    let role = match Text::given(body.role.as_ref()) {
        Some(role) if role.eq_ignore_ascii_case("agent") => Role::Agent,
        _ => Role::EndUser,
    };
    Some(Actor {
        id: id.map_or_else(|| name.map(sha1), |id| Some(id.to_owned()))?,
        name: name.unwrap_or("Unknown").to_owned(),
        role,
        email: None,
        phone: None,
    })
}

fn read_comment(
    speaker: &Speaker<'_>,
    place: usize,
    body: &CommentBody,
) -> Result<Comment, Refusal> {
    // Its text as it is: blanks at its ends may mean something.
    let text = body.body.as_ref().map(|text| text.0.clone()).unwrap_or_default();
    let uuid = match Text::given(body.uuid.as_ref()) {
        Some(uuid) => uuid.to_owned(),
        None => return Err(Refusal::content(format!("comments[{place}].uuid: it is missing"))),
    };
    let id = CommentId::new(id::of_comment(&uuid, speaker.account))
        .map_err(|error| Refusal::content(format!("comments[{place}].uuid: {error}")))?;
    let files = body.attachments.iter().flatten().flatten();
    Ok(Comment {
        id,
        author: body.author.as_ref().and_then(actor),
        body: text,
        html_body: body
            .html_body
            .as_ref()
            .map(|html| html.0.clone())
            .filter(|html| !html.is_empty() && html.len() <= HTML_BYTES),
        public: body.public.unwrap_or(speaker.public_by_default),
        authored_at: Text::given(body.authored_at.as_ref()).and_then(time::read),
        attachments: files.filter_map(attachment).collect(),
        call: None,
    })
}

/// A file; nothing where no link is given.
fn attachment(body: &AttachmentBody) -> Option<Attachment> {
    let url = Text::given(body.url.as_ref())?;
    let last = || url.split(['?', '#']).next()?.rsplit('/').find(|part| !part.is_empty());
    let filename = Text::given(body.display_filename.as_ref())
        .or_else(|| Text::given(body.filename.as_ref()))
        .or_else(last)
        .unwrap_or("file");
    Some(Attachment {
        id: sha1(url),
        filename: filename.to_owned(),
        url: url.to_owned(),
        content_type: Text::given(body.content_type.as_ref()).map(str::to_owned),
        size: None,
    })
}

/// A value as the contract has it: a number with decimals is a text there.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.as_i64().is_none() => Value::String(number.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account() -> AccountName {
        AccountName::new("nhd-bridge-1f").unwrap()
    }

    fn read_as(zendesk: bool, body: Value) -> Result<Incoming, Refusal> {
        let account = account();
        let speaker = Speaker { account: &account, public_by_default: zendesk };
        let ours = BTreeSet::from(["told".to_owned()]);
        read(&speaker, &ours, &serde_json::from_value(body).unwrap())
    }

    #[test]
    fn an_absent_public_is_by_who_speaks() {
        let body = |public: Value| {
            json!({
                "comments": [{ "uuid": "t1", "body": "x", "public": public }],
            })
        };
        for (zendesk, public, expected) in [
            (true, json!(null), true),
            (false, json!(null), false),
            (true, json!(false), false),
            (false, json!(true), true),
        ] {
            let read = read_as(zendesk, body(public.clone())).unwrap();
            assert_eq!(read.comments[0].public, expected, "{zendesk} {public}");
        }
    }

    #[test]
    fn a_comment_is_taken_once_and_ours_not_at_all() {
        let read = read_as(
            true,
            json!({ "comments": [{ "uuid": "t1", "body": " a " }, null,
                { "uuid": "told", "body": "ours" }, { "uuid": "t1", "body": "again" }] }),
        )
        .unwrap();
        let ids: Vec<&str> = read.comments.iter().map(|it| it.id.as_str()).collect();
        assert_eq!((ids, read.comments[0].body.as_str()), (vec!["nhd-bridge-1f/t1"], " a "));
    }

    #[test]
    fn people_and_files_are_read_as_far_as_they_are_given() {
        let read = read_as(
            true,
            json!({ "requester": { "uuid": "u1", "name": "Kim", "role": null },
                "current_actor": { "name": "Ada", "role": "agent" },
                "comments": [{ "uuid": "t1", "body": "see", "html_body": "<p>see</p>",
                    "authored_at": "2010-11-24 14:13:54 -0800",
                    "attachments": [
                        { "url": "https://z.example/a/plan.pdf?token=1", "filename": null },
                        { "url": null, "filename": "x" },
                        { "url": "https://z.example/b", "filename": "b.png",
                          "display_filename": "B.png", "content_type": "image/png" }] }] }),
        )
        .unwrap();
        let requester = read.requester.unwrap();
        assert_eq!((requester.id.as_str(), requester.role), ("u1", Role::EndUser));
        assert_eq!(read.actor.unwrap().role, Role::Agent);
        let comment = &read.comments[0];
        assert_eq!(comment.html_body.as_deref(), Some("<p>see</p>"));
        assert_eq!(comment.authored_at.unwrap().to_string(), "2010-11-24T22:13:54.000Z");
        let names: Vec<&str> = comment.attachments.iter().map(|it| it.filename.as_str()).collect();
        assert_eq!(names, ["plan.pdf", "B.png"]);
    }

    #[test]
    fn values_and_tags_are_read_and_null_is_not_given() {
        let read = read_as(
            true,
            json!({ "tags": ["a", " b ", "", null], "custom_fields": { "Order": 7, "Weight": 1.5,
                "Gone": null, "Kinds": ["x"] }, "original_id": 12, "status": "Hold" }),
        )
        .unwrap();
        assert_eq!(read.tags.unwrap(), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        let fields = json!(read.fields);
        assert_eq!(fields, json!({ "Order": 7, "Weight": "1.5", "Kinds": ["x"] }));
        assert_eq!((read.number.as_deref(), read.status), (Some("12"), Some(Status::Hold)));
        let nothing = read_as(true, json!({ "tags": null, "comments": [] })).unwrap();
        assert_eq!(nothing, Incoming::default());
    }

    #[test]
    fn what_cannot_be_taken_is_said_with_its_place() {
        for (body, said) in [
            (json!({ "status": "resolved" }), "status: "),
            (json!({ "comments": [{ "uuid": "t1" }, { "body": "x" }] }), "comments[1].uuid"),
        ] {
            let refusal = read_as(true, body).unwrap_err();
            assert!(refusal.why.status() == 422 && refusal.sentence.starts_with(said));
        }
    }
}
