//! One group of parked messages: what they have in common, and what can be done with them.

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use operator::address;

use uuid::Uuid;
use web_base::{Html, parts};

use super::choice::{self, BECAUSE, Choice, RATES, listed};
use super::door::ParkedDoor;
use super::piles::{GroupKey, PileGroup, grouped};
use super::told::{MessageTold, PlanTold, Verb};
use super::{code, run};
use crate::console::form::{Fields, FormError};
use crate::console::{Console, advice, frame};

/// Messages of a group that its page shows.
const SHOWN: usize = 20;
/// Messages among which those without a type are looked for: no question asks for them alone.
const LOOKED_AT: usize = 100;

#[derive(Template)]
#[template(path = "parked_group.html")]
struct Content<'a> {
    key: &'a GroupKey,
    /// None when nothing of it is parked any more.
    group: Option<PileGroup>,
    usually: Html,
    then: Html,
    messages: Vec<MessageTold>,
    /// What the services do not tell.
    gaps: Vec<String>,
    wrong: Option<String>,
    fields: &'a Fields,
    planned: Option<Planned>,
    /// How far the last action on it is.
    step: Option<Html>,
}

/// A choice, and what the service would do.
struct Planned {
    choice: Choice,
    plan: PlanTold,
}

impl Planned {
    /// How long it takes at the rate that was chosen, for people.
    fn takes(&self) -> String {
        let seconds = self.plan.total.div_ceil(u64::from(self.choice.rate));
        match seconds {
            0..=90 => format!("{seconds} s"),
            _ => format!("{} min", seconds.div_ceil(60)),
        }
    }
}

impl Content<'_> {
    /// Whether a value of the form is the one that was chosen last.
    fn is_chosen(&self, field: &str, value: &str, usual: &str) -> bool {
        self.fields.given(field).unwrap_or(usual) == value
    }

    fn ids(&self) -> String {
        listed(&self.messages.iter().map(|message| message.id).collect::<Vec<Uuid>>())
    }
}

/// `/parked/comment-sync/poison?type=transfer.v1`; with a choice also what it would do.
pub async fn page(
    State(console): State<Console>,
    Path((service, reason)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let fields = Fields::of(&query.unwrap_or_default());
    match choice::key(&service, reason, &fields) {
        Some(key) => shown(&console, key, &fields, None).await,
        None => frame::not_found().await,
    }
}

/// The page, with what was wrong with a form that was sent from it.
pub async fn shown(
    console: &Console,
    key: GroupKey,
    fields: &Fields,
    wrong: Option<(StatusCode, String)>,
) -> Response {
    let Some(door) = &console.door else { return frame::not_found().await };
    let (mut status, mut wrong) =
        wrong.map_or((StatusCode::OK, None), |(status, sentence)| (status, Some(sentence)));
    let mut gaps = Vec::new();
    let planned = match Choice::of(&key, fields) {
        Ok(None) => None,
        Ok(Some(choice)) => match door.plan(key.service, &choice.question(&key, None)).await {
            Ok(plan) => Some(Planned { choice, plan }),
            Err(cause) => {
                gaps.push(format!("{} does not say what it would do: {cause}", key.service.name()));
                None
            }
        },
        Err(FormError(sentence)) => {
            (status, wrong) = (FormError::STATUS, Some(sentence));
            None
        }
    };
    let (group, messages) = tokio::join!(group(door, &key), messages(door, &key));
    let group = group.map_err(|cause| gaps.push(cause)).unwrap_or_default();
    let messages = messages.map_err(|cause| gaps.push(cause)).unwrap_or_default();
    let (usually, then) = advice::of(&key.reason);
    let content = Content {
        usually: code(usually),
        then: code(then),
        group,
        messages,
        gaps,
        wrong,
        fields,
        planned,
        step: console.runs.of_group(&key).map(|it| run::step(&it)),
        key: &key,
    };
    let page = frame::Page {
        title: &key.name(),
        section: "parked",
        asked: "",
        can_sign_out: console.can_sign_out(),
        content: frame::html(&content),
    };
    frame::page(status, &page)
}

async fn group(door: &ParkedDoor, key: &GroupKey) -> Result<Option<PileGroup>, String> {
    let standing = door.standing(key.service).await;
    let standing = standing.map_err(|cause| super::gap(key.service, &cause))?;
    let groups = grouped(&[(key.service, standing)], None);
    Ok(groups.into_iter().find(|group| group.key == *key))
}

async fn messages(door: &ParkedDoor, key: &GroupKey) -> Result<Vec<MessageTold>, String> {
    let kind = key.message_type.as_deref();
    let limit = if kind.is_some() { SHOWN } else { LOOKED_AT };
    let told = door.messages(key.service, &key.reason, kind, limit).await;
    let told = told.map_err(|cause| super::gap(key.service, &cause))?;
    let of_group = told.messages.into_iter().filter(|it| it.message_type == key.message_type);
    Ok(of_group.take(SHOWN).collect())
}

/// A part of a message, empty when it has none.
type MessagePart = fn(&MessageTold) -> &str;

/// What is the same in all messages.
fn common(messages: &[MessageTold]) -> Vec<(&'static str, &str)> {
    let fields: [(&str, MessagePart); 6] = [
        ("Detail", |it| &it.detail),
        ("Account", |it| it.account.as_deref().unwrap_or_default()),
        ("Publisher", |it| it.publisher.as_deref().unwrap_or_default()),
        ("Queue", |it| &it.queue),
        ("Exchange", |it| &it.exchange),
        ("Routing key", |it| &it.routing_key),
    ];
    let same = fields.into_iter().filter_map(|(name, value)| {
        let first = value(messages.first()?);
        let is_same = !first.is_empty() && messages.iter().all(|it| value(it) == first);
        is_same.then_some((name, first))
    });
    same.collect()
}

/// Where the story of a message is told.
fn story(message: &MessageTold) -> Option<String> {
    let (account, id) = (message.account.as_ref()?, message.message_id.as_ref()?);
    let of = format!("message {account}/{id}");
    Some(format!("/timeline?of={}", address::segment(&of)))
}

#[cfg(test)]
mod tests {
    use contracts::Timestamp;

    use super::*;

    fn message(account: &str, routing_key: &str) -> MessageTold {
        let at = Timestamp::parse("2026-11-27T10:00:00Z").unwrap();
        MessageTold {
            id: Uuid::nil(),
            detail: "account `acme` is not known".to_owned(),
            account: Some(account.to_owned()),
            message_type: Some("ticket.update.v1".to_owned()),
            message_id: Some("t 1".to_owned()),
            queue: "share-dispatcher".to_owned(),
            exchange: "share".to_owned(),
            routing_key: routing_key.to_owned(),
            publisher: None,
            first_arrived_at: at,
            parked_at: at,
            times: 1,
        }
    }

    #[test]
    fn what_is_the_same_in_all_is_told_once() {
        let messages =
            [message("acme", "acme.ticket.update"), message("acme", "acme.ticket.share")];
        let names: Vec<&str> = common(&messages).iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["Detail", "Account", "Queue", "Exchange"]);
        assert!(common(&[]).is_empty());
    }

    #[test]
    fn a_message_leads_to_its_story() {
        let found = story(&message("acme", "acme.ticket.update"));
        assert_eq!(found.as_deref(), Some("/timeline?of=message%20acme%2Ft%201"));
        let nobody = MessageTold { account: None, ..message("acme", "desk.trial") };
        assert_eq!(story(&nobody), None);
    }
}
