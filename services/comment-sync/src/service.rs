//! Load, decide, apply, save.

use std::collections::{BTreeMap, BTreeSet};

use bootstrap::{Context, NoKeys};
use contracts::sync::{Action, Hop, Transfer};
use contracts::{AccountName, ChainId, CommentId, topology};
use line::{Chain, Inbound, Loaded, facts, hops};
use messaging::{About, Content, DecideError, DecodeError, HandlerResult, Received, Service};
use sqlx::PgConnection;

use crate::rules::{CcLists, ChainState, Comments, Decision, Settings, decide};
use crate::store::comment::Wanted;
use crate::{outbound, store};

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
    type State = Known;
    /// What becomes of a transfer. None for a fact: it was learned when the batch was loaded, and
    /// goes on as it is.
    type Decision = Option<Decision>;

    const SERVICE: topology::Service = topology::Service::CommentSync;

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Inbound, DecodeError> {
        Inbound::decode(message_type, content)
    }

    fn about(message: &Inbound) -> About {
        message.about()
    }

    fn weight(message: &Inbound) -> usize {
        match message {
            Inbound::Transfer(transfer) => match transfer.action {
                // All comments of the chain are loaded.
                Action::Share(_) | Action::Resync { .. } => WHOLE_CHAIN,
                _ => 0,
            },
            Inbound::Fact(_) => 0,
        }
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&Received<Inbound>],
    ) -> Result<Known, DecideError> {
        let loaded = line::load(&mut *connection, batch).await?;
        if loaded.transfers.is_empty() {
            return Ok(Known::default());
        }
        load(connection, loaded).await
    }

    fn decide(&self, known: &Known, received: &Received<Inbound>) -> Option<Decision> {
        let Inbound::Transfer(transfer) = &received.message else { return None };
        let nothing = ChainState::default();
        let state = known.chains.get(&transfer.chain).unwrap_or(&nothing);
        Some(decide(state, &known.settings, transfer))
    }

    fn apply(
        &self,
        known: &mut Known,
        received: &Received<Inbound>,
        decision: Option<Decision>,
    ) -> HandlerResult {
        let outputs = match (&received.message, decision) {
            (Inbound::Fact(fact), _) => outbound::fact(fact),
            (Inbound::Transfer(transfer), Some(Decision { changes, decided })) => {
                let state = known.chains.entry(transfer.chain.clone()).or_default();
                state.apply(changes);
                outbound::transfer(transfer, decided, &state.chain, &known.settings)
            }
            (Inbound::Transfer(_), None) => Vec::new(),
        };
        HandlerResult::Decided(outputs)
    }

    async fn save(&self, connection: &mut PgConnection, known: Known) -> Result<(), DecideError> {
        save(connection, known.chains).await
    }
}

/// Bytes that the comments of a whole chain may have, estimated.
const WHOLE_CHAIN: usize = 256 * 1024;

/// What a batch is decided by.
#[derive(Debug, Default)]
pub struct Known {
    /// The chains of the batch.
    pub chains: BTreeMap<ChainId, ChainState>,
    /// What accounts and agreements say.
    pub settings: Settings,
}

/// Loads what the transfers of a batch are decided by, beside their chains' hops.
async fn load(connection: &mut PgConnection, loaded: Loaded<'_>) -> Result<Known, DecideError> {
    let wanted = wanted(&loaded.chains, &loaded.transfers);
    let mut comments = store::comment::load(&mut *connection, &wanted).await?;
    let mut marks = store::redaction::load(&mut *connection, &wanted.comments).await?;
    let redacted = redacted(&loaded.transfers);
    let mut missed = store::missed_redaction::load(&mut *connection, &wanted, &redacted).await?;
    let mut ccs = store::ccs::load(&mut *connection, &loaded.ids()).await?;
    let settings = settings(connection, &loaded, &comments, &ccs).await?;
    let state = |(id, chain): (ChainId, Chain)| {
        let comments = comments.remove(&id).unwrap_or_default();
        let (marks, missed) =
            (marks.remove(&id).unwrap_or_default(), missed.remove(&id).unwrap_or_default());
        let ccs = ccs.remove(&id).unwrap_or_default();
        (id, ChainState { chain, comments, marks, missed, ccs })
    };
    Ok(Known { chains: loaded.chains.into_iter().map(state).collect(), settings })
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
        let named = transfer.comments.iter().map(|comment| &comment.id);
        wanted.comments.extend(named.map(|id| (transfer.chain.clone(), id.clone())));
    }
    wanted.comments.extend(redacted(transfers));
    wanted
}

/// Comments that transfers redact.
fn redacted(transfers: &[&Transfer]) -> BTreeSet<(ChainId, CommentId)> {
    let redacted = |transfer: &&Transfer| match &transfer.action {
        Action::Redact { comment_id, .. } => Some((transfer.chain.clone(), comment_id.clone())),
        _ => None,
    };
    transfers.iter().filter_map(redacted).collect()
}

async fn settings(
    connection: &mut PgConnection,
    loaded: &Loaded<'_>,
    comments: &BTreeMap<ChainId, Comments>,
    ccs: &BTreeMap<ChainId, CcLists>,
) -> Result<Settings, DecideError> {
    let publishers = loaded.transfers.iter().map(|transfer| &transfer.command.account);
    let owners = comments.values().flat_map(Comments::iter).map(|comment| &comment.account);
    // Comments come back to a hop's sender; only who has CCs there may have somebody to tell.
    let has_ccs = |hop: &&Hop| {
        ccs.values().any(|lists| !lists.of(&hop.near).is_empty())
            || tells_ccs(&loaded.transfers, hop)
    };
    let tellers = loaded.hops().filter(has_ccs).map(|hop| &hop.sender);
    let accounts: BTreeSet<AccountName> =
        publishers.chain(owners).chain(tellers).cloned().collect();
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
        no_mail_to: facts::partners_support_addresses(connection, &tellers).await?,
        inactive: loaded.inactive.clone(),
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
    let (mut comments, mut ccs) = (BTreeMap::new(), BTreeMap::new());
    let (mut marks, mut missed) = (BTreeMap::new(), BTreeMap::new());
    for (id, state) in states {
        chains.insert(id.clone(), state.chain);
        comments.insert(id.clone(), state.comments);
        marks.insert(id.clone(), state.marks);
        missed.insert(id.clone(), state.missed);
        ccs.insert(id, state.ccs);
    }
    hops::save(&mut *connection, &chains).await?;
    store::comment::save(&mut *connection, &comments).await?;
    store::redaction::save(&mut *connection, &marks).await?;
    store::missed_redaction::save(&mut *connection, &missed).await?;
    store::ccs::save(connection, &ccs).await?;
    Ok(())
}
