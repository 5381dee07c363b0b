//! One transfer, decided as a whole for its chain.

use std::collections::BTreeSet;

use contracts::sync::{Action, Hop, Transfer};
use line::Chain;

use super::ccs::CcList;
use super::contents::{Sent, beyond_limits, contents, held_by, kept_back_from};
use super::draft::Draft;
use super::ended::{not_live, why_ended};
use super::missed::{Missed, Overdue, overdue};
use super::notices::notices;
use super::publish::publish;
use super::redaction::{Mark, redact};
use super::take_over::take_over_all;
use super::unreached::Publisher;
use super::walk::carry;
use super::{ChainState, Changes, Decided, Decision, Settings};

/// What a transfer is decided by.
#[derive(Clone, Copy)]
struct Given<'a> {
    /// What is known of its chain.
    state: &'a ChainState,
    /// The chain, with what the transfer brings.
    chain: &'a Chain<&'a Hop>,
    settings: &'a Settings,
    transfer: &'a Transfer,
    /// The hop that its share creates a copy over, if it is live.
    created: Option<&'a Hop>,
}

/// Decides a transfer.
#[must_use]
pub fn decide(state: &ChainState, settings: &Settings, transfer: &Transfer) -> Decision {
    let mut entry = state.chain.enter(transfer);
    let rejected = why_ended(&state.chain.after(&entry), settings, &transfer.action);
    if let (Some(_), Action::Share(sharing)) = (rejected, &transfer.action) {
        // What comes to nothing here comes to nothing at the end of the line, whatever is known
        // there.
        entry.end(&sharing.share_id);
    }
    let chain = state.chain.after(&entry);
    let live: Vec<&Hop> = chain.live(&settings.inactive).collect();
    let overdue = overdue(&state.missed, &live);
    let heard: BTreeSet<Missed> = overdue.iter().flat_map(Overdue::missed).collect();
    let created = created_hop(&live, &transfer.action);
    let mut comments = Draft::over(&state.comments);
    let sent = take_over_all(&chain, settings, entry.new_hops(), created, &mut comments);
    let Decision { changes, decided } = if rejected.is_some() {
        let comments = comments.tell(settings, sent);
        let decided = Decided { comments, rejected, ..Decided::default() };
        Decision { decided, ..Decision::default() }
    } else {
        let given = Given { state, chain: &chain, settings, transfer, created };
        carry_out(given, &heard, &mut comments, sent)
    };
    let (comments, heard) = (comments.into_changes(), heard.into_iter().collect());
    Decision {
        changes: Changes { entry, comments, heard, ..changes },
        decided: Decided { overdue, ..decided },
    }
}

/// Decides what the command itself asks for; `heard` is what copies miss no more, `sent` what new
/// hops brought to which copy.
fn carry_out(given: Given, heard: &BTreeSet<Missed>, comments: &mut Draft, sent: Sent) -> Decision {
    let Given { settings, transfer, .. } = given;
    match &transfer.action {
        Action::Redact { comment_id, attachment_id } => {
            let mark = Mark {
                comment_id: comment_id.clone(),
                account: transfer.command.account.clone(),
                attachment_id: attachment_id.clone(),
            };
            blank(given, heard, comments, sent, &mark)
        }
        Action::Resync { .. } => {
            let mut told = comments.tell(settings, sent);
            let all = held_by(comments, &transfer.copy);
            let asked = Sent::from([(transfer.copy.clone(), all)]);
            let account = Some(&transfer.command.account);
            told.extend(contents(comments, settings, asked, account).comments);
            let decided = Decided { comments: told, ..Decided::default() };
            Decision { decided, ..Decision::default() }
        }
        Action::Share(_) | Action::Update | Action::Unshare { .. } | Action::DryRun(_) => {
            change(given, comments, sent)
        }
    }
}

/// Blanks a comment of the publisher's, or a file of it.
fn blank(
    given: Given,
    heard: &BTreeSet<Missed>,
    comments: &mut Draft,
    sent: Sent,
    mark: &Mark,
) -> Decision {
    let Given { state, chain, settings, transfer, .. } = given;
    let (account, copy, inactive) = (&mark.account, &transfer.copy, &settings.inactive);
    let publisher = Publisher { account, copy, chain, inactive };
    let unaware = state.missed.by(&mark.comment_id, mark.attachment_id.as_deref(), heard);
    let done = redact(comments, &unaware, publisher, mark);
    if let Some(content) = done.content {
        comments.rewrite(&mark.comment_id, content);
    }
    let comments = comments.tell(settings, sent);
    let (decisions, rejected, redacted) = (done.decisions, done.rejected, done.told);
    Decision {
        changes: Changes { waits: done.waits, missed: done.missed, ..Changes::default() },
        decided: Decided { comments, decisions, rejected, redacted, ..Decided::default() },
    }
}

/// Takes in new comments and CCs, and carries the comments outwards.
fn change(given: Given, comments: &mut Draft, mut sent: Sent) -> Decision {
    let Given { state, chain, settings, transfer, created } = given;
    let crossings = chain.crossings(&transfer.copy, &settings.inactive);
    let (new, mut decisions) = publish(comments, &state.marks, settings, transfer);
    decisions.extend(carry(comments, settings, &crossings, &transfer.copy, &new, &mut sent));
    decisions.extend(not_live(chain, &crossings, transfer, &new));
    if let Some(hop) = created {
        let far = hop.far();
        // What is created is the whole copy, also what came over by an update that was faster than
        // its share.
        let held = held_by(comments, &far);
        decisions.extend(kept_back_from(comments, settings, hop, &held));
        decisions.extend(beyond_limits(comments, settings, hop, &new));
        sent.insert(far, held);
    }
    let notices = notices(comments, &state.ccs, settings, &crossings, &new);
    let comments = comments.tell(settings, sent);
    let ccs = told_ccs(transfer).filter(|list| state.ccs.is_news(&transfer.copy, list));
    let ccs = ccs.map(|list| (transfer.copy.clone(), list));
    Decision {
        changes: Changes { ccs, ..Changes::default() },
        decided: Decided { comments, decisions, notices, ..Decided::default() },
    }
}

/// The hop that this transfer's share creates a copy over, if it is live.
fn created_hop<'a>(live: &[&'a Hop], action: &Action) -> Option<&'a Hop> {
    let Action::Share(sharing) = action else { return None };
    live.iter().find(|hop| hop.share_id == sharing.share_id).copied()
}

/// The CCs of the publisher's copy, where the transfer tells them.
fn told_ccs(transfer: &Transfer) -> Option<CcList> {
    let ccs = transfer.ccs.clone()?;
    let (command, arrival) = (&transfer.command, transfer.arrival);
    let occurred_at = transfer.occurred_at.min(command.received_at);
    Some(CcList { ccs, occurred_at, arrival, message_id: command.message_id.clone() })
}

#[cfg(test)]
mod tests {
    use line::HopTraversal;

    use super::super::samples::{
        acme_copy, chain_of_three, first_hop, id, published, second_hop, settings, share, take,
        update,
    };
    use super::*;

    #[test]
    fn a_new_copy_gets_what_was_redacted_blank() {
        let mut state = ChainState::default();
        take(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let redact = |comment: &str| Transfer {
            action: Action::Redact { comment_id: id(comment), attachment_id: None },
            ..update("acme", &acme_copy(), &[first_hop()], Vec::new())
        };
        assert_eq!(
            take(&mut state, &settings(), &redact("acme/1")).redacted,
            [HopTraversal::outbound(&first_hop())]
        );
        take(&mut state, &settings(), &redact("acme/2"));
        let late = take(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &[first_hop()], vec![published("acme/2")]),
        );
        assert_eq!(late.comments[&first_hop().far()][0].body, "");
        let onward =
            take(&mut state, &settings(), &share(&[first_hop(), second_hop()], Vec::new()));
        assert!(onward.comments[&second_hop().far()].iter().all(|comment| comment.body.is_empty()));
    }

    #[test]
    fn what_a_transfer_changes_nothing_of_changes_nothing() {
        let mut state = chain_of_three();
        let hops = [first_hop(), second_hop()];
        let transfer = update("acme", &acme_copy(), &hops, vec![published("acme/1")]);
        take(&mut state, &settings(), &transfer);
        let before = state.clone();
        assert_eq!(decide(&state, &settings(), &transfer).changes, Changes::default());
        take(&mut state, &settings(), &transfer);
        assert_eq!(state, before);
    }
}
