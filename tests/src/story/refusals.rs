//! Scene: what is refused, and what is set aside.

use anyhow::Result;
use contracts::Reason;
use contracts::ReceiptOutcome::Rejected;
use lapin::BasicProperties;
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::until;

use super::{Story, sample};

/// The message that comes from nobody.
const ANONYMOUS: &str = "from-nobody";

pub(super) async fn play(story: &mut Story) -> Result<()> {
    story.out.headline("What is wrong is answered, and disturbs nobody");
    let again = sample::full_share(&story.first);
    let refused = story.ask(&story.acme, &again, Rejected, "shares A-1 a second time").await;
    assert_eq!(refused.receipt.reason, Some(Reason::AlreadyShared));

    let broken = json!({ "ticket_id": 7, "status": "opne", "actor": "me" });
    let refused = story.globex.ask_raw("ticket.update.v1", &broken).await;
    let detail = refused.receipt.detail.clone().unwrap_or_default();
    story.answered(
        &story.globex,
        &refused,
        Rejected,
        &format!("sends a misspelt update ({detail})"),
    );
    assert_eq!(refused.receipt.reason, Some(Reason::Malformed));

    from_nobody(story).await
}

/// Without `user_id` there is no account that could be answered.
async fn from_nobody(story: &mut Story) -> Result<()> {
    let desk = story.acme.rust().expect("acme's desk is in Rust");
    let anonymous = |_: BasicProperties| {
        BasicProperties::default()
            .with_message_id(ANONYMOUS.into())
            .with_type("ticket.update.v1".into())
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
    };
    let before = desk.deliveries().len();
    desk.publish("acme.ticket.update", "ticket.update.v1", ANONYMOUS, b"{}", anonymous).await?;
    let reason = until("the message without an account parked", PATIENCE, async || {
        match story.stage.parked(ANONYMOUS).await {
            Ok(Some(reason)) => Ok(reason),
            Ok(None) => Err("it is not in the table `parked`".to_owned()),
            Err(failed) => Err(failed.to_string()),
        }
    })
    .await;
    let took = desk.sent_at(ANONYMOUS).map(|sent| sent.elapsed());
    story.out.event(
        "nobody",
        "deskmesh",
        took,
        None,
        &format!("a command without an account: parked for a person, {reason}"),
    );
    assert_eq!(desk.deliveries().len(), before, "a command from nobody is answered to nobody");
    story.parked.push(ANONYMOUS.to_owned());
    Ok(())
}
