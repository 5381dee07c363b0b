//! A ticket's properties as a form that stays true while it is looked at: what somebody else
//! changes appears in it, and what is chosen in it and not saved yet stays.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use contracts::fields::{CustomStatuses, TicketField};
use serde_json::Value;
use uuid::Uuid;
use web::{Failure, Reader, StaffRole, Viewer};

use super::super::form::Sent;
use super::super::new::FieldInput;
use super::super::{Choice, Number, Pages, Team, status_name};
use super::Trouble;
use super::shown::status_choices;
use crate::clock::new_id;
use crate::rules::condition::text_of;
use crate::rules::custom_status::TicketStatus;
use crate::rules::field;
use crate::rules::sharing::{Agreement, Share};
use crate::rules::ticket::Ticket;
use crate::store::{custom_status, field as field_store, sharing, ticket};

/// What the form is made from.
pub(super) struct Around<'a> {
    pub viewer: &'a Viewer,
    pub ticket: &'a Ticket,
    pub shares: &'a [Share],
    pub team: &'a Team,
    pub fields: &'a [TicketField],
    pub statuses: &'a CustomStatuses,
}

/// One property: what it had when it was shown, what stands in the form, and what is to be said of
/// it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    was: String,
    value: String,
    note: Option<String>,
}

#[derive(Template)]
#[template(path = "ticket_props.html")]
pub(super) struct Props<'a> {
    t: &'a Reader,
    number: i64,
    key: String,
    status: Shown,
    statuses: Vec<Choice>,
    hold_maps: Vec<String>,
    group: Shown,
    groups: Vec<Choice>,
    assignee: Shown,
    agents: Vec<Choice>,
    tags: Shown,
    rule_tags: Vec<String>,
    fields: Vec<(Shown, FieldInput)>,
}

impl Props<'_> {
    /// Words by which a part of the form is another one: it is put in place anew, and not changed,
    /// whatever was chosen in it.
    #[expect(clippy::unused_self, reason = "a template calls it so")]
    fn part(&self, shown: &Shown) -> String {
        let word = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        shown.was.chars().take(80).map(word).collect()
    }
}

/// How a form stands to what is there now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// It is looked at: what was chosen in it stays, with what it had when it was shown.
    Looked,
    /// It was refused: what both changed is as it is now, and what was chosen is said beside it.
    Refused,
}

/// A form that was sent, if one was.
struct Form<'a> {
    viewer: &'a Viewer,
    sent: &'a Sent,
    how: How,
}

impl Form<'_> {
    /// One property of it, held against what is there now. `name_of` is how people read a value.
    fn held(
        &self,
        name: &str,
        wanted: String,
        now: &str,
        name_of: impl Fn(&str) -> String,
    ) -> Shown {
        let as_it_is = Shown { was: now.to_owned(), value: now.to_owned(), note: None };
        let Some(was) = self.sent.one(&format!("was:{name}")) else { return as_it_is };
        if is_same(&wanted, was) || is_same(&wanted, now) {
            return as_it_is;
        }
        let say = |key, value: &str| {
            Some(self.viewer.say_with(key, &[("value", &name_of(value))]).into_owned())
        };
        match self.how {
            _ if is_same(was, now) => Shown { was: now.to_owned(), value: wanted, note: None },
            How::Looked => {
                let note = say("props.changed_now", now);
                Shown { was: was.to_owned(), value: wanted, note }
            }
            How::Refused => Shown { note: say("props.you_chose", &wanted), ..as_it_is },
        }
    }

    fn text(&self, name: &str) -> String {
        self.sent.one(name).unwrap_or_default().trim().to_owned()
    }
}

fn is_same(one: &str, other: &str) -> bool {
    let value = |text: &str| Value::from(text.replace("\r\n", "\n"));
    field::same(Some(&value(one)), Some(&value(other)))
}

/// The form as it was sent, or as the ticket is.
pub(super) fn props<'a>(around: &Around<'a>, sent: &Sent, trouble: Option<&Trouble>) -> Props<'a> {
    let Around { viewer, ticket, shares, team, fields, statuses } = around;
    let is_refused = matches!(trouble, Some(Trouble::Conflict(_)));
    let how = if is_refused { How::Refused } else { How::Looked };
    let form = Form { viewer, sent, how };
    let id = |held: Option<Uuid>| held.map(|id| id.to_string()).unwrap_or_default();
    let by_id = |text: &str| Uuid::parse_str(text).ok();
    let name = |found: Option<&str>| found.unwrap_or("–").to_owned();
    let (group, agent) = (id(ticket.group), id(ticket.assignee));
    let standing = ticket.standing().settled(statuses).word();
    let status = form.held("status", form.text("status"), &standing, |word| {
        let read = TicketStatus::read(word);
        read.map_or_else(|| word.to_owned(), |it| status_name(viewer, statuses, &it))
    });
    let group = form.held("group", form.text("group"), &group, |text| {
        name(by_id(text).and_then(|id| team.group(id)))
    });
    let assignee = form.held("assignee", form.text("assignee"), &agent, |text| {
        name(by_id(text).and_then(|id| team.agent(id)))
    });
    // Tags are united when they are saved: nobody is at odds over them.
    let own_tags = ticket.own_tags().cloned().collect::<Vec<_>>().join(", ");
    let tags = Form { how: How::Looked, ..form };
    let tags = tags.held("tags", form.text("tags"), &own_tags, str::to_owned);
    let wrong = match trouble {
        Some(Trouble::Wrong(wrong)) => wrong.clone(),
        _ => BTreeMap::new(),
    };
    let input = |known: &TicketField| {
        let key = format!("field:{}", known.key);
        let typed = sent.all(&key);
        let read = |typed: &[String]| field::read(known, typed);
        let wanted = read(&typed).map_or_else(|_| typed.join(" "), |value| text_of(&value));
        let now = ticket.fields.get(&known.key).map(text_of).unwrap_or_default();
        let shown = form.held(&key, wanted, &now, |text| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            let value = read(&words).or_else(|_| read(&[text.to_owned()]));
            field::shown(known, &value.unwrap_or_else(|_| text.into()))
        });
        let value = Value::from(shown.value.clone());
        let input = FieldInput::of(viewer, known, &value, wrong.get(&known.key).copied());
        (shown, input)
    };
    Props {
        t: viewer,
        number: ticket.number,
        key: sent.one("key").map_or_else(|| new_id().to_string(), str::to_owned),
        statuses: status_choices(viewer, statuses, &status.value),
        groups: super::super::new::groups(team, by_id(&group.value)),
        agents: super::super::new::agents(team, by_id(&assignee.value)),
        fields: fields.iter().map(input).collect(),
        hold_maps: hold_maps(viewer, shares),
        rule_tags: ticket.rule_tags.iter().cloned().collect(),
        status,
        group,
        assignee,
        tags,
    }
}

fn hold_maps(viewer: &Viewer, shares: &[Share]) -> Vec<String> {
    let lets =
        |share: &&Share| share.live && share.agreement.as_ref().is_some_and(Agreement::is_public);
    let say = |share: &Share| {
        viewer.say_with("field.hold_maps", &[("partner", &share.partner_name)]).into_owned()
    };
    shares.iter().filter(lets).map(say).collect()
}

/// `POST /tickets/{number}/fields`: the form as it is to be shown now, of one that is open in a
/// browser; nothing where it is as it should be. Nothing is saved.
pub(in crate::pages) async fn look(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let account = viewer.account.as_str();
    let mut connection = pages.pool().acquire().await?;
    let kept = ticket::find(&mut connection, account, number).await?.ok_or(Failure::NotFound)?;
    let shares = sharing::of_ticket(&mut connection, account, number).await?;
    let team = Team::of(&mut connection, account).await?;
    let fields = field_store::list(&mut connection, account).await?;
    let statuses = custom_status::all(&mut connection, account).await?;
    let around = Around {
        viewer: &viewer,
        ticket: &kept.ticket,
        shares: &shares,
        team: &team,
        fields: &fields,
        statuses: &statuses,
    };
    let props = props(&around, &sent, None);
    if props.is_as_sent(&sent) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let markup = props.render().map_err(|error| Failure::internal(&error))?;
    Ok(Html(markup).into_response())
}

impl Props<'_> {
    fn all(&self) -> impl Iterator<Item = (String, &Shown)> {
        let fixed = [
            ("status", &self.status),
            ("group", &self.group),
            ("assignee", &self.assignee),
            ("tags", &self.tags),
        ];
        let fields = self.fields.iter().map(|(shown, it)| (format!("field:{}", it.key), shown));
        fixed.map(|(name, shown)| (name.to_owned(), shown)).into_iter().chain(fields)
    }

    /// What else the form shows, for it to be told whether it is shown still.
    fn beside(&self) -> String {
        let notes = self.all().filter(|(_, shown)| shown.note.is_some()).count();
        format!("{notes} {} {}", self.hold_maps.len(), self.rule_tags.join(" "))
    }

    /// Whether the form in the browser needs nothing.
    fn is_as_sent(&self, sent: &Sent) -> bool {
        let was =
            |name: &str| sent.one(&format!("was:{name}")).map(|was| was.replace("\r\n", "\n"));
        was("beside") == Some(self.beside())
            && self.all().all(|(name, shown)| was(&name) == Some(shown.was.replace("\r\n", "\n")))
    }
}
