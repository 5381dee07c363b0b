//! What a desk keeps of its tickets, by the contract's part 5: a revision per field, lower ones
//! ignored; comments as a set by id; updates that come before their `ticket.created` are kept; a
//! redaction stays, whatever comes after it.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::delivery::{DeliveryBody, Redaction, TicketCreated, TicketState, TicketUpdated};
use contracts::fields::FieldValue;
use contracts::{Decision, Item, ItemOutcome, Receipt, ReceiptOutcome};
use serde_json::{Value, json};

/// The desk's tickets.
#[derive(Clone, Debug, Default)]
pub struct Model {
    tickets: Vec<Ticket>,
    /// By number, and by share: both lead to the same ticket.
    by_number: BTreeMap<String, usize>,
    by_share: BTreeMap<String, usize>,
    /// Updates that came before the ticket they are about.
    early: BTreeMap<String, Vec<TicketUpdated>>,
    /// What commands without a receipt set, by message id.
    sent: BTreeMap<String, Sent>,
    ended: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ticket {
    /// Fields: `status`, `tag:<name>` and `custom_field:<key>`, each with the revision that set it.
    pub fields: BTreeMap<String, (Value, u64)>,
    /// Comments by id: body and whether public.
    pub comments: BTreeMap<String, (String, bool)>,
    /// Files by comment.
    pub files: BTreeMap<String, BTreeSet<String>>,
    /// Comments to be blank, also when they are still to come.
    pub redacted: BTreeSet<String>,
    /// Files to be gone, by comment and file, also when they are still to come.
    pub redacted_files: BTreeSet<(String, String)>,
}

#[derive(Clone, Debug, Default)]
struct Sent {
    ticket: Option<String>,
    share: Option<String>,
    fields: BTreeMap<String, Value>,
}

impl Model {
    /// A ticket by the desk's number.
    #[must_use]
    pub fn ticket(&self, number: &str) -> Option<&Ticket> {
        self.by_number.get(number).map(|index| &self.tickets[*index])
    }

    /// A ticket by a share it is in.
    #[must_use]
    pub fn shared(&self, share: &str) -> Option<&Ticket> {
        self.by_share.get(share).map(|index| &self.tickets[*index])
    }

    /// The lowest revision held among fields.
    #[must_use]
    pub fn base_revision(&self, number: &str, fields: &[&str]) -> Option<u64> {
        let ticket = self.ticket(number)?;
        fields
            .iter()
            .filter_map(|field| ticket.fields.get(*field))
            .map(|(_, revision)| *revision)
            .min()
    }

    /// The desk has given a number to what a share created.
    pub fn number(&mut self, share: &str, number: &str) {
        if let Some(index) = self.by_share.get(share) {
            self.by_number.insert(number.to_owned(), *index);
        }
    }

    /// An agent's action takes effect at home at once.
    pub fn about_to_send(&mut self, id: &str, name: &str, command: &Value) {
        let text =
            |pointer: &str| command.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (ticket, content) = match name {
            "ticket.share.v1" => (text("/ticket/id"), &command["ticket"]),
            "ticket.update.v1" => (text("/ticket_id"), command),
            "ticket.redact.v1" => {
                let share = text("/share_id");
                if let Some(index) = self.index(text("/ticket_id").as_deref(), share.as_deref()) {
                    self.tickets[index].redact(
                        &text("/comment_id").unwrap_or_default(),
                        text("/attachment_id").as_deref(),
                    );
                }
                return;
            }
            _ => return,
        };
        let sent =
            Sent { ticket: ticket.clone(), share: text("/share_id"), fields: fields_of(content) };
        let comments = content["comments"].as_array().cloned().unwrap_or_default();
        let index = match &ticket {
            Some(number) => self.own(number),
            None => match sent.share.as_ref().and_then(|share| self.by_share.get(share)) {
                Some(index) => *index,
                None => return,
            },
        };
        for comment in comments {
            let public = comment["public"].as_bool().unwrap_or(true);
            let body = comment["body"].as_str().unwrap_or_default().to_owned();
            let files = comment["attachments"].as_array().into_iter().flatten();
            let files = files.filter_map(|file| file["id"].as_str()).map(str::to_owned);
            let id = comment["id"].as_str().unwrap_or_default();
            self.tickets[index].hear(id, body, public, files.collect());
        }
        self.sent.insert(id.to_owned(), sent);
    }

    /// Takes what the desk is told.
    pub fn take(&mut self, told: &DeliveryBody) {
        match told {
            DeliveryBody::TicketCreated(created) => self.created(created),
            DeliveryBody::TicketUpdated(updated) => self.updated(updated),
            DeliveryBody::TicketState(state) => self.restored(state),
            DeliveryBody::Receipt(receipt) => self.answered(receipt),
            DeliveryBody::TicketUnshared(unshared) => {
                self.ended.insert(unshared.share_id.to_string());
            }
            _ => {}
        }
    }

    /// The desk has lost all its tickets.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    fn index(&self, number: Option<&str>, share: Option<&str>) -> Option<usize> {
        let by_number = number.and_then(|number| self.by_number.get(number));
        by_number.or_else(|| share.and_then(|share| self.by_share.get(share))).copied()
    }

    /// Takes what Deskmesh holds of a copy, as far as the desk holds nothing newer.
    fn restored(&mut self, state: &TicketState) {
        let share = state.share_id.to_string();
        let number = state.ticket_id.as_ref().map(ToString::to_string);
        let index = self.index(number.as_deref(), Some(&share)).unwrap_or_else(|| {
            self.tickets.push(Ticket::default());
            self.tickets.len() - 1
        });
        self.by_share.insert(share.clone(), index);
        if let Some(number) = number {
            self.by_number.insert(number, index);
        }
        let ticket = &mut self.tickets[index];
        ticket.set("status", without_null(json!(state.status.status)), state.status.revision);
        for tag in &state.tags {
            ticket.set(&format!("tag:{}", tag.name), json!(tag.present), tag.revision);
        }
        for (key, held) in &state.custom_fields {
            ticket.set(&format!("custom_field:{key}"), json!(held.value), held.revision);
        }
        ticket.hear_all(&state.comments);
        for early in self.early.remove(&share).unwrap_or_default() {
            self.updated(&early);
        }
    }

    fn own(&mut self, number: &str) -> usize {
        if let Some(index) = self.by_number.get(number) {
            return *index;
        }
        self.tickets.push(Ticket::default());
        self.by_number.insert(number.to_owned(), self.tickets.len() - 1);
        self.tickets.len() - 1
    }

    fn created(&mut self, created: &TicketCreated) {
        let share = created.share_id.to_string();
        let index = *self.by_share.entry(share.clone()).or_insert_with(|| {
            self.tickets.push(Ticket::default());
            self.tickets.len() - 1
        });
        let ticket = &mut self.tickets[index];
        let status = json!({ "value": created.status, "custom_status": created.custom_status });
        ticket.set("status", without_null(status), created.revision);
        for tag in &created.tags {
            ticket.set(&format!("tag:{tag}"), json!(true), created.revision);
        }
        for (key, value) in &created.custom_fields {
            ticket.set(&format!("custom_field:{key}"), json!(value), created.revision);
        }
        ticket.hear_all(&created.comments);
        for early in self.early.remove(&share).unwrap_or_default() {
            self.updated(&early);
        }
    }

    fn updated(&mut self, updated: &TicketUpdated) {
        let share = updated.share_id.to_string();
        let number =
            updated.ticket_id.as_ref().and_then(|number| self.by_number.get(number.as_str()));
        let Some(index) = self.by_share.get(&share).or(number).copied() else {
            self.early.entry(share).or_default().push(updated.clone());
            return;
        };
        let ticket = &mut self.tickets[index];
        let revision = updated.revision.unwrap_or_default();
        if let Some(status) = updated.status {
            ticket.set(
                "status",
                without_null(json!({ "value": status, "custom_status": updated.custom_status })),
                revision,
            );
        }
        if let Some(tags) = &updated.tags {
            let changes = tags
                .add
                .iter()
                .map(|tag| (tag, true))
                .chain(tags.remove.iter().map(|tag| (tag, false)));
            for (tag, present) in changes {
                ticket.set(&format!("tag:{tag}"), json!(present), revision);
            }
        }
        for (key, value) in &updated.custom_fields {
            ticket.set(&format!("custom_field:{key}"), json!(value), revision);
        }
        ticket.hear_all(&updated.comments);
        for Redaction { comment_id, attachment_id } in &updated.redact {
            ticket.redact(comment_id.as_str(), attachment_id.as_deref());
        }
    }

    /// The guide's *After a receipt*: each field that the command set takes value and revision
    /// together, the value of a decision or else the one that was sent.
    fn answered(&mut self, receipt: &Receipt) {
        let Some(sent) = self.sent.remove(&receipt.command_id) else { return };
        let share = receipt.share_id.as_ref().map(ToString::to_string);
        let index = match (&sent.ticket, sent.share.as_ref().or(share.as_ref())) {
            (Some(number), _) => self.own(number),
            (None, Some(share)) => match self.by_share.get(share) {
                Some(index) => *index,
                None => return,
            },
            (None, None) => return,
        };
        if receipt.outcome == ReceiptOutcome::Rejected {
            return;
        }
        if let Some(share) = share {
            self.by_share.insert(share.clone(), index);
            for early in self.early.remove(&share).unwrap_or_default() {
                self.updated(&early);
            }
        }
        let Some(revision) = receipt.revision else { return };
        for (field, value) in sent.fields {
            match outcome_at_home(&receipt.decisions, &field) {
                Home::Sent => self.tickets[index].set(&field, value, revision),
                Home::Holds(held) => self.tickets[index].set(&field, held, revision),
                Home::Nothing => {}
            }
        }
    }
}

impl Ticket {
    fn hear_all(&mut self, comments: &[SharedComment]) {
        for comment in comments {
            let files = comment.attachments.iter().map(|file| file.id.clone()).collect();
            self.hear(comment.id.as_str(), comment.body.clone(), comment.public, files);
        }
    }

    /// A comment is taken once; a redaction stays.
    fn hear(&mut self, id: &str, body: String, public: bool, files: BTreeSet<String>) {
        if self.comments.contains_key(id) {
            return;
        }
        let blank = self.redacted.contains(id);
        let body = if blank { String::new() } else { body };
        self.comments.insert(id.to_owned(), (body, public));
        let gone =
            |file: &String| blank || self.redacted_files.contains(&(id.to_owned(), file.clone()));
        let left: BTreeSet<String> = files.into_iter().filter(|file| !gone(file)).collect();
        if !left.is_empty() {
            self.files.insert(id.to_owned(), left);
        }
    }

    fn redact(&mut self, id: &str, attachment: Option<&str>) {
        if let Some(file) = attachment {
            self.redacted_files.insert((id.to_owned(), file.to_owned()));
            if let Some(files) = self.files.get_mut(id) {
                files.remove(file);
            }
            return;
        }
        self.redacted.insert(id.to_owned());
        self.files.remove(id);
        if let Some((body, _)) = self.comments.get_mut(id) {
            body.clear();
        }
    }

    fn set(&mut self, field: &str, value: Value, revision: u64) {
        let held = self.fields.get(field).map(|(_, revision)| *revision);
        if held.is_none_or(|held| revision >= held) {
            self.fields.insert(field.to_owned(), (value, revision));
        }
    }

    /// Values without revisions, cleared fields and absent tags left out: what an agent sees.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<String, Value> {
        let shown = self
            .fields
            .iter()
            .filter(|(_, (value, _))| *value != json!(false) && *value != json!({ "clear": true }));
        shown.map(|(field, (value, _))| (field.clone(), value.clone())).collect()
    }
}

enum Home {
    /// What was sent stands.
    Sent,
    /// Something else stands.
    Holds(Value),
    /// Nothing changed, and nothing is known to be held.
    Nothing,
}

/// What the publisher's own ticket holds after a receipt.
fn outcome_at_home(decisions: &[Decision], field: &str) -> Home {
    let about: Vec<&Decision> =
        decisions.iter().filter(|decision| decision.item.to_string() == field).collect();
    if let Some(value) = about.iter().find_map(|decision| decision.value.clone()) {
        return Home::Holds(value);
    }
    // Without a share the decision is about the publisher's own ticket: it was not taken.
    let refused = about
        .iter()
        .any(|decision| decision.share_id.is_none() && decision.outcome == ItemOutcome::Withheld);
    if refused { Home::Nothing } else { Home::Sent }
}

fn fields_of(content: &Value) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    if content.get("status").is_some_and(Value::is_string)
        || content.get("custom_status").is_some_and(Value::is_string)
    {
        fields.insert(
            Item::Status.to_string(),
            without_null(
                json!({ "value": content["status"], "custom_status": content["custom_status"] }),
            ),
        );
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |tag: &Value| format!("tag:{}", tag["name"].as_str().unwrap_or_default());
    let tags = &content["tags"];
    // A share lists its tags; an update says which were added and which removed.
    for tag in list(tags).iter().chain(&list(&tags["add"])).filter(|tag| tag["added_by"] != "rule")
    {
        fields.insert(name(tag), json!(true));
    }
    for tag in list(&tags["remove"]).iter().filter(|tag| tag["removed_by"] != "rule") {
        fields.insert(name(tag), json!(false));
    }
    for (key, value) in content["custom_fields"].as_object().cloned().unwrap_or_default() {
        let cleared = FieldValue::from_json(&value) == Some(FieldValue::Cleared);
        fields.insert(
            format!("custom_field:{key}"),
            if cleared { json!({ "clear": true }) } else { value },
        );
    }
    fields
}

fn without_null(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}
