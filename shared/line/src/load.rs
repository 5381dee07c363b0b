//! What every stage behind the entry decides a batch by, whatever its own slice is.

use std::collections::{BTreeMap, BTreeSet};

use contracts::sync::{Hop, Transfer};
use contracts::{AgreementId, ChainId};
use messaging::{DecideError, ReceivedMessage};
use sqlx::PgConnection;

use crate::inbound::{Inbound, facts as facts_of, transfers as transfers_of};
use crate::{Chain, facts, hops};

/// What a batch is decided by. Empty where it has no transfers.
#[derive(Debug, Default)]
pub struct Loaded<'a> {
    /// The transfers of the batch.
    pub transfers: Vec<&'a Transfer>,
    /// Their chains; locked, but for those that are only tried out.
    pub chains: BTreeMap<ChainId, Chain>,
    /// Agreements that end their hops.
    pub inactive: BTreeSet<AgreementId>,
}

impl Loaded<'_> {
    /// All hops that the batch may be about: the known ones, and those that its transfers name.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        let known = self.chains.values().flat_map(Chain::hops);
        known.chain(self.transfers.iter().flat_map(|transfer| &transfer.hops))
    }

    /// The ids of the chains.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<ChainId> {
        self.chains.keys().cloned().collect()
    }
}

/// Learns the facts of a batch, which are in force for all of it, locks the chains of its
/// transfers, and loads them.
///
/// # Errors
/// What the database says, or a row that cannot be read.
pub async fn load<'a>(
    connection: &mut PgConnection,
    batch: &[&'a ReceivedMessage<Inbound>],
) -> Result<Loaded<'a>, DecideError> {
    facts::learn(&mut *connection, facts_of(batch)).await?;
    let transfers = transfers_of(batch);
    let ids: BTreeSet<ChainId> = transfers.iter().map(|transfer| transfer.chain.clone()).collect();
    if ids.is_empty() {
        return Ok(Loaded::default());
    }
    // What is only tried out makes no chain and keeps nobody waiting.
    let done = transfers.iter().filter(|transfer| transfer.command.remarks.dry_run.is_none());
    let done: BTreeSet<ChainId> = done.map(|transfer| transfer.chain.clone()).collect();
    hops::lock(&mut *connection, &done).await?;
    let chains = hops::load(&mut *connection, &ids).await?;
    let loaded = Loaded { transfers, chains, inactive: BTreeSet::new() };
    let agreements = loaded.hops().map(|hop| hop.agreement_id.clone()).collect();
    let inactive = facts::inactive(connection, &agreements).await?;
    Ok(Loaded { inactive, ..loaded })
}
