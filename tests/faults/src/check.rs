//! The proof: what was published, compared with what came. Lost, doubled, leaked and diverged all
//! have to be nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use contracts::delivery::DeliveryBody;
use contracts::fields::Status;
use contracts::{Receipt, ReceiptOutcome};
use serde_json::{Value, json};
use testkit::model::Ticket as Copy;

use crate::traffic::{ACCOUNTS, Book, Expected, Mark, SECRET, Ticket, Traffic, marks_in};

/// What a desk was told, read once and added up.
#[derive(Debug, Default)]
pub struct Heard {
    /// Bodies that were read, repeats included.
    bodies: usize,
    /// Deliveries that were read.
    pub deliveries: usize,
    /// How often each thing came, each time under another id.
    times: BTreeMap<String, usize>,
    /// Marks seen in any body.
    marks: BTreeSet<u64>,
    /// Bodies with somebody's address in them.
    secrets: usize,
}

/// What a round came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Commands published.
    pub commands: usize,
    /// Commands with a receipt.
    pub receipts: usize,
    /// Deliveries to all desks.
    pub deliveries: usize,
    /// What did not come.
    pub lost: usize,
    /// What came twice, under two ids.
    pub doubled: usize,
    /// What came to somebody who may not see it.
    pub leaked: usize,
    /// Fields and comments that two copies hold differently.
    pub diverged: usize,
    /// Each of them in words.
    pub wrong: Vec<String>,
}

/// The part of the book that a check is about.
#[derive(Clone, Debug)]
pub struct Part {
    pub commands: Range<usize>,
    pub tickets: Range<usize>,
    /// Marks with numbers from here on.
    pub marks: u64,
}

impl Verdict {
    /// Whether everything is as it has to be.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lost + self.doubled + self.leaked + self.diverged == 0
    }

    fn lost(&mut self, what: &str) {
        self.lost += 1;
        self.wrong.push(format!("lost: {what}"));
    }

    fn leaked(&mut self, what: &str) {
        self.leaked += 1;
        self.wrong.push(format!("leaked: {what}"));
    }

    fn diverged(&mut self, what: &str) {
        self.diverged += 1;
        self.wrong.push(format!("diverged: {what}"));
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "commands {} = receipts {}  lost {}  doubled {}  leaked {}  diverged {}",
            self.commands, self.receipts, self.lost, self.doubled, self.leaked, self.diverged
        )
    }
}

impl Heard {
    /// Reads on.
    pub fn listen(&mut self, desk: &testkit::Desk) {
        desk.with_bodies(|bodies| {
            for body in &bodies[self.bodies..] {
                self.marks.extend(marks_in(body));
                self.secrets += usize::from(body.contains(SECRET));
            }
            self.bodies = bodies.len();
        });
        desk.with_deliveries(|deliveries| {
            for delivered in &deliveries[self.deliveries..] {
                for thing in things(&delivered.told) {
                    *self.times.entry(thing).or_default() += 1;
                }
            }
            self.deliveries = deliveries.len();
        });
    }

    /// What was doubled or leaked is known now: it is not the next round's.
    pub fn told(&mut self) {
        self.times.values_mut().for_each(|times| *times = 1);
        self.secrets = 0;
    }

    fn times(&self, thing: &str) -> usize {
        self.times.get(thing).copied().unwrap_or_default()
    }
}

/// What may come once only, by name.
fn things(told: &DeliveryBody) -> Vec<String> {
    let comments = |comments: &[contracts::comment::SharedComment]| -> Vec<String> {
        comments.iter().map(|comment| format!("comment {}", comment.id)).collect()
    };
    match told {
        DeliveryBody::Receipt(receipt) => vec![format!("receipt of {}", receipt.command_id)],
        DeliveryBody::TicketCreated(created) => {
            let mut things = comments(&created.comments);
            things.push(format!("ticket of share {}", created.share_id));
            things
        }
        DeliveryBody::TicketUpdated(updated) => comments(&updated.comments),
        DeliveryBody::TicketBound(bound) => vec![format!("number for share {}", bound.share_id)],
        DeliveryBody::TicketUnshared(unshared) => {
            vec![format!("end of share {}", unshared.share_id)]
        }
        _ => Vec::new(),
    }
}

/// Holds a part of the book against what the desks were told.
#[must_use]
pub fn check(traffic: &Traffic, heard: &mut BTreeMap<&'static str, Heard>, part: &Part) -> Verdict {
    for account in ACCOUNTS {
        heard.entry(account).or_default().listen(traffic.desk(account));
    }
    let book = traffic.ledger.book();
    let mut verdict =
        Verdict { deliveries: heard.values().map(|it| it.deliveries).sum(), ..Verdict::default() };
    commands(traffic, heard, &book, part, &mut verdict);
    let answer =
        |mark: &Mark| traffic.desk(mark.from).answer(&mark.command).map(|(receipt, _)| receipt);
    for (number, mark) in book.marks.range(part.marks..) {
        said(heard, *number, mark, answer(mark).as_ref(), &mut verdict);
    }
    for ticket in &book.tickets[part.tickets.clone()] {
        copies(traffic, ticket, &mut verdict);
    }
    for (account, heard) in heard.iter().filter(|(_, heard)| heard.secrets > 0) {
        verdict
            .leaked(&format!("{} deliveries to {account} have somebody's address", heard.secrets));
    }
    for (account, (_, unreadable)) in
        ACCOUNTS.map(|account| (account, traffic.desk(account).repeated_and_unreadable()))
    {
        for delivery in unreadable {
            verdict.lost(&format!("{account} cannot read {delivery}"));
        }
    }
    verdict
}

/// Each command has one receipt, and it says what the rules say.
fn commands(
    traffic: &Traffic,
    heard: &BTreeMap<&'static str, Heard>,
    book: &Book,
    part: &Part,
    verdict: &mut Verdict,
) {
    for command in &book.commands[part.commands.clone()] {
        verdict.commands += 1;
        let what = format!("{} {} of {}", command.message_type, command.id, command.account);
        let Some((receipt, _)) = traffic.desk(command.account).answer(&command.id) else {
            verdict.lost(&format!("no receipt of {what}"));
            continue;
        };
        verdict.receipts += 1;
        let refused = receipt.outcome == ReceiptOutcome::Rejected;
        let as_expected = match command.expected {
            Expected::Done => !refused,
            Expected::Refused(reason) => refused && receipt.reason == Some(reason),
        };
        if !as_expected {
            verdict.lost(&format!(
                "{what}: {:?} was expected, the receipt says {receipt:?}",
                command.expected
            ));
        }
    }
    for (account, heard) in heard {
        for (thing, times) in heard.times.iter().filter(|(_, times)| **times > 1) {
            verdict.doubled += times - 1;
            verdict.wrong.push(format!("doubled: {account} got the {thing} under {times} ids"));
        }
    }
}

/// What was said reached those who have to hear it, when it was accepted, and nobody else in any
/// case.
fn said(
    heard: &BTreeMap<&'static str, Heard>,
    number: u64,
    mark: &Mark,
    receipt: Option<&Receipt>,
    verdict: &mut Verdict,
) {
    let done = receipt.is_some_and(|receipt| receipt.outcome != ReceiptOutcome::Rejected);
    for (account, heard) in heard.iter().filter(|(account, _)| **account != mark.from) {
        let may = done && mark.audience.contains(account);
        // A receipt may still be on its way when the delivery is there.
        if heard.marks.contains(&number) && !may && receipt.is_some() {
            verdict
                .leaked(&format!("what {} said in {} came to {account}", mark.from, mark.command));
        }
        if let Some(comment) = mark.comment.as_ref().filter(|_| may)
            && heard.times(&format!("comment {comment}")) == 0
        {
            verdict.lost(&format!("comment {comment} of {} at {account}", mark.from));
        }
    }
}

/// Both ends of every live hop hold the same, as far as its terms let it cross; tags cross no hop
/// that does not let them.
fn copies(traffic: &Traffic, ticket: &Ticket, verdict: &mut Verdict) {
    let copy = |at: usize| {
        let number = ticket.numbers.get(at)?;
        traffic.desk(ticket.line.accounts[at]).with_model(|model| model.ticket(number).cloned())
    };
    for (hop, terms) in ticket.line.hops.iter().enumerate().skip(ticket.first_live) {
        let (Some(near), Some(far)) = (copy(hop), copy(hop + 1)) else {
            verdict.lost(&format!("the copy of {} beyond hop {hop}", ticket.numbers[0]));
            continue;
        };
        let names = format!("{} and {}", ticket.numbers[hop], ticket.numbers[hop + 1]);
        let (near, far) = (near.seen(), far.seen());
        if terms.syncs_status() && !statuses_agree(near.get("status"), far.get("status")) {
            verdict.diverged(&format!(
                "status of {names}: {:?} and {:?}",
                near.get("status"),
                far.get("status")
            ));
        }
        let order = "custom_field:order";
        if terms.custom_fields && near.get(order) != far.get(order) {
            verdict.diverged(&format!(
                "order number of {names}: {:?} and {:?}",
                near.get(order),
                far.get(order)
            ));
        }
        let (near_tags, far_tags) = (tags(&near), tags(&far));
        if terms.tags && near_tags != far_tags {
            verdict.diverged(&format!("tags of {names}: {near_tags:?} and {far_tags:?}"));
        }
    }
    let accounts = ticket.line.accounts;
    for (at, account) in accounts.iter().enumerate().take(ticket.numbers.len()) {
        let held = copy(at).map(|copy: Copy| tags(&copy.seen())).unwrap_or_default();
        for tag in held {
            let by = accounts.iter().position(|other| {
                tag.strip_prefix(other).is_some_and(|rest| rest.starts_with('-'))
            });
            let Some(by) = by else { continue };
            let between = &ticket.line.hops[by.min(at)..by.max(at)];
            if between.iter().any(|terms| !terms.tags) {
                verdict.leaked(&format!("tag {tag} on {} of {account}", ticket.numbers[at]));
            }
        }
    }
}

fn tags(seen: &BTreeMap<String, Value>) -> Vec<String> {
    seen.keys().filter_map(|field| field.strip_prefix("tag:")).map(str::to_owned).collect()
}

/// On-hold here may be open there.
fn statuses_agree(near: Option<&Value>, far: Option<&Value>) -> bool {
    let (Some(near), Some(far)) = (near, far) else { return false };
    let image = |status: &Value| {
        if *status == json!(Status::Hold) { json!(Status::Open) } else { status.clone() }
    };
    image(&near["value"]) == far["value"] || near["value"] == image(&far["value"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::Reason;

    fn mark() -> Mark {
        Mark {
            from: "acme",
            command: "acme-1".into(),
            comment: Some("acme/1".into()),
            audience: ["globex"].into(),
        }
    }

    fn heard(
        account: &'static str,
        marks: &[u64],
        comments: &[(&str, usize)],
    ) -> BTreeMap<&'static str, Heard> {
        let times = comments.iter().map(|(id, times)| (format!("comment {id}"), *times)).collect();
        [(account, Heard { marks: marks.iter().copied().collect(), times, ..Heard::default() })]
            .into()
    }

    fn judged(heard: &BTreeMap<&'static str, Heard>, outcome: ReceiptOutcome) -> (usize, usize) {
        let mut verdict = Verdict::default();
        said(
            heard,
            7,
            &mark(),
            Some(&Receipt::new("acme-1", "ticket.update.v1", outcome)),
            &mut verdict,
        );
        (verdict.lost, verdict.leaked)
    }

    #[test]
    fn what_was_accepted_has_to_come_to_its_audience_and_to_nobody_else() {
        let applied = ReceiptOutcome::Applied;
        assert_eq!(judged(&heard("globex", &[7], &[("acme/1", 1)]), applied), (0, 0));
        assert_eq!(judged(&heard("globex", &[], &[]), applied), (1, 0));
        assert_eq!(judged(&heard("initech", &[7], &[]), applied), (0, 1));
        assert_eq!(judged(&heard("initech", &[], &[]), applied), (0, 0));
    }

    #[test]
    fn what_was_refused_may_come_to_nobody() {
        let receipt = Receipt::new("acme-1", "ticket.update.v1", ReceiptOutcome::Rejected)
            .because(Reason::NotShared, None);
        let mut verdict = Verdict::default();
        said(&heard("globex", &[7], &[("acme/1", 1)]), 7, &mark(), Some(&receipt), &mut verdict);
        assert_eq!((verdict.lost, verdict.leaked), (0, 1));
    }

    #[test]
    fn on_hold_agrees_with_open_and_with_nothing_else() {
        let status = |value: &str| json!({ "value": value });
        let agree = |near: &str, far: &str| statuses_agree(Some(&status(near)), Some(&status(far)));
        assert!(agree("hold", "open") && agree("open", "hold") && agree("solved", "solved"));
        assert!(!agree("hold", "pending") && !agree("open", "solved"));
    }
}
