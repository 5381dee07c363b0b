//! What a partner's ticket comes to: the share of a new one, or what differs from what is held.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::Comment;
use contracts::fields::{FieldValue, Status};
use contracts::limits::{BODY_BYTES, COMMENTS};
use contracts::{Actor, Role, Timestamp};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::id::sha1;
use super::incoming::Incoming;

/// Bytes of comments in one command, which leaves room for all else.
const COMMENT_BYTES: usize = BODY_BYTES * 3 / 4;

/// The partner's copy as Deskmesh holds it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// Fields by the names that a desk's ticket has for them.
    pub fields: BTreeMap<String, Value>,
    /// Comments by id.
    pub comments: BTreeSet<String>,
    /// The tags that the partner sent last.
    pub sent_tags: BTreeSet<String>,
}

/// How a new ticket is shared.
#[derive(Clone, Debug)]
pub struct NewShare<'a> {
    /// Under which agreement.
    pub agreement_id: &'a str,
    /// The share's id.
    pub share_id: &'a str,
    /// The partner's number.
    pub number: &'a str,
    /// The share by which the partner has the ticket.
    pub copy_of: Option<&'a str>,
    /// What the partner calls itself.
    pub organisation: &'a str,
    /// Now.
    pub now: Timestamp,
}

impl NewShare<'_> {
    /// The command's content. Comments that it has no room for stay in `incoming`.
    ///
    /// # Errors
    /// A comment is too long for any command.
    pub fn content(&self, incoming: &mut Incoming) -> Result<Value, Refusal> {
        let comments = take_some(&mut incoming.comments)?;
        let first = comments.first();
        let subject = incoming.subject.clone().or_else(|| first.and_then(first_line));
        let somebody = || somebody(self.organisation);
        let requester = incoming
            .requester
            .clone()
            .or_else(|| first.and_then(|comment| comment.author.clone()))
            .or_else(|| incoming.actor.clone())
            .unwrap_or_else(somebody);
        let actor = incoming.actor.clone().unwrap_or_else(|| requester.clone());
        let tags =
            incoming.tags.iter().flatten().map(|tag| json!({ "name": tag, "added_by": "user" }));
        let mut ticket = json!({
            "id": self.number,
            "subject": subject.unwrap_or_else(|| format!("Ticket {}", self.number)),
            "status": incoming.status.unwrap_or(Status::New),
            "requester": requester,
            "tags": tags.collect::<Vec<_>>(),
            "custom_fields": incoming.fields,
            "comments": comments,
        });
        if let Some(at) = incoming.requested_at {
            ticket["requested_at"] = json!(at);
        }
        if let Some(share) = self.copy_of {
            ticket["copy_of"] = json!(share);
        }
        Ok(json!({ "agreement_id": self.agreement_id, "share_id": self.share_id, "ticket": ticket,
            "actor": actor, "occurred_at": self.now }))
    }
}

/// How an update names its ticket.
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    /// By the partner's number.
    Number(&'a str),
    /// By the share.
    Share(&'a str),
}

/// What differs from what is held, as commands' contents: none where nothing does.
///
/// # Errors
/// A comment is too long for any command.
pub fn updates(
    named: Named<'_>,
    mut incoming: Incoming,
    held: &Held,
    (organisation, now): (&str, Timestamp),
) -> Result<Vec<Value>, Refusal> {
    incoming.comments.retain(|comment| !held.comments.contains(comment.id.as_str()));
    let actor = incoming
        .actor
        .clone()
        .or_else(|| incoming.comments.first().and_then(|comment| comment.author.clone()))
        .unwrap_or_else(|| somebody(organisation));
    let command = || {
        let mut content = json!({ "actor": actor, "occurred_at": now });
        match named {
            Named::Number(number) => content["ticket_id"] = json!(number),
            Named::Share(share) => content["share_id"] = json!(share),
        }
        content
    };
    let mut first = fields(&incoming, held);
    let mut all = Vec::new();
    while !incoming.comments.is_empty() || first.is_some() {
        let mut content = command();
        for (member, value) in first.take().into_iter().flatten() {
            content[member] = value;
        }
        let comments = take_some(&mut incoming.comments)?;
        if !comments.is_empty() {
            content["comments"] = json!(comments);
        }
        all.push(content);
    }
    Ok(all)
}

/// Status, tags and custom fields that differ.
fn fields(incoming: &Incoming, held: &Held) -> Option<serde_json::Map<String, Value>> {
    let mut changed = serde_json::Map::new();
    let held_status = held.fields.get("status").map(|status| &status["value"]);
    if let Some(status) = incoming.status
        && held_status != Some(&json!(status))
    {
        changed.insert("status".to_owned(), json!(status));
    }
    if let Some(tags) = tags(incoming, held) {
        changed.insert("tags".to_owned(), tags);
    }
    let mut values = serde_json::Map::new();
    for (title, value) in &incoming.fields {
        let (key, known) = value_held(held, title);
        let same = FieldValue::from_json(value)
            .is_some_and(|value| known.and_then(FieldValue::from_json) == Some(value));
        if !same {
            values.insert(key.to_owned(), value.clone());
        }
    }
    if !values.is_empty() {
        changed.insert("custom_fields".to_owned(), Value::Object(values));
    }
    (!changed.is_empty()).then_some(changed)
}

/// The key of a field, whatever the case of its title, and its value.
fn value_held<'a>(held: &'a Held, title: &'a str) -> (&'a str, Option<&'a Value>) {
    let fields = held.fields.iter();
    let mut own =
        fields.filter_map(|(name, value)| Some((name.strip_prefix("custom_field:")?, value)));
    let known = own.find(|(key, _)| key.to_lowercase() == title.to_lowercase());
    known.map_or((title, None), |(key, value)| (key, Some(value)))
}

/// A tag that the list lacks goes only if the partner had sent it: others may never have reached
/// it.
fn tags(incoming: &Incoming, held: &Held) -> Option<Value> {
    let now = incoming.tags.as_ref()?;
    let has = |tag: &String| held.fields.get(&format!("tag:{tag}")) == Some(&json!(true));
    let add: Vec<Value> = now
        .iter()
        .filter(|tag| !has(tag))
        .map(|tag| json!({ "name": tag, "added_by": "user" }))
        .collect();
    let remove: Vec<Value> = held
        .sent_tags
        .difference(now)
        .filter(|tag| has(tag))
        .map(|tag| json!({ "name": tag, "removed_by": "user" }))
        .collect();
    (!add.is_empty() || !remove.is_empty()).then(|| json!({ "add": add, "remove": remove }))
}

/// As many comments as one command takes.
fn take_some(comments: &mut Vec<Comment>) -> Result<Vec<Comment>, Refusal> {
    let mut bytes = 0;
    let mut fit = 0;
    for comment in comments.iter().take(COMMENTS) {
        bytes += json!(comment).to_string().len();
        if bytes > COMMENT_BYTES {
            break;
        }
        fit += 1;
    }
    match comments.first() {
        Some(comment) if fit == 0 => Err(Refusal::content(format!(
            "comments: {} has over {COMMENT_BYTES} bytes; send long texts as attachments",
            comment.id
        ))),
        _ => Ok(comments.drain(..fit).collect()),
    }
}

fn first_line(comment: &Comment) -> Option<String> {
    let line = comment.body.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(100).collect())
}

/// Nobody was named: the organisation did it.
fn somebody(organisation: &str) -> Actor {
    Actor {
        id: sha1(organisation),
        name: organisation.to_owned(),
        role: Role::Agent,
        email: None,
        phone: None,
    }
}

#[cfg(test)]
mod tests {
    use contracts::command::{TicketShare, TicketUpdate};
    use contracts::{AccountName, CommentId};
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-01T10:00:00Z").unwrap()
    }

    fn comment(id: &str, bytes: usize) -> Comment {
        let account = AccountName::new("nhd-bridge-1f").unwrap();
        let id = CommentId::new(super::super::id::of_comment(id, &account)).unwrap();
        let body = "x".repeat(bytes);
        serde_json::from_value(json!({ "id": id, "body": body })).unwrap()
    }

    fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
        texts.map(str::to_owned).into()
    }

    fn share() -> NewShare<'static> {
        NewShare {
            agreement_id: "ed46838bfb41461e4f3b16ba471162c8e2764260",
            share_id: "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10",
            number: "12",
            copy_of: None,
            organisation: "Globex",
            now: now(),
        }
    }

    #[test]
    fn a_ticket_that_says_little_is_still_a_share() {
        let mut incoming = Incoming { comments: vec![comment("t1", 3)], ..Incoming::default() };
        let content = share().content(&mut incoming).unwrap();
        let read: TicketShare = serde_json::from_value(content).unwrap();
        assert_eq!((read.ticket.subject.as_str(), read.ticket.status), ("xxx", Status::New));
        assert_eq!(read.ticket.requester.name, "Globex");
        let content = share().content(&mut Incoming::default()).unwrap();
        assert_eq!(content["ticket"]["subject"], "Ticket 12");
    }

    #[test]
    fn comments_beyond_one_command_go_in_further_ones() {
        let many: Vec<Comment> = (0..450).map(|n| comment(&n.to_string(), 5)).collect();
        let mut incoming = Incoming { comments: many, ..Incoming::default() };
        let content = share().content(&mut incoming).unwrap();
        assert_eq!(content["ticket"]["comments"].as_array().unwrap().len(), 200);
        assert_eq!(incoming.comments.len(), 250);
        let about = ("Globex", now());
        let rest = updates(Named::Number("12"), incoming, &Held::default(), about).unwrap();
        let sizes: Vec<usize> =
            rest.iter().map(|it| it["comments"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [200, 50]);
        let long = Incoming { comments: vec![comment("t1", BODY_BYTES)], ..Incoming::default() };
        let refusal = updates(Named::Number("12"), long, &Held::default(), about).unwrap_err();
        assert!(refusal.sentence.contains("nhd-bridge-1f/t1"), "{}", refusal.sentence);
    }

    #[test]
    fn only_what_differs_from_what_is_held_is_sent() {
        let held = Held {
            fields: BTreeMap::from([
                ("status".to_owned(), json!({ "value": "open" })),
                ("tag:here".to_owned(), json!(true)),
                ("tag:theirs".to_owned(), json!(true)),
                ("tag:gone".to_owned(), json!(false)),
                ("custom_field:Order No".to_owned(), json!("7")),
            ]),
            comments: set(["nhd-bridge-1f/t1"]),
            sent_tags: set(["theirs", "gone"]),
        };
        let one = |incoming: Incoming| {
            let mut all = updates(Named::Share("s"), incoming, &held, ("Globex", now())).unwrap();
            assert!(all.len() < 2);
            all.pop().map(|mut content| {
                let members = content.as_object_mut().unwrap();
                for known in ["actor", "occurred_at", "share_id"] {
                    members.remove(known).unwrap();
                }
                content
            })
        };
        let fields = |values: Value| serde_json::from_value(values).unwrap();
        for (incoming, expected) in [
            (Incoming { status: Some(Status::Open), ..Incoming::default() }, None),
            (
                Incoming { status: Some(Status::Solved), ..Incoming::default() },
                Some(json!({ "status": "solved" })),
            ),
            (Incoming { comments: vec![comment("t1", 9)], ..Incoming::default() }, None),
            // `here` never came from the partner, `gone` is gone already.
            (
                Incoming { tags: Some(set(["new"])), ..Incoming::default() },
                Some(json!({ "tags": { "add": [{ "name": "new", "added_by": "user" }],
                    "remove": [{ "name": "theirs", "removed_by": "user" }] } })),
            ),
            (Incoming { tags: Some(set(["here", "theirs"])), ..Incoming::default() }, None),
            (Incoming { fields: fields(json!({ "order no": "7" })), ..Incoming::default() }, None),
            (
                Incoming { fields: fields(json!({ "order no": "8" })), ..Incoming::default() },
                Some(json!({ "custom_fields": { "Order No": "8" } })),
            ),
        ] {
            assert_eq!(one(incoming.clone()), expected, "{incoming:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_taken_is_nothing_new_when_it_comes_again(
            status in 0_usize..6,
            tags in proptest::collection::btree_set("[a-c]", 0..3),
            sent in proptest::collection::btree_set("[a-c]", 0..3),
            comments in proptest::collection::btree_set("[a-f]", 0..6),
        ) {
            let statuses = [
                Status::New,
                Status::Open,
                Status::Pending,
                Status::Hold,
                Status::Solved,
                Status::Closed,
            ];
            let incoming = Incoming {
                status: Some(statuses[status]),
                tags: Some(tags.clone()),
                comments: comments.iter().map(|id| comment(id, 4)).collect(),
                ..Incoming::default()
            };
            let mut held = Held { sent_tags: sent.clone(), ..Held::default() };
            for tag in &sent {
                held.fields.insert(format!("tag:{tag}"), json!(true));
            }
            for content in
                updates(Named::Number("1"), incoming.clone(), &held, ("G", now())).unwrap()
            {
                let update: TicketUpdate = serde_json::from_value(content).unwrap();
                if let Some(status) = update.status {
                    held.fields.insert("status".to_owned(), json!({ "value": status }));
                }
                for tag in update.tags.iter().flat_map(|tags| &tags.add) {
                    held.fields.insert(format!("tag:{}", tag.name), json!(true));
                }
                for tag in update.tags.iter().flat_map(|tags| &tags.remove) {
                    held.fields.insert(format!("tag:{}", tag.name), json!(false));
                }
                held.comments.extend(update.comments.iter().map(|it| it.id.to_string()));
            }
            held.sent_tags = tags;
            prop_assert_eq!(
                updates(Named::Number("1"), incoming, &held, ("G", now())).unwrap(),
                Vec::<Value>::new()
            );
        }
    }
}
