//! Who speaks: the account in the key must be registered, and its publisher the account itself or
//! its operator.

use contracts::{AccountName, Reason};

use super::state::{Account, State};
use super::{Answer, Asked};

/// The account that speaks, or what is answered instead.
pub(super) fn account<'a>(state: &'a State, asked: Asked<'_>) -> Result<&'a Account, Answer> {
    let name = &asked.command.account;
    if *name == AccountName::operator() {
        // The operator is no account and never becomes one, but it has a desk queue: there is
        // nothing to wait for.
        return Err(if asked.publisher == name {
            asked.refused(
                Reason::UnknownAccount,
                "the operator registers accounts and is none itself".to_owned(),
            )
        } else {
            not_yours(asked)
        });
    }
    let Some(account) = state.account(name) else {
        let (reason, brief) = (Reason::UnknownAccount, false);
        return Err(Answer::NotYet { reason, brief, refusal: None });
    };
    if asked.publisher == name || account.operated_by.as_ref() == Some(asked.publisher) {
        Ok(account)
    } else {
        Err(not_yours(asked))
    }
}

/// Tells the publisher, not the account it tried to speak for.
pub(super) fn not_yours(asked: Asked<'_>) -> Answer {
    let detail =
        format!("the user {} does not publish for {}", asked.publisher, asked.command.account);
    Answer::Receipt {
        to: asked.publisher.clone(),
        receipt: Box::new(asked.refusal(Reason::NotYourAccount, detail)),
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Reason, ReceiptOutcome};

    use crate::rules::Answer;
    use crate::rules::world::{World, accept_of, id, name, operator, titled};

    #[test]
    fn the_operator_of_an_account_speaks_for_it() {
        let mut world = World::with(&["acme"]);
        world.tell("operator", "operator", &operator("bridge")).assert_applied();
        world
            .tell("operator", "operator", &titled("bridge-x"))
            .assert_refused(Reason::UnknownAccount);
        world.register_under("bridge", "bridge-x");
        world.tell("bridge", "bridge-x", &titled("Beyond")).assert_applied();
        world.tell("bridge-x", "bridge-x", &titled("Further")).assert_applied();
    }

    #[test]
    fn a_stranger_does_not_and_hears_so_itself() {
        let mut world = World::with(&["bridge", "bridge-x"]);
        let answer = world.tell("bridge", "bridge-x", &titled("Taken over"));
        let Answer::Receipt { to, receipt } = &answer.0 else { panic!("{answer:?}") };
        assert_eq!(*to, name("bridge"));
        assert_eq!(
            (receipt.outcome, receipt.reason),
            (ReceiptOutcome::Rejected, Some(Reason::NotYourAccount))
        );
        assert_ne!(world.account("bridge-x").display_name, "Taken over");
    }

    #[test]
    fn an_account_that_is_not_registered_waits_and_has_nobody_to_answer() {
        let mut world = World::with(&["acme"]);
        for message in [titled("Globex"), accept_of(id(1))] {
            let answer = world.tell("globex", "globex", &message);
            let (reason, brief) = (Reason::UnknownAccount, false);
            assert_eq!(answer.0, Answer::NotYet { reason, brief, refusal: None });
        }
    }
}
