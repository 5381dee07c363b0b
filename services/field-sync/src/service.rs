//! Load, decide, apply, save.

use std::collections::{BTreeMap, BTreeSet};

use bootstrap::{Context, NoKeys};
use contracts::sync::{Action, Fact, Hop, Transfer};
use contracts::{AccountName, AgreementId, ChainId, topology};
use line::{Chain, facts, hops};
use messaging::{
    About, Content, DecideError, DecodeError, HandlerResult, Output, Received, Service,
};
use sqlx::PgConnection;

use crate::rules::{Decision, Schema, Schemas, Way, decide};
use crate::store::{self, StoredFields};
use crate::{Inbound, outbound};

/// Builds the service and runs it until the stop.
///
/// # Errors
/// When the runtime meets something that waiting does not cure.
pub async fn start(context: Context<NoKeys>) -> anyhow::Result<()> {
    context.run(FieldSync).await
}

/// The last stage of the line, which decides about status, tags and custom fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct FieldSync;

impl Service for FieldSync {
    type Inbound = Inbound;
    type State = Known;
    /// The chain as it is from now on, and what becomes of its fields. None for a fact: it was
    /// learned when the batch was loaded, and goes on as it is.
    type Decision = Option<(Chain, Decision)>;

    const SERVICE: topology::Service = topology::Service::FieldSync;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Inbound, DecodeError> {
        Inbound::decode(message_type, content)
    }

    fn about(message: &Inbound) -> About {
        match message {
            Inbound::Transfer(transfer) => {
                About::caused_by(&transfer.command, transfer.chain.as_str())
            }
            Inbound::Fact(fact) => About::caused_by(&fact.command, fact.change.subject()),
        }
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&Received<Inbound>],
    ) -> Result<Known, DecideError> {
        facts::learn(&mut *connection, batch.iter().filter_map(|received| fact(received))).await?;
        let transfers: Vec<&Transfer> =
            batch.iter().filter_map(|received| transfer(received)).collect();
        Known::load(connection, &transfers).await
    }

    fn decide(&self, known: &Known, received: &Received<Inbound>) -> Option<(Chain, Decision)> {
        transfer(received).map(|transfer| known.decide(transfer))
    }

    fn apply(
        &self,
        known: &mut Known,
        received: &Received<Inbound>,
        decision: Option<(Chain, Decision)>,
    ) -> HandlerResult {
        let outputs = match (&received.message, decision) {
            (Inbound::Fact(fact), _) => outbound::fact(fact),
            (Inbound::Transfer(transfer), Some((chain, decision))) => {
                known.apply(transfer, chain, decision)
            }
            (Inbound::Transfer(_), None) => Vec::new(),
        };
        HandlerResult::Decided(outputs)
    }

    async fn save(&self, connection: &mut PgConnection, known: Known) -> Result<(), DecideError> {
        known.save(connection).await
    }
}

fn fact(received: &Received<Inbound>) -> Option<&Fact> {
    match &received.message {
        Inbound::Fact(fact) => Some(fact),
        Inbound::Transfer(_) => None,
    }
}

fn transfer(received: &Received<Inbound>) -> Option<&Transfer> {
    match &received.message {
        Inbound::Transfer(transfer) => Some(transfer),
        Inbound::Fact(_) => None,
    }
}

/// All that a batch is decided by.
#[derive(Debug, Default)]
pub struct Known {
    chains: BTreeMap<ChainId, Chain>,
    fields: BTreeMap<ChainId, StoredFields>,
    /// Accounts' settings.
    pub schemas: Schemas,
    /// Agreements that are inactive.
    pub inactive: BTreeSet<AgreementId>,
}

impl Known {
    /// Locks the chains of a batch, then loads what its transfers are decided by.
    async fn load(
        connection: &mut PgConnection,
        transfers: &[&Transfer],
    ) -> Result<Self, DecideError> {
        let ids: BTreeSet<ChainId> =
            transfers.iter().map(|transfer| transfer.chain.clone()).collect();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        hops::lock(&mut *connection, &ids).await?;
        let chains = hops::load(&mut *connection, &ids).await?;
        let fields = store::load(&mut *connection, &ids).await?;
        let told = transfers.iter().flat_map(|transfer| &transfer.hops);
        let hops: Vec<&Hop> = chains.values().flat_map(Chain::hops).chain(told).collect();
        let publishers = transfers.iter().map(|transfer| &transfer.command.account);
        let parties = hops.iter().flat_map(|hop| [&hop.sender, &hop.receiver]);
        let accounts: BTreeSet<AccountName> = publishers.chain(parties).cloned().collect();
        let agreements: BTreeSet<AgreementId> =
            hops.iter().map(|hop| hop.agreement_id.clone()).collect();
        let settings = facts::accounts(&mut *connection, &accounts).await?;
        let inactive = facts::inactive(connection, &agreements).await?;
        let schemas = settings.into_iter().map(|(name, fact)| (name, Schema::new(fact))).collect();
        Ok(Self { chains, fields, schemas, inactive })
    }

    /// The chain with the hops and ends that a transfer brings, and what becomes of its fields.
    fn decide(&self, transfer: &Transfer) -> (Chain, Decision) {
        let mut chain = self.chains.get(&transfer.chain).cloned().unwrap_or_default();
        let new = chain.learn(&transfer.hops);
        match &transfer.action {
            Action::Unshare { share_id } => chain.end(share_id),
            Action::Share(sharing) if transfer.rejected.is_some() => chain.end(&sharing.share_id),
            _ => {}
        }
        let none = StoredFields::default();
        let stored = self.fields.get(&transfer.chain).unwrap_or(&none);
        let way =
            Way { chain: &chain, inactive: &self.inactive, new: &new, schemas: &self.schemas };
        let decision = decide(stored.fields(), &way, transfer);
        (chain, decision)
    }

    /// Keeps what a transfer changes, so that the next one meets it; returns what is sent.
    fn apply(&mut self, transfer: &Transfer, chain: Chain, mut decision: Decision) -> Vec<Output> {
        let stored = self.fields.entry(transfer.chain.clone()).or_default();
        stored.apply(decision.revision, std::mem::take(&mut decision.records));
        let outputs = outbound::transfer(transfer, &chain, decision, stored.fields());
        self.chains.insert(transfer.chain.clone(), chain);
        outputs
    }

    async fn save(self, connection: &mut PgConnection) -> Result<(), DecideError> {
        hops::save(&mut *connection, &self.chains).await?;
        store::save(connection, &self.fields).await?;
        Ok(())
    }
}
