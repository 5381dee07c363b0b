//! Scene: an agreement ends.

use contracts::Reason;
use contracts::ReceiptOutcome::{Applied, Rejected};
use contracts::command::AgreementDeactivate;
use contracts::delivery::AgreementStatus;

use super::agreements::{mail, state};
use super::sample::{self, comment, update};
use super::{Side, Story, chain, comment_in};

/// The comment that must not reach initech any more.
pub(super) const AFTER: &str = "globex/3";

pub(super) async fn play(story: &mut Story) {
    story.out.headline("globex ends its agreement with initech: what comes later stays home");
    let deactivate =
        AgreementDeactivate { agreement_id: story.second.clone(), actor: sample::admin("globex") };
    let ended = story
        .ask(&story.globex, &deactivate, Applied, "deactivates the agreement with initech")
        .await;
    let inactive = |told: &_| state(told, &story.second, AgreementStatus::Inactive);
    let (_, arrival) = story
        .arrives(&story.globex, &ended, &story.initech, "the end of the agreement", inactive)
        .await;
    arrival.tell("the agreement is inactive, for good");
    mail(story, &story.globex, &ended, "initech", "ended").await;

    let mut late = update(Side::Initech, chain::NUMBER);
    late.comments = vec![comment("initech/2", true, "Are you still there?")];
    let refused = story.ask(&story.initech, &late, Rejected, "a later comment").await;
    assert_eq!(refused.receipt.reason, Some(Reason::NotShared));

    let mut later = update(Side::Globex, &story.links[0].far.1);
    later.comments = vec![comment(AFTER, true, "We go on without Initech.")];
    let sent =
        story.ask(&story.globex, &later, Applied, "a comment, to what is left of the chain").await;
    let (_, arrival) = story
        .arrives(&story.globex, &sent, &story.acme, "the comment", |told| comment_in(told, AFTER))
        .await;
    arrival.tell("the comment");
    // Copies beyond an ended agreement go their own ways.
    story.links.truncate(1);
}
