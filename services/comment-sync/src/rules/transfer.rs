//! One transfer, decided as a whole for its chain.

use std::collections::BTreeMap;

use contracts::comment::SharedComment;
use contracts::sync::{Action, Hop, Notice, Transfer, TransferComment};
use contracts::{AccountName, CommentId, CopyId, Decision, Item, ItemOutcome, Reason};

use super::admit::{Admission, admit};
use super::ccs::{CcList, CcLists};
use super::contents::{Sent, contents, held_by, kept_back_from};
use super::crossing::held_back;
use super::recording::without_recording;
use super::redaction::{Mark, Marks, redact};
use super::take_over::take_over;
use super::{Comments, KnownComment, Settings, attachments, notices};
use line::{Chain, HopTraversal};

/// What is known of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainState {
    /// Its hops.
    pub chain: Chain,
    /// Its comments.
    pub comments: Comments,
    /// Redactions that wait for their comments.
    pub marks: Marks,
    /// Its copies' CCs.
    pub ccs: CcLists,
}

/// What became of a transfer's comments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// What is sent to each copy, as it was written in time.
    pub comments: BTreeMap<CopyId, Vec<SharedComment>>,
    /// What the publisher is told.
    pub decisions: Vec<Decision>,
    /// Why nothing was done, if nothing was.
    pub rejected: Option<Reason>,
    /// Which copies blank a comment, and over which hop they are told.
    pub redacted: Vec<HopTraversal>,
    /// Mails to CCs.
    pub notices: Vec<Notice>,
}

/// Decides a transfer and keeps in `state` what it changes.
pub fn decide(state: &mut ChainState, settings: &Settings, transfer: &Transfer) -> Decided {
    let new_hops = state.chain.learn(&transfer.hops);
    if let Action::Unshare { share_id } = &transfer.action {
        state.chain.end(share_id);
    }
    let rejected = why_ended(state, settings, &transfer.action);
    if let (Some(_), Action::Share(sharing)) = (rejected, &transfer.action) {
        // What comes to nothing here comes to nothing at the end of the line, whatever is known
        // there.
        state.chain.end(&sharing.share_id);
    }
    let created = created_hop(state, settings, &transfer.action);
    let mut sent = take_over_new_hops(state, settings, &new_hops, created.as_ref());
    if rejected.is_some() {
        return Decided {
            comments: contents(&state.comments, settings, sent, None),
            rejected,
            ..Decided::default()
        };
    }
    let crossings = state.chain.crossings(&transfer.copy, &settings.inactive);
    match &transfer.action {
        Action::Redact { comment_id, attachment_id } => {
            let account = transfer.command.account.clone();
            let mark = Mark {
                comment_id: comment_id.clone(),
                account,
                attachment_id: attachment_id.clone(),
            };
            let live: Vec<&Hop> = state.chain.live(&settings.inactive).collect();
            let done = redact(&mut state.comments, &mut state.marks, &transfer.copy, &live, mark);
            let comments = contents(&state.comments, settings, sent, None);
            let (decisions, rejected, redacted) = (done.decisions, done.rejected, done.told);
            return Decided { comments, decisions, rejected, redacted, notices: Vec::new() };
        }
        Action::Resync { .. } => {
            sent.insert(transfer.copy.clone(), held_by(&state.comments, &transfer.copy));
            let comments =
                contents(&state.comments, settings, sent, Some(&transfer.command.account));
            return Decided { comments, ..Decided::default() };
        }
        Action::Share(_) | Action::Update | Action::Unshare { .. } => {}
    }
    if let Some(ccs) = transfer.ccs.clone() {
        let (occurred_at, message_id) = (transfer.occurred_at, transfer.command.message_id.clone());
        state.ccs.tell(&transfer.copy, CcList { ccs, occurred_at, message_id });
    }
    let (new, mut decisions) = publish(state, settings, transfer);
    decisions.extend(carry(&mut state.comments, &crossings, &transfer.copy, &new, &mut sent));
    decisions.extend(not_live(&state.chain, &crossings, transfer, &new));
    if let Some(hop) = &created {
        let far = hop.far();
        // What is created is the whole copy, also what came over by an update that was faster than
        // its share.
        let held = held_by(&state.comments, &far);
        decisions.extend(kept_back_from(&state.comments, settings, hop, &held));
        sent.insert(far, held);
    }
    let notices = notices::notices(state, settings, &crossings, &new);
    let comments = contents(&state.comments, settings, sent, None);
    Decided { comments, decisions, notices, ..Decided::default() }
}

/// Why the hop of a share is not live, if it is not.
fn why_ended(state: &ChainState, settings: &Settings, action: &Action) -> Option<Reason> {
    let Action::Share(sharing) = action else { return None };
    let hop = state.chain.hop(&sharing.share_id)?;
    if state.chain.has_ended(&hop.share_id) {
        Some(Reason::NotShared)
    } else if settings.inactive.contains(&hop.agreement_id) {
        Some(Reason::AgreementInactive)
    } else {
        None
    }
}

/// The hop that this transfer's share creates a copy over, if it is live.
fn created_hop(state: &ChainState, settings: &Settings, action: &Action) -> Option<Hop> {
    let Action::Share(sharing) = action else { return None };
    state.chain.live(&settings.inactive).find(|hop| hop.share_id == sharing.share_id).cloned()
}

/// A copy whose own share is still to come gets what it takes over by that share, so it is not sent
/// now.
fn take_over_new_hops(
    state: &mut ChainState,
    settings: &Settings,
    new_hops: &[Hop],
    created: Option<&Hop>,
) -> Sent {
    let mut sent = Sent::new();
    for hop in new_hops {
        for (copy, id) in take_over(state, settings, hop) {
            sent.entry(copy).or_default().insert(id);
        }
    }
    for hop in
        new_hops.iter().filter(|hop| created.is_none_or(|created| created.share_id != hop.share_id))
    {
        sent.remove(&hop.far());
    }
    sent
}

/// Takes in the comments that are new, at the publisher's copy, as what may cross.
fn publish(
    state: &mut ChainState,
    settings: &Settings,
    transfer: &Transfer,
) -> (Vec<CommentId>, Vec<Decision>) {
    let account = &transfer.command.account;
    let mut new = Vec::new();
    let mut decisions = Vec::new();
    for (place, comment) in (0..).zip(&transfer.comments) {
        let item = Item::Comment(comment.id.clone());
        match admit(&state.comments, &transfer.copy, account, &comment.id) {
            Admission::Refused(reason) => decisions.push(Decision::withheld(item, reason)),
            Admission::Unchanged => {
                decisions
                    .push(Decision::new(item, ItemOutcome::Unchanged).because(Reason::Unchanged));
            }
            Admission::New => {
                let (content, stays) = stripped(settings, account, comment);
                let content = state.marks.applied_to(account, content);
                decisions.extend(stays);
                new.push(comment.id.clone());
                state.comments.add(KnownComment {
                    account: account.clone(),
                    content,
                    arrived_at: transfer.command.received_at,
                    place,
                    copies: [transfer.copy.clone()].into(),
                });
            }
        }
    }
    (new, decisions)
}

/// What of a comment may leave its account. What may not is not even kept, so that no later setting
/// lets it out.
fn stripped(
    settings: &Settings,
    account: &AccountName,
    comment: &TransferComment,
) -> (SharedComment, Vec<Decision>) {
    let (content, mut decisions) = without_recording(comment);
    let (content, stays) = attachments::visible(settings, account, content);
    decisions.extend(stays);
    (content, decisions)
}

/// Walks the new comments outwards: each crosses a hop whose near end it reached. The publisher is
/// told of its own hops only.
fn carry(
    comments: &mut Comments,
    crossings: &[HopTraversal],
    publisher: &CopyId,
    new: &[CommentId],
    sent: &mut Sent,
) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for crossing in crossings {
        for id in new {
            let Some(comment) =
                comments.get(id).filter(|comment| comment.copies.contains(&crossing.from))
            else {
                continue;
            };
            let item = Item::Comment(id.clone());
            let decision = match held_back(crossing, &comment.content) {
                Some(reason) => Decision::withheld(item, reason),
                None => Decision::new(item, ItemOutcome::Transferred),
            };
            if decision.outcome == ItemOutcome::Transferred {
                comments.reach(id, &crossing.to);
                sent.entry(crossing.to.clone()).or_default().insert(id.clone());
            }
            if crossing.from == *publisher {
                decisions.push(decision.over(&crossing.hop.share_id));
            }
        }
    }
    decisions
}

/// Hops of the publisher's copy that ended after the entry let the command in: what was to cross
/// them stays.
fn not_live(
    chain: &Chain,
    crossings: &[HopTraversal],
    transfer: &Transfer,
    new: &[CommentId],
) -> Vec<Decision> {
    let touches = |hop: &&Hop| hop.near == transfer.copy || hop.far() == transfer.copy;
    let walked = |hop: &Hop| crossings.iter().any(|crossing| crossing.hop.share_id == hop.share_id);
    let mut decisions = Vec::new();
    for hop in transfer.hops.iter().filter(touches).filter(|hop| !walked(hop)) {
        let reason = if chain.has_ended(&hop.share_id) {
            Reason::NotShared
        } else {
            Reason::AgreementInactive
        };
        let withheld = |id: &CommentId| {
            Decision::withheld(Item::Comment(id.clone()), reason).over(&hop.share_id)
        };
        decisions.extend(new.iter().map(withheld));
    }
    decisions
}

#[cfg(test)]
mod tests {
    use super::super::samples::{
        acme_copy, chain_of_three, first_hop, id, ids, person, published, second_hop, settings,
        share, told, under, update,
    };
    use super::*;
    use contracts::terms::CommentTerms;

    /// What each of the three copies was sent.
    fn sent(decided: &Decided) -> [Vec<&str>; 3] {
        [acme_copy(), first_hop().far(), second_hop().far()]
            .map(|copy| decided.comments.get(&copy).map_or_else(Vec::new, |comments| ids(comments)))
    }

    #[test]
    fn r_21_a_comment_reaches_every_copy_and_the_publisher_hears_of_its_own_hops() {
        let mut state = chain_of_three();
        let hops = [first_hop(), second_hop()];
        let decided = decide(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &hops, vec![published("acme/1")]),
        );
        assert_eq!(sent(&decided), [vec![], vec!["acme/1"], vec!["acme/1"]]);
        assert_eq!(
            told(&decided),
            [("comment:acme/1".into(), ItemOutcome::Transferred, None, true)]
        );
        assert_eq!(decided.decisions[0].share_id, Some(first_hop().share_id));

        let middle = update("globex", &first_hop().far(), &hops, vec![published("globex/1")]);
        let decided = decide(&mut state, &settings(), &middle);
        assert_eq!(sent(&decided), [vec!["globex/1"], vec![], vec!["globex/1"]]);
        let mut shares: Vec<_> =
            decided.decisions.into_iter().filter_map(|decision| decision.share_id).collect();
        shares.sort();
        assert_eq!(shares, [first_hop().share_id, second_hop().share_id]);
    }

    #[test]
    fn r_39_the_author_stays_the_placeholder_it_came_as() {
        let mut state = chain_of_three();
        let comment = TransferComment { author: person("Grace"), ..published("initech/1") };
        let decided = decide(
            &mut state,
            &settings(),
            &update("initech", &second_hop().far(), &[second_hop()], vec![comment]),
        );
        assert_eq!(decided.comments[&acme_copy()][0].author, person("Grace"));
    }

    #[test]
    fn r_54_what_is_withheld_goes_no_further() {
        let hops = [
            under(CommentTerms::PrivateOnly, first_hop()),
            under(CommentTerms::PrivateOnly, second_hop()),
        ];
        let mut state = ChainState::default();
        let private = TransferComment { public: false, ..published("initech/2") };
        let transfer =
            update("initech", &second_hop().far(), &hops, vec![published("initech/1"), private]);
        let decided = decide(&mut state, &settings(), &transfer);
        assert_eq!(sent(&decided), [vec!["initech/2"], vec!["initech/2"], vec![]]);
        let withheld = (
            "comment:initech/1".into(),
            ItemOutcome::Withheld,
            Some(Reason::PublicCommentsNotAllowed),
            true,
        );
        assert!(told(&decided).contains(&withheld));
        assert!(!state.comments.is_held(&id("initech/1"), &acme_copy()));
        assert!(!decided.comments[&acme_copy()][0].public);
    }

    #[test]
    fn each_comment_once_within_a_message_and_across_messages() {
        let mut state = chain_of_three();
        let transfer = update(
            "acme",
            &acme_copy(),
            &[first_hop()],
            vec![published("acme/1"), published("acme/1")],
        );
        let decided = decide(&mut state, &settings(), &transfer);
        assert_eq!(sent(&decided)[1], ["acme/1"]);
        let unchanged =
            ("comment:acme/1".to_owned(), ItemOutcome::Unchanged, Some(Reason::Unchanged), false);
        assert!(told(&decided).contains(&unchanged));

        let again = decide(&mut state, &settings(), &transfer);
        assert!(again.comments.is_empty());
        assert_eq!(told(&again), [unchanged.clone(), unchanged]);
    }

    #[test]
    fn an_id_of_somebody_else_is_refused_and_the_rest_crosses() {
        let mut state = chain_of_three();
        let comments = vec![published("globex/7"), published("acme/1")];
        let decided = decide(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &[first_hop()], comments),
        );
        assert_eq!(sent(&decided)[1], ["acme/1"]);
        assert!(told(&decided).contains(&(
            "comment:globex/7".into(),
            ItemOutcome::Withheld,
            Some(Reason::IdTaken),
            false
        )));
    }

    #[test]
    fn r_18_a_share_carries_the_history_and_all_that_its_copy_holds() {
        let mut state = ChainState::default();
        decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let history = vec![published("acme/1"), published("globex/1")];
        let decided =
            decide(&mut state, &settings(), &share(&[first_hop(), second_hop()], history));
        assert_eq!(sent(&decided), [vec!["globex/1"], vec![], vec!["acme/1", "globex/1"]]);
        let unchanged =
            ("comment:acme/1".to_owned(), ItemOutcome::Unchanged, Some(Reason::Unchanged), false);
        assert!(told(&decided).contains(&unchanged));
    }

    #[test]
    fn an_update_that_overtook_its_share_leaves_the_history_to_the_share() {
        let mut state = ChainState::default();
        decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let hops = [first_hop(), second_hop()];
        let decided = decide(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &hops, vec![published("acme/2")]),
        );
        assert_eq!(sent(&decided)[2], ["acme/2"]);
        assert!(state.comments.is_held(&id("acme/1"), &second_hop().far()));
        let decided = decide(&mut state, &settings(), &share(&hops, Vec::new()));
        assert_eq!(sent(&decided), [vec![], vec![], vec!["acme/1", "acme/2"]]);
    }

    #[test]
    fn a_share_that_comes_after_the_next_one_still_fills_the_whole_chain() {
        let mut state = ChainState::default();
        decide(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &[], vec![published("acme/1")]),
        );
        decide(&mut state, &settings(), &share(&[second_hop()], Vec::new()));
        let decided =
            decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/2")]));
        assert_eq!(sent(&decided), [vec![], vec!["acme/1", "acme/2"], vec!["acme/1", "acme/2"]]);
    }

    #[test]
    fn r_79_over_a_hop_that_has_ended_comments_stay() {
        let mut state = chain_of_three();
        state.chain.end(&first_hop().share_id);
        let transfer = update("acme", &acme_copy(), &[first_hop()], vec![published("acme/1")]);
        let decided = decide(&mut state, &settings(), &transfer);
        assert!(decided.comments.is_empty());
        assert_eq!(
            told(&decided),
            [("comment:acme/1".into(), ItemOutcome::Withheld, Some(Reason::NotShared), true)]
        );

        let inactive = Settings { inactive: [second_hop().agreement_id].into(), ..settings() };
        let transfer =
            update("globex", &first_hop().far(), &[second_hop()], vec![published("globex/1")]);
        let decided = decide(&mut state, &inactive, &transfer);
        assert_eq!(told(&decided)[0].2, Some(Reason::AgreementInactive));
    }

    #[test]
    fn an_unshare_ends_its_hop_for_good_and_no_other() {
        let mut state = chain_of_three();
        let hops = [first_hop(), second_hop()];
        let share_id = first_hop().share_id;
        let unshare = Transfer {
            action: Action::Unshare { share_id },
            ..update("acme", &acme_copy(), &hops, Vec::new())
        };
        assert_eq!(decide(&mut state, &settings(), &unshare), Decided::default());
        let late = update("globex", &first_hop().far(), &hops, vec![published("globex/1")]);
        assert_eq!(
            sent(&decide(&mut state, &settings(), &late)),
            [vec![], vec![], vec!["globex/1"]]
        );
    }

    #[test]
    fn an_unshare_that_overtook_its_share_leaves_nothing_to_create() {
        let mut state = ChainState::default();
        let share_id = first_hop().share_id;
        let unshare = Transfer {
            action: Action::Unshare { share_id },
            ..update("acme", &acme_copy(), &[first_hop()], vec![])
        };
        decide(&mut state, &settings(), &unshare);
        let decided =
            decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        assert_eq!(decided, Decided { rejected: Some(Reason::NotShared), ..Decided::default() });
        assert!(state.comments.get(&id("acme/1")).is_none(), "what is rejected changed nothing");
    }

    #[test]
    fn r_79_a_share_that_finds_its_agreement_inactive_stays_rejected() {
        let mut state = ChainState::default();
        let inactive = Settings { inactive: [first_hop().agreement_id].into(), ..settings() };
        let decided =
            decide(&mut state, &inactive, &share(&[first_hop()], vec![published("acme/1")]));
        assert_eq!(
            decided,
            Decided { rejected: Some(Reason::AgreementInactive), ..Decided::default() }
        );
        assert!(state.chain.has_ended(&first_hop().share_id));
    }

    #[test]
    fn a_new_copy_gets_what_was_redacted_blank() {
        let mut state = ChainState::default();
        decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let redact = |comment: &str| Transfer {
            action: Action::Redact { comment_id: id(comment), attachment_id: None },
            ..update("acme", &acme_copy(), &[first_hop()], Vec::new())
        };
        assert_eq!(
            decide(&mut state, &settings(), &redact("acme/1")).redacted,
            [HopTraversal::outbound(&first_hop())]
        );
        decide(&mut state, &settings(), &redact("acme/2"));
        let late = decide(
            &mut state,
            &settings(),
            &update("acme", &acme_copy(), &[first_hop()], vec![published("acme/2")]),
        );
        assert_eq!(late.comments[&first_hop().far()][0].body, "");
        let onward =
            decide(&mut state, &settings(), &share(&[first_hop(), second_hop()], Vec::new()));
        assert!(onward.comments[&second_hop().far()].iter().all(|comment| comment.body.is_empty()));
    }
}
