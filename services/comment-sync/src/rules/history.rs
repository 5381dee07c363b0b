//! Histories of a chain of three: whatever the order and however often, the copies end up the same.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::{Call, SharedComment};
use contracts::sync::{Hop, Transfer, TransferComment};
use contracts::terms::CommentTerms;
use contracts::{CommentId, CopyId};
use proptest::prelude::*;

use super::samples::{
    account, acme_copy, file, first_hop, published, second_hop, share, take, under, update,
};
use super::{ChainState, Decided, Settings};
use contracts::command::DeskLimits;
use contracts::sync::Action;

const RECORDING: &str = "https://acme.example/calls/1.mp3";

/// The accounts along the chain with their copies.
fn copies() -> [(&'static str, CopyId); 3] {
    [("acme", acme_copy()), ("globex", first_hop().far()), ("initech", second_hop().far())]
}

#[derive(Clone, Debug)]
struct Story {
    hops: [Hop; 2],
    settings: Settings,
    transfers: Vec<Transfer>,
}

/// A comment without its id: what the publisher chooses.
fn comment() -> impl Strategy<Value = TransferComment> {
    (any::<bool>(), 0..2_usize, any::<bool>()).prop_map(|(public, files, called)| TransferComment {
        public,
        attachments: ["f1", "f2"][..files].iter().map(|id| file(id)).collect(),
        call: called.then(|| Call {
            recording_url: Some(RECORDING.into()),
            transcript: Some("Hello".into()),
            duration_s: None,
        }),
        ..published("acme/0")
    })
}

/// What a desk can hold: often less than the samples have.
fn limits() -> impl Strategy<Value = DeskLimits> {
    let body_chars = prop_oneof![2 => Just(None), 1 => (1..20_u64).prop_map(Some)];
    (body_chars, prop::bool::weighted(0.8)).prop_map(|(body_chars, private_comments)| DeskLimits {
        body_chars,
        private_comments,
        ..DeskLimits::default()
    })
}

/// Who publishes, whether the entry knew of the second hop by then, and what.
fn updates() -> impl Strategy<Value = Vec<(usize, bool, Vec<TransferComment>)>> {
    prop::collection::vec((0..3_usize, any::<bool>(), prop::collection::vec(comment(), 1..3)), 0..6)
}

fn story() -> impl Strategy<Value = Story> {
    let terms =
        || prop_oneof![Just(CommentTerms::PublicAndPrivate), Just(CommentTerms::PrivateOnly)];
    let setting = || (prop::option::of(any::<bool>()), limits());
    let histories = || prop::collection::vec(comment(), 0..3);
    (terms(), terms(), [setting(), setting(), setting()], updates(), histories(), histories())
        .prop_map(|(first, second, secure, updates, first_history, second_history)| {
            let hops = [under(first, first_hop()), under(second, second_hop())];
            let named = copies().map(|(name, _)| account(name)).into_iter().zip(secure);
            let (mut secure_downloads, mut limits) = (BTreeMap::new(), BTreeMap::new());
            for (name, (secure, desk)) in named {
                secure_downloads.extend(secure.map(|secure| (name.clone(), secure)));
                limits.insert(name, desk);
            }
            let mut number = 0;
            let mut by = |account: &str, comments: Vec<TransferComment>| -> Vec<TransferComment> {
                let mut numbered = |comment| {
                    number += 1;
                    TransferComment {
                        id: CommentId::new(format!("{account}/{number}")).unwrap(),
                        ..comment
                    }
                };
                comments.into_iter().map(&mut numbered).collect()
            };
            let mut transfers = vec![share(&hops[..1], by("acme", first_history))];
            for (who, knows, comments) in updates {
                let (name, copy) = &copies()[who];
                // What the last account publishes always follows the share that made its copy.
                let known = if knows || who == 2 { &hops[..] } else { &hops[..1] };
                transfers.push(update(name, copy, known, by(name, comments)));
            }
            // Sharing on, globex sends the whole ticket: what it got from acme as well.
            let got = transfers[0].comments.clone();
            transfers.push(share(&hops, [got, by("globex", second_history)].concat()));
            Story {
                hops,
                settings: Settings { secure_downloads, limits, ..Settings::default() },
                transfers,
            }
        })
}

/// A story, and its transfers in some order, some of them more than once.
fn told() -> impl Strategy<Value = (Story, Vec<usize>)> {
    story().prop_flat_map(|story| {
        let count = story.transfers.len();
        let again = prop::collection::vec(0..count, 0..4);
        let order = again.prop_flat_map(move |again| {
            Just((0..count).chain(again).collect::<Vec<_>>()).prop_shuffle()
        });
        (Just(story), order)
    })
}

fn run(story: &Story, order: impl IntoIterator<Item = usize>) -> (ChainState, Vec<Decided>) {
    let mut state = ChainState::default();
    let decided = order
        .into_iter()
        .map(|index| take(&mut state, &story.settings, &story.transfers[index]))
        .collect();
    (state, decided)
}

fn held(state: &ChainState) -> BTreeMap<CommentId, BTreeSet<CopyId>> {
    state
        .comments
        .iter()
        .map(|comment| (comment.content.id.clone(), comment.copies.clone()))
        .collect()
}

fn sent<'a>(decided: &'a [Decided], copy: &'a CopyId) -> impl Iterator<Item = &'a SharedComment> {
    decided.iter().filter_map(|decided| decided.comments.get(copy)).flatten()
}

proptest! {
    #[test]
    fn every_order_ends_the_same((story, order) in told()) {
        let (in_order, _) = run(&story, 0..story.transfers.len());
        let (shuffled, _) = run(&story, order);
        prop_assert_eq!(held(&shuffled), held(&in_order));
    }

    #[test]
    fn every_desk_is_sent_exactly_what_its_copy_holds((story, order) in told()) {
        let (state, decided) = run(&story, order);
        for (name, copy) in copies() {
            let own = |id: &CommentId| id.prefix() == Some(name);
            let holds: BTreeSet<CommentId> = state
                .comments
                .held_by(&copy)
                .map(|comment| comment.content.id.clone())
                .filter(|id| !own(id))
                .collect();
            let was_sent: BTreeSet<CommentId> = sent(&decided, &copy)
                .map(|comment| comment.id.clone())
                .filter(|id| !own(id))
                .collect();
            prop_assert_eq!(holds, was_sent, "{}", name);
        }
    }

    #[test]
    fn no_desk_is_told_more_than_it_can_hold((story, order) in told()) {
        let (_, decided) = run(&story, order);
        for (name, copy) in copies() {
            let limits = story.settings.limits_of(&account(name));
            let own = |comment: &&SharedComment| comment.id.prefix() == Some(name);
            for comment in sent(&decided, &copy).filter(|comment| !own(comment)) {
                let chars = u64::try_from(comment.body.chars().count()).unwrap();
                prop_assert!(limits.body_chars.is_none_or(|most| chars <= most), "{:?}", comment);
                prop_assert!(comment.public || limits.private_comments, "{:?}", comment);
            }
        }
    }

    #[test]
    fn a_resync_says_what_was_told_whatever_the_limits_are_now(
        (story, order) in told(), now in limits(),
    ) {
        let (state, decided) = run(&story, order);
        let mut settings = story.settings.clone();
        for (name, _) in copies() {
            settings.limits.insert(account(name), now);
        }
        for (name, copy) in copies() {
            let own = |id: &CommentId| id.prefix() == Some(name);
            let share_id = story.hops[0].share_id.clone();
            let resync = Transfer {
                action: Action::Resync { share_id },
                ..update(name, &copy, &story.hops, Vec::new())
            };
            let again = take(&mut state.clone(), &settings, &resync);
            let told: BTreeMap<_, _> = sent(&decided, &copy)
                .map(|comment| (comment.id.clone(), comment.body.clone()))
                .collect();
            for comment in
                again.comments.get(&copy).into_iter().flatten().filter(|comment| !own(&comment.id))
            {
                prop_assert_eq!(told.get(&comment.id), Some(&comment.body), "{}", name);
            }
        }
    }

    #[test]
    fn r_54_nothing_public_comes_back_under_private_only((story, order) in told()) {
        let (_, decided) = run(&story, order);
        for (hop, beyond) in story.hops.iter().zip([&["globex", "initech"][..], &["initech"]]) {
            if hop.terms.comments == CommentTerms::PrivateOnly {
                for comment in sent(&decided, &hop.near) {
                    let from_beyond =
                        comment.id.prefix().is_some_and(|account| beyond.contains(&account));
                    prop_assert!(!(comment.public && from_beyond), "{:?}", comment);
                }
            }
        }
    }

    #[test]
    fn r_31_r_35_no_recording_and_no_kept_attachment_leaves((story, order) in told()) {
        let (_, decided) = run(&story, order);
        for comment in copies().iter().flat_map(|(_, copy)| sent(&decided, copy)) {
            let written = format!("{comment:?}");
            prop_assert!(!written.contains(RECORDING), "{}", written);
            let open =
                |name: &str| story.settings.secure_downloads.get(&account(name)) == Some(&false);
            prop_assert!(
                comment.attachments.is_empty() || comment.id.prefix().is_some_and(open),
                "{:?}",
                comment
            );
        }
    }
}
