//! A rule as a form: values by names that people know, and back.

use contracts::fields::{CustomStatuses, TicketField};
use uuid::Uuid;
use web::Viewer;

use crate::pages::form::Sent;
use crate::pages::{Choice, Team, status_name};
use crate::rules::action::{self, Action};
use crate::rules::condition::{ANY, Condition, Conditions, ME, NONE, Operator, Subject, text_of};
use crate::rules::custom_status::{TicketStatus, choices};
use crate::rules::field;
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

impl Names<'_> {
    /// Values that an input offers.
    pub fn offered(&self) -> Vec<String> {
        let statuses = self.standings().map(|it| status_name(self.viewer, self.statuses, &it));
        let channels = Channel::ALL.map(|channel| self.channel(channel));
        let words = ["created", "updated", NONE, ANY, ME].map(|word| self.word(word));
        let agents = self.team.assignable().map(|agent| agent.name.clone());
        let groups = self.team.groups.iter().map(|group| group.name.clone());
        let mut partners: Vec<String> =
            self.agreements.iter().map(|it| it.partner_name.clone()).collect();
        partners.sort();
        partners.dedup();
        let shares = self.agreements.iter().filter(|it| it.lets_share()).map(Agreement::label);
        statuses
            .into_iter()
            .chain(channels)
            .chain(words)
            .chain(groups)
            .chain(agents)
            .chain(partners)
            .chain(shares)
            .collect()
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

    fn operators(&self, chosen: Option<Operator>) -> Vec<Choice> {
        let choice = |operator: Operator| {
            let label = self.viewer.say(&format!("op.{}", operator.word()));
            Choice::new(operator.word(), label, chosen == Some(operator))
        };
        Operator::ALL.into_iter().map(choice).collect()
    }

    fn kinds(&self, chosen: &str) -> Vec<Choice> {
        let choice = |kind: &str| {
            let label = self.viewer.say(&format!("do.{kind}"));
            Choice::new(kind, label, kind == chosen)
        };
        std::iter::once(Choice::new("", "–", chosen.is_empty()))
            .chain(action::KINDS.into_iter().map(choice))
            .collect()
    }

    /// A condition as a row.
    fn condition(&self, kind: Kind, condition: &Condition) -> Row {
        Row {
            what: self.subjects(kind, Some(&condition.on)),
            how: self.operators(Some(condition.op)),
            value: self.shown(&condition.on, &condition.value),
            error: None,
        }
    }

    fn action(&self, action: &Action) -> Row {
        let (kind, value) = action.words();
        let id = || Uuid::parse_str(&value).ok();
        let shown = match kind {
            "status" => self.status(&value),
            "group" => id().and_then(|id| self.team.group(id)).map_or(value.clone(), str::to_owned),
            "assign" => {
                id().and_then(|id| self.team.agent(id)).map_or(value.clone(), str::to_owned)
            }
            "share" => {
                let agreement = self.agreements.iter().find(|it| it.id == value);
                agreement.map_or(value.clone(), Agreement::label)
            }
            _ => value,
        };
        Row { what: self.kinds(kind), how: Vec::new(), value: shown, error: None }
    }

    fn blank(&self, kind: Kind) -> Row {
        let (what, how) = (self.subjects(kind, None), self.operators(None));
        Row { what, how, value: String::new(), error: None }
    }

    fn blank_action(&self) -> Row {
        Row { what: self.kinds(""), how: Vec::new(), value: String::new(), error: None }
    }

    /// A rule as rows, each list with an empty one at its end.
    pub fn rows(&self, kind: Kind, definition: &Definition) -> Read {
        let conditions = |held: &[Condition]| {
            let mut rows: Vec<Row> = held.iter().map(|it| self.condition(kind, it)).collect();
            rows.push(self.blank(kind));
            rows
        };
        let mut actions: Vec<Row> = definition.actions.iter().map(|it| self.action(it)).collect();
        actions.push(self.blank_action());
        Read {
            all: conditions(&definition.when.all),
            any: conditions(&definition.when.any),
            actions,
            is_whole: true,
            definition: definition.clone(),
        }
    }

    /// What a form says. A row without a choice says nothing.
    pub fn read(&self, kind: Kind, sent: &Sent) -> Read {
        let mut read = self.rows(kind, &Definition::default());
        let (all, all_rows) = self.conditions(kind, sent, "all", &mut read.is_whole);
        let (any, any_rows) = self.conditions(kind, sent, "any", &mut read.is_whole);
        let (actions, action_rows) = self.actions(sent, &mut read.is_whole);
        read.all.splice(0..0, all_rows);
        read.any.splice(0..0, any_rows);
        read.actions.splice(0..0, action_rows);
        read.definition = Definition { when: Conditions { all, any }, actions };
        read
    }

    fn conditions(
        &self,
        kind: Kind,
        sent: &Sent,
        list: &str,
        is_whole: &mut bool,
    ) -> (Vec<Condition>, Vec<Row>) {
        let column = |name: &str| sent.all(&format!("{list}_{name}"));
        let (on, op, value) = (column("on"), column("op"), column("value"));
        let (mut conditions, mut rows) = (Vec::new(), Vec::new());
        for ((on, op), typed) in on.iter().zip(&op).zip(&value) {
            let (Some(on), Some(op)) = (Subject::of(on), Operator::of(op)) else { continue };
            // Of what cannot be compared so, the nearest that can.
            let op = if on.operators().contains(&op) { op } else { on.operators()[0] };
            let condition = Condition::new(on.clone(), op, self.meant(&on, typed));
            let mut row = self.condition(kind, &condition);
            if condition.check().is_err() {
                *is_whole = false;
                row.value.clone_from(typed);
                row.error = Some(self.viewer.say("rule.error.value").into_owned());
            }
            conditions.push(condition);
            rows.push(row);
        }
        (conditions, rows)
    }

    fn actions(&self, sent: &Sent, is_whole: &mut bool) -> (Vec<Action>, Vec<Row>) {
        let (mut actions, mut rows) = (Vec::new(), Vec::new());
        for (kind, typed) in sent.all("do_what").iter().zip(&sent.all("do_value")) {
            if kind.is_empty() {
                continue;
            }
            let meant = match kind.as_str() {
                "status" => self.meant(&Subject::Status, typed),
                "group" => self.group(typed).unwrap_or_else(|| typed.clone()),
                "assign" => self.agent(typed).unwrap_or_else(|| typed.clone()),
                "share" => self.agreement(typed).unwrap_or_default(),
                _ => typed.clone(),
            };
            let action = Action::of(kind, &meant).and_then(|action| self.of_field(action));
            if let Some(action) = action.filter(|action| self.knows(action)) {
                rows.push(self.action(&action));
                actions.push(action);
            } else {
                *is_whole = false;
                let error = Some(self.viewer.say("rule.error.value").into_owned());
                let what = self.kinds(kind);
                rows.push(Row { what, how: Vec::new(), value: typed.clone(), error });
            }
        }
        (actions, rows)
    }

    /// A field's value as its type has it.
    fn of_field(&self, action: Action) -> Option<Action> {
        let Action::Field(key, value) = action else { return Some(action) };
        let field = self.fields.iter().find(|field| field.key == key)?;
        let value = field::read(field, &[text_of(&value)]).ok()?;
        Some(Action::Field(key, value))
    }

    fn agreement(&self, typed: &str) -> Option<String> {
        let is = |it: &&Agreement| it.lets_share() && it.label() == typed.trim();
        self.agreements.iter().find(is).map(|it| it.id.clone())
    }

    /// Whether what an action names is the account's own.
    fn knows(&self, action: &Action) -> bool {
        match action {
            Action::Group(id) => self.team.group(*id).is_some(),
            Action::Assign(id) => self.team.assignable().any(|agent| agent.id == *id),
            Action::Field(key, _) => self.fields.iter().any(|field| field.key == *key),
            _ => true,
        }
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
