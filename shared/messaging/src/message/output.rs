//! What a decision sends, and how it is kept beside the journal until it is certainly sent.

use contracts::delivery::Delivery;
use contracts::ids::derive_id;
use contracts::topology::{Exchange, Service};
use contracts::{AccountName, Epoch, Message, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::message::key::Key;
use crate::message::trace_context::TraceContext;

/// A message to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Output {
    exchange: String,
    routing_key: String,
    message_type: String,
    body: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share_id: Option<String>,
    /// Whose desk it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    desk: Option<AccountName>,
    /// When the command that caused it arrived, for the delay that is measured when it is
    /// delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Timestamp>,
    /// What is bound before it goes out. Kept under the name that earlier releases read.
    #[serde(default, rename = "lead", skip_serializing_if = "Option::is_none")]
    binding: Option<Binding>,
}

/// An account whose deliveries go to the queue of whoever publishes for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Binding {
    pub account: AccountName,
    pub operator: AccountName,
}

impl Output {
    /// A message between services.
    ///
    /// # Panics
    /// Never: the contract's types are all writable as JSON.
    #[must_use]
    pub fn to_service<M: Message>(to: Service, message: &M) -> Self {
        Self {
            exchange: Exchange::Sync.name().to_owned(),
            routing_key: to.key_for::<M>(),
            message_type: M::NAME.to_owned(),
            body: serde_json::value::to_raw_value(message)
                .expect("the contract's types are writable as JSON"),
            correlation_id: None,
            share_id: None,
            desk: None,
            accepted_at: None,
            binding: None,
        }
    }

    /// A message to a desk. `accepted_at` is when the command that caused it arrived.
    ///
    /// # Panics
    /// Never: the contract's types are all writable as JSON.
    #[must_use]
    pub fn to_desk(delivery: &Delivery, accepted_at: Timestamp) -> Self {
        Self {
            exchange: Exchange::Desk.name().to_owned(),
            routing_key: delivery.routing_key(),
            message_type: delivery.told.name().to_owned(),
            body: delivery.told.body().expect("the contract's types are writable as JSON"),
            correlation_id: Some(delivery.correlation_id.clone()),
            share_id: delivery.share_id.as_ref().map(ToString::to_string),
            desk: Some(delivery.to.clone()),
            accepted_at: Some(accepted_at),
            binding: None,
        }
    }

    /// The same, which goes out when the account's deliveries are bound to its operator's queue.
    #[must_use]
    pub fn once_bound(mut self, account: &AccountName, operator: &AccountName) -> Self {
        self.binding = Some(Binding { account: account.clone(), operator: operator.clone() });
        self
    }

    pub(crate) fn binding(&self) -> Option<&Binding> {
        self.binding.as_ref()
    }

    /// The exchange it goes to.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// The key it goes with.
    #[must_use]
    pub fn routing_key(&self) -> &str {
        &self.routing_key
    }

    /// The AMQP `type`.
    #[must_use]
    pub fn message_type(&self) -> &str {
        &self.message_type
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &str {
        self.body.get()
    }

    pub(crate) fn raw_body(&self) -> &RawValue {
        &self.body
    }

    /// The command, share or agreement it answers.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    pub(crate) fn share_id(&self) -> Option<&str> {
        self.share_id.as_deref()
    }

    pub(crate) fn desk(&self) -> Option<&AccountName> {
        self.desk.as_ref()
    }

    pub(crate) fn accepted_at(&self) -> Option<Timestamp> {
        self.accepted_at
    }
}

/// An output with its identity: derived from what caused it, so that whoever gets it twice drops
/// the second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredOutput {
    pub id: Uuid,
    #[serde(default)]
    pub trace: TraceContext,
    pub output: Output,
}

impl StoredOutput {
    /// Gives the outputs of one decided message their ids: other ones after a recovery, because
    /// whoever remembers the same message from before it would drop what is decided now.
    pub fn of(
        (service, epoch): (Service, Epoch),
        key: &Key,
        content_hash: &[u8],
        trace: &TraceContext,
        outputs: Vec<Output>,
    ) -> Vec<Self> {
        let hash = crate::message::content::hex(content_hash);
        let id = |index: usize| {
            let (index, since) = (index.to_string(), epoch.number().to_string());
            let parts =
                [service.name(), &key.account, &key.entity, &key.message_id, &hash, &index, &since];
            // Before the first recovery an id is what it was before there was any.
            let parts = if epoch == Epoch::default() { &parts[..6] } else { &parts[..] };
            derive_id("output", parts)
        };
        let numbered = outputs.into_iter().enumerate();
        numbered
            .map(|(index, output)| Self { id: id(index), trace: trace.clone(), output })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Receipt, ReceiptOutcome};

    use super::*;

    fn id(epoch: u16, message_id: &str) -> Uuid {
        let account = AccountName::new("acme").unwrap();
        let key = Key {
            account: account.to_string(),
            entity: "ticket".into(),
            message_id: message_id.into(),
        };
        let receipt = Receipt::new(message_id, "ticket.bind.v1", ReceiptOutcome::Applied);
        let now = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        let output = Output::to_desk(&Delivery::receipt(&account, receipt), now);
        let by = (Service::FieldSync, Epoch::new(epoch).unwrap());
        StoredOutput::of(by, &key, b"hash", &TraceContext::default(), vec![output])[0].id
    }

    #[test]
    fn an_id_follows_from_what_caused_it() {
        assert_eq!(id(0, "m1"), id(0, "m1"));
        assert_ne!(id(0, "m1"), id(0, "m2"));
        // What earlier releases sent had this id.
        let parts = ["field-sync", "acme", "ticket", "m1", "68617368", "0"];
        assert_eq!(id(0, "m1"), derive_id("output", &parts));
    }

    #[test]
    fn c4_what_is_decided_again_after_a_recovery_is_no_repeat() {
        assert_ne!(id(1, "m1"), id(0, "m1"));
        assert_ne!(id(2, "m1"), id(1, "m1"));
        assert_eq!(id(1, "m1"), id(1, "m1"));
    }
}
