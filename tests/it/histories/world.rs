//! A history: desks act, stages decide, deliveries arrive, each in an order that the history
//! chooses.

use std::collections::BTreeMap;

use contracts::delivery::DeliveryBody;
use contracts::topology::Service;
use contracts::{Receipt, ReceiptOutcome, Timestamp};
use serde_json::{Value, json};
use stages::{Line, Message, Sent};

use super::checks::Forbidden;
use super::desk::{Desk, Published};

/// What happens in a step, to whom, and how: numbers, so that a history can be generated and
/// shrunk.
pub type Step = (u8, u8, u8, u8);

const NAMES: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

pub struct World {
    pub desks: Vec<Desk>,
    pub line: Line,
    pub published: Vec<Published>,
    queues: BTreeMap<Service, Vec<Message>>,
    /// Deliveries on their way, with the desk they go to.
    mail: Vec<(usize, Message)>,
    pub forbidden: Forbidden,
    clock: i64,
    shares: usize,
    comments: usize,
    /// Whether shares and updates are tried out and not done.
    tries_out: bool,
}

impl World {
    /// Registered accounts of which each two neighbours have an agreement, one way or both, and
    /// nothing shared yet.
    pub fn new(accounts: usize, terms: &[u8]) -> Self {
        let desks = NAMES[..accounts].iter().map(|name| Desk::new(name)).collect();
        let mut world = Self {
            desks,
            line: Line::default(),
            published: Vec::new(),
            queues: BTreeMap::new(),
            mail: Vec::new(),
            forbidden: Forbidden::default(),
            clock: 0,
            shares: 0,
            comments: 0,
            tries_out: false,
        };
        for account in 0..accounts {
            world.register(account);
        }
        world.settle(&[0]);
        for (number, kind) in terms.iter().enumerate() {
            let (sender, receiver) =
                (number % accounts, (number + 1 + number / accounts) % accounts);
            if sender != receiver {
                world.invite(sender, receiver, *kind);
            }
        }
        world.settle(&[0]);
        for account in 0..accounts {
            let invited: Vec<String> = world.desks[account].agreements.keys().cloned().collect();
            for id in invited {
                world.publish(
                    account,
                    "agreement.accept.v1",
                    json!({ "agreement_id": id, "actor": admin() }),
                );
            }
        }
        world.settle(&[0]);
        world
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::parse("2026-03-01T10:00:00Z").expect("a date").plus_seconds(self.clock)
    }

    fn time(&self, skew: i64) -> String {
        self.now().plus_seconds(skew).to_string()
    }

    fn register(&mut self, account: usize) {
        let name = NAMES[account];
        let content = json!({ "account": name, "display_name": name, "kind": "connected",
            "sharing_url": format!("https://{name}.example/sharing"), "admins": [] });
        let message = Message::command(
            "operator",
            format!("register-{name}"),
            "account.register.v1",
            content,
            usize::MAX,
        );
        self.queues.entry(Service::Agreement).or_default().push(message);
        let fields = json!([{ "key": format!("{name}-order"), "title": "Order", "type": "text" }]);
        // Of the third account only the category of a status is the others' business.
        let statuses = json!({ "enabled": account == 2, "statuses": [
            { "key": "waiting", "name": "Waiting", "category": "pending", "default": true },
            { "key": "parts", "name": "Parts", "category": "hold", "default": true },
        ] });
        self.settings(
            account,
            json!({ "ticket_fields": fields, "custom_statuses": statuses,
                "secure_downloads": false }),
        );
    }

    fn settings(&mut self, account: usize, mut settings: Value) {
        self.desks[account].version += 1;
        settings["version"] = json!(self.desks[account].version);
        settings["actor"] = admin();
        self.publish(account, "account.update.v1", settings);
    }

    fn invite(&mut self, sender: usize, receiver: usize, kind: u8) {
        let comments = if kind & 1 == 0 { "public_and_private" } else { "private_only" };
        let terms =
            json!({ "comments": comments, "tags": kind & 2 == 0, "custom_fields": kind & 4 == 0 });
        let id = format!("{:08x}-0000-4000-9000-000000000000", self.published.len());
        let receiver = if kind & 8 == 0 {
            json!({ "address": NAMES[receiver] })
        } else {
            let host = NAMES[receiver].to_uppercase();
            json!({ "sharing_url": format!("HTTPS://{host}.example:443/sharing/?x") })
        };
        let invite =
            json!({ "agreement_id": id, "receiver": receiver, "terms": terms, "actor": admin() });
        self.publish(sender, "agreement.invite.v1", invite);
    }

    /// A desk publishes a command.
    fn publish(&mut self, account: usize, message_type: &str, mut content: Value) {
        let origin = self.published.len();
        let id = format!("m{origin:04}");
        if self.tries_out {
            content["dry_run"] = json!(true);
        } else {
            self.desks[account].model.about_to_send(&id, message_type, &content);
            self.forbidden.published(&self.desks[account].name, origin, message_type, &content);
        }
        let message = Message::command(NAMES[account], id, message_type, content.clone(), origin);
        let to = if message_type.starts_with('a') {
            Service::Agreement
        } else {
            Service::ShareDispatcher
        };
        self.queues.entry(to).or_default().push(message);
        let at = self.published.len();
        self.published.push(Published {
            account,
            message_type: message_type.to_owned(),
            content,
            at,
            order: None,
            receipt: None,
        });
    }

    /// Whether an account kept its files at any time.
    pub fn has_kept_files(&self, account: &str) -> bool {
        self.published.iter().any(|command| {
            NAMES[command.account] == account && command.content["secure_downloads"] == json!(true)
        })
    }

    /// A desk asks what a share or an update would come to.
    fn try_out(&mut self, account: usize, which: usize, how: u8) {
        self.tries_out = true;
        if how.is_multiple_of(2) {
            self.share(account, which, how / 2);
        } else {
            self.update(account, which, how / 2);
        }
        self.tries_out = false;
    }

    /// Plays one step of a history in which much ends and begins again: what happens while a copy
    /// is in no live share, it may have to hear when it comes back.
    pub fn step_with_ends(&mut self, (kind, who, which, how): Step) {
        self.clock += 1;
        let (account, which) = (usize::from(who) % self.desks.len(), usize::from(which));
        match kind % 16 {
            0..=2 => self.share(account, which, how),
            3 | 4 => self.update(account, which, how),
            5 => self.update(account, which, how | 3),
            6 => self.unshare(account, which),
            7 if how % 4 == 0 => self.deactivate(account, which),
            7 if how % 4 == 1 => self.invite(account, which % self.desks.len(), how / 8),
            7 if how % 4 == 2 => self.accept(account, which),
            7 => self.try_out(account, which, how / 4),
            8 | 9 => self.redact(account, which, how),
            10 => self.settle(&[who, how]),
            11 | 12 => self.decide(who, which, how),
            _ => self.deliver(which, how),
        }
    }

    /// Plays one step.
    pub fn step(&mut self, (kind, who, which, how): Step) {
        self.clock += 1;
        let (account, which) = (usize::from(who) % self.desks.len(), usize::from(which));
        match kind % 32 {
            0..=2 => self.share(account, which, how),
            3..=6 => self.update(account, which, how),
            7 if how % 4 == 0 => self.unshare(account, which),
            8 if how % 8 == 0 => self.deactivate(account, which),
            8 if how % 8 == 1 => {
                self.settings(account, json!({ "secure_downloads": which % 2 == 0 }));
            }
            8 if how % 8 == 2 => self.invite(account, which % self.desks.len(), how / 8),
            8 if how % 8 == 3 => self.accept(account, which),
            8 if how % 8 > 5 => self.try_out(account, which, how / 8),
            9 if how % 2 == 0 => self.redact(account, which, how / 2),
            9..=22 => self.decide(who, which, how),
            _ => self.deliver(which, how),
        }
    }

    fn share(&mut self, account: usize, which: usize, how: u8) {
        let desk = &self.desks[account];
        let number = desk.tickets[which % desk.tickets.len()].clone();
        let agreements = desk.outbound();
        if agreements.is_empty() {
            return;
        }
        let agreement_id = agreements[usize::from(how) % agreements.len()].agreement_id.to_string();
        let held = desk.model.ticket(&number).cloned().unwrap_or_default();
        let seen = held.seen();
        let status = seen.get("status").cloned().unwrap_or_else(|| json!({ "value": "open" }));
        let tags = seen.keys().filter_map(|field| field.strip_prefix("tag:"));
        let tags: Vec<Value> =
            tags.map(|name| json!({ "name": name, "added_by": "user" })).collect();
        let order = format!("{}-order", NAMES[account]);
        let fields =
            seen.get(&format!("custom_field:{order}")).map(|value| json!({ order.clone(): value }));
        let copy_of = desk.copies.get(&number).cloned();
        let comments = match how % 2 {
            0 => vec![self.comment(account, how)],
            _ => Vec::new(),
        };
        self.shares += 1;
        let share_id = format!("{:08x}-0000-4000-8000-000000000000", self.shares);
        let ticket = json!({
            "id": number, "copy_of": copy_of, "subject": "Pump", "status": status["value"],
            "custom_status": status.get("custom_status"),
            "requester": { "id": "r", "name": "Requester", "role": "end_user" },
            "tags": tags, "custom_fields": fields.unwrap_or_else(|| json!({})),
            "comments": comments,
        });
        let occurred_at = self.time(skew(how));
        let share = json!({ "agreement_id": agreement_id, "share_id": share_id, "actor": agent(),
            "ticket": ticket, "occurred_at": occurred_at });
        self.publish(account, "ticket.share.v1", share);
    }

    fn comment(&mut self, account: usize, how: u8) -> Value {
        self.comments += 1;
        let id = format!("{}/{}", NAMES[account], self.comments);
        let files = if how & 16 == 0 {
            json!([])
        } else {
            json!([{ "id": "f", "filename": "f", "url": "https://files.example/f" }])
        };
        json!({ "id": id, "body": format!("text of {id}"), "public": how & 8 == 0,
            "attachments": files })
    }

    fn update(&mut self, account: usize, which: usize, how: u8) {
        let number = self.desks[account].tickets[which % self.desks[account].tickets.len()].clone();
        let mut update =
            json!({ "ticket_id": number, "actor": agent(), "occurred_at": self.time(skew(how)) });
        let pick = usize::from(how / 4) % 5;
        let field = match how % 4 {
            0 => {
                let status = ["new", "open", "pending", "hold", "solved"][pick];
                update["status"] = json!(status);
                if account == 2 && (status == "pending" || status == "hold") {
                    update["custom_status"] =
                        json!(if status == "hold" { "parts" } else { "waiting" });
                }
                "status".to_owned()
            }
            1 => {
                let (name, change) =
                    (["vip", "urgent"][pick % 2], if pick < 3 { "add" } else { "remove" });
                let by = if change == "add" { "added_by" } else { "removed_by" };
                update["tags"] = json!({ change: [{ "name": name, by: "user" }] });
                format!("tag:{name}")
            }
            2 => {
                let key = format!("{}-order", NAMES[account]);
                update["custom_fields"] = json!({ key.clone(): if pick == 0 { json!({ "clear": true }) } else { json!(format!("no {pick}")) } });
                format!("custom_field:{key}")
            }
            _ => {
                update["comments"] = json!([self.comment(account, how / 4)]);
                String::new()
            }
        };
        if how & 64 != 0 && !field.is_empty() {
            let base = self.desks[account].model.base_revision(&number, &[&field]);
            update["base_revision"] = json!(base);
        }
        self.publish(account, "ticket.update.v1", update);
    }

    fn unshare(&mut self, account: usize, which: usize) {
        let number = self.desks[account].tickets[which % self.desks[account].tickets.len()].clone();
        self.publish(
            account,
            "ticket.unshare.v1",
            json!({ "ticket_id": number, "actor": agent() }),
        );
    }

    fn deactivate(&mut self, account: usize, which: usize) {
        let known: Vec<String> = self.desks[account].agreements.keys().cloned().collect();
        if !known.is_empty() {
            let content = json!({ "agreement_id": known[which % known.len()], "actor": admin() });
            self.publish(account, "agreement.deactivate.v1", content);
        }
    }

    fn accept(&mut self, account: usize, which: usize) {
        let known: Vec<String> = self.desks[account].agreements.keys().cloned().collect();
        if !known.is_empty() {
            let content = json!({ "agreement_id": known[which % known.len()], "actor": admin() });
            self.publish(account, "agreement.accept.v1", content);
        }
    }

    /// A desk redacts a comment of its own, or the one file that a comment has.
    fn redact(&mut self, account: usize, which: usize, how: u8) {
        let number = self.desks[account].tickets[which % self.desks[account].tickets.len()].clone();
        let own = format!("{}/", NAMES[account]);
        let Some(ticket) = self.desks[account].model.ticket(&number) else { return };
        let comments: Vec<String> =
            ticket.comments.keys().filter(|id| id.starts_with(&own)).cloned().collect();
        if !comments.is_empty() {
            let comment_id = &comments[which % comments.len()];
            let file = how.is_multiple_of(4).then_some("f");
            let redact = json!({ "ticket_id": number, "comment_id": comment_id,
                "attachment_id": file, "actor": agent() });
            self.publish(account, "ticket.redact.v1", redact);
        }
    }

    /// A stage takes any of the messages that wait for it; sometimes the message comes a second
    /// time.
    fn decide(&mut self, who: u8, which: usize, how: u8) {
        let waiting: Vec<Service> = self
            .queues
            .iter()
            .filter(|(_, queue)| !queue.is_empty())
            .map(|(service, _)| *service)
            .collect();
        if waiting.is_empty() {
            return;
        }
        let service = waiting[usize::from(who) % waiting.len()];
        let queue = self.queues.entry(service).or_default();
        let at = which % queue.len();
        let message =
            if how.is_multiple_of(16) { queue[at].clone() } else { queue.swap_remove(at) };
        for sent in self.line.take(service, message, self.now()) {
            match sent {
                Sent::Service(to, message) => {
                    if let Some(command) = self.published.get_mut(message.origin)
                        && !command.is_dry_run()
                    {
                        command.order = own_order(&message.content).or(command.order.take());
                    }
                    self.queues.entry(to).or_default().push(message);
                }
                Sent::Again(message) => self.queues.entry(service).or_default().push(message),
                wrong @ (Sent::Refused(..) | Sent::Parked(..)) => panic!("{service:?}: {wrong:?}"),
                Sent::Desk(account, message) => {
                    let desk = self.desks.iter().position(|desk| desk.name == account);
                    // What the operator is told nobody reads.
                    self.mail.extend(desk.map(|desk| (desk, message)));
                }
            }
        }
    }

    /// A desk reads any of the deliveries on their way; sometimes one comes a second time.
    fn deliver(&mut self, which: usize, how: u8) {
        if self.mail.is_empty() {
            return;
        }
        let at = which % self.mail.len();
        let (to, message) =
            if how.is_multiple_of(16) { self.mail[at].clone() } else { self.mail.swap_remove(at) };
        let Some((told, bind)) = self.desks[to].read(&message) else { return };
        let cause = self.published.get(message.origin).map_or(0, |command| command.at);
        let is_dry_run = self.published.get(message.origin).is_some_and(Published::is_dry_run);
        let is_told = |receipt: &Receipt| {
            receipt.outcome == ReceiptOutcome::Rejected
                || receipt.dry_run && receipt.revision.is_none()
        };
        assert!(
            !is_dry_run || matches!(&told, DeliveryBody::Receipt(receipt) if is_told(receipt)),
            "of a dry run there is only the receipt: {told:?}"
        );
        self.forbidden.check(&self.desks[to].name, &told, cause);
        if let DeliveryBody::Receipt(receipt) = &told
            && let Some(command) = self.published.get_mut(message.origin)
        {
            assert!(
                command.receipt.replace((**receipt).clone()).is_none(),
                "a second receipt of {command:?}"
            );
            if is_dry_run {
                return;
            }
            self.desks[to].answered(command, receipt);
            let at = self.published.len();
            if receipt.outcome != ReceiptOutcome::Rejected {
                self.forbidden.answered(&self.published[message.origin], at);
            }
        }
        if let Some(bind) = bind {
            self.publish(to, "ticket.bind.v1", bind);
        }
    }

    /// Nothing new happens; all that is on its way arrives, in an order that the numbers choose.
    pub fn settle(&mut self, order: &[u8]) {
        let mut order = order.iter().copied().cycle();
        let mut next = || order.next().unwrap_or_default();
        while !self.mail.is_empty() || self.queues.values().any(|queue| !queue.is_empty()) {
            self.clock += 1;
            let (who, which) = (next(), next());
            self.decide(who, usize::from(which), 1);
            self.deliver(usize::from(next()), 1);
        }
    }

    /// Every desk asks for all of its copies.
    pub fn resync(&mut self) -> Vec<(usize, String, usize)> {
        let mut asked = Vec::new();
        for account in 0..self.desks.len() {
            let shares: Vec<String> = self.desks[account].shares.keys().cloned().collect();
            for share in shares {
                asked.push((account, share.clone(), self.published.len()));
                self.publish(account, "ticket.resync.v1", json!({ "share_id": share }));
            }
        }
        asked
    }

    /// Takes the deliveries out that wait to be read.
    pub fn decided(&mut self) -> Vec<(usize, Message)> {
        while self.queues.values().any(|queue| !queue.is_empty()) {
            self.decide(0, 0, 1);
        }
        std::mem::take(&mut self.mail)
    }
}

fn admin() -> Value {
    json!({ "id": "1", "name": "Admin", "role": "admin" })
}

fn agent() -> Value {
    json!({ "id": "7", "name": "Agent", "role": "agent" })
}

/// The place of a transfer among its account's own changes.
fn own_order(content: &Value) -> Option<(String, u64)> {
    let time = |at: &Value| at.as_str().map(str::to_owned);
    let made = time(&content["occurred_at"])?.min(time(&content["command"]["received_at"])?);
    Some((made, content["arrival"].as_u64()?))
}

/// A desk's clock is off by some seconds, either way; some of them are in the future.
fn skew(how: u8) -> i64 {
    i64::from(how % 13) - 9
}

/// The name of an account by its number.
pub fn name(account: usize) -> &'static str {
    NAMES[account]
}
