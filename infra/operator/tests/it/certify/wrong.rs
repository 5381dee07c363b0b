//! A desk with one mistake: the model of the kit, and what is told it, bent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use contracts::delivery::{DeliveryBody, TicketUpdated};
use contracts::{AccountName, Item, ItemOutcome, Receipt};
use serde_json::{Value, json};
use testkit::Model;
use testkit::model::Ticket;

/// Letters after which one desk cuts a text.
const CUT: usize = 4_000;

/// What a desk does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    None,
    /// After a lost race it keeps its own value, with the receipt's revision.
    RevisionWithoutValue,
    /// It keeps no revisions.
    LastOneWins,
    /// It has one revision for the whole ticket.
    OneRevision,
    /// It forgets the revision of what was taken off or cleared.
    ForgetsRemoved,
    /// It drops what comes before its ticket.
    DropsEarly,
    /// It takes a comment as often as it is told.
    TakesTwice,
    /// It fills a blanked comment again when it is told again.
    FillsAgain,
    /// It drops a redaction of a comment that it does not have yet.
    DropsEarlyRedaction,
    /// It takes no notice of `{ "clear": true }`.
    KeepsCleared,
    /// It takes what the partner was told for its own value.
    MappedIsMine,
    /// It takes receipts for the answers of its commands in the order of these.
    ReceiptsInOrder,
    /// It keeps everything in memory.
    InMemory,
    /// It keeps commands in memory.
    ForgetsCommands,
    /// It sends a command again under a new id.
    NewIdAfterRestart,
    /// It publishes what came by sharing.
    Echoes,
    CutsText,
    /// It has room for letters of the first Unicode plane only.
    ManglesLetters,
    /// It deletes a ticket with its share.
    DeletesWithShare,
    /// It shares private comments as public ones.
    SharesAllAsPublic,
    /// It shares a ticket without its comments.
    SharesNoComments,
    /// It takes no updates for tickets that it shared itself.
    OnlyReceives,
    /// What it shared stands over what its partner set since.
    ShareStands,
    /// It takes what the partner was told at the share for its own value.
    MappedAtShare,
    /// It keeps shares in memory.
    ForgetsShares,
    /// It shares again under a new id.
    SharesAgain,
}

/// A command as it is published.
#[derive(Clone, Debug)]
pub struct Command {
    pub id: String,
    pub kind: String,
    pub content: Value,
}

/// What the desk has in memory, and the file that it is read from.
pub struct Core {
    account: AccountName,
    mistake: Mistake,
    file: File,
    model: Model,
    taken: BTreeSet<String>,
    /// Without a receipt, in the order in which they were sent.
    pending: Vec<Command>,
    pub receipts: BTreeMap<String, Receipt>,
    told_again: BTreeMap<String, usize>,
    filled_again: BTreeMap<String, String>,
    deleted: BTreeSet<String>,
    revisions: BTreeMap<String, u64>,
    counter: u64,
}

impl Core {
    /// Reads what was written; what has no receipt is to be sent again.
    pub fn open(file: &Path, account: &AccountName, mistake: Mistake) -> (Self, Vec<Command>) {
        let lines: Vec<String> = match File::open(file) {
            Ok(file) => BufReader::new(file).lines().map(Result::unwrap).collect(),
            Err(_) => Vec::new(),
        };
        let mut core = Self {
            account: account.clone(),
            mistake,
            file: OpenOptions::new().create(true).append(true).open(file).unwrap(),
            model: Model::default(),
            taken: BTreeSet::new(),
            pending: Vec::new(),
            receipts: BTreeMap::new(),
            told_again: BTreeMap::new(),
            filled_again: BTreeMap::new(),
            deleted: BTreeSet::new(),
            revisions: BTreeMap::new(),
            counter: 0,
        };
        for line in lines {
            let line: Value = serde_json::from_str(&line).unwrap();
            let text = |member: &str| line[member].as_str().unwrap().to_owned();
            let (id, kind) = (text("id"), text("kind"));
            if line["told"].is_null() {
                core.send(Command { id, kind, content: line["sent"].clone() });
            } else {
                let body = DeliveryBody::read(&kind, line["told"].to_string().as_bytes()).unwrap();
                core.taken.insert(id);
                core.apply(body);
            }
        }
        let mut again = core.pending.clone();
        for command in &mut again {
            let shares = command.kind == "ticket.share.v1" && mistake == Mistake::SharesAgain;
            if shares || mistake == Mistake::NewIdAfterRestart {
                command.id.push_str("-again");
            }
        }
        (core, again)
    }

    /// Writes a command down and lets it take effect.
    pub fn ask(&mut self, kind: &str, content: Value) -> Command {
        self.counter += 1;
        let count = self.receipts.len() + self.pending.len();
        let id = format!("{}-{count}-{}", self.account, self.counter);
        let command = Command { id, kind: kind.to_owned(), content };
        let forgets_share = self.mistake == Mistake::ForgetsShares && kind == "ticket.share.v1";
        if self.mistake != Mistake::ForgetsCommands && !forgets_share {
            self.write(&json!({ "id": command.id, "kind": kind, "sent": command.content }));
        }
        self.send(command.clone());
        command
    }

    fn send(&mut self, command: Command) {
        self.model.about_to_send(&command.id, &command.kind, &command.content);
        self.pending.push(command);
    }

    /// Takes a delivery; returns what is published because of it.
    pub fn take(&mut self, id: &str, kind: &str, body: &[u8]) -> Vec<Command> {
        let Ok(told) = DeliveryBody::read(kind, body) else { return Vec::new() };
        let repeated = !self.taken.insert(id.to_owned());
        let keeps_ids = !matches!(self.mistake, Mistake::TakesTwice | Mistake::FillsAgain);
        if repeated && keeps_ids {
            return Vec::new();
        }
        let content: Value = serde_json::from_slice(body).unwrap();
        self.write(&json!({ "id": id, "kind": kind, "told": content }));
        self.apply(told.clone());
        self.because_of(&told)
    }

    fn because_of(&mut self, told: &DeliveryBody) -> Vec<Command> {
        match told {
            DeliveryBody::TicketCreated(created) => {
                let share = created.share_id.to_string();
                let bind = json!({ "share_id": share, "ticket_id": format!("N-{share}") });
                vec![self.ask("ticket.bind.v1", bind)]
            }
            DeliveryBody::TicketUpdated(updated) if self.mistake == Mistake::Echoes => {
                let texts = updated.comments.iter().map(|comment| json!({ "body": comment.body }));
                let texts: Vec<Value> = texts.collect();
                let update = json!({ "share_id": updated.share_id, "comments": texts });
                if texts.is_empty() { Vec::new() } else { vec![self.change(&update)] }
            }
            _ => Vec::new(),
        }
    }

    /// An agent changes a ticket.
    pub fn change(&mut self, update: &Value) -> Command {
        let mut update = update.clone();
        let share = update["share_id"].as_str().unwrap().to_owned();
        let fields: Vec<&str> = if update["status"].is_string() { vec!["status"] } else { vec![] };
        let number = self.model.shared(&share).and_then(|ticket| ticket.number.clone());
        if let Some(base) = number.and_then(|number| self.model.base_revision(&number, &fields)) {
            update["base_revision"] = json!(base);
        }
        update["actor"] = json!({ "id": "1", "name": "Ann", "role": "agent" });
        if update["occurred_at"].is_null() {
            update["occurred_at"] = json!(testkit::desk::clock());
        }
        for comment in update["comments"].as_array_mut().into_iter().flatten() {
            self.counter += 1;
            let count = self.receipts.len() + self.pending.len();
            comment["id"] = json!(format!("{}/{count}-{}", self.account, self.counter));
        }
        self.ask("ticket.update.v1", update)
    }

    /// An agent shares a new ticket.
    pub fn share(&mut self, wanted: &Value) -> Command {
        let mut share = wanted.clone();
        let count = self.receipts.len() + self.pending.len();
        share["actor"] = json!({ "id": "1", "name": "Ann", "role": "agent" });
        share["ticket"]["id"] = json!(format!("S-{count}"));
        share["ticket"]["requester"] = json!({ "id": "2", "name": "Bo", "role": "end_user" });
        let comments = share["ticket"]["comments"].as_array_mut().unwrap();
        for (number, comment) in comments.iter_mut().enumerate() {
            comment["id"] = json!(format!("{}/s{count}-{number}", self.account));
            if self.mistake == Mistake::SharesAllAsPublic {
                comment["public"] = json!(true);
            }
        }
        if self.mistake == Mistake::SharesNoComments {
            comments.clear();
        }
        self.ask("ticket.share.v1", share)
    }

    /// What it says that it holds.
    pub fn report(&self, share: &str) -> Value {
        let Some(ticket) = self.model.shared(share) else { return Value::Null };
        if self.deleted.contains(share) {
            return Value::Null;
        }
        let mut report = ticket.state(share);
        let mut more = Vec::new();
        for comment in report["comments"].as_array_mut().into_iter().flatten() {
            let id = comment["id"].as_str().unwrap().to_owned();
            if let Some(text) = self.filled_again.get(&id) {
                comment["body"] = json!(text);
            }
            let again = self.told_again.get(&id).copied().unwrap_or_default();
            more.extend(std::iter::repeat_n(comment.clone(), again));
        }
        report["comments"].as_array_mut().unwrap().extend(more);
        report
    }

    fn apply(&mut self, told: DeliveryBody) {
        let told = match told {
            DeliveryBody::TicketUpdated(updated) => match self.bent(*updated) {
                Some(updated) => DeliveryBody::TicketUpdated(Box::new(updated)),
                None => return,
            },
            DeliveryBody::TicketCreated(mut created) => {
                self.counter += 1;
                if self.mistake == Mistake::LastOneWins {
                    created.revision = 1_000 + self.counter;
                }
                self.revisions.insert(created.share_id.to_string(), created.revision);
                created.comments.iter_mut().for_each(|comment| self.bend_text(&mut comment.body));
                DeliveryBody::TicketCreated(created)
            }
            DeliveryBody::Receipt(receipt) => DeliveryBody::Receipt(Box::new(self.read(*receipt))),
            DeliveryBody::TicketUnshared(unshared) => {
                if self.mistake == Mistake::DeletesWithShare {
                    self.deleted.insert(unshared.share_id.to_string());
                }
                return;
            }
            other => other,
        };
        self.model.take(&told);
    }

    fn bent(&mut self, mut updated: TicketUpdated) -> Option<TicketUpdated> {
        let share = updated.share_id.to_string();
        let ticket = self.model.shared(&share).cloned();
        let highest = self.revisions.get(&share).copied().unwrap_or_default();
        match self.mistake {
            Mistake::DropsEarly if ticket.is_none() => return None,
            Mistake::OnlyReceives if ticket.as_ref().is_some_and(is_own) => return None,
            Mistake::LastOneWins => {
                self.counter += 1;
                updated.revision = updated.revision.map(|_| 1_000 + self.counter);
            }
            Mistake::OneRevision if updated.revision.is_some_and(|it| it < highest) => {
                (updated.status, updated.tags) = (None, None);
                updated.custom_fields.clear();
            }
            Mistake::ForgetsRemoved => {
                let gone = [json!(false), json!({ "clear": true })];
                let fields = ticket.iter().flat_map(|ticket| ticket.fields.values());
                let forgotten = fields.filter(|(value, _)| gone.contains(value));
                let highest = forgotten.map(|(_, revision)| *revision).max();
                updated.revision = updated.revision.max(highest);
            }
            Mistake::DropsEarlyRedaction => updated.redact.retain(|redaction| {
                let comments = ticket.as_ref().map(|ticket| &ticket.comments);
                comments.is_some_and(|it| it.contains_key(redaction.comment_id.as_str()))
            }),
            Mistake::KeepsCleared => {
                updated.custom_fields.retain(|_, value| json!(value) != json!({ "clear": true }));
            }
            _ => {}
        }
        self.revisions.insert(share, highest.max(updated.revision.unwrap_or_default()));
        for comment in &mut updated.comments {
            self.bend_text(&mut comment.body);
            let id = comment.id.to_string();
            let known = ticket.as_ref().and_then(|ticket| ticket.comments.get(&id));
            match (self.mistake, known) {
                (Mistake::TakesTwice, Some(_)) => *self.told_again.entry(id).or_default() += 1,
                (Mistake::FillsAgain, Some(known)) if known.body.is_empty() => {
                    self.filled_again.insert(id, comment.body.clone());
                }
                _ => {}
            }
        }
        Some(updated)
    }

    fn bend_text(&self, text: &mut String) {
        match self.mistake {
            Mistake::CutsText => *text = text.chars().take(CUT).collect(),
            Mistake::ManglesLetters => {
                *text = text.chars().map(|it| if it > '\u{ffff}' { '?' } else { it }).collect();
            }
            _ => {}
        }
    }

    fn read(&mut self, mut receipt: Receipt) -> Receipt {
        let is_update = |command: &&Command| command.kind == "ticket.update.v1";
        match self.mistake {
            Mistake::RevisionWithoutValue => {
                receipt.decisions.iter_mut().for_each(|decision| decision.value = None);
            }
            Mistake::LastOneWins => {
                self.counter += 1;
                receipt.revision = receipt.revision.map(|_| 1_000 + self.counter);
            }
            Mistake::ShareStands if receipt.command_type == "ticket.share.v1" => {
                receipt.revision = receipt.revision.map(|_| 1_000);
            }
            Mistake::MappedAtShare if receipt.command_type != "ticket.share.v1" => {}
            Mistake::MappedIsMine | Mistake::MappedAtShare => {
                let mapped = receipt.decisions.iter_mut().filter(|decision| {
                    decision.item == Item::Status && decision.outcome == ItemOutcome::Mapped
                });
                mapped.for_each(|decision| decision.value = Some(json!({ "value": "open" })));
            }
            Mistake::ReceiptsInOrder if receipt.command_type == "ticket.update.v1" => {
                if let Some(oldest) = self.pending.iter().find(is_update) {
                    receipt.command_id.clone_from(&oldest.id);
                }
            }
            _ => {}
        }
        self.pending.retain(|command| command.id != receipt.command_id);
        self.receipts.insert(receipt.command_id.clone(), receipt.clone());
        receipt
    }

    fn write(&mut self, line: &Value) {
        if self.mistake != Mistake::InMemory {
            writeln!(self.file, "{line}").unwrap();
        }
    }
}

/// Whether the desk shared it itself.
fn is_own(ticket: &Ticket) -> bool {
    ticket.number.as_ref().is_some_and(|number| number.starts_with("S-"))
}
