//! HTML of comments goes on clean, and without what costs too much.

use contracts::command::TicketUpdate;
use contracts::delivery::AgreementStatus::Accepted;
use contracts::limits::HTML_BYTES;
use contracts::{ItemOutcome, Reason};

use crate::TO_GLOBEX;
use crate::harness::ServiceHarness;
use crate::samples::{account_fact, agreement_fact, comment, share, update};

#[tokio::test(flavor = "multi_thread")]
async fn html_goes_on_clean_once_and_what_costs_too_much_as_text() {
    let mut stage = ServiceHarness::set("dispatcher-html").await;
    let acme = stage.desk("acme").await;
    stage.start_two_replicas();
    stage.told("account", &account_fact("acme")).await;
    stage.told("agreement", &agreement_fact(TO_GLOBEX, ("acme", "globex"), 2, Accepted)).await;

    let careless = "<p onclick=\"steal()\">It <b>smokes</b></p><script>steal()</script>";
    let mut shared = share(TO_GLOBEX, "1");
    shared.ticket.comments[0].html_body = Some(careless.into());
    let id = acme.send(&shared).await.expect("the broker takes it");
    let (_, first) = stage.transfer(&acme, &id).await;
    assert_eq!(first.comments[0].html_body.as_deref(), Some("<p>It <b>smokes</b></p>"));

    let dear = |update: &mut TicketUpdate| {
        update.comments = vec![comment("acme/a"), comment("acme/b")];
        update.comments[0].html_body = Some("<p>".repeat(HTML_BYTES / 3 + 1));
        update.comments[1].html_body = Some("<i>clean</i>".into());
    };
    let id = acme.send(&update("1", dear)).await.expect("the broker takes it");
    let (_, second) = stage.transfer(&acme, &id).await;
    let html: Vec<_> = second.comments.iter().map(|it| it.html_body.as_deref()).collect();
    assert_eq!(html, [None, Some("<i>clean</i>")]);
    assert_eq!(second.comments[0].body, "It smokes.");
    let [told] = &second.command.remarks.decisions[..] else { panic!("{second:?}") };
    assert_eq!((told.outcome, told.reason), (ItemOutcome::Mapped, Some(Reason::Malformed)));
    stage.end().await;
}
