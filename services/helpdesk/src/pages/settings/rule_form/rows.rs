//! Rows of a rule's form: those of a rule that is kept, and what a form that was sent says.

use uuid::Uuid;

use super::{Names, Read, Row, has_action};
use crate::pages::form::Sent;
use crate::rules::action::RuleAction;
use crate::rules::condition::{Condition, Conditions, Operator, Subject, text_of};
use crate::rules::field;
use crate::rules::sharing::Agreement;
use crate::store::rule::{Definition, Kind};

impl Names<'_> {
    /// A condition as a row.
    fn condition(&self, kind: Kind, condition: &Condition) -> Row {
        Row {
            what: self.subjects(kind, Some(&condition.on)),
            how: self.operators(Some(&condition.on), Some(condition.op)),
            value: self.shown(&condition.on, &condition.value),
            values: self.values(&condition.on, &condition.value),
            error: None,
        }
    }

    fn action(&self, of: Kind, action: &RuleAction) -> Row {
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
        let (_, chosen) = action.words();
        Row {
            what: self.kinds(of, kind),
            how: Vec::new(),
            values: self.values_of_action(kind, &chosen, &shown),
            value: shown,
            error: None,
        }
    }

    fn blank(&self, kind: Kind) -> Row {
        let (what, how) = (self.subjects(kind, None), self.operators(None, None));
        Row { what, how, value: String::new(), values: Vec::new(), error: None }
    }

    fn blank_action(&self, of: Kind) -> Row {
        let what = self.kinds(of, "");
        Row { what, how: Vec::new(), value: String::new(), values: Vec::new(), error: None }
    }

    /// A rule as rows, each list with an empty one at its end.
    pub fn rows(&self, kind: Kind, definition: &Definition) -> Read {
        let conditions = |held: &[Condition]| {
            let mut rows: Vec<Row> = held.iter().map(|it| self.condition(kind, it)).collect();
            rows.push(self.blank(kind));
            rows
        };
        let mut actions: Vec<Row> =
            definition.actions.iter().map(|it| self.action(kind, it)).collect();
        actions.push(self.blank_action(kind));
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
        let (actions, action_rows) = self.actions(kind, sent, &mut read.is_whole);
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
                row.values = self.values(&on, "");
                row.error = Some(self.viewer.say("rule.error.value").into_owned());
            }
            conditions.push(condition);
            rows.push(row);
        }
        (conditions, rows)
    }

    fn actions(&self, of: Kind, sent: &Sent, is_whole: &mut bool) -> (Vec<RuleAction>, Vec<Row>) {
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
            let action = RuleAction::of(kind, &meant).and_then(|action| self.of_field(action));
            let can = |action: &RuleAction| has_action(of, kind) && self.knows(action);
            if let Some(action) = action.filter(can) {
                rows.push(self.action(of, &action));
                actions.push(action);
            } else {
                *is_whole = false;
                let error = Some(self.viewer.say("rule.error.value").into_owned());
                rows.push(Row {
                    what: self.kinds(of, kind),
                    how: Vec::new(),
                    value: typed.clone(),
                    values: self.values_of_action(kind, "", ""),
                    error,
                });
            }
        }
        (actions, rows)
    }

    /// A field's value as its type has it.
    fn of_field(&self, action: RuleAction) -> Option<RuleAction> {
        let RuleAction::Field(key, value) = action else { return Some(action) };
        let field = self.fields.iter().find(|field| field.key == key)?;
        let value = field::read(field, &[text_of(&value)]).ok()?;
        Some(RuleAction::Field(key, value))
    }

    fn agreement(&self, typed: &str) -> Option<String> {
        let typed = typed.trim();
        let is = |it: &&Agreement| it.lets_share() && (it.id == typed || it.label() == typed);
        self.agreements.iter().find(is).map(|it| it.id.clone())
    }

    /// Whether what an action names is the account's own.
    fn knows(&self, action: &RuleAction) -> bool {
        match action {
            RuleAction::Group(id) => self.team.group(*id).is_some(),
            RuleAction::Assign(id) => self.team.assignable().any(|agent| agent.id == *id),
            RuleAction::Field(key, _) => self.fields.iter().any(|field| field.key == *key),
            _ => true,
        }
    }
}
