//! One transfer, decided as a whole for its chain.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::sync::{Action, Hop, Transfer, TransferComment};
use contracts::{AccountName, CommentId, CopyId, Decision, Item, ItemOutcome, Reason};

use super::admit::{Admission, admit};
use super::crossing::held_back;
use super::recording::without_recording;
use super::take_over::take_over;
use super::{Comments, KnownComment, Settings, attachments};
use line::{Chain, Crossing};

/// What is known of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainState {
    /// Its hops.
    pub chain: Chain,
    /// Its comments.
    pub comments: Comments,
}

/// What became of a transfer's comments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// What is sent to each copy, as it was written in time.
    pub comments: BTreeMap<CopyId, Vec<SharedComment>>,
    /// What the publisher is told.
    pub decisions: Vec<Decision>,
}

/// Which copy is sent which comments.
type Sent = BTreeMap<CopyId, BTreeSet<CommentId>>;

/// Decides a transfer and keeps in `state` what it changes.
pub fn decide(state: &mut ChainState, settings: &Settings, transfer: &Transfer) -> Decided {
    let new_hops = state.chain.learn(&transfer.hops);
    if let Action::Unshare { share_id } = &transfer.action {
        state.chain.end(share_id);
    }
    let created = created_hop(state, settings, &transfer.action);
    let mut sent = take_over_new_hops(state, settings, &new_hops, created.as_ref());
    let (new, mut decisions) = publish(state, settings, transfer);
    let crossings = state.chain.crossings(&transfer.copy, &settings.inactive);
    decisions.extend(carry(&mut state.comments, &crossings, &transfer.copy, &new, &mut sent));
    decisions.extend(not_live(&state.chain, &crossings, transfer, &new));
    if let Some(hop) = &created {
        let far = hop.far();
        // What is created is the whole copy, also what came over by an update that was faster than its share.
        let held: BTreeSet<CommentId> = state.comments.held_by(&far).map(|comment| comment.content.id.clone()).collect();
        decisions.extend(kept_back_from(&state.comments, settings, hop, &held));
        sent.insert(far, held);
    }
    Decided { comments: contents(&state.comments, settings, sent), decisions }
}

/// The hop that this transfer's share creates a copy over, if it is live.
fn created_hop(state: &ChainState, settings: &Settings, action: &Action) -> Option<Hop> {
    let Action::Share(sharing) = action else { return None };
    state.chain.live(&settings.inactive).find(|hop| hop.share_id == sharing.share_id).cloned()
}

/// A copy whose own share is still to come gets what it takes over by that share, so it is not sent now.
fn take_over_new_hops(state: &mut ChainState, settings: &Settings, new_hops: &[Hop], created: Option<&Hop>) -> Sent {
    let mut sent = Sent::new();
    for hop in new_hops {
        for (copy, id) in take_over(state, settings, hop) {
            sent.entry(copy).or_default().insert(id);
        }
    }
    for hop in new_hops.iter().filter(|hop| created.is_none_or(|created| created.share_id != hop.share_id)) {
        sent.remove(&hop.far());
    }
    sent
}

/// Takes in the comments that are new, at the publisher's copy, as what may cross.
fn publish(state: &mut ChainState, settings: &Settings, transfer: &Transfer) -> (Vec<CommentId>, Vec<Decision>) {
    let account = &transfer.command.account;
    let mut new = Vec::new();
    let mut decisions = Vec::new();
    for (place, comment) in (0..).zip(&transfer.comments) {
        let item = Item::Comment(comment.id.clone());
        match admit(&state.comments, &transfer.copy, account, &comment.id) {
            Admission::Refused(reason) => decisions.push(Decision::withheld(item, reason)),
            Admission::Unchanged => {
                decisions.push(Decision::new(item, ItemOutcome::Unchanged).because(Reason::Unchanged));
            }
            Admission::New => {
                let (content, stays) = stripped(settings, account, comment);
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

/// What of a comment may leave its account. What may not is not even kept, so that no later setting lets it out.
fn stripped(settings: &Settings, account: &AccountName, comment: &TransferComment) -> (SharedComment, Vec<Decision>) {
    let (content, mut decisions) = without_recording(comment);
    let (content, stays) = attachments::visible(settings, account, content);
    decisions.extend(stays);
    (content, decisions)
}

/// Walks the new comments outwards: each crosses a hop whose near end it reached. The publisher is told of its own hops only.
fn carry(
    comments: &mut Comments,
    crossings: &[Crossing],
    publisher: &CopyId,
    new: &[CommentId],
    sent: &mut Sent,
) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for crossing in crossings {
        for id in new {
            let Some(comment) = comments.get(id).filter(|comment| comment.copies.contains(&crossing.from)) else { continue };
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

/// Hops of the publisher's copy that ended after the entry let the command in: what was to cross them stays.
fn not_live(chain: &Chain, crossings: &[Crossing], transfer: &Transfer, new: &[CommentId]) -> Vec<Decision> {
    let touches = |hop: &&Hop| hop.near == transfer.copy || hop.far() == transfer.copy;
    let walked = |hop: &Hop| crossings.iter().any(|crossing| crossing.hop.share_id == hop.share_id);
    let mut decisions = Vec::new();
    for hop in transfer.hops.iter().filter(touches).filter(|hop| !walked(hop)) {
        let reason = if chain.has_ended(&hop.share_id) { Reason::NotShared } else { Reason::AgreementInactive };
        let withheld = |id: &CommentId| Decision::withheld(Item::Comment(id.clone()), reason).over(&hop.share_id);
        decisions.extend(new.iter().map(withheld));
    }
    decisions
}

/// Attachments that a new copy does not get, though they left their account before.
fn kept_back_from(comments: &Comments, settings: &Settings, hop: &Hop, held: &BTreeSet<CommentId>) -> Vec<Decision> {
    let stays = |comment: &KnownComment| attachments::visible(settings, &comment.account, comment.content.clone()).1;
    held.iter().filter_map(|id| comments.get(id)).flat_map(stays).map(|decision| decision.over(&hop.share_id)).collect()
}

fn contents(comments: &Comments, settings: &Settings, sent: Sent) -> BTreeMap<CopyId, Vec<SharedComment>> {
    let of_copy = |ids: BTreeSet<CommentId>| {
        let mut known: Vec<&KnownComment> = ids.iter().filter_map(|id| comments.get(id)).collect();
        known.sort_by(|left, right| left.order().cmp(&right.order()));
        known.into_iter().map(|comment| attachments::visible(settings, &comment.account, comment.content.clone()).0).collect()
    };
    sent.into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(copy, ids)| (copy, of_copy(ids))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{account, acme_copy, file, first_hop, id, person, published, second_hop, share, under, update};
    use super::*;
    use contracts::terms::CommentTerms;

    fn settings() -> Settings {
        let open = ["acme", "globex", "initech"].map(|name| (account(name), false));
        Settings { secure_downloads: open.into(), ..Settings::default() }
    }

    fn secure(name: &str) -> Settings {
        let mut settings = settings();
        settings.secure_downloads.insert(account(name), true);
        settings
    }

    fn ids(comments: &[SharedComment]) -> Vec<&str> {
        comments.iter().map(|comment| comment.id.as_str()).collect()
    }

    /// What each of the three copies was sent.
    fn sent(decided: &Decided) -> [Vec<&str>; 3] {
        [acme_copy(), first_hop().far(), second_hop().far()]
            .map(|copy| decided.comments.get(&copy).map_or_else(Vec::new, |comments| ids(comments)))
    }

    fn told(decided: &Decided) -> Vec<(String, ItemOutcome, Option<Reason>, bool)> {
        let tell =
            |decision: &Decision| (decision.item.to_string(), decision.outcome, decision.reason, decision.share_id.is_some());
        decided.decisions.iter().map(tell).collect()
    }

    fn chain_of_three() -> ChainState {
        let mut state = ChainState::default();
        decide(&mut state, &settings(), &share(&[first_hop()], Vec::new()));
        decide(&mut state, &settings(), &share(&[first_hop(), second_hop()], Vec::new()));
        state
    }

    #[test]
    fn r_21_a_comment_reaches_every_copy_and_the_publisher_hears_of_its_own_hops() {
        let mut state = chain_of_three();
        let hops = [first_hop(), second_hop()];
        let decided = decide(&mut state, &settings(), &update("acme", &acme_copy(), &hops, vec![published("acme/1")]));
        assert_eq!(sent(&decided), [vec![], vec!["acme/1"], vec!["acme/1"]]);
        assert_eq!(told(&decided), [("comment:acme/1".into(), ItemOutcome::Transferred, None, true)]);
        assert_eq!(decided.decisions[0].share_id, Some(first_hop().share_id));

        let middle = update("globex", &first_hop().far(), &hops, vec![published("globex/1")]);
        let decided = decide(&mut state, &settings(), &middle);
        assert_eq!(sent(&decided), [vec!["globex/1"], vec![], vec!["globex/1"]]);
        let mut shares: Vec<_> = decided.decisions.into_iter().filter_map(|decision| decision.share_id).collect();
        shares.sort();
        assert_eq!(shares, [first_hop().share_id, second_hop().share_id]);
    }

    #[test]
    fn r_39_the_author_stays_the_placeholder_it_came_as() {
        let mut state = chain_of_three();
        let comment = TransferComment { author: person("Grace"), ..published("initech/1") };
        let decided = decide(&mut state, &settings(), &update("initech", &second_hop().far(), &[second_hop()], vec![comment]));
        assert_eq!(decided.comments[&acme_copy()][0].author, person("Grace"));
    }

    #[test]
    fn r_54_what_is_withheld_goes_no_further() {
        let hops = [under(CommentTerms::PrivateOnly, first_hop()), under(CommentTerms::PrivateOnly, second_hop())];
        let mut state = ChainState::default();
        let private = TransferComment { public: false, ..published("initech/2") };
        let transfer = update("initech", &second_hop().far(), &hops, vec![published("initech/1"), private]);
        let decided = decide(&mut state, &settings(), &transfer);
        assert_eq!(sent(&decided), [vec!["initech/2"], vec!["initech/2"], vec![]]);
        let withheld = ("comment:initech/1".into(), ItemOutcome::Withheld, Some(Reason::PublicCommentsNotAllowed), true);
        assert!(told(&decided).contains(&withheld));
        assert!(!state.comments.is_held(&id("initech/1"), &acme_copy()));
        assert!(!decided.comments[&acme_copy()][0].public);
    }

    #[test]
    fn each_comment_once_within_a_message_and_across_messages() {
        let mut state = chain_of_three();
        let transfer = update("acme", &acme_copy(), &[first_hop()], vec![published("acme/1"), published("acme/1")]);
        let decided = decide(&mut state, &settings(), &transfer);
        assert_eq!(sent(&decided)[1], ["acme/1"]);
        let unchanged = ("comment:acme/1".to_owned(), ItemOutcome::Unchanged, Some(Reason::Unchanged), false);
        assert!(told(&decided).contains(&unchanged));

        let again = decide(&mut state, &settings(), &transfer);
        assert!(again.comments.is_empty());
        assert_eq!(told(&again), [unchanged.clone(), unchanged]);
    }

    #[test]
    fn an_id_of_somebody_else_is_refused_and_the_rest_crosses() {
        let mut state = chain_of_three();
        let comments = vec![published("globex/7"), published("acme/1")];
        let decided = decide(&mut state, &settings(), &update("acme", &acme_copy(), &[first_hop()], comments));
        assert_eq!(sent(&decided)[1], ["acme/1"]);
        assert!(told(&decided).contains(&("comment:globex/7".into(), ItemOutcome::Withheld, Some(Reason::IdTaken), false)));
    }

    #[test]
    fn r_18_a_share_carries_the_history_and_all_that_its_copy_holds() {
        let mut state = ChainState::default();
        decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let history = vec![published("acme/1"), published("globex/1")];
        let decided = decide(&mut state, &settings(), &share(&[first_hop(), second_hop()], history));
        assert_eq!(sent(&decided), [vec!["globex/1"], vec![], vec!["acme/1", "globex/1"]]);
        let unchanged = ("comment:acme/1".to_owned(), ItemOutcome::Unchanged, Some(Reason::Unchanged), false);
        assert!(told(&decided).contains(&unchanged));
    }

    #[test]
    fn an_update_that_overtook_its_share_leaves_the_history_to_the_share() {
        let mut state = ChainState::default();
        decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        let hops = [first_hop(), second_hop()];
        let decided = decide(&mut state, &settings(), &update("acme", &acme_copy(), &hops, vec![published("acme/2")]));
        assert_eq!(sent(&decided)[2], ["acme/2"]);
        assert!(state.comments.is_held(&id("acme/1"), &second_hop().far()));
        let decided = decide(&mut state, &settings(), &share(&hops, Vec::new()));
        assert_eq!(sent(&decided), [vec![], vec![], vec!["acme/1", "acme/2"]]);
    }

    #[test]
    fn a_share_that_comes_after_the_next_one_still_fills_the_whole_chain() {
        let mut state = ChainState::default();
        decide(&mut state, &settings(), &update("acme", &acme_copy(), &[], vec![published("acme/1")]));
        decide(&mut state, &settings(), &share(&[second_hop()], Vec::new()));
        let decided = decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/2")]));
        assert_eq!(sent(&decided), [vec![], vec!["acme/1", "acme/2"], vec!["acme/1", "acme/2"]]);
    }

    #[test]
    fn r_79_over_a_hop_that_has_ended_comments_stay() {
        let mut state = chain_of_three();
        state.chain.end(&first_hop().share_id);
        let transfer = update("acme", &acme_copy(), &[first_hop()], vec![published("acme/1")]);
        let decided = decide(&mut state, &settings(), &transfer);
        assert!(decided.comments.is_empty());
        assert_eq!(told(&decided), [("comment:acme/1".into(), ItemOutcome::Withheld, Some(Reason::NotShared), true)]);

        let inactive = Settings { inactive: [second_hop().agreement_id].into(), ..settings() };
        let transfer = update("globex", &first_hop().far(), &[second_hop()], vec![published("globex/1")]);
        let decided = decide(&mut state, &inactive, &transfer);
        assert_eq!(told(&decided)[0].2, Some(Reason::AgreementInactive));
    }

    #[test]
    fn an_unshare_ends_its_hop_for_good_and_no_other() {
        let mut state = chain_of_three();
        let hops = [first_hop(), second_hop()];
        let share_id = first_hop().share_id;
        let unshare = Transfer { action: Action::Unshare { share_id }, ..update("acme", &acme_copy(), &hops, Vec::new()) };
        assert_eq!(decide(&mut state, &settings(), &unshare), Decided::default());
        let late = update("globex", &first_hop().far(), &hops, vec![published("globex/1")]);
        assert_eq!(sent(&decide(&mut state, &settings(), &late)), [vec![], vec![], vec!["globex/1"]]);
    }

    #[test]
    fn an_unshare_that_overtook_its_share_leaves_nothing_to_create() {
        let mut state = ChainState::default();
        let share_id = first_hop().share_id;
        let unshare = Transfer { action: Action::Unshare { share_id }, ..update("acme", &acme_copy(), &[first_hop()], vec![]) };
        decide(&mut state, &settings(), &unshare);
        let decided = decide(&mut state, &settings(), &share(&[first_hop()], vec![published("acme/1")]));
        assert!(decided.comments.is_empty());
        assert_eq!(told(&decided)[0].2, Some(Reason::NotShared));
    }

    #[test]
    fn r_35_attachments_that_stayed_once_are_never_let_out() {
        let mut state = chain_of_three();
        let comment = TransferComment { attachments: vec![file("f1")], ..published("acme/1") };
        let transfer = update("acme", &acme_copy(), &[first_hop()], vec![comment]);
        let decided = decide(&mut state, &secure("acme"), &transfer);
        assert!(decided.comments[&first_hop().far()][0].attachments.is_empty());
        assert!(told(&decided).contains(&("attachment:f1".into(), ItemOutcome::Withheld, Some(Reason::SecureDownloads), false)));
        let again = decide(&mut state, &settings(), &share(&[first_hop(), second_hop()], Vec::new()));
        assert!(again.comments[&second_hop().far()][0].attachments.is_empty());
    }

    #[test]
    fn r_35_a_new_copy_meets_the_owners_setting_of_now() {
        let mut state = ChainState::default();
        let comment = TransferComment { attachments: vec![file("f1")], ..published("acme/1") };
        let decided = decide(&mut state, &settings(), &share(&[first_hop()], vec![comment]));
        assert_eq!(decided.comments[&first_hop().far()][0].attachments, [file("f1")]);

        let decided = decide(&mut state, &secure("acme"), &share(&[first_hop(), second_hop()], Vec::new()));
        assert!(decided.comments[&second_hop().far()][0].attachments.is_empty());
        assert_eq!(told(&decided), [("attachment:f1".into(), ItemOutcome::Withheld, Some(Reason::SecureDownloads), true)]);
    }
}
