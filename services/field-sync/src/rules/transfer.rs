//! One transfer, decided for the whole chain.

use std::collections::{BTreeMap, BTreeSet};

use contracts::sync::{Action, Hop, Transfer};
use contracts::{AgreementId, CopyId, ItemOutcome, Reason};
use line::{Chain, DecidedFields, HopTraversal};

use super::draft;
use super::precedence::{self, ProposedChange, Verdict};
use super::propagate::Walk;
use super::publisher_changes::{self, PublisherChanges, Repeated, Sent};
use super::records::{Records, Stamp};
use super::schema::Schemas;
use super::share::{self, Confirmed, SharedItems};
use super::state::{ChainFields, Field, FieldState, OwnChange};
use super::take_over::{in_order, take_over};

/// What a transfer is decided by, beside what the copies hold.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The chain's hops, the transfer's own included.
    pub chain: &'a Chain<&'a Hop>,
    /// Agreements that are inactive.
    pub inactive: &'a BTreeSet<AgreementId>,
    /// Hops that the transfer was the first to name here.
    pub new: &'a [Hop],
    /// Accounts' settings.
    pub schemas: &'a Schemas,
}

/// What a transfer changes and what is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The chain's revision from now on.
    pub revision: u64,
    /// Records to replace.
    pub records: Vec<(CopyId, Field, FieldState)>,
    /// The way from the publisher's copy.
    pub crossings: Vec<HopTraversal>,
    /// Why a share came to nothing, if it did: its hop is not live, here or at an earlier stage.
    pub rejected: Option<Reason>,
    /// What each copy is told, and the publisher.
    pub fields: DecidedFields,
}

/// Decides a transfer.
#[must_use]
pub fn decide(known: &ChainFields, way: &Way, transfer: &Transfer) -> Decision {
    match drafted(way, transfer) {
        Some(hop) => {
            let schemas = draft::without_receiver(way.schemas, hop);
            let way = Way { schemas: &schemas, ..*way };
            draft::of_senders_side(hop, decide_by(known, &way, transfer))
        }
        None => decide_by(known, way, transfer),
    }
}

/// The hop of a share that is tried out under an agreement that is not accepted.
fn drafted<'a>(way: &Way<'a>, transfer: &Transfer) -> Option<&'a Hop> {
    let Action::Share(sharing) = &transfer.action else { return None };
    let is_draft = transfer.command.remarks.dry_run.is_some_and(|run| run.draft);
    way.chain.hop(&sharing.share_id).filter(|_| is_draft)
}

fn decide_by(known: &ChainFields, way: &Way, transfer: &Transfer) -> Decision {
    let new_share = match &transfer.action {
        Action::Share(sharing) => Some(&sharing.share_id),
        _ => None,
    };
    let new_hop = new_share.and_then(|share| way.chain.hop(share));
    let crossings = way.chain.crossings(&transfer.copy, way.inactive);
    if let Some(reason) =
        transfer.rejected.or_else(|| new_hop.and_then(|hop| why_not_live(way, hop)))
    {
        let revision = known.revision;
        return Decision {
            revision,
            records: Vec::new(),
            crossings,
            rejected: Some(reason),
            fields: DecidedFields::default(),
        };
    }
    let mut records = Records::over(known);
    let others: Vec<&Hop> = way
        .new
        .iter()
        .filter(|hop| Some(&hop.share_id) != new_share && why_not_live(way, hop).is_none())
        .collect();
    for hop in in_order(&others) {
        take_over(hop, known.revision, &mut records, way.schemas);
    }

    let publisher = way.schemas.get(&transfer.command.account);
    let PublisherChanges { changes: sent, mut decisions, repeated } =
        publisher_changes::read(&transfer.fields, publisher, &transfer.copy, &records);
    let (accepted, confirmed) =
        accept(way, transfer, new_share.is_some(), sent, &mut records, &mut decisions);
    let revision = known.revision + u64::from(!accepted.is_empty());
    let stamp = Stamp {
        account: transfer.command.account.clone(),
        revision,
        occurred_at: precedence::effective(transfer.occurred_at, transfer.command.received_at),
    };
    let took_effect = accepted.iter().any(|(field, sent)| {
        let held = records.get(&transfer.copy, field);
        held.map_or(sent.value.is_something(), |held| held.value != sent.value)
    });
    for (field, sent) in &accepted {
        let Stamp { account, revision, occurred_at } = stamp.clone();
        let state = FieldState {
            value: sent.value.clone(),
            account,
            revision,
            occurred_at,
            own: Some(own_change(transfer)),
        };
        records.put(&transfer.copy, field.clone(), state);
    }
    let repeated = repeated.iter().map(|repeated| told_once(repeated, &transfer.copy, &records));
    decisions.extend(repeated);
    let mut walk = Walk {
        copy: &transfer.copy,
        crossings: &crossings,
        new_share,
        schemas: way.schemas,
        tells_beyond: transfer.command.remarks.dry_run.is_some(),
        changes: BTreeMap::new(),
        decisions,
    };
    for (field, sent) in &accepted {
        let told = sent.differs.then(|| sent.value.json());
        walk.carry(field, &sent.item, told.as_ref(), &stamp, &mut records);
        walk.decisions.extend(lost_hops(way, transfer).map(|(hop, reason)| {
            contracts::Decision::withheld(sent.item.clone(), reason)
                .over(&hop.share_id)
                .holding(told.clone())
        }));
    }
    let Walk { changes, mut decisions, .. } = walk;
    let mut fields = DecidedFields { changes, took_effect, ..DecidedFields::default() };
    if let Some(hop) = new_hop {
        let items = SharedItems {
            carried: accepted.into_iter().map(|(field, _)| field).collect(),
            confirmed,
        };
        let (created, more) = share::create(hop, revision, &items, &mut records, way.schemas);
        fields.created = created;
        decisions.extend(more);
    }
    let asked = matches!(transfer.action, Action::Resync { .. });
    fields.revision =
        (asked || new_hop.is_some() || !transfer.fields.is_empty()).then_some(revision);
    fields.decisions = decisions;
    Decision { revision, records: records.into_changed(), crossings, rejected: None, fields }
}

/// Sorts what was sent: what is accepted as a change, and what a share merely confirms. Of the rest
/// it is decided that another change stands. A share of a copy that is in another live share
/// changes nothing that is held already.
fn accept(
    way: &Way,
    transfer: &Transfer,
    is_share: bool,
    sent: BTreeMap<Field, Sent>,
    records: &mut Records,
    decisions: &mut Vec<contracts::Decision>,
) -> (Vec<(Field, Sent)>, BTreeMap<Field, Confirmed>) {
    let held_stands = is_share && way.chain.live_inbound(&transfer.copy, way.inactive).is_some();
    let change = ProposedChange {
        account: &transfer.command.account,
        own: own_change(transfer),
        effective: precedence::effective(transfer.occurred_at, transfer.command.received_at),
        base_revision: transfer.base_revision,
    };
    let mut accepted = Vec::new();
    let mut confirmed = BTreeMap::new();
    for (field, sent) in sent {
        let held = records.get(&transfer.copy, &field);
        let verdict = match held {
            Some(held) if held_stands && sent.value.is_said_by(&held.value) => {
                let told = (sent.differs || sent.value != held.value).then(|| held.value.json());
                confirmed.insert(field, Confirmed { item: sent.item, told });
                continue;
            }
            Some(_) if held_stands => Verdict::OlderOwn,
            held => precedence::decide(held, &change),
        };
        let Some(held) = held.filter(|_| verdict != Verdict::Accepted) else {
            accepted.push((field, sent));
            continue;
        };
        // Also where what was sent says the same: the desk may show something else by now.
        let superseded = contracts::Decision::new(sent.item, ItemOutcome::Superseded)
            .because(Reason::NewerChangeExists);
        decisions.push(superseded.holding(Some(held.value.json())));
        if verdict == Verdict::Lost {
            let state = FieldState { own: Some(change.own.clone()), ..held.clone() };
            records.put(&transfer.copy, field, state);
        }
    }
    (accepted, confirmed)
}

/// What a command says of a field beside what counts of it, with what stands now.
fn told_once(repeated: &Repeated, copy: &CopyId, records: &Records) -> contracts::Decision {
    let stands = records.get(copy, &repeated.field).map(|held| held.value.json());
    contracts::Decision::new(repeated.item.clone(), ItemOutcome::Superseded)
        .because(Reason::NewerChangeExists)
        .with_detail(
            "the command names this field more than once, spelled otherwise or for another value",
        )
        .holding(stands)
}

/// The place of a change among its account's own. One that claims to be from later than it arrived
/// counts as its arrival, as it does between accounts.
fn own_change(transfer: &Transfer) -> OwnChange {
    OwnChange {
        occurred_at: precedence::effective(transfer.occurred_at, transfer.command.received_at),
        arrival: transfer.arrival,
        message_id: transfer.command.message_id.clone(),
    }
}

fn why_not_live(way: &Way, hop: &Hop) -> Option<Reason> {
    if way.chain.has_ended(&hop.share_id) {
        Some(Reason::NotShared)
    } else if way.inactive.contains(&hop.agreement_id) {
        Some(Reason::AgreementInactive)
    } else {
        None
    }
}

/// Hops of the publisher's copy that were live when the command was let in and are not any more.
fn lost_hops<'a>(way: &'a Way, transfer: &'a Transfer) -> impl Iterator<Item = (&'a Hop, Reason)> {
    let own =
        transfer.hops.iter().filter(|hop| hop.near == transfer.copy || hop.far() == transfer.copy);
    own.filter_map(|hop| why_not_live(way, hop).map(|reason| (hop, reason)))
}

#[cfg(test)]
mod tests;
