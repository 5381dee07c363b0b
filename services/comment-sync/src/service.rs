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

use crate::rules::{CcLists, ChainState, Comments, Settings, decide};
use crate::store;
use crate::store::comment::Wanted;
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
        let (mut chains, settings) = load(connection, &transfers).await?;
        let mut verdicts = Vec::with_capacity(batch.len());
        for received in batch {
            verdicts.push(HandlerResult::Decided(step(&mut chains, &settings, &received.message)));
        }
        save(connection, chains).await?;
        Ok(verdicts)
    }
}

/// Decides one message and keeps what it changes, so that the next one meets it; returns what is
/// sent.
pub fn step(
    chains: &mut BTreeMap<ChainId, ChainState>,
    settings: &Settings,
    message: &Inbound,
) -> Vec<Output> {
    match message {
        Inbound::Fact(fact) => outbound::fact(fact),
        Inbound::Transfer(transfer) => {
            let state = chains.entry(transfer.chain.clone()).or_default();
            let decided = decide(state, settings, transfer);
            outbound::transfer(transfer, decided, &state.chain, settings)
        }
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
    let wanted = wanted(&chains, transfers);
    let mut comments = store::comment::load(&mut *connection, &wanted).await?;
    let mut marks = store::redaction::load(&mut *connection, &wanted.comments).await?;
    let mut ccs = store::ccs::load(&mut *connection, &ids).await?;
    let settings = settings(connection, &chains, &comments, &ccs, transfers).await?;
    let state = |(id, chain): (ChainId, Chain)| {
        let comments = comments.remove(&id).unwrap_or_default();
        let (marks, ccs) =
            (marks.remove(&id).unwrap_or_default(), ccs.remove(&id).unwrap_or_default());
        (id, ChainState { chain, comments, marks, ccs })
    };
    Ok((chains.into_iter().map(state).collect(), settings))
}

/// Comments named by the transfers; all of a chain that gets a hop, because the new copy takes them
/// over, or that is asked for whole.
fn wanted(chains: &BTreeMap<ChainId, Chain>, transfers: &[&Transfer]) -> Wanted {
    let mut wanted = Wanted::default();
    for transfer in transfers {
        let is_new =
            |share| chains.get(&transfer.chain).is_none_or(|chain| chain.hop(share).is_none());
        let whole = matches!(transfer.action, Action::Share(_) | Action::Resync { .. });
        if whole || transfer.hops.iter().any(|hop| is_new(&hop.share_id)) {
            wanted.chains.insert(transfer.chain.clone());
        }
        let redacted = match &transfer.action {
            Action::Redact { comment_id, .. } => Some(comment_id),
            _ => None,
        };
        let named = transfer.comments.iter().map(|comment| &comment.id).chain(redacted);
        wanted.comments.extend(named.map(|id| (transfer.chain.clone(), id.clone())));
    }
    wanted
}

async fn settings(
    connection: &mut PgConnection,
    chains: &BTreeMap<ChainId, Chain>,
    comments: &BTreeMap<ChainId, Comments>,
    ccs: &BTreeMap<ChainId, CcLists>,
    transfers: &[&Transfer],
) -> Result<Settings, DecideError> {
    let publishers = transfers.iter().map(|transfer| &transfer.command.account);
    let owners = comments.values().flat_map(Comments::iter).map(|comment| &comment.account);
    let told = transfers.iter().flat_map(|transfer| &transfer.hops);
    let hops: Vec<&Hop> = chains.values().flat_map(Chain::hops).chain(told).collect();
    // Comments come back to a hop's sender; only who has CCs there may have somebody to tell.
    let has_ccs = |hop: &&&Hop| {
        ccs.values().any(|lists| !lists.of(&hop.near).is_empty()) || tells_ccs(transfers, hop)
    };
    let tellers = hops.iter().filter(has_ccs).map(|hop| &hop.sender);
    let accounts: BTreeSet<AccountName> =
        publishers.chain(owners).chain(tellers).cloned().collect();
    let agreements: BTreeSet<AgreementId> =
        hops.iter().map(|hop| hop.agreement_id.clone()).collect();
    let accounts = facts::accounts(&mut *connection, &accounts).await?;
    let tellers = accounts
        .values()
        .filter(|account| account.notify_ccs)
        .map(|account| account.account.clone())
        .collect();
    Ok(Settings {
        secure_downloads: accounts
            .iter()
            .map(|(name, fact)| (name.clone(), fact.secure_downloads))
            .collect(),
        no_mail_to: facts::partners_support_addresses(&mut *connection, &tellers).await?,
        inactive: facts::inactive(connection, &agreements).await?,
        accounts,
    })
}

/// Whether one of the transfers tells the CCs of a hop's near copy.
fn tells_ccs(transfers: &[&Transfer], hop: &Hop) -> bool {
    transfers.iter().any(|transfer| {
        transfer.copy == hop.near && transfer.ccs.as_ref().is_some_and(|ccs| !ccs.is_empty())
    })
}

async fn save(
    connection: &mut PgConnection,
    states: BTreeMap<ChainId, ChainState>,
) -> Result<(), DecideError> {
    let mut chains = BTreeMap::new();
    let (mut comments, mut marks, mut ccs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (id, state) in states {
        chains.insert(id.clone(), state.chain);
        comments.insert(id.clone(), state.comments);
        marks.insert(id.clone(), state.marks);
        ccs.insert(id, state.ccs);
    }
    hops::save(&mut *connection, &chains).await?;
    store::comment::save(&mut *connection, &comments).await?;
    store::redaction::save(&mut *connection, &marks).await?;
    store::ccs::save(connection, &ccs).await?;
    Ok(())
}
