//! A worker: shares a ticket along its line, works on all copies, ends it, and takes the next.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use contracts::{Reason, ShareId};
use fastrand::Rng;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::agreement::agreement;
use super::line::{AccountPath, Content};
use super::{Expected, LIMIT, LOOK, SECRET, Ticket, Traffic, actor, marked};

/// Commands of one worker that wait for their receipts, at most.
const IN_FLIGHT: usize = 3;
/// What is done to a ticket before it ends.
const ACTIONS: std::ops::Range<usize> = 12..40;
const TAGS: [&str; 3] = ["urgent", "spring", "inspection"];
const STATUSES: [&str; 4] = ["open", "pending", "hold", "solved"];

/// Works until it is over, then waits for what is under way. Ends early when something does not
/// come: the check will find it.
pub(super) async fn work(
    traffic: &Traffic,
    line: &'static AccountPath,
    mut rng: Rng,
    over: &CancellationToken,
) {
    while !over.is_cancelled() {
        let Some(mut worker) = Worker::share(traffic, line, &mut rng).await else { return };
        let actions = worker.rng.usize(ACTIONS);
        for _ in 0..actions {
            if over.is_cancelled() {
                break;
            }
            worker.act().await;
        }
        if worker.settle().await.is_none() || worker.end(over).await.is_none() {
            return;
        }
    }
}

struct Worker<'a> {
    traffic: &'a Traffic,
    /// Where its ticket stands in the book.
    index: usize,
    ticket: Ticket,
    rng: &'a mut Rng,
    /// Commands without a receipt, with their accounts.
    open: Vec<(&'static str, String)>,
}

impl<'a> Worker<'a> {
    /// Shares a new ticket along the whole line.
    async fn share(
        traffic: &'a Traffic,
        line: &'static AccountPath,
        rng: &'a mut Rng,
    ) -> Option<Self> {
        let number = format!("{}-{}", line.accounts[0], traffic.ledger.number());
        let ticket = Ticket { line, numbers: vec![number], shares: Vec::new(), first_live: 0 };
        let index = {
            let mut book = traffic.ledger.book();
            book.tickets.push(ticket.clone());
            book.tickets.len() - 1
        };
        let mut worker = Self { traffic, index, ticket, rng, open: Vec::new() };
        for hop in 0..line.hops.len() {
            worker.share_on(hop).await?;
        }
        Some(worker)
    }

    async fn share_on(&mut self, hop: usize) -> Option<()> {
        let line = self.ticket.line;
        let [sender, receiver] = [line.accounts[hop], line.accounts[hop + 1]];
        let number = self.ticket.numbers[hop].clone();
        let share = self.traffic.id("share", &format!("{number} {hop}"));
        let command = self.traffic.desk(sender).next_id();
        let mut ticket = self.as_it_is(sender, &number);
        let comment = self.comment(hop, &command, true);
        ticket["comments"] = json!([comment]);
        if let Some(earlier) = self.ticket.shares.last() {
            ticket["copy_of"] = json!(earlier);
        }
        let content = json!({
            "agreement_id": agreement(self.traffic, line, hop), "share_id": share, "ticket": ticket,
            "actor": actor(sender, "agent"), "occurred_at": self.traffic.clock(sender),
        });
        self.traffic
            .send(sender, command.clone(), "ticket.share.v1", content, Expected::Done)
            .await;
        self.ticket.shares.push(ShareId::new(share.clone()).ok()?);
        self.note();
        self.traffic.answer(sender, &command).await?;
        self.created(receiver, &share).await?;
        let copy = format!("{receiver}-{}", self.traffic.ledger.number());
        self.traffic.desk(receiver).with_model(|model| model.number(&share, &copy));
        let bind = json!({ "share_id": share, "ticket_id": copy });
        let bound = self
            .traffic
            .send(
                receiver,
                self.traffic.desk(receiver).next_id(),
                "ticket.bind.v1",
                bind,
                Expected::Done,
            )
            .await;
        self.ticket.numbers.push(copy);
        self.note();
        self.traffic.answer(receiver, &bound).await.map(drop)
    }

    /// The ticket as its desk has it now: of a copy what came by sharing.
    fn as_it_is(&self, account: &str, number: &str) -> Value {
        let seen = self
            .traffic
            .desk(account)
            .with_model(|model| model.ticket(number).map(testkit::model::Ticket::seen))
            .unwrap_or_default();
        let status = seen.get("status").map_or(json!("open"), |status| status["value"].clone());
        let tags = seen.keys().filter_map(|field| field.strip_prefix("tag:"));
        let tags: Vec<Value> =
            tags.map(|name| json!({ "name": name, "added_by": "sharing" })).collect();
        let order = seen.get("custom_field:order").map(|order| json!({ "order": order }));
        let requester = json!({
            "id": "r-1", "name": "Rosa", "role": "end_user",
            "email": format!("{SECRET}@customer.example"), "phone": "+49 30 901820",
        });
        let mut ticket = json!({
            "id": number, "subject": "Pump leaks", "status": status, "tags": tags,
            "requester": requester,
            "ccs": [{ "name": "Site", "email": format!("{SECRET}-cc@customer.example") }],
        });
        if let Some(order) = order {
            ticket["custom_fields"] = order;
        }
        ticket
    }

    /// Waits until a desk was asked to create a ticket.
    async fn created(&self, account: &str, share: &str) -> Option<()> {
        let started = Instant::now();
        while !self.traffic.desk(account).with_model(|model| model.shared(share).is_some()) {
            if started.elapsed() > LIMIT {
                return None;
            }
            tokio::time::sleep(LOOK).await;
        }
        Some(())
    }

    /// One action of an agent at one of the copies.
    async fn act(&mut self) {
        while self.open.len() >= IN_FLIGHT && self.one_is_answered().await.is_some() {}
        let at = self.rng.usize(0..self.ticket.numbers.len());
        let account = self.ticket.line.accounts[at];
        let command = self.traffic.desk(account).next_id();
        let mut content = json!({
            "ticket_id": self.ticket.numbers[at], "actor": actor(account, "agent"),
            "occurred_at": self.traffic.clock(account),
        });
        match self.rng.u8(0..10) {
            0..4 => content["comments"] = json!([self.comment(at, &command, false)]),
            4..6 => {
                let mark = self.traffic.ledger.mark(
                    &self.ticket,
                    at,
                    Content::CustomField,
                    &command,
                    None,
                );
                content["custom_fields"] = json!({ "order": marked(mark) });
            }
            6 => content["status"] = json!(STATUSES[self.rng.usize(0..STATUSES.len())]),
            7 => {
                let name = format!("{account}-{}", TAGS[self.rng.usize(0..TAGS.len())]);
                content["tags"] = if self.rng.bool() {
                    json!({ "add": [{ "name": name, "added_by": "user" }] })
                } else {
                    json!({ "remove": [{ "name": name, "removed_by": "user" }] })
                };
            }
            _ => {
                content["comments"] = json!([self.comment(at, &command, false)]);
                content["status"] = json!(STATUSES[self.rng.usize(0..STATUSES.len())]);
            }
        }
        self.traffic
            .send(account, command.clone(), "ticket.update.v1", content, Expected::Done)
            .await;
        self.open.push((account, command));
        let think = self.traffic.manners.think_ms.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(self.rng.u64(think / 2..think))).await;
    }

    /// A comment of the account at `at`, written down with its audience. The first ones are public,
    /// the others either.
    fn comment(&mut self, at: usize, command: &str, first: bool) -> Value {
        let public = first || self.rng.bool();
        let account = self.ticket.line.accounts[at];
        let id = format!("{account}/{}", self.traffic.ledger.number());
        let content = if public { Content::PublicComment } else { Content::PrivateComment };
        let mark = self.traffic.ledger.mark(&self.ticket, at, content, command, Some(id.clone()));
        json!({ "id": id, "body": format!("Step done. {}", marked(mark)), "public": public })
    }

    /// Waits for the receipt of one of the open commands.
    async fn one_is_answered(&mut self) -> Option<()> {
        let (account, id) = self.open.remove(0);
        self.traffic.answer(account, &id).await.map(drop)
    }

    async fn settle(&mut self) -> Option<()> {
        while !self.open.is_empty() {
            self.one_is_answered().await?;
        }
        Some(())
    }

    /// Half of the tickets are unshared: then nothing crosses that hop any more, and what lies
    /// beyond goes on by itself.
    async fn end(&mut self, over: &CancellationToken) -> Option<()> {
        if over.is_cancelled() || self.rng.bool() {
            return Some(());
        }
        let accounts = self.ticket.line.accounts;
        let unshare =
            json!({ "ticket_id": self.ticket.numbers[0], "actor": actor(accounts[0], "agent") });
        let sender = self.traffic.desk(accounts[0]).next_id();
        let ended = self
            .traffic
            .send(accounts[0], sender, "ticket.unshare.v1", unshare, Expected::Done)
            .await;
        self.traffic.answer(accounts[0], &ended).await?;
        self.ticket.first_live = 1;
        self.note();
        for at in [0, 1] {
            let account = accounts[at];
            let command = self.traffic.desk(account).next_id();
            let comment = self.comment(at, &command, false);
            let content = json!({
                "ticket_id": self.ticket.numbers[at], "actor": actor(account, "agent"),
                "occurred_at": self.traffic.clock(account), "comments": [comment],
            });
            let goes_on = at == 1 && self.ticket.line.hops.len() > 1;
            let expected =
                if goes_on { Expected::Done } else { Expected::Refused(Reason::NotShared) };
            let sent =
                self.traffic.send(account, command, "ticket.update.v1", content, expected).await;
            self.traffic.answer(account, &sent).await?;
        }
        Some(())
    }

    /// Writes down how far the ticket has got.
    fn note(&self) {
        self.traffic.ledger.book().tickets[self.index] = self.ticket.clone();
    }
}
