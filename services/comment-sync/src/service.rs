//! Load, decide, apply, save.

use std::collections::{BTreeMap, BTreeSet};

use bootstrap::{Context, NoKeys};
use contracts::sync::{Action, Hop, Transfer};
use contracts::{AccountName, ChainId, CommentId, topology};
use line::{Chain, Inbound, Loaded, facts, hops};
use messaging::{
    Content, Correlation, DecideError, DecodeError, HandlerResult, ReceivedMessage, Service,
    loadable,
};
use sqlx::PgConnection;

use crate::rules::{
    CcLists, ChainState, Comments, Decision, FirstVersions, Settings, decide, known_before,
};
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

    fn about(message: &Inbound) -> Correlation {
        message.about()
    }

    fn weight(message: &Inbound) -> usize {
        match message {
            // All comments of the chain are loaded. So they are for a ticket that is shared again,
            // and for an update that brings a hop which is new here, but that shows only when the
            // hops are loaded.
            Inbound::Transfer(transfer) | Inbound::DryRun(transfer) => match transfer.action {
                Action::Resync { .. } => WHOLE_CHAIN,
                Action::Share(_) if transfer.hops.len() > 1 => WHOLE_CHAIN,
                _ => 0,
            },
            Inbound::Fact(_) => 0,
        }
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&ReceivedMessage<Inbound>],
    ) -> Result<Known, DecideError> {
        let loaded = line::load(&mut *connection, batch).await?;
        if loaded.transfers.is_empty() {
            return Ok(Known::default());
        }
        let first = loadable(loads(&loaded.chains, batch));
        if first < batch.len() {
            return Err(DecideError::TooMuch { first });
        }
        load(connection, loaded).await
    }

    fn decide(&self, known: &Known, received: &ReceivedMessage<Inbound>) -> Option<Decision> {
        let (Inbound::Transfer(transfer) | Inbound::DryRun(transfer)) = &received.message else {
            return None;
        };
        let nothing = ChainState::default();
        let state = known.chains.get(&transfer.chain).unwrap_or(&nothing);
        let mut decision = decide(state, &known.settings, transfer);
        known.first_versions.review(transfer, &state.comments, &mut decision.decided.decisions);
        Some(decision)
    }

    fn apply(
        &self,
        known: &mut Known,
        received: &ReceivedMessage<Inbound>,
        decision: Option<Decision>,
    ) -> HandlerResult {
        let outputs = match (&received.message, decision) {
            (Inbound::Fact(fact), _) => outbound::fact(fact),
            (Inbound::Transfer(transfer), Some(Decision { changes, decided })) => {
                let state = known.chains.entry(transfer.chain.clone()).or_default();
                let before = known_before(transfer, &state.comments);
                state.apply(changes);
                known.first_versions.keep(transfer, &before, &state.comments);
                outbound::transfer(transfer, decided, &state.chain, &known.settings)
            }
            (Inbound::DryRun(transfer), Some(Decision { decided, .. })) => {
                let nothing = ChainState::default();
                let state = known.chains.get(&transfer.chain).unwrap_or(&nothing);
                outbound::dry_run(transfer, decided, &state.chain, &known.settings)
            }
            (Inbound::Transfer(_) | Inbound::DryRun(_), None) => Vec::new(),
        };
        HandlerResult::Decided(outputs)
    }

    async fn save(&self, connection: &mut PgConnection, known: Known) -> Result<(), DecideError> {
        store::first_versions::save(&mut *connection, &known.first_versions).await?;
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
    /// What was said under the ids that the batch names.
    pub first_versions: FirstVersions,
}

/// The ids of comments that transfers publish or redact.
fn named(transfers: &[&Transfer]) -> BTreeSet<CommentId> {
    let published = transfers.iter().flat_map(|transfer| &transfer.comments);
    let published = published.map(|comment| comment.id.clone());
    published.chain(redacted(transfers).into_iter().map(|(_, id)| id)).collect()
}

/// Loads what the transfers of a batch are decided by, beside their chains' hops.
async fn load(connection: &mut PgConnection, loaded: Loaded<'_>) -> Result<Known, DecideError> {
    let wanted = wanted(&loaded.chains, &loaded.transfers);
    let mut comments = store::comment::load(&mut *connection, &wanted).await?;
    let mut marks = store::redaction::load(&mut *connection, &wanted.comments).await?;
    let redacted = redacted(&loaded.transfers);
    let mut missed = store::missed_redaction::load(&mut *connection, &wanted, &redacted).await?;
    let mut ccs = store::ccs::load(&mut *connection, &loaded.ids()).await?;
    let first_versions =
        store::first_versions::load(&mut *connection, &named(&loaded.transfers)).await?;
    let settings = settings(connection, &loaded, &comments, &ccs).await?;
    let state = |(id, chain): (ChainId, Chain)| {
        let comments = comments.remove(&id).unwrap_or_default();
        let (marks, missed) =
            (marks.remove(&id).unwrap_or_default(), missed.remove(&id).unwrap_or_default());
        let ccs = ccs.remove(&id).unwrap_or_default();
        (id, ChainState { chain, comments, marks, missed, ccs })
    };
    Ok(Known { chains: loaded.chains.into_iter().map(state).collect(), settings, first_versions })
}

/// Whether a transfer needs all comments of its chain: it brings a hop, over which the new copy
/// takes them over, or asks for all.
fn needs_all(chains: &BTreeMap<ChainId, Chain>, transfer: &Transfer) -> bool {
    let is_new =
        |hop: &Hop| chains.get(&transfer.chain).is_none_or(|it| it.hop(&hop.share_id).is_none());
    matches!(transfer.action, Action::Share(_) | Action::Resync { .. })
        || transfer.hops.iter().any(is_new)
}

/// Bytes that each message of a batch has loaded: a chain as a whole by the first that needs it. A
/// chain without hops was never shared, and has no comments here.
fn loads<'a>(
    chains: &'a BTreeMap<ChainId, Chain>,
    batch: &'a [&ReceivedMessage<Inbound>],
) -> impl Iterator<Item = usize> + 'a {
    let was_shared =
        |id: &ChainId| chains.get(id).is_some_and(|chain| chain.hops().next().is_some());
    let mut whole = BTreeSet::new();
    batch.iter().map(move |received| match &received.message {
        Inbound::Transfer(transfer) | Inbound::DryRun(transfer)
            if was_shared(&transfer.chain)
                && needs_all(chains, transfer)
                && whole.insert(&transfer.chain) =>
        {
            WHOLE_CHAIN
        }
        _ => 0,
    })
}

/// Comments named by the transfers; all of a chain where one needs them.
fn wanted(chains: &BTreeMap<ChainId, Chain>, transfers: &[&Transfer]) -> Wanted {
    let mut wanted = Wanted::default();
    for transfer in transfers {
        if needs_all(chains, transfer) {
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
    let desks = loaded.hops().flat_map(|hop| [&hop.sender, &hop.receiver]).cloned().collect();
    let limits = facts::limits(&mut *connection, &desks).await?;
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
        limits,
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

#[cfg(test)]
mod tests {
    use contracts::{CopyId, TicketId};

    use contracts::sync::Remarks;

    use super::*;
    use crate::rules::samples::{acme_copy, first_hop, noon, published, second_hop, share, update};

    fn received(transfer: Transfer) -> ReceivedMessage<Inbound> {
        ReceivedMessage {
            account: ReceivedMessage::<Inbound>::INTERNAL.into(),
            message_id: "1".into(),
            message_type: "transfer.v1".into(),
            publisher: None,
            received_at: noon(),
            message: Inbound::Transfer(Box::new(transfer)),
            remarks: Remarks::default(),
        }
    }

    fn chain_from(ticket: &str) -> ChainId {
        let ticket = TicketId::new(ticket).unwrap();
        ChainId::starting_with(&CopyId::original(&AccountName::new("acme").unwrap(), &ticket))
    }

    #[test]
    fn an_update_that_brings_a_hop_has_its_whole_chain_counted_once() {
        let of = |hops: &[Hop]| update("acme", &acme_copy(), hops, vec![published("acme/1")]);
        let elsewhere = |ticket: &str, transfer: Transfer| {
            let chain = chain_from(ticket);
            Transfer { chain, ..transfer }
        };
        let (known, longer) = ([first_hop()], [first_hop(), second_hop()]);
        let batch = [
            of(&known),
            of(&longer),
            of(&longer),
            share(&longer, Vec::new()),
            elsewhere("2", share(&known, Vec::new())),
            elsewhere("3", of(&[])),
            elsewhere("4", of(&known)),
            elsewhere("5", share(&known, Vec::new())),
        ]
        .map(received);
        let chains = ["1", "2", "3"]
            .map(|ticket| (chain_from(ticket), Chain::stored([(first_hop(), false)])));
        let chains = BTreeMap::from(chains);
        let batch: Vec<_> = batch.iter().collect();
        let (whole, none) = (WHOLE_CHAIN, 0);
        assert_eq!(
            loads(&chains, &batch).collect::<Vec<_>>(),
            [none, whole, none, none, whole, none, none, none]
        );
        let transfers: Vec<&Transfer> = batch
            .iter()
            .filter_map(|received| match &received.message {
                Inbound::Transfer(transfer) => Some(&**transfer),
                Inbound::DryRun(_) | Inbound::Fact(_) => None,
            })
            .collect();
        assert_eq!(wanted(&chains, &transfers).chains, ["1", "2", "4", "5"].map(chain_from).into());
    }

    #[test]
    fn only_a_ticket_shared_on_counts_before_its_hops_are_loaded() {
        let weight = |hops: &[Hop]| {
            CommentSync::weight(&Inbound::Transfer(Box::new(share(hops, Vec::new()))))
        };
        assert_eq!(weight(&[first_hop()]), 0);
        assert_eq!(weight(&[first_hop(), second_hop()]), WHOLE_CHAIN);
    }
}
