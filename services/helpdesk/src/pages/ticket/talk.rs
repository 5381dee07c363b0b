//! The conversation of a ticket with its history between, in their order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::fields::{CustomStatuses, FieldType, TicketField};
use contracts::{CommentId, Reason, Receipt};
use desk::store::shown::{self, Carried};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;
use web::{Html, Viewer};

use super::super::text::{FileLink, links, paragraphs};
use super::super::{Team, status_name};
use crate::rules::custom_status::TicketStatus;
use crate::rules::field;
use crate::rules::marks::{self, Mark};
use crate::rules::sharing::{Agreement, Share};
use crate::store::comment::{self, Comment};
use crate::store::event::{self, Event};

/// Comments and lines of history that a page shows, the newest.
const SHOWN: i64 = 200;
/// The same of who asks for all.
const ALL: i64 = 10_000;

/// What lines are made with.
pub(super) struct Around<'a> {
    pub viewer: &'a Viewer,
    pub agreements: &'a [Agreement],
    pub shares: &'a [Share],
    pub team: &'a Team,
    pub fields: &'a [TicketField],
    pub statuses: &'a CustomStatuses,
}

/// One line.
pub(super) enum Line {
    /// Something was said.
    Said(Said),
    /// Something happened.
    Happened(Happened),
}

/// A comment as it is shown.
#[expect(clippy::struct_excessive_bools, reason = "each shows or hides a part of the comment")]
pub(super) struct Said {
    pub id: String,
    pub author: String,
    pub from: String,
    pub is_own: bool,
    pub public: bool,
    pub redacted: bool,
    pub text: Html,
    pub files: Vec<FileLink>,
    pub transcript: Option<Html>,
    pub recording: Option<String>,
    pub time: Html,
    pub marks: Vec<MarkLine>,
    pub may_redact: bool,
}

/// Where a comment went.
pub(super) struct MarkLine {
    pub kind: &'static str,
    pub icon: &'static str,
    pub text: String,
    pub what_to_do: String,
}

/// Something that happened.
pub(super) struct Happened {
    pub icon: &'static str,
    pub text: Html,
    pub time: Html,
}

/// A conversation.
pub(super) struct Talk {
    /// Its lines.
    pub lines: Vec<Line>,
    /// How many comments wait for an answer.
    pub waits: usize,
    /// Whether there are older comments.
    pub is_cut: bool,
}

/// The conversation of a ticket.
pub(super) async fn lines(
    connection: &mut PgConnection,
    around: &Around<'_>,
    number: i64,
    all: bool,
) -> sqlx::Result<Talk> {
    let account = around.viewer.account.as_str();
    let shown = if all { ALL } else { SHOWN };
    let comments = comment::newest(connection, account, number, shown).await?;
    let is_cut = i64::try_from(comments.len()).is_ok_and(|count| count >= shown);
    let own: Vec<String> = comments
        .iter()
        .filter(|comment| comment.received_from.is_none())
        .map(|comment| comment.id.clone())
        .collect();
    let receipts = if around.shares.is_empty() {
        BTreeMap::new()
    } else {
        receipts(shown::carried(connection, account, &own).await?)
    };
    let events = event::newest(connection, account, number, shown).await?;
    let mut lines: Vec<(DateTime<Utc>, u8, Line)> = Vec::new();
    let mut waits = 0;
    for comment in comments {
        let (at, said) = (comment.at, said(around, comment, &receipts, &mut waits));
        lines.push((at, 0, Line::Said(said)));
    }
    for event in &events {
        lines.push((event.at, 1, Line::Happened(happened(around, event))));
    }
    lines.sort_by_key(|(at, kind, _)| (*at, *kind));
    let lines = lines.into_iter().map(|(.., line)| line).collect();
    Ok(Talk { lines, waits, is_cut })
}

/// By comment: whether its command has an answer, and which. The newest command counts.
fn receipts(carried: Vec<Carried>) -> BTreeMap<String, Option<Receipt>> {
    let mut receipts = BTreeMap::new();
    for Carried { comments, receipt } in carried {
        let receipt: Option<Receipt> =
            receipt.as_deref().and_then(|receipt| serde_json::from_str(receipt).ok());
        for id in comments {
            receipts.insert(id, receipt.clone());
        }
    }
    receipts
}

fn said(
    around: &Around<'_>,
    comment: Comment,
    receipts: &BTreeMap<String, Option<Receipt>>,
    waits: &mut usize,
) -> Said {
    let viewer = around.viewer;
    let is_own = comment.received_from.is_none();
    let partner = comment.received_from.as_deref().map(|name| partner_name(around, name));
    let marks = match (&partner, receipts.get(&comment.id)) {
        (Some(partner), _) => vec![Mark::CameFrom(partner.clone())],
        (None, None) => Vec::new(),
        (None, Some(receipt)) => match CommentId::new(comment.id.clone()) {
            Ok(id) => marks::of_own(&id, receipt.as_ref(), around.shares),
            Err(_) => Vec::new(),
        },
    };
    *waits += usize::from(marks.contains(&Mark::Waits));
    let from = match &partner {
        Some(partner) => viewer.say_with("talk.at", &[("partner", partner)]).into_owned(),
        None if comment.author_role == "end_user" => viewer.say("talk.asker").into_owned(),
        None => viewer.organisation.clone(),
    };
    let files = links(&comment);
    let call = comment.call.map(|call| call.0).unwrap_or_default();
    Said {
        transcript: call.transcript.as_deref().map(paragraphs),
        recording: call.recording_url,
        files,
        author: comment.author_name,
        from,
        is_own,
        public: comment.public,
        redacted: comment.redacted || (comment.body.is_empty() && !is_own),
        text: paragraphs(&comment.body),
        time: viewer.time(comment.at),
        marks: marks.iter().map(|mark| mark_line(viewer, mark)).collect(),
        may_redact: is_own && !comment.redacted && viewer.role >= web::StaffRole::Agent,
        id: comment.id,
    }
}

fn partner_name(around: &Around<'_>, account: &str) -> String {
    let known = around.agreements.iter().find(|it| it.partner == account);
    known.map_or_else(|| account.to_owned(), |it| it.partner_name.clone())
}

fn mark_line(viewer: &Viewer, mark: &Mark) -> MarkLine {
    let line = |kind, icon, text: String| MarkLine { kind, icon, text, what_to_do: String::new() };
    match mark {
        Mark::CameFrom(partner) => {
            let text = viewer.say_with("mark.came_from", &[("partner", partner)]);
            line("mark--ok", "check", text.into_owned())
        }
        Mark::Crossed(partner) => {
            let text = viewer.say_with("mark.crossed", &[("partner", partner)]);
            line("mark--ok", "check", text.into_owned())
        }
        Mark::Waits => line("mark--wait", "clock", viewer.say("mark.waits").into_owned()),
        Mark::Stayed(partner, reason) => {
            let why = reason.map_or_else(Default::default, |reason| viewer.reason(reason));
            let text = viewer.say_with("mark.stayed", &[("partner", partner), ("why", &why)]);
            let what = reason.map_or_else(Default::default, |reason| viewer.what_to_do(reason));
            MarkLine {
                what_to_do: what.into_owned(),
                ..line("mark--stay", "stay", text.into_owned())
            }
        }
        Mark::Refused(reason) => {
            let why = reason.map_or_else(Default::default, |reason| viewer.reason(reason));
            let text = viewer.say_with("mark.refused", &[("why", &why)]);
            let what = reason.map_or_else(Default::default, |reason| viewer.what_to_do(reason));
            MarkLine {
                what_to_do: what.into_owned(),
                ..line("mark--stay", "stay", text.into_owned())
            }
        }
    }
}

fn happened(around: &Around<'_>, event: &Event) -> Happened {
    let viewer = around.viewer;
    let detail = &event.detail.0;
    let who = who(around, event);
    let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    let status = |name: &str| {
        let standing = TicketStatus::read(&text(name));
        standing.map_or_else(String::new, |it| status_name(viewer, around.statuses, &it))
    };
    let id = |name: &str| Uuid::parse_str(&text(name)).ok();
    let nobody = || viewer.say("event.nobody").into_owned();
    let partner = partner_name(around, &text("partner"));
    let say = |key: &str, values: &[(&str, &String)]| {
        let mut all: Vec<(&str, &dyn std::fmt::Display)> = vec![("who", &who)];
        all.extend(values.iter().map(|(name, value)| (*name, *value as &dyn std::fmt::Display)));
        viewer.html_with(key, &all)
    };
    let (icon, text) = match event.kind.as_str() {
        "subject" => ("list", say("event.subject", &[("to", &text("to"))])),
        "status" => {
            ("dot-open", say("event.status", &[("from", &status("from")), ("to", &status("to"))]))
        }
        "group" => {
            let to = id("to").and_then(|id| around.team.group(id).map(str::to_owned));
            ("user", say("event.group", &[("to", &to.unwrap_or_else(nobody))]))
        }
        "assignee" => {
            let to = id("to").and_then(|id| around.team.agent(id).map(str::to_owned));
            ("user", say("event.assignee", &[("to", &to.unwrap_or_else(nobody))]))
        }
        "requester" => ("user", say("event.requester", &[])),
        "cc_added" => ("user", say("event.cc_added", &[("name", &text("name"))])),
        "cc_removed" => ("user", say("event.cc_removed", &[("name", &text("name"))])),
        "address_given" => ("user", say("event.address_given", &[("name", &text("name"))])),
        "tags" => tags(detail, &say),
        "field" => {
            let key = text("key");
            let field = around.fields.iter().find(|field| field.key == key);
            let title = field.map_or(key, |field| field.title.clone());
            let to = field.map_or_else(|| text("to"), |field| shown_text(field, &text("to")));
            let to = if to.is_empty() { nobody() } else { to };
            ("list", say("event.field", &[("field", &title), ("to", &to)]))
        }
        "rule" => match detail["stopped"].as_str() {
            None => ("rule", say("event.rule", &[])),
            Some(_) => ("rule", say("event.rule_stopped", &[])),
        },
        "rules_paused" => ("pause", say("event.rules_paused", &[])),
        "received" => ("in", say("event.received", &[("number", &text("number"))])),
        "shared" => ("out", say("event.shared", &[("partner", &partner)])),
        "not_shared" => match serde_json::from_value::<Reason>(detail["reason"].clone()) {
            Ok(reason) => {
                let why = viewer.reason(reason).into_owned();
                ("alert", say("event.not_shared_why", &[("partner", &partner), ("why", &why)]))
            }
            Err(_) => ("alert", say("event.not_shared", &[("partner", &partner)])),
        },
        "unshared" => ("out", say("event.unshared", &[("partner", &partner)])),
        "share_ended" => ("in", say("event.share_ended", &[])),
        "agreement_ended" => {
            let is_renamed = detail["renamed"] == Value::Bool(true);
            let ended =
                if is_renamed { "event.agreement_renamed" } else { "event.agreement_ended" };
            ("stay", say(ended, &[("partner", &partner)]))
        }
        _ => ("info", say("event.other", &[])),
    };
    Happened { icon, text, time: viewer.time(event.at) }
}

/// Who did it: somebody here, a rule, or a partner, with their person where that is told.
fn who(around: &Around<'_>, event: &Event) -> String {
    let partner = partner_name(around, &event.actor);
    match event.detail["person"].as_str() {
        _ if event.actor.is_empty() => around.viewer.say("event.sharing").into_owned(),
        Some(person) => {
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("person", &person), ("partner", &partner)];
            around.viewer.say_with("event.person_at", &values).into_owned()
        }
        None => partner,
    }
}

/// The text of a field's value as people read it: options by their names.
fn shown_text(held: &TicketField, text: &str) -> String {
    let value: Value = match held.field_type {
        FieldType::Multiselect => text.split_whitespace().collect(),
        _ => Value::from(text),
    };
    field::shown(held, &value)
}

type Say<'a> = &'a dyn Fn(&str, &[(&str, &String)]) -> Html;

fn tags(detail: &Value, say: Say<'_>) -> (&'static str, Html) {
    let list = |name: &str| {
        let tags = detail[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        tags.collect::<Vec<_>>().join(", ")
    };
    let (added, removed) = (list("added"), list("removed"));
    let html = match (added.is_empty(), removed.is_empty()) {
        (_, true) => say("event.tags_added", &[("added", &added)]),
        (true, false) => say("event.tags_removed", &[("removed", &removed)]),
        (false, false) => say("event.tags", &[("added", &added), ("removed", &removed)]),
    };
    ("tag", html)
}
