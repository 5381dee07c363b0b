//! Load → decide → save.

use std::collections::{BTreeMap, BTreeSet};

use bootstrap::{Context, NoKeys};
use contracts::sync::{Action, Fact, Transfer};
use contracts::{AccountName, AgreementId, ChainId, topology};
use line::{Chain, facts, hops};
use messaging::{DecideError, DecodeError, Received, Service, Verdict};
use serde_json::Value;
use sqlx::PgConnection;

use crate::rules::{ChainState, Comments, Settings, decide};
use crate::store::{self, Wanted};
use crate::{Inbound, outbound};

/// Builds the service and runs it until the stop.
///
/// # Errors
/// When the runtime meets something that waiting does not cure.
pub async fn start(context: Context<NoKeys>) -> anyhow::Result<()> {
    context.run(CommentSync).await
}

/// The stage of the line that decides about comments.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommentSync;

impl Service for CommentSync {
    type Inbound = Inbound;

    const SERVICE: topology::Service = topology::Service::CommentSync;

    fn decode(&self, message_type: &str, content: Value) -> Result<Inbound, DecodeError> {
        Inbound::decode(message_type, content)
    }

    async fn decide(&self, connection: &mut PgConnection, batch: &[&Received<Inbound>]) -> Result<Vec<Verdict>, DecideError> {
        facts::learn(&mut *connection, batch.iter().filter_map(|received| fact(received))).await?;
        let transfers: Vec<&Transfer> = batch.iter().filter_map(|received| transfer(received)).collect();
        let (mut chains, settings) = load(connection, &transfers).await?;
        let mut verdicts = Vec::with_capacity(batch.len());
        for received in batch {
            let outputs = match &received.message {
                Inbound::Fact(fact) => outbound::fact(fact),
                Inbound::Transfer(transfer) => {
                    let state = chains.entry(transfer.chain.clone()).or_default();
                    let decided = decide(state, &settings, transfer);
                    outbound::transfer(transfer, decided, &state.chain, &settings)
                }
            };
            verdicts.push(Verdict::Decided(outputs));
        }
        save(connection, chains).await?;
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

/// Locks the chains of a batch, then loads what their transfers are decided by.
async fn load(
    connection: &mut PgConnection,
    transfers: &[&Transfer],
) -> Result<(BTreeMap<ChainId, ChainState>, Settings), DecideError> {
    let ids: BTreeSet<ChainId> = transfers.iter().map(|transfer| transfer.chain.clone()).collect();
    if ids.is_empty() {
        return Ok((BTreeMap::new(), Settings::default()));
    }
    hops::lock(&mut *connection, &ids).await?;
    let chains = hops::load(&mut *connection, &ids).await?;
    let comments = store::load(&mut *connection, &wanted(&chains, transfers)).await?;
    let settings = settings(connection, &chains, &comments, transfers).await?;
    let mut states: BTreeMap<ChainId, ChainState> = BTreeMap::new();
    for (id, chain) in chains {
        states.insert(id, ChainState { chain, comments: Comments::default() });
    }
    for (id, comments) in comments {
        states.entry(id).or_default().comments = comments;
    }
    Ok((states, settings))
}

/// Comments named by the transfers; all of a chain that gets a hop, because the new copy takes them over.
fn wanted(chains: &BTreeMap<ChainId, Chain>, transfers: &[&Transfer]) -> Wanted {
    let mut wanted = Wanted::default();
    for transfer in transfers {
        let is_new = |share| chains.get(&transfer.chain).is_none_or(|chain| chain.hop(share).is_none());
        if matches!(transfer.action, Action::Share(_)) || transfer.hops.iter().any(|hop| is_new(&hop.share_id)) {
            wanted.chains.insert(transfer.chain.clone());
        }
        wanted.comments.extend(transfer.comments.iter().map(|comment| (transfer.chain.clone(), comment.id.clone())));
    }
    wanted
}

async fn settings(
    connection: &mut PgConnection,
    chains: &BTreeMap<ChainId, Chain>,
    comments: &BTreeMap<ChainId, Comments>,
    transfers: &[&Transfer],
) -> Result<Settings, DecideError> {
    let publishers = transfers.iter().map(|transfer| &transfer.command.account);
    let owners = comments.values().flat_map(Comments::iter).map(|comment| &comment.account);
    let accounts: BTreeSet<AccountName> = publishers.chain(owners).cloned().collect();
    let told = transfers.iter().flat_map(|transfer| &transfer.hops).map(|hop| &hop.agreement_id);
    let agreements: BTreeSet<AgreementId> = chains.values().flat_map(Chain::agreements).chain(told).cloned().collect();
    let accounts = facts::accounts(&mut *connection, &accounts).await?;
    Ok(Settings {
        secure_downloads: accounts.into_iter().map(|(name, fact)| (name, fact.secure_downloads)).collect(),
        inactive: facts::inactive(connection, &agreements).await?,
    })
}

async fn save(connection: &mut PgConnection, states: BTreeMap<ChainId, ChainState>) -> Result<(), DecideError> {
    let mut chains = BTreeMap::new();
    let mut comments = BTreeMap::new();
    for (id, state) in states {
        chains.insert(id.clone(), state.chain);
        comments.insert(id, state.comments);
    }
    hops::save(&mut *connection, &chains).await?;
    store::save(connection, &comments).await?;
    Ok(())
}
