//! Load, decide, apply, save.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bootstrap::{Context, NoKeys};
use contracts::delivery::AgreementComparison;
use contracts::sync::Transfer;
use contracts::{AgreementId, ChainId, topology};
use line::{Chain, ChainEntry, Inbound, facts, hops};
use messaging::{
    Content, Correlation, DecideError, DecodeError, HandlerResult, Output, ReceivedMessage, Service,
};
use sqlx::PgConnection;

use crate::load::load;
use crate::outbound;
use crate::rules::{Decision, Schema, Schemas, Way, comparison, decide};
use crate::store::{self, SchemaCache, StoredFields};

/// Accounts whose fields one batch compares: each may have half a MiB of them.
const COMPARED_AT_ONCE: usize = 8;

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
    type Decision = Decided;

    const SERVICE: topology::Service = topology::Service::FieldSync;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Inbound, DecodeError> {
        Inbound::decode(message_type, content)
    }

    fn about(message: &Inbound) -> Correlation {
        message.about()
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&ReceivedMessage<Inbound>],
    ) -> Result<Known, DecideError> {
        let loaded = line::load(&mut *connection, batch).await?;
        let told: Vec<_> = line::facts_of(batch).filter_map(|fact| fact.change.account()).collect();
        let accounts = told.iter().map(|account| &account.account);
        store::renew(&mut *connection, accounts, &told).await?;
        let compared = compared(&mut *connection, batch).await?;
        let mut known = load(connection, &self.schemas, loaded).await?;
        known.compared = compared;
        Ok(known)
    }

    fn decide(&self, known: &Known, received: &ReceivedMessage<Inbound>) -> Decided {
        match &received.message {
            Inbound::Transfer(transfer) | Inbound::DryRun(transfer) => {
                Decided::Transfer(Box::new(known.decide(transfer)))
            }
            Inbound::Fact(fact) => Decided::Fact(
                fact.compare.as_ref().map(|asked| comparison::compare(asked, &known.compared)),
            ),
        }
    }

    fn apply(
        &self,
        known: &mut Known,
        received: &ReceivedMessage<Inbound>,
        decided: Decided,
    ) -> HandlerResult {
        let outputs = match (&received.message, decided) {
            (Inbound::Fact(fact), Decided::Fact(compared)) => outbound::fact(fact, compared),
            (Inbound::Transfer(transfer), Decided::Transfer(decided)) => {
                let (entry, decision) = *decided;
                known.apply(transfer, entry, decision)
            }
            (Inbound::DryRun(transfer), Decided::Transfer(decided)) => {
                outbound::dry_run(transfer, decided.1)
            }
            // Decided of another message than it is applied for: the runtime does not.
            _ => Vec::new(),
        };
        HandlerResult::Decided(outputs)
    }

    async fn save(&self, connection: &mut PgConnection, known: Known) -> Result<(), DecideError> {
        known.save(connection).await
    }
}

/// What was decided of one message.
#[derive(Debug)]
pub enum Decided {
    /// What a transfer brings its chain, and what becomes of the fields.
    Transfer(Box<(ChainEntry, Decision)>),
    /// A fact was learned when the batch was loaded, and goes on as it is; with it what it asks to
    /// be compared, and the cursor of the next page.
    Fact(Option<(AgreementComparison, Option<String>)>),
}

/// The accounts whose fields are to be compared, whole: a few at a time.
async fn compared(
    connection: &mut PgConnection,
    batch: &[&ReceivedMessage<Inbound>],
) -> Result<Schemas, DecideError> {
    let mut wanted = BTreeSet::new();
    for (place, received) in batch.iter().enumerate() {
        let Inbound::Fact(fact) = &received.message else { continue };
        let Some(asked) = &fact.compare else { continue };
        wanted.extend([asked.own.clone(), asked.partner.clone()]);
        if wanted.len() > COMPARED_AT_ONCE {
            return Err(DecideError::TooMuch { first: place });
        }
    }
    if wanted.is_empty() {
        return Ok(Schemas::new());
    }
    let facts = facts::whole_accounts(connection, &wanted).await?;
    Ok(facts.into_iter().map(|fact| (fact.account.clone(), Schema::new(fact))).collect())
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
    /// Accounts that are to be compared, whole.
    pub compared: Schemas,
}

impl Known {
    /// What a transfer brings its chain, and what becomes of the chain's fields.
    fn decide(&self, transfer: &Transfer) -> (ChainEntry, Decision) {
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
    fn apply(
        &mut self,
        transfer: &Transfer,
        entry: ChainEntry,
        mut decision: Decision,
    ) -> Vec<Output> {
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
