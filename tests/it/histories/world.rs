//! A history: desks act, stages decide, deliveries arrive, each in an order that the history
//! chooses.

mod acts;

use std::collections::BTreeMap;

use contracts::delivery::DeliveryBody;
use contracts::topology::Service;
use contracts::{Receipt, ReceiptOutcome, Timestamp};
use serde_json::{Value, json};
use stages::{Line, LineMessage, Sent};

use super::checks::Forbidden;
use super::desk::{ModelDesk, PublishedCommand};

/// What happens in a step, to whom, and how: numbers, so that a history can be generated and
/// shrunk.
pub type Step = (u8, u8, u8, u8);

const NAMES: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

pub struct World {
    pub desks: Vec<ModelDesk>,
    pub line: Line,
    pub published: Vec<PublishedCommand>,
    queues: BTreeMap<Service, Vec<LineMessage>>,
    /// Deliveries on their way, with the desk they go to.
    mail: Vec<(usize, LineMessage)>,
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
        let desks = NAMES[..accounts].iter().map(|name| ModelDesk::new(name)).collect();
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
        let message = LineMessage::command(
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
        let message =
            LineMessage::command(NAMES[account], id, message_type, content.clone(), origin);
        let to = if message_type.starts_with('a') {
            Service::Agreement
        } else {
            Service::ShareDispatcher
        };
        self.queues.entry(to).or_default().push(message);
        let at = self.published.len();
        self.published.push(PublishedCommand {
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
        let is_dry_run =
            self.published.get(message.origin).is_some_and(PublishedCommand::is_dry_run);
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
    pub fn decided(&mut self) -> Vec<(usize, LineMessage)> {
        while self.queues.values().any(|queue| !queue.is_empty()) {
            self.decide(0, 0, 1);
        }
        std::mem::take(&mut self.mail)
    }
}

fn admin() -> Value {
    json!({ "id": "1", "name": "Admin", "role": "admin" })
}

/// The place of a transfer among its account's own changes.
fn own_order(content: &Value) -> Option<(String, u64)> {
    let time = |at: &Value| at.as_str().map(str::to_owned);
    let made = time(&content["occurred_at"])?.min(time(&content["command"]["received_at"])?);
    Some((made, content["arrival"].as_u64()?))
}

/// The name of an account by its number.
pub fn name(account: usize) -> &'static str {
    NAMES[account]
}
