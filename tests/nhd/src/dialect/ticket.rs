//! Bodies about tickets.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::shape::{put, shaped};
use super::time::written;
use super::{Dialect, Habits, UpdateBody, Visibility};
use crate::held::{PartnerComment, PartnerFile, PartnerPerson, PartnerTicket, TicketChange};

/// The members that a dialect's tickets have.
fn declared(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Zendesk => &[
            "uuid",
            "subject",
            "requested_at",
            "status",
            "requester",
            "comments",
            "current_actor",
            "tags",
            "original_id",
            "custom_fields",
            "custom_status",
        ],
        Dialect::JavaScript => &[
            "uuid",
            "status",
            "current_actor",
            "comments",
            "subject",
            "requested_at",
            "requester",
            "tags",
            "original_id",
            "custom_fields",
        ],
        Dialect::RequestTracker => &["uuid", "subject", "requested_at", "status", "requester"],
    }
}

fn declared_of_comment(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Zendesk => &[
            "uuid",
            "author",
            "body",
            "html_body",
            "authored_at",
            "public",
            "attachments",
            "custom_fields",
        ],
        Dialect::JavaScript | Dialect::RequestTracker => {
            &["uuid", "author", "body", "authored_at", "attachments", "public", "custom_fields"]
        }
    }
}

/// The whole of a ticket, as it is shared, or as it is read back.
#[must_use]
pub fn whole(habits: &Habits, ticket: &PartnerTicket, actor: Option<&PartnerPerson>) -> Value {
    let mut meant = Map::new();
    let moment = |at: DateTime<Utc>| written(at, habits.times);
    put(&mut meant, "uuid", Some(ticket.uuid.as_str()));
    put(&mut meant, "subject", Some(ticket.subject.as_str()));
    put(&mut meant, "requested_at", ticket.requested_at.map(moment));
    put(&mut meant, "status", Some(ticket.status.as_str()));
    put(&mut meant, "requester", Some(person(habits, &ticket.requester)));
    put(&mut meant, "custom_status", ticket.custom_status.as_deref());
    put(&mut meant, "tags", (!ticket.tags.is_empty()).then(|| json!(ticket.tags)));
    put(&mut meant, "original_id", Some(ticket.number.as_str()));
    let fields = (!ticket.custom_fields.is_empty()).then(|| ticket.custom_fields.clone());
    put(&mut meant, "custom_fields", fields);
    put(&mut meant, "current_actor", actor.map(|actor| person(habits, actor)));
    meant.insert("comments".to_owned(), comments(habits, ticket.comments.values()));
    shaped(declared(habits.dialect), meant, habits.unmeant)
}

/// A change, after it was made to `ticket`.
#[must_use]
pub fn update(habits: &Habits, ticket: &PartnerTicket, change: &TicketChange) -> Value {
    if habits.update == UpdateBody::Whole {
        return whole(habits, ticket, change.actor.as_ref());
    }
    let mut meant = Map::new();
    put(&mut meant, "uuid", Some(ticket.uuid.as_str()));
    put(&mut meant, "status", change.status.as_deref());
    put(&mut meant, "custom_status", change.custom_status.as_deref());
    put(&mut meant, "tags", change.tags.as_ref().map(|tags| json!(tags)));
    let fields = (!change.custom_fields.is_empty()).then(|| change.custom_fields.clone());
    put(&mut meant, "custom_fields", fields);
    put(&mut meant, "current_actor", change.actor.as_ref().map(|actor| person(habits, actor)));
    meant.insert("comments".to_owned(), comments(habits, &change.comments));
    shaped(declared(habits.dialect), meant, habits.unmeant)
}

fn comments<'a>(habits: &Habits, comments: impl IntoIterator<Item = &'a PartnerComment>) -> Value {
    comments.into_iter().map(|comment| said(habits, comment)).collect::<Vec<_>>().into()
}

fn said(habits: &Habits, comment: &PartnerComment) -> Value {
    let mut meant = Map::new();
    put(&mut meant, "uuid", Some(comment.uuid.as_str()));
    put(&mut meant, "author", Some(person(habits, &comment.author)));
    put(&mut meant, "body", Some(comment.body.as_str()));
    let html = habits.html_body.then(|| format!("<p>{}</p>", comment.body));
    put(&mut meant, "html_body", html);
    put(&mut meant, "authored_at", comment.authored_at.map(|at| written(at, habits.times)));
    let says_itself = Visibility::of(comment.public) == habits.absent_public;
    let is_left_out = habits.omits_public && says_itself;
    put(&mut meant, "public", (!is_left_out).then_some(comment.public));
    let files: Vec<Value> = comment.files.iter().map(file).collect();
    put(&mut meant, "attachments", (!files.is_empty()).then_some(files));
    let mut said = shaped(declared_of_comment(habits.dialect), meant, habits.unmeant);
    if is_left_out && let Some(said) = said.as_object_mut() {
        // Absent, not null: what is absent is read by the reader's own rule.
        said.remove("public");
    }
    said
}

fn file(file: &PartnerFile) -> Value {
    let name = &file.filename;
    json!({ "url": file.url, "filename": name, "content_type": file.content_type,
        "display_filename": name })
}

/// A person, without address or telephone.
#[must_use]
pub fn person(habits: &Habits, person: &PartnerPerson) -> Value {
    let mut meant = Map::new();
    put(&mut meant, "uuid", Some(person.uuid.as_str()));
    put(&mut meant, "name", Some(person.name.as_str()));
    put(&mut meant, "role", person.role.as_deref());
    let declared: &[&str] = match habits.dialect {
        Dialect::RequestTracker => &["uuid", "name"],
        Dialect::Zendesk | Dialect::JavaScript => &["uuid", "name", "role"],
    };
    shaped(declared, meant, habits.unmeant)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn robin() -> PartnerPerson {
        PartnerPerson { uuid: "p1".to_owned(), name: "Robin".to_owned(), role: None }
    }

    fn comment(public: bool) -> PartnerComment {
        PartnerComment {
            uuid: "c1".to_owned(),
            author: robin(),
            body: "It is dark".to_owned(),
            public,
            authored_at: None,
            files: Vec::new(),
            is_own: true,
        }
    }

    fn ticket(public: bool) -> PartnerTicket {
        PartnerTicket {
            uuid: "t1".to_owned(),
            agreement: "a1".to_owned(),
            number: "12".to_owned(),
            original_id: None,
            subject: "Meter".to_owned(),
            requested_at: DateTime::from_timestamp(1_796_018_400, 0),
            requester: robin(),
            status: "open".to_owned(),
            custom_status: Some("Waiting for parts".to_owned()),
            tags: ["field".to_owned()].into(),
            custom_fields: Map::from_iter([("Model".to_owned(), json!("lx_40"))]),
            comments: BTreeMap::from([("c1".to_owned(), comment(public))]),
            ended: false,
        }
    }

    #[test]
    fn zendesks_update_has_null_for_all_that_does_not_change() {
        let change = TicketChange { status: Some("pending".to_owned()), ..TicketChange::default() };
        let body = update(&Dialect::Zendesk.habits(), &ticket(true), &change);
        assert_eq!(body["status"], "pending");
        for name in ["subject", "requested_at", "requester", "tags", "custom_fields"] {
            assert_eq!(body.get(name), Some(&Value::Null), "{name}");
        }
        assert_eq!(body["comments"], json!([]));
    }

    #[test]
    fn the_javascript_client_says_the_whole_ticket_and_no_custom_status() {
        let change = TicketChange { status: Some("pending".to_owned()), ..TicketChange::default() };
        let body = update(&Dialect::JavaScript.habits(), &ticket(true), &change);
        assert_eq!(body["subject"], "Meter");
        assert_eq!(body.get("custom_status"), None);
        assert_eq!(body["comments"][0].get("html_body"), None);
    }

    #[test]
    fn an_absent_public_means_opposite_things() {
        let of = |dialect: Dialect, public: bool| {
            let habits = Habits { omits_public: true, ..dialect.habits() };
            let said = whole(&habits, &ticket(public), None);
            said["comments"][0].get("public").cloned()
        };
        assert_eq!(of(Dialect::Zendesk, true), None);
        assert_eq!(of(Dialect::Zendesk, false), Some(json!(false)));
        assert_eq!(of(Dialect::JavaScript, true), Some(json!(true)));
        assert_eq!(of(Dialect::JavaScript, false), None);
    }

    #[test]
    fn zendesk_says_a_comment_twice_as_text_and_as_html() {
        let body = whole(&Dialect::Zendesk.habits(), &ticket(true), None);
        let said = &body["comments"][0];
        assert_eq!(said["body"], "It is dark");
        assert_eq!(said["html_body"], "<p>It is dark</p>");
        assert_eq!(said["public"], true);
        assert_eq!(body["requested_at"], "2026-11-29 22:00:00 -0800");
        assert_eq!(body["custom_status"], "Waiting for parts");
        assert_eq!(body["requester"], json!({ "uuid": "p1", "name": "Robin", "role": null }));
    }

    #[test]
    fn request_tracker_reads_a_ticket_back_without_its_conversation() {
        let body = whole(&Dialect::RequestTracker.habits(), &ticket(true), None);
        let names: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["requested_at", "requester", "status", "subject", "uuid"]);
    }
}
