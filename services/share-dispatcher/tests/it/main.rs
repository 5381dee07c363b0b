//! The service in the real runtime: facts from agreement-service, commands from desks, transfers to
//! the next stages, and what is stored.

mod dry_run;
mod harness;
mod html;
mod many;
mod operator;
mod samples;

use contracts::command::TicketUpdate;
use contracts::delivery::AgreementStatus::{Accepted, Inactive, Pending};
use contracts::delivery::DeliveryBody;
use contracts::fields::Status;
use contracts::sync::{Action, Transfer};
use contracts::topology::Service;
use contracts::topology::Service::{CommentSync, FieldSync};
use contracts::{Message, Reason, ReceiptOutcome, ShareId};
use testkit::desk::PATIENCE;
use testkit::{Desk, locks, until};

use crate::harness::ServiceHarness;
use crate::samples::{
    account_fact, agreement_fact, bind, ccs, comment, share, share_id, ticket, unshare, update,
};

/// The number of an agreement from acme to globex.
const TO_GLOBEX: usize = 1;

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_goes_on_also_when_a_newer_one_is_held_and_the_newest_is_in_force() {
    let mut stage = ServiceHarness::set("dispatcher-facts").await;
    let acme = stage.desk("acme").await;
    stage.start_two_replicas();
    stage.told("account", &account_fact("acme")).await;
    let agreement =
        |version, status| agreement_fact(TO_GLOBEX, ("acme", "globex"), version, status);
    stage.told("newer", &agreement(2, Accepted)).await;
    stage.told("older", &agreement(1, Pending)).await;
    let facts = stage.facts();
    for expected in [account_fact("acme"), agreement(2, Accepted), agreement(1, Pending)] {
        assert!(
            facts.contains(&expected),
            "{expected:?} goes on as it came; what went on: {facts:?}"
        );
    }

    let id = acme.send(&share(TO_GLOBEX, "1")).await.expect("the broker takes it");
    stage.transfer(&acme, &id).await;
    stage.told("newest", &agreement(3, Inactive)).await;
    stage.told("accepted-again", &agreement(2, Accepted)).await;
    let receipt = acme.command(&update("1", |update| update.status = Some(Status::Solved))).await;
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Rejected, Some(Reason::NotShared))
    );
    let receipt = acme.command(&share(TO_GLOBEX, "2")).await;
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Rejected, Some(Reason::AgreementInactive))
    );
    assert_eq!(
        acme.deliveries().len(),
        2,
        "facts and what is passed on are answered at the end of the line"
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_leads_to_the_stage_with_work_for_it_without_addresses() {
    let mut stage = ServiceHarness::set("dispatcher-routes").await;
    let (acme, globex) = (stage.desk("acme").await, stage.desk("globex").await);
    stage.start_two_replicas();
    for account in ["acme", "globex"] {
        stage.told(account, &account_fact(account)).await;
    }
    stage.told("agreement", &agreement_fact(TO_GLOBEX, ("acme", "globex"), 2, Accepted)).await;

    let (to, shared) = passed(&stage, &acme, &share(TO_GLOBEX, "1")).await;
    let Action::Share(sharing) = &shared.action else { panic!("{shared:?}") };
    assert_eq!((to, shared.hops.len(), shared.comments.len()), (CommentSync, 1, 1));
    let stayed: Vec<_> = shared.decisions.iter().map(|decision| decision.reason).collect();
    assert_eq!(stayed, [Some(Reason::AddressStays), Some(Reason::CcsStay)]);

    let receipt = globex.command(&bind(&sharing.share_id, "77")).await;
    assert_eq!(
        (receipt.outcome, receipt.share_id.as_ref()),
        (ReceiptOutcome::Applied, Some(&sharing.share_id))
    );
    let as_bound = |told: &DeliveryBody| match told {
        DeliveryBody::TicketBound(bound) => Some((**bound).clone()),
        _ => None,
    };
    let (bound, _) = acme.told("the copy's number", as_bound).await;
    assert_eq!((&bound.share_id, bound.partner_ticket_id), (&sharing.share_id, ticket("77")));

    let solved = |number: &str| update(number, |update| update.status = Some(Status::Solved));
    let (to, fields) = passed(&stage, &globex, &solved("77")).await;
    assert_eq!(
        (to, &fields.action, &fields.chain),
        (FieldSync, &Action::Update, &shared.chain),
        "fields alone"
    );
    assert_eq!(fields.hops[0].far_ticket, Some(ticket("77")), "by the copy's own number");
    let (to, _) =
        passed(&stage, &acme, &update("1", |update| update.comments = vec![comment("acme/a")]))
            .await;
    assert_eq!(to, CommentSync, "comments alone");
    let both = |update: &mut TicketUpdate| {
        update.comments = vec![comment("acme/b")];
        update.status = Some(Status::Pending);
    };
    let (to, both) = passed(&stage, &acme, &update("1", both)).await;
    assert_eq!(
        (to, both.comments.len(), both.fields.is_empty()),
        (CommentSync, 1, false),
        "comments and fields"
    );

    let (to, with_ccs) =
        passed(&stage, &acme, &update("1", |update| update.ccs = Some(ccs()))).await;
    assert_eq!(
        (to, with_ccs.ccs, with_ccs.decisions[0].reason),
        (CommentSync, Some(ccs()), Some(Reason::CcsStay))
    );
    let receipt = globex.command(&unshare("77")).await;
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Rejected, Some(Reason::ReceiverCannotUnshare))
    );
    let (to, ended) = passed(&stage, &acme, &unshare("1")).await;
    assert_eq!(
        (to, &ended.action),
        (CommentSync, &Action::Unshare { share_id: sharing.share_id.clone() })
    );
    for (desk, number) in [(&acme, "1"), (&globex, "77")] {
        let receipt = desk.command(&solved(number)).await;
        assert_eq!(
            (receipt.outcome, receipt.reason),
            (ReceiptOutcome::Rejected, Some(Reason::NotShared))
        );
    }

    assert_eq!(
        stage.transfers().len(),
        6,
        "what is answered here goes no further: {:?}",
        stage.transfers()
    );
    // CCs go to comment-sync, which keeps them for notices; nobody else's address goes anywhere.
    for passed in stage.passed() {
        let mut content: serde_json::Value = serde_json::from_str(&passed.body).expect("JSON");
        let ccs = content.as_object_mut().and_then(|content| content.remove("ccs"));
        assert!(ccs.is_none() || passed.to == CommentSync, "{passed:?}");
        let rest = content.to_string();
        assert!(!rest.contains("acme.example") && !rest.contains("+39"), "{rest}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_shares_of_one_ticket_or_with_one_id_exactly_one_is_accepted() {
    const TO_INITECH: usize = 2;
    const OF_INITECH: usize = 3;
    const PAIRS: usize = 12;
    let mut stage = ServiceHarness::set("dispatcher-race").await;
    let (acme, initech) = (stage.desk("acme").await, stage.desk("initech").await);
    stage.start_two_replicas();
    for account in ["acme", "initech"] {
        stage.told(account, &account_fact(account)).await;
    }
    let agreements = [
        (TO_GLOBEX, ("acme", "globex")),
        (TO_INITECH, ("acme", "initech")),
        (OF_INITECH, ("initech", "globex")),
    ];
    for (number, parties) in agreements {
        stage
            .told(&format!("agreement-{number}"), &agreement_fact(number, parties, 2, Accepted))
            .await;
    }

    // Half of the tickets were shared before: their number has its place, and is no second guard
    // any more.
    let before = send_all(
        &acme,
        (0..PAIRS).step_by(2).map(|number| share(TO_GLOBEX, &format!("t{number}"))),
    )
    .await;
    for (index, id) in before.iter().enumerate() {
        stage.transfer(&acme, id).await;
        passed(&stage, &acme, &unshare(&format!("t{}", index * 2))).await;
    }

    let with_id = |agreement: usize, number: usize| {
        let mut share = share(agreement, &format!("i{number}"));
        share.share_id = Some(share_id(number));
        share.ticket.comments.clear();
        share
    };
    let held = locks::hold(&stage.pool, "lock table share in share mode").await;
    let (to_globex, to_initech, ours, theirs) = tokio::join!(
        send_all(&acme, (0..PAIRS).map(|number| share(TO_GLOBEX, &format!("t{number}")))),
        send_all(&acme, (0..PAIRS).map(|number| share(TO_INITECH, &format!("t{number}")))),
        send_all(&acme, (0..PAIRS).map(|number| with_id(TO_GLOBEX, number))),
        send_all(&initech, (0..PAIRS).map(|number| with_id(OF_INITECH, number))),
    );
    locks::release(&stage.pool, held).await;
    for number in 0..PAIRS {
        let one_ticket = [
            outcome(&stage, &acme, &to_globex[number]).await,
            outcome(&stage, &acme, &to_initech[number]).await,
        ];
        one_of_two(&one_ticket, Reason::AlreadyShared);
        let one_id = [
            outcome(&stage, &acme, &ours[number]).await,
            outcome(&stage, &initech, &theirs[number]).await,
        ];
        one_of_two(&one_id, Reason::IdTaken);
    }
    let accepted = 2 * PAIRS + before.len();
    assert_eq!(stage.transfers().len(), accepted + before.len(), "what is refused goes no further");
    let query = "select (select count(*) from share),
                        (select count(*) from share join hop using (share_id, chain) join ticket
                        on ticket.copy = hop.near)";
    let (shares, whole): (i64, i64) =
        sqlx::query_as(query).fetch_one(&stage.pool).await.expect("counts");
    assert_eq!(
        [shares, whole].map(usize::try_from),
        [Ok(accepted); 2],
        "each with its hop and its ticket's place"
    );
    stage.end().await;
}

/// Publishes a command and waits for what it leads to.
async fn passed<M: Message>(
    stage: &ServiceHarness,
    desk: &Desk,
    command: &M,
) -> (Service, Transfer) {
    let id = desk.send(command).await.expect("the broker takes it");
    stage.transfer(desk, &id).await
}

/// Publishes one after the other; the message ids.
async fn send_all<M: Message>(desk: &Desk, commands: impl IntoIterator<Item = M>) -> Vec<String> {
    let mut ids = Vec::new();
    for command in commands {
        ids.push(desk.send(&command).await.expect("the broker takes it"));
    }
    ids
}

/// What a share came to: the id of the share that was passed on, or the reason why none was.
async fn outcome(stage: &ServiceHarness, desk: &Desk, id: &str) -> Result<ShareId, Option<Reason>> {
    until(&format!("what {id} of {} comes to", desk.account), PATIENCE, async || {
        let transfers = stage.transfers();
        let its = transfers
            .iter()
            .find(|(_, it)| it.command.account == desk.account && it.command.message_id == id);
        match (its.map(|(_, transfer)| &transfer.action), desk.answer(id)) {
            (Some(Action::Share(sharing)), None) => Ok(Ok(sharing.share_id.clone())),
            (None, Some((receipt, _))) => Ok(Err(receipt.reason)),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

fn one_of_two(outcomes: &[Result<ShareId, Option<Reason>>; 2], refusal: Reason) {
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(refused, [&Some(refusal)], "{outcomes:?}");
}
