//! Load → decide → save.

use std::collections::{BTreeMap, BTreeSet};

use bootstrap::{Context, NoKeys};
use contracts::sync::{Action, Fact, Hop, Transfer};
use contracts::{AccountName, AgreementId, ChainId, topology};
use line::{Chain, facts, hops};
use messaging::{
    About, Content, DecideError, DecodeError, HandlerResult, Output, Received, Service,
};
use sqlx::PgConnection;

use crate::rules::{Schema, Schemas, Way, decide};
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

    async fn decide(
        &self,
        connection: &mut PgConnection,
        batch: &[&Received<Inbound>],
    ) -> Result<Vec<HandlerResult>, DecideError> {
        facts::learn(&mut *connection, batch.iter().filter_map(|received| fact(received))).await?;
        let transfers: Vec<&Transfer> =
            batch.iter().filter_map(|received| transfer(received)).collect();
        let mut known = Known::load(connection, &transfers).await?;
        let mut verdicts = Vec::with_capacity(batch.len());
        for received in batch {
            verdicts.push(HandlerResult::Decided(known.step(&received.message)));
        }
        known.save(connection).await?;
        Ok(verdicts)
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

    /// Decides one message and keeps what it changes, so that the next one meets it; returns what
    /// is sent.
    pub fn step(&mut self, message: &Inbound) -> Vec<Output> {
        match message {
            Inbound::Fact(fact) => outbound::fact(fact),
            Inbound::Transfer(transfer) => self.decide(transfer),
        }
    }

    fn decide(&mut self, transfer: &Transfer) -> Vec<Output> {
        let chain = self.chains.entry(transfer.chain.clone()).or_default();
        let stored = self.fields.entry(transfer.chain.clone()).or_default();
        let new = chain.learn(&transfer.hops);
        match &transfer.action {
            Action::Unshare { share_id } => chain.end(share_id),
            Action::Share(sharing) if transfer.rejected.is_some() => chain.end(&sharing.share_id),
            _ => {}
        }
        let way = Way { chain, inactive: &self.inactive, new: &new, schemas: &self.schemas };
        let mut decision = decide(stored.fields(), &way, transfer);
        stored.apply(decision.revision, std::mem::take(&mut decision.records));
        outbound::transfer(transfer, chain, decision, stored.fields())
    }

    async fn save(self, connection: &mut PgConnection) -> Result<(), DecideError> {
        hops::save(&mut *connection, &self.chains).await?;
        store::save(connection, &self.fields).await?;
        Ok(())
    }
}
