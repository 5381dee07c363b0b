//! Load, decide, apply, save.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bootstrap::{Context, NoKeys};
use contracts::sync::Transfer;
use contracts::{AgreementId, ChainId, topology};
use line::{Chain, Entry, Inbound, hops};
use messaging::{
    About, Content, DecideError, DecodeError, HandlerResult, Output, Received, Service,
};
use sqlx::PgConnection;

use crate::load::load;
use crate::outbound;
use crate::rules::{Decision, Schemas, Way, decide};
use crate::store::{self, SchemaCache, StoredFields};

/// Builds the service and runs it until the stop.
///
/// # Errors
/// When the runtime meets something that waiting does not cure.
pub async fn start(context: Context<NoKeys>) -> anyhow::Result<()> {
    context.run(FieldSync::default()).await
}

/// The last stage of the line, which decides about status, tags and custom fields.
#[derive(Clone, Debug, Default)]
pub struct FieldSync {
    schemas: Arc<SchemaCache>,
}

impl Service for FieldSync {
    type Inbound = Inbound;
    type State = Known;
    /// What a transfer brings its chain, and what becomes of the fields. None for a fact: it was
    /// learned when the batch was loaded, and goes on as it is.
    type Decision = Option<(Entry, Decision)>;

    const SERVICE: topology::Service = topology::Service::FieldSync;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Inbound, DecodeError> {
        Inbound::decode(message_type, content)
    }

    fn about(message: &Inbound) -> About {
        message.about()
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&Received<Inbound>],
    ) -> Result<Known, DecideError> {
        let loaded = line::load(&mut *connection, batch).await?;
        let told: Vec<_> = line::facts_of(batch).filter_map(|fact| fact.change.account()).collect();
        let accounts = told.iter().map(|account| &account.account);
        store::renew(&mut *connection, accounts, &told).await?;
        load(connection, &self.schemas, loaded).await
    }

    fn decide(&self, known: &Known, received: &Received<Inbound>) -> Option<(Entry, Decision)> {
        match &received.message {
            Inbound::Transfer(transfer) | Inbound::DryRun(transfer) => Some(known.decide(transfer)),
            Inbound::Fact(_) => None,
        }
    }

    fn apply(
        &self,
        known: &mut Known,
        received: &Received<Inbound>,
        decision: Option<(Entry, Decision)>,
    ) -> HandlerResult {
        let outputs = match (&received.message, decision) {
            (Inbound::Fact(fact), _) => outbound::fact(fact),
            (Inbound::Transfer(transfer), Some((entry, decision))) => {
                known.apply(transfer, entry, decision)
            }
            (Inbound::DryRun(transfer), Some((_, decision))) => {
                outbound::dry_run(transfer, decision)
            }
            (Inbound::Transfer(_) | Inbound::DryRun(_), None) => Vec::new(),
        };
        HandlerResult::Decided(outputs)
    }

    async fn save(&self, connection: &mut PgConnection, known: Known) -> Result<(), DecideError> {
        known.save(connection).await
    }
}

/// All that a batch is decided by.
#[derive(Debug, Default)]
pub struct Known {
    pub(crate) chains: BTreeMap<ChainId, Chain>,
    pub(crate) fields: BTreeMap<ChainId, StoredFields>,
    /// Accounts' settings: whole, or as far as the batch touches them.
    pub schemas: Schemas,
    /// Agreements that are inactive.
    pub inactive: BTreeSet<AgreementId>,
}

impl Known {
    /// What a transfer brings its chain, and what becomes of the chain's fields.
    fn decide(&self, transfer: &Transfer) -> (Entry, Decision) {
        let (no_hops, no_fields) = (Chain::default(), StoredFields::default());
        let known = self.chains.get(&transfer.chain).unwrap_or(&no_hops);
        let entry = known.enter(transfer);
        let chain = known.after(&entry);
        let new = entry.new_hops();
        let way = Way { chain: &chain, inactive: &self.inactive, new, schemas: &self.schemas };
        let stored = self.fields.get(&transfer.chain).unwrap_or(&no_fields);
        let decision = decide(stored.fields(), &way, transfer);
        (entry, decision)
    }

    /// Keeps what a transfer changes, so that the next one meets it; returns what is sent.
    fn apply(&mut self, transfer: &Transfer, entry: Entry, mut decision: Decision) -> Vec<Output> {
        let chain = self.chains.entry(transfer.chain.clone()).or_default();
        chain.apply(entry);
        let stored = self.fields.entry(transfer.chain.clone()).or_default();
        stored.apply(decision.revision, std::mem::take(&mut decision.records));
        outbound::transfer(transfer, chain, decision, stored.fields())
    }

    async fn save(self, connection: &mut PgConnection) -> Result<(), DecideError> {
        hops::save(&mut *connection, &self.chains).await?;
        store::save(connection, &self.fields).await?;
        Ok(())
    }
}
