//! Four desks that share tickets with each other and work on them, for as long as they are told to.

mod agreement;
mod gateway_desk;
mod ledger;
mod line;
mod ticket;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use contracts::ids::derive_id;
use contracts::topology::Service;
use contracts::{Receipt, ReceiptOutcome};
use fastrand::Rng;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::Desk;
use tokio_util::sync::CancellationToken;

use self::gateway_desk::GatewayDesk;
use crate::site::Site;
pub use ledger::{Book, Command, Expected, Ledger, Mark, SECRET, Ticket, marked, marks_in};
pub use line::{ACCOUNTS, AccountPath, LINES};

/// How often a desk looks whether a receipt came.
const LOOK: Duration = Duration::from_millis(5);
/// How long anything may take that has to come: a server may be away for half a minute, and a
/// delivery waits up to a minute more.
pub(crate) const LIMIT: Duration = Duration::from_mins(4);
/// How long a desk waits for a receipt before it publishes the command again, when it is told to:
/// ten minutes in the contract.
const RESEND: Duration = Duration::from_secs(8);

/// How the desks behave.
#[derive(Debug, Default)]
pub struct Manners {
    /// Every command is published again, later, in another order.
    pub repeats: AtomicBool,
    /// A command without a receipt is published again.
    pub resends: AtomicBool,
    /// By how many seconds the clock of the first desk is off.
    pub clock_off: AtomicI64,
    /// Between two actions of a worker, at most, in milliseconds.
    pub think_ms: AtomicU64,
}

/// The desks and what they have said.
#[derive(Debug)]
pub struct Traffic {
    /// What was published.
    pub ledger: Ledger,
    /// How the desks behave.
    pub manners: Manners,
    /// Who registers accounts.
    pub operator: Desk,
    desks: BTreeMap<&'static str, Arc<Desk>>,
    /// The desks among them that are behind the gateway, by the way they take.
    behind_the_gateway: BTreeMap<&'static str, GatewayDesk>,
    seed: u64,
}

impl Traffic {
    /// Registers the accounts and makes their agreements.
    ///
    /// # Errors
    /// When the broker refuses, or a command is not applied.
    pub async fn open(site: &Site, seed: u64, think: Duration) -> Result<Self> {
        let (mut desks, mut behind_the_gateway) = (BTreeMap::new(), BTreeMap::new());
        for account in ACCOUNTS {
            let operated = account.strip_prefix(&format!("{}-", Service::Gateway.name()));
            let desk = match (operated, &site.gateways) {
                (Some(address), Some(gateways)) => {
                    let desk = Arc::new(Desk::apart("", account));
                    let admin = agreement::admin_of(account);
                    let token = gateways.add(account, address, admin).await?;
                    let gateway = GatewayDesk::open(Arc::clone(&desk), &gateways.urls, &token);
                    behind_the_gateway.insert(account, gateway);
                    desk
                }
                _ => Arc::new(Desk::open(&site.admit(account).await?, account)),
            };
            desks.insert(account, desk);
        }
        let operator = Desk::open(&site.operator()?, "operator");
        let (ledger, manners) = (Ledger::default(), Manners::default());
        let traffic = Self { ledger, manners, operator, desks, behind_the_gateway, seed };
        traffic.think(think);
        agreement::register(&traffic).await?;
        for line in &LINES {
            agreement::agree(&traffic, line).await?;
        }
        Ok(traffic)
    }

    /// Waits until commands have their receipts.
    pub async fn answered(&self, commands: std::ops::Range<usize>) {
        let commands: Vec<(&'static str, String)> = self.ledger.book().commands[commands]
            .iter()
            .map(|command| (command.account, command.id.clone()))
            .collect();
        for (account, id) in commands {
            self.answer(account, &id).await;
        }
    }

    /// A desk.
    ///
    /// # Panics
    /// When there is no such account.
    #[must_use]
    pub fn desk(&self, account: &str) -> &Arc<Desk> {
        self.desks.get(account).expect("one of the accounts")
    }

    fn is_behind_the_gateway(&self, account: &str) -> bool {
        self.behind_the_gateway.contains_key(account)
    }

    /// What partners invite the account by: one that the gateway operates has the rest of its name.
    fn address<'a>(&self, account: &'a str) -> &'a str {
        let rest = account.split_once('-').map_or(account, |(_, rest)| rest);
        if self.is_behind_the_gateway(account) { rest } else { account }
    }

    /// Publishes a command, once or again, the way that its desk takes.
    async fn publish(&self, account: &'static str, id: &str, message_type: &str, content: &Value) {
        match self.behind_the_gateway.get(account) {
            Some(gateway) => {
                gateway.send(id, message_type, content).await.expect("the gateway takes a command");
            }
            None => self
                .desk(account)
                .send_json(id, message_type, content)
                .await
                .expect("the broker takes a desk's command"),
        }
    }

    /// From now on a worker pauses for half of this up to all of it between two actions.
    pub fn think(&self, pause: Duration) {
        self.manners
            .think_ms
            .store(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(2), Ordering::Relaxed);
    }

    /// Works with `workers` tickets at a time, and offers agreements beside it, until it is over;
    /// then waits for what is under way.
    pub async fn work(&self, round: u64, workers: u64, over: &CancellationToken) {
        let workers = (0..workers).map(|worker| {
            let rng = Rng::with_seed(self.seed ^ (round << 20) ^ (worker << 8) ^ 0x5eed);
            let line = &LINES[usize::try_from(worker).unwrap_or_default() % LINES.len()];
            ticket::work(self, line, rng, over)
        });
        tokio::join!(join_all(workers), agreement::offer(self, over));
    }

    /// Publishes a command and writes down what has to come of it. Returns its message id.
    async fn send(
        &self,
        account: &'static str,
        id: String,
        message_type: &'static str,
        content: Value,
        expected: Expected,
    ) -> String {
        let desk = self.desk(account);
        desk.with_model(|model| model.about_to_send(&id, message_type, &content));
        self.ledger.command(Command {
            account,
            id: id.clone(),
            message_type,
            content: content.clone(),
            expected,
        });
        self.publish(account, &id, message_type, &content).await;
        // The gateway takes a key once, whatever its desk does.
        if self.manners.repeats.load(Ordering::Relaxed) && !self.is_behind_the_gateway(account) {
            tokio::spawn(again(Arc::clone(desk), id.clone(), message_type, content));
        }
        id
    }

    /// Waits for a receipt; none when it does not come within the limit, which the check will find.
    async fn answer(&self, account: &'static str, id: &str) -> Option<Receipt> {
        let (started, mut sent) = (Instant::now(), Instant::now());
        let desk = self.desk(account);
        loop {
            if let Some((receipt, _)) = desk.answer(id) {
                self.ledger.answered();
                return Some(receipt);
            }
            if started.elapsed() > LIMIT {
                return None;
            }
            if self.manners.resends.load(Ordering::Relaxed) && sent.elapsed() > RESEND {
                self.resend(account, id).await;
                sent = Instant::now();
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn ask(
        &self,
        account: &'static str,
        message_type: &'static str,
        content: Value,
    ) -> Result<Receipt> {
        let id = self.desk(account).next_id();
        self.send(account, id.clone(), message_type, content, Expected::Done).await;
        let receipt = self.answer(account, &id).await;
        ensure!(
            receipt.as_ref().is_some_and(|receipt| receipt.outcome == ReceiptOutcome::Applied),
            "{message_type} of {account} was answered with {receipt:?}"
        );
        Ok(receipt.expect("it was looked at"))
    }

    async fn resend(&self, account: &'static str, id: &str) {
        let command = self
            .ledger
            .book()
            .commands
            .iter()
            .rfind(|it| it.account == account && it.id == id)
            .cloned();
        if let Some(Command { message_type, content, .. }) = command {
            self.publish(account, id, message_type, &content).await;
        }
    }

    /// The time at a desk, as its own clock has it.
    fn clock(&self, account: &str) -> contracts::Timestamp {
        let off =
            if account == ACCOUNTS[0] { self.manners.clock_off.load(Ordering::Relaxed) } else { 0 };
        testkit::desk::clock().plus_seconds(off)
    }

    /// An id that follows from the seed.
    fn id(&self, kind: &str, of: &str) -> String {
        derive_id(kind, &[&self.seed.to_string(), of]).to_string()
    }
}

/// Publishes a command once or twice more, within a second.
async fn again(desk: Arc<Desk>, id: String, message_type: &'static str, content: Value) {
    for _ in 0..fastrand::u32(1..=2) {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..500))).await;
        desk.send_json(&id, message_type, &content)
            .await
            .expect("the broker takes a desk's command");
    }
}

/// A person of an account.
fn actor(account: &str, role: &str) -> Value {
    json!({ "id": format!("{account}-{role}"), "name": format!("{role} of {account}"),
        "role": role })
}
