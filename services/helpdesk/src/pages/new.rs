//! A new ticket.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use contracts::fields::TicketField;
use serde_json::Value;
use web::{Failure, Page, Reader, StaffRole, Viewer, see_other};

use super::form::Sent;
use super::upload::{self, KeptFile, Submitted};
use super::{Choice, Pages, Team, by, settle_failure};
use crate::clock::new_id;
use crate::rules::field;
use crate::rules::ticket::tags_of;
use crate::store::{field as field_store, setting};
use crate::work::agent::{self, New, Written};

/// A subject's characters, at most.
pub(super) const SUBJECT: usize = 255;

/// An input of a custom field.
pub(super) struct FieldInput {
    pub key: String,
    pub title: String,
    pub kind: &'static str,
    pub value: String,
    pub options: Vec<Choice>,
    pub error: Option<String>,
}

impl FieldInput {
    pub fn of(viewer: &Viewer, field: &TicketField, value: &Value, error: Option<&str>) -> Self {
        let text = crate::rules::condition::text_of(value);
        let chosen: Vec<&str> = text.split(' ').collect();
        let options = field.options.iter().map(|option| {
            let is_chosen = chosen.contains(&option.tag.as_str());
            Choice::new(option.tag.clone(), option.name.clone(), is_chosen)
        });
        Self {
            key: field.key.clone(),
            title: field.title.clone(),
            kind: field.field_type.name(),
            options: options.collect(),
            error: error.map(|key| viewer.say(key).into_owned()),
            value: text,
        }
    }
}

#[derive(Template)]
#[template(path = "new.html")]
struct Form<'a> {
    t: &'a Reader,
    key: String,
    subject: String,
    requester_name: String,
    requester_email: String,
    body: String,
    tags: String,
    public: bool,
    groups: Vec<Choice>,
    agents: Vec<Choice>,
    fields: Vec<FieldInput>,
    kept: Vec<KeptFile>,
    secure: bool,
    errors: Vec<(&'static str, String)>,
}

impl Form<'_> {
    fn error(&self, name: &str) -> Option<&str> {
        self.errors.iter().find(|(field, _)| *field == name).map(|(_, text)| text.as_str())
    }
}

pub(super) async fn form(State(pages): State<Pages>, viewer: Viewer) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    show(&pages, &viewer, &Submitted::default(), &BTreeMap::new(), Vec::new()).await
}

async fn show(
    pages: &Pages,
    viewer: &Viewer,
    Submitted { sent, files }: &Submitted,
    wrong: &BTreeMap<String, &'static str>,
    errors: Vec<(&'static str, String)>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let team = Team::of(&mut connection, &viewer.account).await?;
    let fields = field_store::list(&mut connection, &viewer.account).await?;
    let secure = setting::find(&mut connection, &viewer.account).await?.secure_downloads;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let text = |name: &str| sent.one(name).unwrap_or_default().to_owned();
    let input = |field: &TicketField| {
        let typed = Value::from(sent.all(&format!("field:{}", field.key)).join(" "));
        FieldInput::of(viewer, field, &typed, wrong.get(&field.key).copied())
    };
    let body = Form {
        t: viewer,
        key: sent.one("key").map_or_else(|| new_id().to_string(), str::to_owned),
        subject: text("subject"),
        requester_name: text("requester_name"),
        requester_email: text("requester_email"),
        body: text("body"),
        tags: text("tags"),
        public: sent.one("mode") != Some("note"),
        groups: groups(&team, sent.id("group")),
        agents: agents(&team, sent.id("assignee")),
        fields: fields.iter().map(input).collect(),
        kept: KeptFile::of(files),
        secure,
        errors,
    };
    Page::new(viewer, viewer.say("new.title"))
        .section("tickets")
        .crumb("/tickets", viewer.say("nav.tickets"))
        .class("main--form")
        .status(status)
        .body(&body)
}

pub(super) fn groups(team: &Team, chosen: Option<uuid::Uuid>) -> Vec<Choice> {
    let choice = |group: &crate::store::group::Group| {
        Choice::new(group.id.to_string(), group.name.clone(), Some(group.id) == chosen)
    };
    team.groups.iter().map(choice).collect()
}

pub(super) fn agents(team: &Team, chosen: Option<uuid::Uuid>) -> Vec<Choice> {
    let choice = |agent: &web::people::PersonRow| {
        Choice::new(agent.id.to_string(), agent.name.clone(), Some(agent.id) == chosen)
    };
    team.assignable().map(choice).collect()
}

/// Values of custom fields as a form has them; what cannot be read, by the field's key.
pub(super) fn values(
    fields: &[TicketField],
    sent: &Sent,
) -> (BTreeMap<String, Value>, BTreeMap<String, &'static str>) {
    let (mut values, mut wrong) = (BTreeMap::new(), BTreeMap::new());
    for known in fields {
        match field::read(known, &sent.all(&format!("field:{}", known.key))) {
            Ok(value) => drop(values.insert(known.key.clone(), value)),
            Err(key) => drop(wrong.insert(known.key.clone(), key)),
        }
    }
    (values, wrong)
}

/// Whether a text can be an address.
pub(super) fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, domain)| {
        !name.is_empty()
            && domain.contains('.')
            && !domain.contains('@')
            && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control())
            && text.len() <= 254
    })
}

pub(super) async fn open(
    State(pages): State<Pages>,
    viewer: Viewer,
    request: Request,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let submitted = upload::read(&pages, &viewer, request).await?;
    let sent = &submitted.sent;
    let mut connection = pages.pool().acquire().await?;
    let fields = field_store::list(&mut connection, &viewer.account).await?;
    let team = Team::of(&mut connection, &viewer.account).await?;
    drop(connection);
    let (values, wrong) = values(&fields, sent);
    let mut errors = Vec::new();
    let mut must = |name: &'static str, ok: bool, key: &str| {
        if !ok {
            errors.push((name, viewer.say(key).into_owned()));
        }
    };
    let subject = sent.text("subject").unwrap_or_default();
    must("subject", !subject.is_empty(), "new.error.subject");
    must("subject", subject.chars().count() <= SUBJECT, "new.error.subject_long");
    must("requester_name", sent.name("requester_name").is_some(), "new.error.requester_name");
    let email = sent.text("requester_email").unwrap_or_default();
    must("requester_email", is_address(email), "new.error.requester_email");
    must("body", sent.text("body").is_some(), "new.error.body");
    must("fields", wrong.is_empty(), "new.error.fields");
    if !errors.is_empty() {
        return show(&pages, &viewer, &submitted, &wrong, errors).await;
    }
    let group = sent.id("group").filter(|id| team.group(*id).is_some());
    let assignee = sent.id("assignee").filter(|id| team.assignable().any(|agent| agent.id == *id));
    let new = New {
        subject: subject.to_owned(),
        first: Written {
            id: sent.id("key").unwrap_or_else(new_id),
            body: sent.text("body").unwrap_or_default().to_owned(),
            public: sent.one("mode") != Some("note"),
            call: None,
            attachments: submitted.files.clone(),
        },
        requester_name: sent.text("requester_name").unwrap_or_default().to_owned(),
        requester_email: email.to_owned(),
        tags: tags_of(sent.one("tags").unwrap_or_default()),
        fields: values.into_iter().filter(|(_, value)| *value != field::cleared()).collect(),
        group,
        assignee,
    };
    let number = agent::open(pages.pool(), &by(&viewer)?, new)
        .await
        .map_err(|error| settle_failure(&viewer, error))?;
    pages.sent();
    Ok(see_other(&format!("/tickets/{number}")))
}
