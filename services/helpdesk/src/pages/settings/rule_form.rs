//! A rule as a form: values by names that people know, and back.

mod rows;

use std::collections::BTreeSet;

use contracts::fields::{CustomStatuses, FieldType, TicketField};
use uuid::Uuid;
use web::Viewer;

use crate::pages::{Choice, Team, status_name};
use crate::rules::action;
use crate::rules::condition::{ANY, Condition, ME, NONE, Operator, Subject};
use crate::rules::custom_status::{TicketStatus, choices};
use crate::rules::sharing::Agreement;
use crate::rules::ticket::{Channel, STATUSES};
use crate::store::rule::{Definition, Kind};

/// What names stand for.
pub(super) struct Names<'a> {
    pub viewer: &'a Viewer,
    pub team: &'a Team,
    pub agreements: &'a [Agreement],
    pub fields: &'a [TicketField],
    pub statuses: &'a CustomStatuses,
}

/// A row of a form: a condition, or an action.
pub(super) struct Row {
    pub what: Vec<Choice>,
    pub how: Vec<Choice>,
    pub value: String,
    /// The values to choose from; none where one is typed.
    pub values: Vec<Choice>,
    pub error: Option<String>,
}

/// What a form says of a rule; what cannot be read is named.
pub(super) struct Read {
    pub definition: Definition,
    pub all: Vec<Row>,
    pub any: Vec<Row>,
    pub actions: Vec<Row>,
    pub is_whole: bool,
}

/// Values as choices, with what is chosen and is no value any more.
fn chosen_of(
    values: Vec<(String, String)>,
    chosen: &str,
    shown: impl Fn() -> String,
) -> Vec<Choice> {
    if values.is_empty() {
        return Vec::new();
    }
    let is_known = values.iter().any(|(value, _)| value == chosen);
    let first = Choice::new("", "–", chosen.is_empty());
    let gone = (!is_known && !chosen.is_empty()).then(|| Choice::new(chosen, shown(), true));
    let known = values.into_iter().map(|(value, label)| {
        let is_chosen = value == chosen;
        Choice::new(value, label, is_chosen)
    });
    std::iter::once(first).chain(known).chain(gone).collect()
}

/// Whether a rule of this kind can do this: an automation, which comes back every hour, mails
/// nobody.
fn has_action(of: Kind, kind: &str) -> bool {
    of == Kind::Trigger || !kind.starts_with("mail_")
}

impl Names<'_> {
    /// The values that a condition on this can have; none where one is typed.
    fn values(&self, on: &Subject, chosen: &str) -> Vec<Choice> {
        let words = |words: &[&str]| -> Vec<(String, String)> {
            words.iter().map(|word| ((*word).to_owned(), self.word(word))).collect()
        };
        let of = |special: &[&str], named: Vec<(String, String)>| [words(special), named].concat();
        let values = match on {
            Subject::Ticket => words(&["created", "updated"]),
            Subject::Status => self.statuses(),
            Subject::UpdateVia | Subject::Channel => {
                let named = |it: Channel| (it.word().to_owned(), self.channel(it));
                Channel::ALL.map(named).into()
            }
            Subject::Group => of(&[NONE], self.groups()),
            Subject::Assignee => of(&[NONE, ME], self.agents()),
            Subject::ReceivedFrom | Subject::SentTo => of(&[ANY, NONE], self.partners()),
            Subject::Field(key) => self.options(key),
            Subject::Tags
            | Subject::SubjectText
            | Subject::Requester
            | Subject::HoursSinceUpdate => Vec::new(),
        };
        chosen_of(values, chosen, || self.shown(on, chosen))
    }

    /// The values that an action of this kind can have; none where one is typed.
    fn values_of_action(&self, kind: &str, chosen: &str, shown: &str) -> Vec<Choice> {
        let shares = || {
            let lets = self.agreements.iter().filter(|it| it.lets_share());
            lets.map(|it| (it.id.clone(), it.label())).collect()
        };
        let values: Vec<(String, String)> = match kind {
            "status" => self.statuses(),
            "group" => self.groups(),
            "assign" => self.agents(),
            "share" => shares(),
            _ => Vec::new(),
        };
        chosen_of(values, chosen, || shown.to_owned())
    }

    fn statuses(&self) -> Vec<(String, String)> {
        let named = |it: TicketStatus| (it.word(), status_name(self.viewer, self.statuses, &it));
        self.standings().map(named).collect()
    }

    fn groups(&self) -> Vec<(String, String)> {
        self.team.groups.iter().map(|group| (group.id.to_string(), group.name.clone())).collect()
    }

    fn agents(&self) -> Vec<(String, String)> {
        let agents = self.team.assignable();
        agents.map(|agent| (agent.id.to_string(), agent.name.clone())).collect()
    }

    fn partners(&self) -> Vec<(String, String)> {
        let named = |it: &Agreement| (it.partner_name.clone(), it.partner.clone());
        let partners: BTreeSet<(String, String)> = self.agreements.iter().map(named).collect();
        partners.into_iter().map(|(name, account)| (account, name)).collect()
    }

    fn options(&self, key: &str) -> Vec<(String, String)> {
        let Some(held) = self.fields.iter().find(|field| field.key == key) else {
            return Vec::new();
        };
        match held.field_type {
            FieldType::Tagger => {
                held.options.iter().map(|it| (it.tag.clone(), it.name.clone())).collect()
            }
            FieldType::Checkbox => {
                ["true", "false"].map(|word| (word.to_owned(), self.word(word))).into()
            }
            _ => Vec::new(),
        }
    }

    fn word(&self, word: &str) -> String {
        self.viewer.say(&format!("value.{word}")).into_owned()
    }

    /// The categories, which mean all within them, and the custom statuses.
    fn standings(&self) -> impl Iterator<Item = TicketStatus> {
        let own = choices(self.statuses).into_iter().filter(|it| it.custom.is_some());
        STATUSES.into_iter().map(TicketStatus::of_category).chain(own)
    }

    fn status(&self, word: &str) -> String {
        let standing = TicketStatus::read(word);
        standing.map_or_else(|| word.to_owned(), |it| status_name(self.viewer, self.statuses, &it))
    }

    fn channel(&self, channel: Channel) -> String {
        self.viewer.say(&format!("channel.{}", channel.word())).into_owned()
    }

    /// A value of a condition as people read it.
    pub fn shown(&self, on: &Subject, value: &str) -> String {
        let named = |found: Option<&str>| found.map_or_else(|| self.special(value), str::to_owned);
        let id = || Uuid::parse_str(value).ok();
        match on {
            Subject::Status => self.status(value),
            Subject::UpdateVia | Subject::Channel => {
                Channel::of(value).map_or_else(|| value.to_owned(), |it| self.channel(it))
            }
            Subject::Group => named(id().and_then(|id| self.team.group(id))),
            Subject::Assignee => named(id().and_then(|id| self.team.agent(id))),
            Subject::ReceivedFrom | Subject::SentTo => {
                let partner = self.agreements.iter().find(|it| it.partner == value);
                named(partner.map(|it| it.partner_name.as_str()))
            }
            Subject::Ticket => self.special(value),
            _ => value.to_owned(),
        }
    }

    /// A word that stands for no name, where it is one.
    fn special(&self, value: &str) -> String {
        if [NONE, ANY, ME, "created", "updated"].contains(&value) {
            self.word(value)
        } else {
            value.to_owned()
        }
    }

    /// What a name that was typed stands for.
    fn meant(&self, on: &Subject, typed: &str) -> String {
        let is = |name: &str| name.to_lowercase() == typed.trim().to_lowercase();
        let special = |words: &[&str]| {
            words.iter().find(|word| is(&self.word(word))).map(|word| (*word).to_owned())
        };
        let found = match on {
            Subject::Status => self
                .standings()
                .find(|it| is(&status_name(self.viewer, self.statuses, it)))
                .map(|it| it.word()),
            Subject::UpdateVia | Subject::Channel => Channel::ALL
                .into_iter()
                .find(|channel| is(&self.channel(*channel)))
                .map(|channel| channel.word().to_owned()),
            Subject::Group => special(&[NONE]).or_else(|| self.group(typed)),
            Subject::Assignee => special(&[NONE, ME]).or_else(|| self.agent(typed)),
            Subject::ReceivedFrom | Subject::SentTo => special(&[NONE, ANY]).or_else(|| {
                let partner = self.agreements.iter().find(|it| is(&it.partner_name));
                partner.map(|it| it.partner.clone())
            }),
            Subject::Ticket => special(&["created", "updated"]),
            _ => None,
        };
        found.unwrap_or_else(|| typed.trim().to_owned())
    }

    fn group(&self, name: &str) -> Option<String> {
        let name = name.trim().to_lowercase();
        let found = self.team.groups.iter().find(|group| group.name.to_lowercase() == name);
        found.map(|group| group.id.to_string())
    }

    fn agent(&self, name: &str) -> Option<String> {
        let name = name.trim().to_lowercase();
        let found = self
            .team
            .assignable()
            .find(|agent| agent.name.to_lowercase() == name || agent.email.to_lowercase() == name);
        found.map(|agent| agent.id.to_string())
    }

    fn subjects(&self, kind: Kind, chosen: Option<&Subject>) -> Vec<Choice> {
        let fields = self.fields.iter().map(|field| Subject::Field(field.key.clone()));
        let fits = |subject: &Subject| match subject {
            Subject::Ticket => kind == Kind::Trigger,
            Subject::HoursSinceUpdate => kind != Kind::Trigger,
            _ => true,
        };
        let subjects = Subject::COMMON.into_iter().chain(fields).filter(fits);
        let label = |subject: &Subject| match subject {
            Subject::Field(key) => {
                let field = self.fields.iter().find(|field| field.key == *key);
                field.map_or_else(|| key.clone(), |field| field.title.clone())
            }
            other => self.viewer.say(&format!("on.{}", other.word())).into_owned(),
        };
        let choice = |subject: Subject| {
            Choice::new(subject.word(), label(&subject), chosen == Some(&subject))
        };
        std::iter::once(Choice::new("", "–", chosen.is_none()))
            .chain(subjects.map(choice))
            .collect()
    }

    fn operators(&self, on: Option<&Subject>, chosen: Option<Operator>) -> Vec<Choice> {
        let choice = |operator: Operator| {
            let label = self.viewer.say(&format!("op.{}", operator.word()));
            Choice::new(operator.word(), label, chosen == Some(operator))
        };
        let all = on.map_or(&Operator::ALL[..], Subject::operators);
        all.iter().copied().map(choice).collect()
    }

    /// The kinds of actions that a rule of this kind can have.
    fn kinds(&self, of: Kind, chosen: &str) -> Vec<Choice> {
        let choice = |kind: &str| {
            let label = self.viewer.say(&format!("do.{kind}"));
            Choice::new(kind, label, kind == chosen)
        };
        std::iter::once(Choice::new("", "–", chosen.is_empty()))
            .chain(action::KINDS.into_iter().filter(|kind| has_action(of, kind)).map(choice))
            .collect()
    }

    /// A condition as a sentence.
    pub fn sentence(&self, condition: &Condition) -> String {
        let on = match &condition.on {
            Subject::Field(key) => {
                let field = self.fields.iter().find(|field| field.key == *key);
                field.map_or_else(|| key.clone(), |field| field.title.clone())
            }
            other => self.viewer.say(&format!("on.{}", other.word())).into_owned(),
        };
        let op = self.viewer.say(&format!("op.{}", condition.op.word()));
        format!("{on} {op} {}", self.shown(&condition.on, &condition.value))
    }
}
