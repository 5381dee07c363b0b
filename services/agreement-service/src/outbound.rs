//! What agreement-service sends: changes along the line, and at once what a command that changed
//! nothing is answered.

use contracts::delivery::Delivery;
use contracts::sync::{AccountFact, CommandRef, Fact};
use contracts::topology::Service;
use contracts::{AccountName, Receipt};
use messaging::{HandlerResult, Otherwise, Output, ParkReason, Patience};

use crate::rules::Answer;

/// What becomes of a command that was answered so.
pub(crate) fn verdict(answer: Answer, command: &CommandRef) -> HandlerResult {
    let (account, received_at) = (&command.account, command.received_at);
    let told = |to: &AccountName, receipt: Receipt| {
        Output::to_desk(&Delivery::receipt(to, command.remarks.told_in(receipt)), received_at)
    };
    match answer {
        Answer::Fact(fact) => HandlerResult::Decided(vec![onward(&fact)]),
        Answer::Receipt { to, receipt } => HandlerResult::Decided(vec![told(&to, *receipt)]),
        Answer::Shown { deliveries, receipt } => {
            let shown = deliveries.iter().map(|delivery| Output::to_desk(delivery, received_at));
            HandlerResult::Decided(shown.chain([told(account, *receipt)]).collect())
        }
        Answer::NotYet { reason, brief, refusal } => {
            let patience = if brief { Patience::Moment } else { Patience::Ladder };
            let otherwise = match refusal {
                Some(receipt) => Otherwise::Decided(vec![told(account, *receipt)]),
                None => Otherwise::Park(ParkReason::UnknownAccount),
            };
            HandlerResult::NotYet { reason, patience, otherwise }
        }
    }
}

/// A change on its way along the line. What the account that it registers is told first comes after
/// it.
fn onward(fact: &Fact) -> Output {
    let output = Output::to_service(Service::ShareDispatcher, fact);
    match fact.change.account().and_then(AccountFact::newly_operated) {
        Some((account, operator)) => output.once_bound(account, operator),
        None => output,
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Reason, ReceiptOutcome};

    use super::*;
    use crate::rules::world::{World, accept_of, at, id, invite, list, name, rename_to, titled};

    fn command(account: &str) -> CommandRef {
        CommandRef {
            account: name(account),
            message_id: "m-1".into(),
            command_type: "the.command.v1".into(),
            received_at: at(),
            remarks: contracts::sync::Remarks::default(),
        }
    }

    fn sent(
        publisher: &str,
        account: &str,
        message: &crate::Inbound,
    ) -> Vec<(String, String, String)> {
        let answer =
            World::with(&["acme", "globex", "acme-eu"]).tell(publisher, account, message).0;
        let outputs = match verdict(answer, &command(account)) {
            HandlerResult::Decided(outputs)
            | HandlerResult::NotYet { otherwise: Otherwise::Decided(outputs), .. } => outputs,
            other => panic!("nothing is sent: {other:?}"),
        };
        let route = |output: &Output| {
            (
                output.exchange().to_owned(),
                output.routing_key().to_owned(),
                output.message_type().to_owned(),
            )
        };
        outputs.iter().map(route).collect()
    }

    fn expected(exchange: &str, key: &str, message_type: &str) -> Vec<(String, String, String)> {
        vec![(exchange.to_owned(), key.to_owned(), message_type.to_owned())]
    }

    #[test]
    fn a_change_goes_along_the_line_and_nothing_beside_it() {
        assert_eq!(
            sent("acme", "acme", &invite(id(1), "globex")),
            expected("sync", "share-dispatcher.fact", "fact.v1")
        );
        assert_eq!(
            sent("acme", "acme", &rename_to("acme-group")),
            expected("sync", "share-dispatcher.fact", "fact.v1")
        );
        assert_eq!(
            sent("acme", "acme", &titled("Acme")),
            expected("sync", "share-dispatcher.fact", "fact.v1")
        );
    }

    #[test]
    fn a_refusal_is_answered_at_once() {
        let receipt = |account: &str| {
            expected("desk", &format!("{account}.command.receipt"), "command.receipt.v1")
        };
        assert_eq!(sent("acme", "acme", &invite(id(1), "acme")), receipt("acme"));
        assert_eq!(sent("acme", "acme", &accept_of(id(1))), receipt("acme"));
        assert_eq!(
            sent("acme", "acme-eu", &accept_of(id(1))),
            receipt("acme"),
            "not_your_account goes to the publisher"
        );
        assert_eq!(sent("operator", "operator", &accept_of(id(1))), receipt("operator"));
    }

    #[test]
    fn what_was_asked_for_goes_out_in_order_and_the_receipt_after_it() {
        let mut world = World::with(&["acme", "globex"]);
        for number in [2, 3, 1] {
            world.tell("acme", "acme", &invite(id(number), "globex")).assert_applied();
        }
        let answer = world.tell("globex", "globex", &list(|_| ())).0;
        let HandlerResult::Decided(outputs) = verdict(answer, &command("globex")) else { panic!() };
        let told = |output: &Output| {
            (output.routing_key().to_owned(), output.correlation_id().unwrap().to_owned())
        };
        let mut expected: Vec<_> = [1, 2, 3]
            .map(|number| ("globex.agreement.state".to_owned(), id(number).to_string()))
            .to_vec();
        expected.push(("globex.command.receipt".to_owned(), "m-1".to_owned()));
        assert_eq!(outputs.iter().map(told).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn without_an_account_there_is_nobody_to_answer() {
        let answer = World::with(&[]).tell("acme", "acme", &titled("Acme")).0;
        let verdict = verdict(answer, &command("acme"));
        assert!(
            matches!(
                verdict,
                HandlerResult::NotYet {
                    reason: Reason::UnknownAccount,
                    patience: Patience::Ladder,
                    otherwise: Otherwise::Park(_)
                }
            ),
            "{verdict:?}"
        );
    }

    #[test]
    fn a_receipt_names_its_command() {
        let answer = World::with(&["acme"]).tell("acme", "acme", &invite(id(1), "acme")).0;
        let Answer::Receipt { receipt, .. } = &answer else { panic!("{answer:?}") };
        assert_eq!(
            (receipt.command_id.as_str(), receipt.outcome),
            ("m-1", ReceiptOutcome::Rejected)
        );
        let HandlerResult::Decided(outputs) = verdict(answer, &command("acme")) else { panic!() };
        assert_eq!(outputs[0].correlation_id(), Some("m-1"));
    }
}
