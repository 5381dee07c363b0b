//! Triggers: in their order, each at most once for what happens to a ticket.

use uuid::Uuid;

use super::action::{RuleAction, RuleMail};
use super::condition::{Conditions, TicketEvent};
use super::sharing::{Agreement, NoShare, may_share};
use super::ticket::Ticket;

/// A trigger or automation.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Which.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// When it fires.
    pub when: Conditions,
    /// What it does, in this order.
    pub actions: Vec<RuleAction>,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Which.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Whether it did anything.
    pub changed: bool,
    /// What it mails.
    pub mails: Vec<RuleMail>,
    /// Under which agreement it shares the ticket.
    pub shares: Option<String>,
    /// Why it does not share it though it should.
    pub stopped: Option<NoShare>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The ticket afterwards.
    pub ticket: Ticket,
    /// What fired, in this order.
    pub fired: Vec<Fired>,
}

impl Run {
    /// The agreement under which a rule shares it; the first stands.
    #[must_use]
    pub fn shares(&self) -> Option<&str> {
        self.fired.iter().find_map(|fired| fired.shares.as_deref())
    }

    /// What rules mail, in this order.
    pub fn mails(&self) -> impl Iterator<Item = &RuleMail> {
        self.fired.iter().flat_map(|fired| &fired.mails)
    }
}

/// Runs rules on what happened to a ticket. After one that changed it the others are looked at
/// again from the first; none fires twice, so a rule cannot set off itself, nor two each other.
#[must_use]
pub fn run(rules: &[Rule], ticket: Ticket, event: TicketEvent, agreements: &[Agreement]) -> Run {
    let mut run = Run { ticket, fired: Vec::new() };
    loop {
        let next = rules.iter().find(|rule| {
            !run.fired.iter().any(|fired| fired.id == rule.id) && rule.when.hold(&run.ticket, event)
        });
        let Some(rule) = next else { return run };
        let fired = fire(rule, &mut run, agreements);
        run.fired.push(fired);
    }
}

fn fire(rule: &Rule, run: &mut Run, agreements: &[Agreement]) -> Fired {
    let mut fired = Fired {
        id: rule.id,
        name: rule.name.clone(),
        changed: false,
        mails: Vec::new(),
        shares: None,
        stopped: None,
    };
    for action in &rule.actions {
        fired.changed |= action.apply(&mut run.ticket);
        if let Some(mail) = action.mail() {
            fired.mails.push(mail);
            fired.changed = true;
        }
        let RuleAction::Share(agreement) = action else { continue };
        match may_share(&run.ticket, agreement, agreements) {
            Ok(found) => {
                run.ticket.sent_to = Some(found.partner.clone());
                fired.shares = Some(agreement.clone());
                fired.changed = true;
            }
            // It is there already, where the rule wants it.
            Err(NoShare::Already(_)) if is_with(&run.ticket, agreement, agreements) => {}
            Err(why) => fired.stopped = Some(why),
        }
    }
    fired
}

/// Whether the ticket is shared with the partner of this agreement.
fn is_with(ticket: &Ticket, agreement: &str, agreements: &[Agreement]) -> bool {
    let partner = agreements.iter().find(|it| it.id == agreement).map(|it| &it.partner);
    partner.is_some() && ticket.sent_to.as_ref() == partner
}

#[cfg(test)]
mod tests {
    use contracts::fields::Status;

    use super::super::action::MailTo;
    use super::super::condition::{Condition, Operator, Subject};
    use super::super::sharing::samples::agreement;
    use super::super::ticket::{Channel, tags_of};
    use super::*;

    fn rule(number: u128, when: &[(Subject, Operator, &str)], actions: &[(&str, &str)]) -> Rule {
        let all =
            when.iter().map(|(on, op, value)| Condition::new(on.clone(), *op, *value)).collect();
        Rule {
            id: Uuid::from_u128(number),
            name: format!("rule {number}"),
            when: Conditions { all, any: Vec::new() },
            actions: actions
                .iter()
                .map(|(kind, value)| RuleAction::of(kind, value).unwrap())
                .collect(),
        }
    }

    fn from_acme() -> Ticket {
        let mut ticket = Ticket::new(1, "Meter", "p");
        ticket.channel = Channel::Sharing;
        ticket.updated_via = Channel::Sharing;
        ticket.received_from = Some("acme".to_owned());
        ticket
    }

    const BY_SHARING: (Subject, Operator, &str) = (Subject::UpdateVia, Operator::Is, "sharing");

    #[test]
    fn r_84_and_r_85_what_came_by_sharing_is_routed_and_tagged() {
        let group = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        let route = rule(1, &[BY_SHARING], &[("group", group), ("add_tags", "field-team")]);
        let rules = [route];
        let done = run(&rules, from_acme(), TicketEvent::Created, &[]);
        assert_eq!(done.ticket.group, Uuid::parse_str(group).ok());
        assert_eq!(done.ticket.rule_tags, tags_of("field-team"));
        let own = run(&rules, Ticket::new(1, "Meter", "p"), TicketEvent::Created, &[]);
        assert_eq!(own.fired, []);
    }

    #[test]
    fn a_rule_that_would_set_off_itself_or_another_again_stops() {
        let open = (Subject::Status, Operator::Is, "open");
        let pending = (Subject::Status, Operator::Is, "pending");
        let there = rule(1, &[open], &[("status", "pending")]);
        let back = rule(2, &[pending], &[("status", "open")]);
        let mut ticket = Ticket::new(1, "Meter", "p");
        ticket.status = Status::Open;
        let done = run(&[back, there], ticket, TicketEvent::Updated, &[]);
        let ids: Vec<u128> = done.fired.iter().map(|fired| fired.id.as_u128()).collect();
        assert_eq!((ids, done.ticket.status), (vec![1, 2], Status::Open));
    }

    #[test]
    fn what_a_rule_did_lets_an_earlier_one_fire() {
        let tagged = (Subject::Tags, Operator::IncludesAny, "meter");
        let first = rule(1, &[tagged], &[("status", "open")]);
        let second = rule(2, &[], &[("add_tags", "meter")]);
        let done = run(&[first, second], Ticket::new(1, "Pump", "p"), TicketEvent::Created, &[]);
        assert_eq!(done.ticket.status, Status::Open);
    }

    #[test]
    fn a_rule_mails_once_each_time_that_it_fires() {
        let mails = [("mail_requester", "We look at it."), ("mail_assignee", "Look at it.")];
        let rules = [rule(1, &[], &mails), rule(2, &[], &[("add_tags", "told")])];
        let done = run(&rules, Ticket::new(1, "Pump", "p"), TicketEvent::Created, &[]);
        let texts: Vec<(MailTo, &str)> =
            done.mails().map(|mail| (mail.to, mail.text.as_str())).collect();
        let both = [(MailTo::Requester, "We look at it."), (MailTo::Assignee, "Look at it.")];
        assert_eq!(texts, both);
        assert!(done.fired[0].changed);
    }

    #[test]
    fn r_13_and_r_26_a_rule_shares_once_and_nothing_that_is_closed() {
        let agreements = [agreement("a1", "initech"), agreement("a2", "umbrella")];
        let share = |number, under| rule(number, &[], &[("share", under)]);
        let both = [share(1, "a1"), share(2, "a2")];
        let done = run(&both, from_acme(), TicketEvent::Created, &agreements);
        assert_eq!(done.shares(), Some("a1"));
        assert_eq!(done.ticket.sent_to.as_deref(), Some("initech"));
        assert!(matches!(done.fired[1].stopped, Some(NoShare::Already(_))));
        let again = run(&both[..1], done.ticket, TicketEvent::Updated, &agreements);
        assert_eq!((again.fired[0].changed, &again.fired[0].stopped), (false, &None));
        let mut closed = from_acme();
        closed.status = Status::Closed;
        let stopped = run(&both[..1], closed, TicketEvent::Updated, &agreements);
        assert_eq!(stopped.shares(), None);
        assert_eq!(stopped.fired[0].stopped, Some(NoShare::Closed));
    }
}
