//! What every check works with: the partner, the gate, and the desk under test.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contracts::delivery::DeliveryBody;
use contracts::{AccountName, AgreementId, CommentId, Receipt, ReceiptOutcome, ShareId, Timestamp};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::door::DeskUnderTest;
use super::gate::{Gate, Told, share_of};
use super::held::Held;
use super::judge::differences;
use crate::desk::{OperatorDesk, chance};
use crate::error::{Error, Result};

/// How often a desk is asked while what it holds is not yet what it must be.
const LOOK: Duration = Duration::from_millis(200);

/// A custom field that both sides have.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The partner's key.
    pub key: String,
    pub title: String,
}

pub(super) struct Bench<'a, D> {
    pub gate: Gate,
    pub partner: OperatorDesk,
    pub desk: &'a mut D,
    pub agreement: AgreementId,
    /// The one under which the desk shares, once it was needed.
    pub outward: Option<AgreementId>,
    pub field: Option<Field>,
    /// How long Deskmesh may take.
    pub limit: Duration,
    /// How long the desk may take.
    pub patience: Duration,
    pub seed: u64,
    pub shares: Vec<ShareId>,
    /// What the desk was asked to change, with the share.
    pub changes: Vec<Value>,
    /// Comments of the partner's by id.
    pub said: Vec<(CommentId, String)>,
}

impl<D: DeskUnderTest> Bench<'_, D> {
    /// Shares a new ticket with the desk.
    pub async fn ticket(&mut self, comments: &[&str]) -> Result<ShareId> {
        self.ticket_of("Certification", comments).await
    }

    pub async fn ticket_of(&mut self, subject: &str, comments: &[&str]) -> Result<ShareId> {
        let comments: Vec<Value> = comments.iter().map(|text| self.comment(text, true)).collect();
        let mut ticket = json!({ "id": chance(), "subject": subject, "status": "open",
            "requester": actor(&self.partner.account), "comments": comments,
            "tags": [{ "name": "certified", "added_by": "user" }] });
        if let Some(field) = &self.field {
            ticket["custom_fields"] = json!({ &*field.key: "first" });
        }
        let share = json!({ "agreement_id": self.agreement, "ticket": ticket,
            "actor": actor(&self.partner.account), "occurred_at": now(0) });
        let receipt = self.ask("ticket.share.v1", &share).await?;
        let share = receipt.share_id.ok_or_else(|| unexpected("sharing", "no share is named"))?;
        self.shares.push(share.clone());
        self.gate
            .until_told(
                "the new ticket at the desk",
                |told| matches!(told, DeliveryBody::TicketCreated(it) if it.share_id == share),
            )
            .await?;
        Ok(share)
    }

    /// A comment of the partner's, with a new id.
    pub fn comment(&mut self, text: &str, public: bool) -> Value {
        let id = format!("{}/{}", self.partner.account, chance());
        if let Ok(id) = CommentId::new(id.clone()) {
            self.said.push((id, text.to_owned()));
        }
        json!({ "id": id, "body": text, "public": public })
    }

    /// Has the partner change its ticket; returns what the desk is told of it.
    pub async fn update(&mut self, share: &ShareId, change: Value) -> Result<Told> {
        let mut update = change;
        update["share_id"] = json!(share);
        update["actor"] = actor(&self.partner.account);
        update["occurred_at"] = json!(now(0));
        let before = self.gate.told(share).await.len();
        let receipt = self.ask("ticket.update.v1", &update).await?;
        if matches!(receipt.outcome, ReceiptOutcome::Rejected | ReceiptOutcome::Ignored) {
            let reason = receipt.reason.map(|reason| reason.to_string()).unwrap_or_default();
            return Err(unexpected("changing the partner's ticket", &reason));
        }
        self.next(share, before).await
    }

    /// The same for what may change nothing: then the desk is told nothing.
    pub async fn try_update(&mut self, share: &ShareId, change: Value) -> Result<()> {
        let mut update = change;
        update["share_id"] = json!(share);
        update["actor"] = actor(&self.partner.account);
        update["occurred_at"] = json!(now(0));
        self.ask("ticket.update.v1", &update).await.map(drop)
    }

    /// Has the partner redact a comment, or a file of it.
    pub async fn redact(
        &mut self,
        share: &ShareId,
        comment: &Value,
        file: Option<&str>,
    ) -> Result<Told> {
        let mut redact = json!({ "share_id": share, "comment_id": comment["id"],
            "actor": actor(&self.partner.account) });
        if let Some(file) = file {
            redact["attachment_id"] = json!(file);
        }
        let before = self.gate.told(share).await.len();
        self.ask("ticket.redact.v1", &redact).await?;
        self.next(share, before).await
    }

    /// The update that the desk is told after `before` others of the share.
    async fn next(&self, share: &ShareId, before: usize) -> Result<Told> {
        let begun = Instant::now();
        loop {
            let told = self.gate.told(share).await;
            let update = |told: &&Told| matches!(told.body, DeliveryBody::TicketUpdated(_));
            if let Some(told) = told.iter().skip(before).find(update) {
                return Ok(told.clone());
            }
            if begun.elapsed() > self.limit {
                return Err(unexpected("waiting for an update to the desk", "it did not come"));
            }
            sleep(LOOK / 4).await;
        }
    }

    /// A command of the partner's and its receipt.
    pub async fn ask(&mut self, kind: &str, content: &Value) -> Result<Receipt> {
        let asked = timeout(self.limit, self.partner.ask_json(kind, content));
        asked.await.unwrap_or_else(|_| {
            Err(Error::Late {
                what: format!("the receipt of the partner's {kind}"),
                limit: self.limit,
                last: "do the services run?".to_owned(),
            })
        })
    }

    /// Has an agent at the desk change the ticket. `None` where the desk cannot be asked for that.
    pub async fn change(&mut self, share: &ShareId, change: Value) -> Result<Option<()>> {
        let mut update = change;
        update["share_id"] = json!(share);
        if update.get("occurred_at").is_none() {
            update["occurred_at"] = json!(now(0));
        }
        let taken = self.desk.change(&update).await?;
        if taken {
            self.changes.push(update);
        }
        Ok(taken.then_some(()))
    }

    /// The desk's own command about a share, and its receipt; a sentence where none comes.
    pub async fn answered(
        &self,
        share: &ShareId,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<std::result::Result<Receipt, String>> {
        let number = self.number_of(share).await;
        let published = self.gate.until_published(self.patience, |command| {
            command.kind == "ticket.update.v1"
                && is_about(&command.content, share, number.as_deref())
                && wanted(&command.content)
        });
        let Some(command) = published.await else {
            return Ok(Err("what the agent changed was never published".to_owned()));
        };
        let receipt = self.gate.until_answered(&command.id).await?;
        if receipt.outcome == ReceiptOutcome::Rejected {
            let reason = receipt.reason.map(|reason| reason.to_string()).unwrap_or_default();
            let detail = receipt.detail.unwrap_or_default();
            return Ok(Err(format!("Deskmesh refused what the desk published: {reason} {detail}")));
        }
        Ok(Ok(receipt))
    }

    /// The number that the desk gave to its copy, if it did.
    pub async fn number_of(&self, share: &ShareId) -> Option<String> {
        let commands = self.gate.commands().await;
        let bound = commands.iter().find(|command| {
            command.kind == "ticket.bind.v1" && is_about(&command.content, share, None)
        });
        bound.and_then(|bound| bound.content["ticket_id"].as_str()).map(str::to_owned)
    }

    /// Waits until the desk holds what Deskmesh would tell it; then nothing. Else what is
    /// different. A comment goes before, so that the desk has read all that was told before it.
    pub async fn compare(&mut self, share: &ShareId) -> Result<Vec<String>> {
        let last = self.comment("The last of this check.", false);
        self.update(share, json!({ "comments": [last] })).await?;
        self.compare_at_rest(share, self.patience).await
    }

    /// The same without one.
    pub async fn compare_at_rest(
        &mut self,
        share: &ShareId,
        patience: Duration,
    ) -> Result<Vec<String>> {
        let begun = Instant::now();
        loop {
            // Asked for each time: the desk may publish something meanwhile.
            let expected = Held::expected(&self.gate.resync(share).await?);
            let report = self.desk.report(share).await?;
            let wrong = if report.is_null() {
                vec!["the desk says that it has no such ticket".to_owned()]
            } else {
                match Held::read(&report) {
                    Ok(holds) => differences(&expected, &holds),
                    Err(why) => vec![format!("the desk's report cannot be read: {why}")],
                }
            };
            if wrong.is_empty() || begun.elapsed() > patience {
                return Ok(wrong);
            }
            sleep(LOOK).await;
        }
    }

    /// Everything that the desk is told of a share goes to it now, in another order.
    pub async fn release(
        &self,
        share: &ShareId,
        order: impl FnOnce(Vec<Told>) -> Vec<Told>,
    ) -> Result<()> {
        self.gate
            .release(|held| {
                let (about, mut others): (Vec<Told>, Vec<Told>) =
                    held.into_iter().partition(|told| share_of(&told.body) == Some(share));
                others.extend(order(about));
                others
            })
            .await
    }
}

/// A desk names a ticket by a share of it, or by its own number.
pub(super) fn is_about(command: &Value, share: &ShareId, number: Option<&str>) -> bool {
    match command["share_id"].as_str() {
        Some(named) => named.eq_ignore_ascii_case(share.as_str()),
        None => number.is_some() && command["ticket_id"].as_str() == number,
    }
}

/// Who does it.
pub(super) fn actor(account: &AccountName) -> Value {
    json!({ "id": "certifier", "name": format!("Certifier of {account}"), "role": "agent" })
}

/// The time, so many seconds from now, to the millisecond.
pub(super) fn now(seconds: i64) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let whole = i64::try_from(since.as_secs()).unwrap_or_default() + seconds;
    let epoch = Timestamp::parse("1970-01-01T00:00:00Z");
    let text = epoch.map(|epoch| epoch.plus_seconds(whole).to_string()).unwrap_or_default();
    text.replace(".000Z", &format!(".{:03}Z", since.subsec_millis()))
}

pub(super) fn unexpected(what: &str, detail: &str) -> Error {
    Error::Unexpected { what: what.to_owned(), detail: detail.to_owned() }
}
