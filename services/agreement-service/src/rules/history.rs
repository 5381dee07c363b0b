//! Properties over whole histories of agreements: whatever anybody asks for, in whatever order and however often.

use contracts::delivery::AgreementStatus;
use contracts::sync::Change;
use proptest::prelude::*;

use super::Answer;
use super::world::{World, accept_of, deactivate_of, decline_of, id, invite, name, update};
use crate::inbound::Inbound;

const ACCOUNTS: [&str; 3] = ["acme", "globex", "initech"];

fn a_command() -> impl Strategy<Value = (usize, Inbound)> {
    let message = (0..5u8, 1..3u64, 0..ACCOUNTS.len(), any::<bool>(), 1..9u64);
    (0..ACCOUNTS.len(), message).prop_map(|(from, (kind, number, to, on, version))| {
        let message = match kind {
            0 => invite(id(number), ACCOUNTS[to]),
            1 => accept_of(id(number)),
            2 => decline_of(id(number)),
            3 => deactivate_of(id(number)),
            _ => update(|message| {
                message.version = version;
                message.decline_invites = Some(on);
            }),
        };
        (from, message)
    })
}

/// Where an agreement may go from where it stands.
fn may_follow(before: Option<AgreementStatus>, after: AgreementStatus) -> bool {
    use AgreementStatus::{Accepted, Declined, Inactive, Pending};
    match before {
        None => matches!(after, Pending | Declined),
        Some(Pending) => matches!(after, Accepted | Declined | Inactive),
        Some(Accepted) => after == Inactive,
        Some(Declined | Inactive) => false,
    }
}

proptest! {
    #[test]
    fn r_74_an_agreement_only_ever_goes_forward(history in proptest::collection::vec(a_command(), 1..40)) {
        let mut world = World::with(&ACCOUNTS);
        for (from, message) in &history {
            let account = ACCOUNTS[*from];
            let before = message.agreement_id().and_then(|id| world.agreement(id).cloned());
            let Answered { changed, heard } = answered(&world.tell(account, account, message).0);
            let after = message.agreement_id().and_then(|id| world.agreement(id).cloned());
            if !changed {
                prop_assert_eq!(before, after, "a refusal changes nothing");
                continue;
            }
            let Some(after) = after else { continue };
            prop_assert!(after.side_of(&name(account)).is_some(), "a stranger changed it");
            prop_assert!(may_follow(before.as_ref().map(|before| before.status), after.status));
            prop_assert_eq!(after.version, before.as_ref().map_or(0, |before| before.version) + 1);
            if let Some(before) = before {
                prop_assert_eq!((before.terms, before.sender, before.receiver), (after.terms, after.sender.clone(), after.receiver.clone()));
            }
            prop_assert!(heard.iter().all(|to| *to == after.sender || *to == after.receiver), "a stranger was told");
        }
    }

    #[test]
    fn the_same_command_again_changes_nothing_more(history in proptest::collection::vec(a_command(), 1..20)) {
        let mut world = World::with(&ACCOUNTS);
        for (from, message) in &history {
            let account = ACCOUNTS[*from];
            world.tell(account, account, message);
            let again = world.tell(account, account, message);
            prop_assert!(!answered(&again.0).changed, "{:?}", again);
        }
    }
}

struct Answered {
    changed: bool,
    heard: Vec<contracts::AccountName>,
}

fn answered(answer: &Answer) -> Answered {
    match answer {
        Answer::Fact(fact) => {
            assert!(matches!(&fact.change, Change::Account(_)) || !fact.deliveries.is_empty());
            Answered { changed: true, heard: fact.deliveries.iter().map(|delivery| delivery.to.clone()).collect() }
        }
        Answer::Receipt { .. } | Answer::NotYet { .. } => Answered { changed: false, heard: Vec::new() },
    }
}
