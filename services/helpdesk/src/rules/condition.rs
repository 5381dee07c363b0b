//! Conditions of views, triggers and automations.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::custom_status::TicketStatus;
use super::ticket::{Ticket, tags_of};

/// What a condition is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Whether the ticket is created or updated now; of triggers alone.
    Ticket,
    /// How it was changed last.
    UpdateVia,
    /// The partner it came from.
    ReceivedFrom,
    /// The partner it was shared with.
    SentTo,
    /// How it came to be.
    Channel,
    /// Its status, or its custom status.
    Status,
    /// Its tags.
    Tags,
    /// The text of its subject.
    SubjectText,
    /// Its group.
    Group,
    /// Its assignee.
    Assignee,
    /// Who asks.
    Requester,
    /// Hours since it was last changed; of automations alone.
    HoursSinceUpdate,
    /// A custom field, by its key.
    Field(String),
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The same.
    Is,
    /// Not the same.
    IsNot,
    /// Of a status: earlier in a ticket's life.
    Below,
    /// Of tags: one of these at least.
    IncludesAny,
    /// Of tags: none of these.
    IncludesNone,
    /// Of a text: has it in it, whatever the case.
    Contains,
    /// Of hours: so many or more.
    AtLeast,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What it is about.
    pub on: Subject,
    /// How it is compared.
    pub op: Operator,
    /// With what.
    pub value: String,
}

/// Nothing of its kind: no group, no assignee, no partner.
pub const NONE: &str = "none";
/// Any partner.
pub const ANY: &str = "any";
/// Whoever looks at the view.
pub const ME: &str = "me";

/// All of these, and one of those if there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Every one of them must hold.
    #[serde(default)]
    pub all: Vec<Condition>,
    /// One of them must hold, where there are any.
    #[serde(default)]
    pub any: Vec<Condition>,
}

/// What happens to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketEvent {
    /// It is new.
    Created,
    /// It was changed.
    Updated,
    /// Time passed; so many hours since it was changed.
    Hours(i64),
}

impl Subject {
    /// Those of every account, beside its custom fields.
    pub const COMMON: [Self; 12] = [
        Self::Ticket,
        Self::UpdateVia,
        Self::ReceivedFrom,
        Self::SentTo,
        Self::Channel,
        Self::Status,
        Self::Tags,
        Self::SubjectText,
        Self::Group,
        Self::Assignee,
        Self::Requester,
        Self::HoursSinceUpdate,
    ];

    /// As forms have it.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Ticket => "ticket".to_owned(),
            Self::UpdateVia => "update_via".to_owned(),
            Self::ReceivedFrom => "received_from".to_owned(),
            Self::SentTo => "sent_to".to_owned(),
            Self::Channel => "channel".to_owned(),
            Self::Status => "status".to_owned(),
            Self::Tags => "tags".to_owned(),
            Self::SubjectText => "subject_text".to_owned(),
            Self::Group => "group".to_owned(),
            Self::Assignee => "assignee".to_owned(),
            Self::Requester => "requester".to_owned(),
            Self::HoursSinceUpdate => "hours_since_update".to_owned(),
            Self::Field(key) => format!("field:{key}"),
        }
    }

    /// The subject of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        if let Some(key) = word.strip_prefix("field:") {
            return (!key.is_empty()).then(|| Self::Field(key.to_owned()));
        }
        Self::COMMON.into_iter().find(|subject| subject.word() == word)
    }

    /// How it can be compared.
    #[must_use]
    pub fn operators(&self) -> &'static [Operator] {
        match self {
            Self::Status => &[Operator::Is, Operator::IsNot, Operator::Below],
            Self::Tags => &[Operator::IncludesAny, Operator::IncludesNone],
            Self::SubjectText => &[Operator::Contains],
            Self::HoursSinceUpdate => &[Operator::AtLeast],
            Self::Field(_) => &[Operator::Is, Operator::IsNot, Operator::Contains],
            Self::Ticket => &[Operator::Is],
            _ => &[Operator::Is, Operator::IsNot],
        }
    }
}

impl Operator {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Is,
        Self::IsNot,
        Self::Below,
        Self::IncludesAny,
        Self::IncludesNone,
        Self::Contains,
        Self::AtLeast,
    ];

    /// As forms have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is_not",
            Self::Below => "below",
            Self::IncludesAny => "includes_any",
            Self::IncludesNone => "includes_none",
            Self::Contains => "contains",
            Self::AtLeast => "at_least",
        }
    }

    /// The operator of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.word() == word)
    }
}

/// Why a condition says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// The two do not go together.
    #[error("{0} cannot be compared by {1}")]
    Operator(String, &'static str),
    /// The value is none of its kind.
    #[error("{0} cannot be {1:?}")]
    Value(String, String),
}

impl Condition {
    /// One condition.
    #[must_use]
    pub fn new(on: Subject, op: Operator, value: impl Into<String>) -> Self {
        Self { on, op, value: value.into() }
    }

    /// Whether it can hold of any ticket at all.
    ///
    /// # Errors
    /// Which part of it says nothing.
    pub fn check(&self) -> Result<(), ConditionError> {
        if !self.on.operators().contains(&self.op) {
            return Err(ConditionError::Operator(self.on.word(), self.op.word()));
        }
        let value = self.value.trim();
        let is_one = match &self.on {
            Subject::Ticket => ["created", "updated"].contains(&value),
            Subject::Status => TicketStatus::read(value).is_some(),
            Subject::UpdateVia | Subject::Channel => super::ticket::Channel::of(value).is_some(),
            Subject::Group => value == NONE || Uuid::parse_str(value).is_ok(),
            Subject::Assignee => value == NONE || value == ME || Uuid::parse_str(value).is_ok(),
            Subject::HoursSinceUpdate => value.parse::<i64>().is_ok_and(|hours| hours > 0),
            Subject::Tags => !tags_of(value).is_empty(),
            _ => !value.is_empty(),
        };
        if is_one { Ok(()) } else { Err(ConditionError::Value(self.on.word(), self.value.clone())) }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, ticket: &Ticket, event: TicketEvent) -> bool {
        let is = |same: bool| match self.op {
            Operator::Is => same,
            Operator::IsNot => !same,
            _ => false,
        };
        match &self.on {
            Subject::Ticket => match event {
                TicketEvent::Created => self.value == "created",
                TicketEvent::Updated => self.value == "updated",
                TicketEvent::Hours(_) => false,
            },
            Subject::UpdateVia => is(ticket.updated_via.word() == self.value),
            Subject::Channel => is(ticket.channel.word() == self.value),
            Subject::ReceivedFrom => is(partner(ticket.received_from.as_deref(), &self.value)),
            Subject::SentTo => is(partner(ticket.sent_to.as_deref(), &self.value)),
            Subject::Status => match (self.op, TicketStatus::read(&self.value)) {
                (Operator::Below, Some(limit)) => ticket.status < limit.category,
                (_, wanted) => is(wanted.is_some_and(|it| ticket.standing().is_meant_by(&it))),
            },
            Subject::Tags => {
                let named = tags_of(&self.value);
                let there = !named.is_disjoint(&ticket.tags);
                if self.op == Operator::IncludesNone { !there } else { there }
            }
            Subject::SubjectText => contains(&ticket.subject, &self.value),
            Subject::Group => is(named(ticket.group, &self.value)),
            Subject::Assignee => is(named(ticket.assignee, &self.value)),
            Subject::Requester => is(ticket.requester == self.value),
            Subject::HoursSinceUpdate => match (event, self.value.trim().parse::<i64>()) {
                (TicketEvent::Hours(hours), Ok(least)) => hours >= least,
                _ => false,
            },
            Subject::Field(key) => {
                let held = ticket.fields.get(key).map(text_of).unwrap_or_default();
                if self.op == Operator::Contains {
                    contains(&held, &self.value)
                } else {
                    is(held == self.value)
                }
            }
        }
    }
}

impl Conditions {
    /// Whether all hold, and one of `any` where there are any.
    #[must_use]
    pub fn hold(&self, ticket: &Ticket, event: TicketEvent) -> bool {
        let met = |condition: &Condition| condition.holds(ticket, event);
        self.all.iter().all(met) && (self.any.is_empty() || self.any.iter().any(met))
    }

    /// The first of `all` that does not hold, or else all of `any`: why nothing happens.
    #[must_use]
    pub fn unmet(&self, ticket: &Ticket, event: TicketEvent) -> Vec<&Condition> {
        let first = self.all.iter().find(|condition| !condition.holds(ticket, event));
        match first {
            Some(condition) => vec![condition],
            None if self.hold(ticket, event) => Vec::new(),
            None => self.any.iter().collect(),
        }
    }

    /// Every one of them.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.all.iter().chain(&self.any)
    }
}

/// A field's value as one text, as it is compared and shown.
#[must_use]
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let tags: BTreeSet<&str> = items.iter().filter_map(Value::as_str).collect();
            tags.into_iter().collect::<Vec<_>>().join(" ")
        }
        Value::Null | Value::Object(_) => String::new(),
        other => other.to_string(),
    }
}

fn partner(held: Option<&str>, wanted: &str) -> bool {
    match wanted {
        ANY => held.is_some(),
        NONE => held.is_none(),
        name => held == Some(name),
    }
}

fn named(held: Option<Uuid>, wanted: &str) -> bool {
    if wanted == NONE {
        return held.is_none();
    }
    held.is_some() && held == Uuid::parse_str(wanted).ok()
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

#[cfg(test)]
mod tests;
