//! What goes on beside the load: services are killed, and agreements are offered and withdrawn, so
//! that every service has work to lose.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use contracts::ReceiptOutcome::Applied;
use contracts::command::AgreementDeactivate;
use contracts::delivery::AgreementStatus;
use contracts::topology::Service;
use testkit::desk::PATIENCE;
use testkit::until;

use super::agreements::{invite, mails_to, state};
use super::load::LOOK;
use super::{Story, sample};
use crate::party::DeskDriver;
use crate::stage::Stage;
use crate::timeline::{Timeline, milliseconds};

/// Between two offers.
const PAUSE: Duration = Duration::from_millis(200);

/// Kills the services one after the other, spread over the load.
pub(super) async fn kills(
    stage: &mut Stage,
    services: &[Service],
    updates: usize,
    answered: &AtomicUsize,
    out: &Timeline,
) -> Result<()> {
    for (index, service) in services.iter().enumerate() {
        let due = updates * (index + 1) / (services.len() + 2);
        while answered.load(Ordering::Relaxed) < due {
            tokio::time::sleep(LOOK).await;
        }
        let at = answered.load(Ordering::Relaxed);
        out.stage(&format!("kill -9 {} after {at} receipts", service.name()));
        let away = stage.kill(*service).await?;
        let since = answered.load(Ordering::Relaxed) - at;
        out.stage(&format!(
            "{} is back after {} ms; {since} receipts came meanwhile",
            service.name(),
            milliseconds(away)
        ));
    }
    Ok(())
}

/// Offers agreements and withdraws them until the load is over. Says how many.
pub(super) async fn offers(
    vhost: &str,
    from: &DeskDriver,
    to: &DeskDriver,
    over: &AtomicBool,
) -> usize {
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        count += 1;
        let agreement = sample::agreement(vhost, &format!("offer {count}"));
        let offered = from.ask(&invite(from, to, &agreement)).await;
        assert_eq!(offered.receipt.outcome, Applied, "an offer: {:#?}", offered.receipt);
        to.told("the offer", |told| state(told, &agreement, AgreementStatus::Pending)).await;
        let withdraw = AgreementDeactivate {
            agreement_id: agreement,
            actor: sample::admin(from.account.as_str()),
        };
        let withdrawn = from.ask(&withdraw).await;
        assert_eq!(withdrawn.receipt.outcome, Applied, "a withdrawal: {:#?}", withdrawn.receipt);
        tokio::time::sleep(PAUSE).await;
    }
    count
}

/// Waits until every offer has its mail.
pub(super) async fn mails(story: &Story, offers: usize) {
    let what = format!("a mail for each of {offers} offers to acme");
    until(&what, PATIENCE, async || match mails_to(story, "acme", "invites you").len() {
        enough if enough >= offers => Ok(()),
        less => Err(format!("{less} mails")),
    })
    .await;
    let text = format!("meanwhile {offers} agreements offered and withdrawn, a mail for each");
    story.out.event("initech", "acme", None, None, &text);
}
