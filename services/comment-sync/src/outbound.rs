//! What comment-sync sends: transfers and facts to field-sync, the end of transfers that have
//! nothing for field-sync, and notices.

use std::collections::BTreeMap;

use contracts::comment::SharedComment;
use contracts::delivery::{Delivery, Redaction};
use contracts::sync::{Action, Fact, Hop, Transfer};
use contracts::topology::Service;
use contracts::{CopyId, Decision, Item, ItemOutcome, Reason, Timestamp};
use line::{Chain, DecidedFields, HopTraversal, deliveries, finish};
use messaging::Output;

use crate::rules::{self, Decided, Overdue, Settings};

/// Bytes of comments that go on within a transfer: with all else well below what one message may
/// have. What is over it is told to the desks from here, which keep updates that come before their
/// ticket.
const COMMENTS_PER_TRANSFER: usize = 2 * 1024 * 1024;

/// Redactions in one delivery: with the longest ids it stays well below 1 MiB.
const REDACTIONS_PER_DELIVERY: usize = 500;

/// Passes a fact on, also one that is older than what is known here: its receipt waits at the end
/// of the line.
pub(crate) fn fact(fact: &Fact) -> Vec<Output> {
    vec![Output::to_service(Service::FieldSync, fact)]
}

/// Passes a decided transfer on, or ends it where field-sync has no work for it.
pub(crate) fn transfer(
    transfer: &Transfer,
    mut decided: Decided,
    chain: &Chain,
    settings: &Settings,
) -> Vec<Output> {
    let at = transfer.command.received_at;
    let notices: Vec<Output> = decided
        .notices
        .iter()
        .map(|notice| Output::to_service(Service::Notifier, notice))
        .collect();
    let redacted = std::mem::take(&mut decided.redacted);
    let overdue = to_desks(&told_late(transfer, &decided.overdue), at);
    // The comments as they came stay behind; nothing of them is copied.
    let mut passed = Transfer {
        command: transfer.command.clone(),
        chain: transfer.chain.clone(),
        copy: transfer.copy.clone(),
        hops: known_hops(transfer, chain, settings),
        action: transfer.action.clone(),
        actor: transfer.actor.clone(),
        occurred_at: transfer.occurred_at,
        arrival: transfer.arrival,
        base_revision: transfer.base_revision,
        comments: Vec::new(),
        fields: transfer.fields.clone(),
        ccs: None,
        rejected: decided.rejected,
        decisions: transfer.decisions.iter().cloned().chain(decided.decisions).collect(),
        decided_comments: decided.comments,
    };
    if let (Some((subject, decision)), Action::Share(sharing)) =
        (rules::subject(settings, transfer), &mut passed.action)
    {
        sharing.subject = subject;
        passed.decisions.push(decision);
    }
    let mut outputs = if goes_on(&passed) {
        note_what_is_new(&mut passed);
        let rest = over_the_limit(&mut passed.decided_comments);
        let rest = to_desks(&said_from_here(&passed, chain, rest), at);
        std::iter::once(Output::to_service(Service::FieldSync, &passed)).chain(rest).collect()
    } else {
        to_desks(&ended(&passed, chain, settings, &redacted), at)
    };
    outputs.extend(overdue);
    outputs.extend(notices);
    outputs
}

/// Passes on what a transfer that is tried out would come to, or ends it: no desk but the
/// publisher's is told, and nobody gets a notice.
pub(crate) fn dry_run(
    transfer: &Transfer,
    decided: Decided,
    chain: &Chain,
    settings: &Settings,
) -> Vec<Output> {
    let entry = chain.enter(transfer);
    let chain = chain.after(&entry);
    let crossings = chain.crossings(&transfer.copy, &settings.inactive);
    let beyond = beyond(transfer, &crossings, &decided);
    let mut passed = Transfer {
        comments: Vec::new(),
        ccs: None,
        rejected: decided.rejected,
        decisions: [transfer.decisions.clone(), decided.decisions, beyond].concat(),
        ..transfer.clone()
    };
    if goes_on(transfer) {
        note_what_is_new(&mut passed);
        return vec![Output::to_service(Service::FieldSync, &line::dry_run(passed))];
    }
    let rejected = passed.rejected;
    let (no_hops, no_fields) = (Chain::default(), DecidedFields::default());
    let finished = finish(&passed, &no_hops, &crossings, rejected, no_fields);
    let receipt = Delivery::receipt(&transfer.command.account, finished.receipt);
    to_desks(&[receipt], transfer.command.received_at)
}

/// The transfer's comments that would reach copies beyond the partner's, once for each such copy.
fn beyond(transfer: &Transfer, crossings: &[HopTraversal], decided: &Decided) -> Vec<Decision> {
    let further = crossings.iter().filter(|crossing| crossing.from != transfer.copy);
    let reached = further.filter_map(|crossing| decided.comments.get(&crossing.to)).flatten();
    let is_its_own = |comment: &&SharedComment| {
        transfer.comments.iter().any(|published| published.id == comment.id)
    };
    reached
        .filter(is_its_own)
        .map(|comment| {
            Decision::new(Item::Comment(comment.id.clone()), ItemOutcome::Transferred).beyond()
        })
        .collect()
}

/// Redactions for copies that missed them: they leave from here, whatever else becomes of the
/// transfer that brought the copy back.
fn told_late(transfer: &Transfer, overdue: &[Overdue]) -> Vec<Delivery> {
    let told = |overdue: &Overdue| {
        let parts = overdue.redactions.chunks(REDACTIONS_PER_DELIVERY);
        let crossing = overdue.crossing.clone();
        parts
            .map(move |part| deliveries::redacted_before(transfer, &crossing, part.to_vec()))
            .collect::<Vec<_>>()
    };
    overdue.iter().flat_map(told).collect()
}

/// Puts decisions with a reason that field-sync's release before this one does not know among the
/// remarks, which that one passes over: it would park the whole transfer.
fn note_what_is_new(passed: &mut Transfer) {
    let is_new = |decision: &mut Decision| {
        use Reason::{CommentDiffers, NoPrivateComments, TooLong};
        matches!(decision.reason, Some(CommentDiffers | NoPrivateComments | TooLong))
    };
    let remarks = passed.decisions.extract_if(.., is_new);
    passed.command.remarks.decisions.extend(remarks);
}

/// Share, end and resync visit all stages; of the rest, what has fields.
fn goes_on(transfer: &Transfer) -> bool {
    match transfer.action {
        Action::Share(_) | Action::Unshare { .. } | Action::Resync { .. } => true,
        Action::Update => !transfer.fields.is_empty(),
        Action::Redact { .. } | Action::DryRun(_) => false,
    }
}

fn ended(
    transfer: &Transfer,
    chain: &Chain,
    settings: &Settings,
    redacted: &[HopTraversal],
) -> Vec<Delivery> {
    let crossings = chain.crossings(&transfer.copy, &settings.inactive);
    let finished = finish(transfer, chain, &crossings, transfer.rejected, DecidedFields::default());
    let mut told = finished.deliveries;
    if let Action::Redact { comment_id, attachment_id } = &transfer.action {
        let redaction =
            Redaction { comment_id: comment_id.clone(), attachment_id: attachment_id.clone() };
        told.extend(
            redacted
                .iter()
                .map(|crossing| deliveries::redacted(transfer, crossing, redaction.clone())),
        );
    }
    told.push(Delivery::receipt(&transfer.command.account, finished.receipt));
    told
}

/// Takes out what does not fit into one transfer.
fn over_the_limit(
    decided: &mut BTreeMap<CopyId, Vec<SharedComment>>,
) -> BTreeMap<CopyId, Vec<SharedComment>> {
    let mut rest = BTreeMap::new();
    let mut room = COMMENTS_PER_TRANSFER;
    for (copy, comments) in decided {
        let fits = |comment: &SharedComment| {
            room = room.saturating_sub(deliveries::size(comment));
            room > 0
        };
        let fitting = comments.iter().map(fits).take_while(|fits| *fits).count();
        let over = comments.split_off(fitting);
        if !over.is_empty() {
            rest.insert(copy.clone(), over);
        }
    }
    rest
}

fn said_from_here(
    transfer: &Transfer,
    chain: &Chain,
    rest: BTreeMap<CopyId, Vec<SharedComment>>,
) -> Vec<Delivery> {
    let crossing = |copy: &CopyId| match &transfer.action {
        Action::Resync { share_id } if *copy == transfer.copy => {
            chain.crossing_over(share_id, copy)
        }
        _ => chain.crossing_to(&transfer.copy, copy),
    };
    let of_copy = |(copy, comments): (CopyId, Vec<SharedComment>)| {
        crossing(&copy)
            .map_or_else(Vec::new, |crossing| deliveries::comments(transfer, &crossing, &comments))
    };
    rest.into_iter().flat_map(of_copy).collect()
}

fn to_desks(deliveries: &[Delivery], accepted_at: Timestamp) -> Vec<Output> {
    deliveries.iter().map(|delivery| Output::to_desk(delivery, accepted_at)).collect()
}

/// The transfer's hops and those that only this stage knows of: comments were decided along both,
/// and field-sync has to find the way to every copy.
fn known_hops(transfer: &Transfer, chain: &Chain, settings: &Settings) -> Vec<Hop> {
    let told = transfer.hops.iter().map(|hop| chain.hop(&hop.share_id).unwrap_or(hop));
    let is_told = |hop: &&Hop| transfer.hops.iter().any(|told| told.share_id == hop.share_id);
    told.chain(chain.live(&settings.inactive).filter(|hop| !is_told(hop))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::{first_hop, known, share};

    #[test]
    fn a_history_of_any_length_reaches_the_new_copy_and_no_message_is_too_large() {
        let hop = first_hop();
        let chain = Chain::stored([(hop.clone(), false)]);
        let comments: Vec<SharedComment> = (0..40)
            .map(|number| {
                let content = known(&format!("acme/{number}"), "acme", &hop.near).content;
                SharedComment { body: "x".repeat(150 * 1024), ..content }
            })
            .collect();
        let decided = Decided { comments: [(hop.far(), comments)].into(), ..Decided::default() };
        let outputs = transfer(
            &share(std::slice::from_ref(&hop), Vec::new()),
            decided,
            &chain,
            &Settings::default(),
        );
        assert!(outputs.len() > 4, "{}", outputs.len());
        let told = |number: usize| {
            outputs
                .iter()
                .filter(|output| output.body().contains(&format!("\"acme/{number}\"")))
                .count()
        };
        assert!((0..40).all(|number| told(number) == 1));
        assert!(outputs.iter().all(|output| output.body().len() < 3 * 1024 * 1024));
    }
}
