//! What a transfer publishes: its comments taken in, as what may cross.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::sync::{Transfer, TransferComment};
use contracts::{AccountName, CommentId, Decision, Item, ItemOutcome, Reason};

use super::admit::{Admission, admit};
use super::draft::Draft;
use super::recording::without_recording;
use super::{KnownComment, Marks, Settings, attachments};

/// Takes in the comments that are new, at the publisher's copy, as what may cross.
pub(super) fn publish(
    comments: &mut Draft,
    marks: &Marks,
    settings: &Settings,
    transfer: &Transfer,
) -> (Vec<CommentId>, Vec<Decision>) {
    let account = &transfer.command.account;
    let mut new = Vec::new();
    let mut decisions = Vec::new();
    for (place, comment) in (0..).zip(&transfer.comments) {
        let item = Item::Comment(comment.id.clone());
        match admit(comments, &transfer.copy, account, &comment.id) {
            Admission::Refused(reason) => decisions.push(Decision::withheld(item, reason)),
            Admission::Unchanged => {
                decisions
                    .push(Decision::new(item, ItemOutcome::Unchanged).because(Reason::Unchanged));
            }
            Admission::New => {
                let (content, stays) = stripped(settings, account, comment);
                let content = marks.applied_to(account, content);
                decisions.extend(stays);
                new.push(comment.id.clone());
                comments.add(KnownComment {
                    account: account.clone(),
                    content,
                    arrived_at: transfer.command.received_at,
                    place,
                    copies: [transfer.copy.clone()].into(),
                    without_files: BTreeSet::new(),
                    cuts: BTreeMap::new(),
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

#[cfg(test)]
mod tests {
    use super::super::samples::{
        acme_copy, chain_of_three, first_hop, person, published, second_hop, sent, settings, take,
        told, update,
    };
    use super::*;

    #[test]
    fn r_39_the_author_stays_the_placeholder_it_came_as() {
        let mut state = chain_of_three();
        let comment = TransferComment { author: person("Grace"), ..published("initech/1") };
        let decided = take(
            &mut state,
            &settings(),
            &update("initech", &second_hop().far(), &[second_hop()], vec![comment]),
        );
        assert_eq!(decided.comments[&acme_copy()][0].author, person("Grace"));
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
        let decided = take(&mut state, &settings(), &transfer);
        assert_eq!(sent(&decided)[1], ["acme/1"]);
        let unchanged =
            ("comment:acme/1".to_owned(), ItemOutcome::Unchanged, Some(Reason::Unchanged), false);
        assert!(told(&decided).contains(&unchanged));

        let again = take(&mut state, &settings(), &transfer);
        assert!(again.comments.is_empty());
        assert_eq!(told(&again), [unchanged.clone(), unchanged]);
    }

    #[test]
    fn an_id_of_somebody_else_is_refused_and_the_rest_crosses() {
        let mut state = chain_of_three();
        let comments = vec![published("globex/7"), published("acme/1")];
        let decided =
            take(&mut state, &settings(), &update("acme", &acme_copy(), &[first_hop()], comments));
        assert_eq!(sent(&decided)[1], ["acme/1"]);
        assert!(told(&decided).contains(&(
            "comment:globex/7".into(),
            ItemOutcome::Withheld,
            Some(Reason::IdTaken),
            false
        )));
    }
}
