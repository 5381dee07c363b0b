//! What a batch comes to, message by message: known, refused, fresh, or a second one of the same.
//! Pure.

use std::collections::BTreeMap;

use contracts::delivery::Delivery;
use contracts::topology::{RetryStep, Service};
use contracts::{AccountName, Epoch, Reason, Receipt, ReceiptOutcome, Timestamp};

use crate::decide::journal::{Decided, JournalEntry};
use crate::decide::ladder;
use crate::intake::admission::{Admission, RefusedCommand};
use crate::message::about::Correlation;
use crate::message::envelope::Envelope;
use crate::message::key::Key;
use crate::message::output::{Output, StoredOutput};
use crate::message::trace_context::TraceContext;
use crate::park_reason::ParkReason;
use crate::service::{HandlerResult, Otherwise, ReceivedMessage};

/// No output may be larger, in bytes: over it the broker closes the channel.
pub const MAX_OUTPUT: usize = contracts::limits::MESSAGE_BYTES;
/// Bytes of a short string in AMQP 0-9-1.
const LONGEST_NAME: usize = 255;

/// A message in a batch.
#[derive(Debug)]
pub(crate) struct Item<M> {
    pub envelope: Envelope,
    pub admission: Admission<M>,
    /// Context that what it causes carries.
    pub trace: TraceContext,
}

/// What became of a message of a batch.
#[derive(Clone, Debug)]
pub(crate) enum Disposition {
    /// Decided, now or before: this goes out.
    Send { outputs: Vec<StoredOutput>, outcome: &'static str },
    /// It goes to the delay ladder.
    Wait(RetryStep),
    /// It goes to the entry service whose command it is.
    Forward(Service),
    /// It goes to the service's bulk queue.
    Move,
    /// It is in the parking table.
    Parked,
}

impl<M> Item<M> {
    /// By what the journal knows it, if it is something the journal can know.
    pub fn key(&self) -> Option<&Key> {
        match &self.admission {
            Admission::Accept(known) => Some(&known.key),
            Admission::Refuse(refused) if refused.journaled => Some(&refused.key),
            Admission::Refuse(_) | Admission::Forward(_) | Admission::Park(..) => None,
        }
    }

    /// The message, when it was admitted.
    pub fn accepted(&self) -> Option<&ReceivedMessage<M>> {
        match &self.admission {
            Admission::Accept(known) => Some(&known.what),
            Admission::Refuse(_) | Admission::Forward(_) | Admission::Park(..) => None,
        }
    }

    /// What it is about.
    pub fn about(&self) -> Option<&Correlation> {
        match &self.admission {
            Admission::Accept(known) => Some(&known.about),
            Admission::Refuse(refused) => Some(&refused.about),
            Admission::Forward(_) | Admission::Park(..) => None,
        }
    }

    fn content_hash(&self) -> &[u8] {
        match &self.admission {
            Admission::Accept(known) => &known.content_hash,
            Admission::Refuse(refused) => &refused.content_hash,
            Admission::Forward(_) | Admission::Park(..) => &[],
        }
    }

    fn message_type(&self) -> &str {
        self.envelope.message_type.as_deref().unwrap_or_default()
    }
}

/// The state of a batch on its way to dispositions.
pub(crate) struct Plan<'a, M> {
    service: Service,
    epoch: Epoch,
    items: &'a [Item<M>],
    dispositions: Vec<Option<Disposition>>,
    /// A second one of the same takes the disposition of the first.
    same_as: BTreeMap<usize, usize>,
    fresh: Vec<usize>,
    decided: Vec<usize>,
    parked: Vec<(usize, ParkReason, String)>,
}

impl<'a, M> Plan<'a, M> {
    /// Sorts a batch by what the journal knows of it. What is decided has its ids from who decides
    /// it, and since which recovery.
    pub fn of(
        (service, epoch): (Service, Epoch),
        items: &'a [Item<M>],
        known: &BTreeMap<Key, JournalEntry>,
    ) -> Self {
        let mut plan = Self {
            service,
            epoch,
            items,
            dispositions: vec![None; items.len()],
            same_as: BTreeMap::new(),
            fresh: Vec::new(),
            decided: Vec::new(),
            parked: Vec::new(),
        };
        let mut first: BTreeMap<&Key, usize> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let Some(key) = item.key() else {
                plan.without_key(index);
                continue;
            };
            if let Some(entry) = known.get(key) {
                plan.known(index, key, entry);
            } else if let Some(earlier) = first.get(key) {
                if items[*earlier].content_hash() == item.content_hash() {
                    plan.same_as.insert(index, *earlier);
                } else {
                    plan.reused(index, key, items[*earlier].message_type());
                }
            } else {
                first.insert(key, index);
                plan.unknown(index);
            }
        }
        plan
    }

    /// Messages that the service has to decide.
    pub fn fresh(&self) -> &[usize] {
        &self.fresh
    }

    /// Messages to park in the same transaction.
    pub fn parked(&self) -> &[(usize, ParkReason, String)] {
        &self.parked
    }

    /// Takes the service's verdict on a fresh message.
    ///
    /// # Errors
    /// A sentence when what it causes cannot be sent.
    pub fn take(&mut self, index: usize, verdict: HandlerResult) -> Result<(), String> {
        let item = &self.items[index];
        match verdict {
            HandlerResult::Decided(outputs) => self.decide(index, outputs, "decided"),
            HandlerResult::Park(reason, detail) => {
                self.park(index, reason, detail);
                Ok(())
            }
            HandlerResult::NotYet { reason, patience, otherwise } => {
                match (ladder::step_after(item.envelope.attempt, patience), otherwise) {
                    (Some(step), _) => {
                        self.dispositions[index] = Some(Disposition::Wait(step));
                        Ok(())
                    }
                    (None, Otherwise::Decided(outputs)) => self.decide(index, outputs, "refused"),
                    (None, Otherwise::Park(park_reason)) => {
                        let detail = format!("{}: {}", reason.code(), reason.sentence());
                        self.park(index, park_reason, detail);
                        Ok(())
                    }
                }
            }
        }
    }

    /// Rows for the journal: each message that is decided now.
    pub fn journal_rows(&self) -> Vec<Decided<'_>> {
        let row = |index: &usize| {
            let item = &self.items[*index];
            let (Some(key), Some(about), Some(Disposition::Send { outputs, .. })) =
                (item.key(), item.about(), &self.dispositions[*index])
            else {
                return None;
            };
            let envelope = &item.envelope;
            Some(Decided {
                key,
                content_hash: item.content_hash(),
                message_type: item.message_type(),
                about,
                arrived_at: envelope.first_arrival,
                waits: envelope.attempt,
                trace_id: item.trace.trace_id(),
                outputs,
            })
        };
        self.decided.iter().filter_map(row).collect()
    }

    /// One disposition per message, in order.
    ///
    /// # Errors
    /// A sentence when a message has none: then the batch must not be acknowledged.
    pub fn into_dispositions(mut self) -> Result<Vec<Disposition>, String> {
        for (index, earlier) in std::mem::take(&mut self.same_as) {
            let disposition = self.dispositions[earlier].clone();
            self.dispositions[index] = disposition;
        }
        let missing =
            |index| format!("message {index} of the batch was neither decided nor parked");
        let dispositions = self.dispositions.into_iter().enumerate();
        dispositions.map(|(index, disposition)| disposition.ok_or_else(|| missing(index))).collect()
    }

    fn without_key(&mut self, index: usize) {
        let items = self.items;
        match &items[index].admission {
            Admission::Park(reason, detail) => self.park(index, *reason, detail.clone()),
            Admission::Refuse(refused) => self.answer(index, refused.clone()),
            Admission::Forward(entry) => {
                self.dispositions[index] = Some(Disposition::Forward(*entry));
            }
            Admission::Accept(_) => {}
        }
    }

    fn unknown(&mut self, index: usize) {
        let items = self.items;
        match &items[index].admission {
            Admission::Accept(_) => self.fresh.push(index),
            Admission::Refuse(refused) => {
                self.answer(index, refused.clone());
                self.decided.push(index);
            }
            Admission::Forward(_) | Admission::Park(..) => {}
        }
    }

    fn known(&mut self, index: usize, key: &Key, entry: &JournalEntry) {
        if entry.content_hash != self.items[index].content_hash() {
            self.reused(index, key, &entry.message_type);
            return;
        }
        match (&entry.outputs, self.account(key)) {
            // An edge sends nothing that would have to be sent again.
            (None, _) if self.service.is_edge() => {
                self.dispositions[index] =
                    Some(Disposition::Send { outputs: Vec::new(), outcome: "known" });
            }
            (Some(outputs), _) => {
                self.dispositions[index] =
                    Some(Disposition::Send { outputs: outputs.clone(), outcome: "known" });
            }
            (None, Some(account)) => {
                let receipt =
                    self.receipt(index, ReceiptOutcome::Ignored, Reason::AlreadyKnown, None);
                self.send_receipt(index, &account, receipt, "known");
            }
            (None, None) => {
                self.park(
                    index,
                    ParkReason::OutputsGone,
                    "decided before; its outputs are no longer kept".to_owned(),
                );
            }
        }
    }

    fn reused(&mut self, index: usize, key: &Key, other_type: &str) {
        match self.account(key) {
            Some(account) => {
                let detail = format!(
                    "this message id was used before, for another message of the type \
                     {other_type:?}"
                );
                let receipt = self.receipt(
                    index,
                    ReceiptOutcome::Rejected,
                    Reason::MessageIdReused,
                    Some(detail),
                );
                self.send_receipt(index, &account, receipt, "refused");
            }
            None => self.park(
                index,
                ParkReason::IdReused,
                "decided before with other content".to_owned(),
            ),
        }
    }

    /// Whose command it is; nobody's for a message between services, nor for a delivery at an edge.
    fn account(&self, key: &Key) -> Option<AccountName> {
        if self.service.is_edge() {
            return None;
        }
        AccountName::new(key.account.as_str()).ok()
    }

    fn answer(&mut self, index: usize, refused: RefusedCommand) {
        let receipt =
            self.receipt(index, ReceiptOutcome::Rejected, refused.reason, Some(refused.detail));
        self.send_receipt(index, &refused.to, receipt, "refused");
    }

    fn receipt(
        &self,
        index: usize,
        outcome: ReceiptOutcome,
        reason: Reason,
        detail: Option<String>,
    ) -> Receipt {
        let envelope = &self.items[index].envelope;
        let text = |value: &Option<String>| {
            value.clone().unwrap_or_default().chars().take(255).collect::<String>()
        };
        Receipt::new(text(&envelope.message_id), text(&envelope.message_type), outcome)
            .because(reason, detail)
    }

    fn send_receipt(
        &mut self,
        index: usize,
        to: &AccountName,
        receipt: Receipt,
        outcome: &'static str,
    ) {
        let item = &self.items[index];
        let accepted_at: Timestamp = item.envelope.first_arrival;
        let outputs = vec![Output::to_desk(&Delivery::receipt(to, receipt), accepted_at)];
        self.dispositions[index] =
            Some(Disposition::Send { outputs: self.stored(index, outputs), outcome });
    }

    fn decide(
        &mut self,
        index: usize,
        outputs: Vec<Output>,
        outcome: &'static str,
    ) -> Result<(), String> {
        if let Some(flaw) = outputs.iter().find_map(unsendable) {
            return Err(flaw);
        }
        self.dispositions[index] =
            Some(Disposition::Send { outputs: self.stored(index, outputs), outcome });
        self.decided.push(index);
        Ok(())
    }

    fn stored(&self, index: usize, outputs: Vec<Output>) -> Vec<StoredOutput> {
        let item = &self.items[index];
        let key = match &item.admission {
            Admission::Accept(known) => &known.key,
            Admission::Refuse(refused) => &refused.key,
            Admission::Forward(_) | Admission::Park(..) => return Vec::new(),
        };
        StoredOutput::of((self.service, self.epoch), key, item.content_hash(), &item.trace, outputs)
    }

    fn park(&mut self, index: usize, reason: ParkReason, detail: String) {
        self.dispositions[index] = Some(Disposition::Parked);
        self.parked.push((index, reason, detail));
    }
}

/// Why the broker would not take an output, if it would not.
fn unsendable(output: &Output) -> Option<String> {
    let message_type = output.message_type();
    if output.body().len() > MAX_OUTPUT {
        let bytes = output.body().len();
        return Some(format!("it causes a {message_type} of {bytes} bytes, over {MAX_OUTPUT}"));
    }
    let names = [Some(output.routing_key()), Some(message_type), output.correlation_id()];
    let long = names.into_iter().flatten().map(str::len).find(|length| *length > LONGEST_NAME)?;
    Some(format!("it causes a {message_type} with a name of {long} bytes, over {LONGEST_NAME}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::admission::Known;
    use crate::message::envelope::Via;

    fn internal(message_id: &str, content: u8) -> Item<()> {
        let first_arrival = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        let envelope = Envelope {
            via: Via::Service,
            exchange: "sync".into(),
            routing_key: "share-dispatcher.fact".into(),
            publisher: None,
            message_id: Some(message_id.into()),
            message_type: Some("fact.v1".into()),
            content_type: Some("application/json".into()),
            correlation_id: None,
            share_id: None,
            forbidden: None,
            trace: TraceContext::default(),
            attempt: 0,
            deliveries: 0,
            first_arrival,
            parked: None,
            discarded: None,
            body: vec![content],
            properties: lapin::BasicProperties::default(),
        };
        let account = ReceivedMessage::<()>::INTERNAL.to_owned();
        let what = ReceivedMessage {
            account: account.clone(),
            message_id: message_id.into(),
            message_type: "fact.v1".into(),
            publisher: None,
            remarks: contracts::sync::Remarks::default(),
            received_at: first_arrival,
            message: (),
        };
        let key = Key { account, entity: "fact".into(), message_id: message_id.into() };
        let (content_hash, about) = (vec![content], Correlation::default());
        let admission = Admission::Accept(Known { key, content_hash, about, what });
        Item { envelope, admission, trace: TraceContext::default() }
    }

    #[test]
    fn nobody_is_answered_about_a_message_between_services() {
        let entry = |outputs| JournalEntry {
            content_hash: vec![1],
            message_type: "fact.v1".into(),
            outputs,
        };
        let cases =
            [(2, Some(Vec::new()), ParkReason::IdReused), (1, None, ParkReason::OutputsGone)];
        for (content, outputs, expected) in cases {
            let items = [internal("m", content)];
            let known = [(items[0].key().unwrap().clone(), entry(outputs))].into();
            let plan = Plan::of((Service::ShareDispatcher, Epoch::default()), &items, &known);
            assert!(
                matches!(plan.parked(), [(0, reason, _)] if *reason == expected),
                "{:?}",
                plan.parked()
            );
            assert!(matches!(plan.into_dispositions().as_deref(), Ok([Disposition::Parked])));
        }
    }

    #[test]
    fn a_message_that_nobody_decided_is_a_failure_never_parked() {
        let items = [internal("m", 1)];
        let plan = Plan::of((Service::ShareDispatcher, Epoch::default()), &items, &BTreeMap::new());
        assert_eq!(plan.fresh(), [0]);
        assert!(plan.into_dispositions().is_err());
    }
}
