//! What triggers and automations do to a ticket.

use contracts::fields::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::condition::text_of;
use super::custom_status::TicketStatus;
use super::ticket::{Ticket, tags_of};

/// One action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", content = "value", rename_all = "snake_case")]
pub enum RuleAction {
    /// Sets the status, or a custom one: `pending`, `pending:waiting_for_parts`.
    Status(String),
    /// Gives it to a group.
    Group(Uuid),
    /// Gives it to an agent.
    Assign(Uuid),
    /// Adds tags, which never leave the account.
    AddTags(String),
    /// Takes tags away, here alone.
    RemoveTags(String),
    /// Sets a custom field: key and value.
    Field(String, Value),
    /// Shares it under this agreement.
    Share(String),
    /// Mails whoever asked this text; of triggers alone.
    MailRequester(String),
    /// Mails the agent who works on it this text; of triggers alone.
    MailAssignee(String),
}

/// Whom a rule mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTo {
    /// Whoever asked.
    Requester,
    /// The agent who works on it.
    Assignee,
}

/// A mail that a rule writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleMail {
    /// To whom.
    pub to: MailTo,
    /// What it says.
    pub text: String,
}

/// Characters of a mail that a rule writes, at most.
const TEXT: usize = 2000;

/// Kinds of actions as forms have them.
pub const KINDS: [&str; 9] = [
    "status",
    "group",
    "assign",
    "add_tags",
    "remove_tags",
    "field",
    "share",
    "mail_requester",
    "mail_assignee",
];

impl RuleAction {
    /// The action of this kind with this value; nothing where they do not go together. A field's
    /// value is written `key=value`.
    #[must_use]
    pub fn of(kind: &str, value: &str) -> Option<Self> {
        let value = value.trim();
        let is_text = (1..=TEXT).contains(&value.chars().count());
        let text = || is_text.then(|| value.to_owned());
        let tags = || (!tags_of(value).is_empty()).then(|| value.to_owned());
        match kind {
            "status" => TicketStatus::read(value).map(|_| Self::Status(value.to_owned())),
            "group" => Uuid::parse_str(value).ok().map(Self::Group),
            "assign" => Uuid::parse_str(value).ok().map(Self::Assign),
            "add_tags" => tags().map(Self::AddTags),
            "remove_tags" => tags().map(Self::RemoveTags),
            "field" => {
                let (key, value) = value.split_once('=')?;
                let key = key.trim();
                (!key.is_empty()).then(|| Self::Field(key.to_owned(), Value::from(value.trim())))
            }
            "share" => (!value.is_empty()).then(|| Self::Share(value.to_owned())),
            "mail_requester" => text().map(Self::MailRequester),
            "mail_assignee" => text().map(Self::MailAssignee),
            _ => None,
        }
    }

    /// Its kind and value, as forms have them.
    #[must_use]
    pub fn words(&self) -> (&'static str, String) {
        match self {
            Self::Status(status) => ("status", status.clone()),
            Self::Group(group) => ("group", group.to_string()),
            Self::Assign(agent) => ("assign", agent.to_string()),
            Self::AddTags(tags) => ("add_tags", tags.clone()),
            Self::RemoveTags(tags) => ("remove_tags", tags.clone()),
            Self::Field(key, value) => ("field", format!("{key}={}", text_of(value))),
            Self::Share(agreement) => ("share", agreement.clone()),
            Self::MailRequester(text) => ("mail_requester", text.clone()),
            Self::MailAssignee(text) => ("mail_assignee", text.clone()),
        }
    }

    /// The mail that it writes.
    #[must_use]
    pub fn mail(&self) -> Option<RuleMail> {
        let mail = |to, text: &String| Some(RuleMail { to, text: text.clone() });
        match self {
            Self::MailRequester(text) => mail(MailTo::Requester, text),
            Self::MailAssignee(text) => mail(MailTo::Assignee, text),
            _ => None,
        }
    }

    /// Does it to the ticket; returns whether that changed anything. A ticket that is closed stays
    /// closed. Sharing and mailing change nothing here: they are asked for beside.
    pub fn apply(&self, ticket: &mut Ticket) -> bool {
        let before = ticket.clone();
        match self {
            Self::Status(word) => {
                let wanted = TicketStatus::read(word).filter(|_| ticket.status != Status::Closed);
                // A category means any of it: one that the ticket is in stays.
                if let Some(wanted) = wanted.filter(|it| !ticket.standing().is_meant_by(it)) {
                    ticket.stand(wanted);
                }
            }
            Self::Group(group) => ticket.group = Some(*group),
            Self::Assign(agent) => ticket.assignee = Some(*agent),
            Self::AddTags(tags) => {
                for tag in tags_of(tags) {
                    // One that a person set stays theirs.
                    if ticket.tags.insert(tag.clone()) {
                        ticket.rule_tags.insert(tag);
                    }
                }
            }
            Self::RemoveTags(tags) => {
                for tag in tags_of(tags) {
                    ticket.tags.remove(&tag);
                    ticket.rule_tags.remove(&tag);
                }
            }
            Self::Field(key, value) => {
                ticket.fields.insert(key.clone(), value.clone());
            }
            Self::Share(_) | Self::MailRequester(_) | Self::MailAssignee(_) => {}
        }
        *ticket != before
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r_61_tags_that_a_rule_adds_are_marked_and_a_persons_stay_theirs() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.tags = tags_of("meter");
        assert!(RuleAction::AddTags("meter field-team".to_owned()).apply(&mut ticket));
        assert_eq!(ticket.rule_tags, tags_of("field-team"));
        assert!(RuleAction::RemoveTags("field-team".to_owned()).apply(&mut ticket));
        assert_eq!((ticket.tags, ticket.rule_tags), (tags_of("meter"), tags_of("")));
    }

    #[test]
    fn what_is_there_already_is_no_change() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        for (kind, value) in [
            ("status", "open"),
            ("group", "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10"),
            ("add_tags", "a"),
            ("field", "model=lx_40"),
        ] {
            let action = RuleAction::of(kind, value).unwrap();
            assert!(action.apply(&mut ticket), "{kind}");
            assert!(!action.apply(&mut ticket), "{kind} again");
            assert_eq!(action.words(), (kind, value.to_owned()));
        }
    }

    #[test]
    fn a_closed_ticket_stays_closed() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.status = Status::Closed;
        assert!(!RuleAction::Status("open".to_owned()).apply(&mut ticket));
    }

    #[test]
    fn what_says_nothing_is_no_action() {
        for (kind, value) in [
            ("status", "on-hold"),
            ("group", "x"),
            ("add_tags", ","),
            ("field", "=1"),
            ("mail", "x"),
            ("mail_requester", " "),
            ("mail_assignee", &"x".repeat(TEXT + 1)),
        ] {
            assert_eq!(RuleAction::of(kind, value), None, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn tags_of_rules_are_always_tags(adds in "[a-c ]{0,9}", takes in "[a-c ]{0,9}") {
            let mut ticket = Ticket::new(1, "Pump", "p");
            ticket.tags = tags_of("b");
            RuleAction::AddTags(adds).apply(&mut ticket);
            RuleAction::RemoveTags(takes).apply(&mut ticket);
            prop_assert!(ticket.rule_tags.is_subset(&ticket.tags));
        }
    }
}
