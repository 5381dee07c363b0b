//! Scene: what is refused.

use anyhow::Result;
use contracts::Reason;
use contracts::ReceiptOutcome::Rejected;
use lapin::BasicProperties;
use serde_json::json;

use super::{Story, sample};

/// The message that does not say who sends it.
const ANONYMOUS: &str = "without-user-id";

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

    without_user_id(story).await
}

/// The broker lets an account use no keys but its own, so the key says whom to answer.
async fn without_user_id(story: &mut Story) -> Result<()> {
    let desk = story.acme.rust().expect("acme's desk is in Rust");
    let anonymous = |_: BasicProperties| {
        BasicProperties::default()
            .with_message_id(ANONYMOUS.into())
            .with_type("ticket.update.v1".into())
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
    };
    desk.publish("acme.ticket.update", "ticket.update.v1", ANONYMOUS, b"{}", anonymous).await?;
    let receipt = desk.receipt(ANONYMOUS).await;
    assert_eq!(receipt.reason, Some(Reason::Malformed), "{receipt:?}");
    story.out.event(
        "acme",
        "deskmesh",
        desk.answered_in(ANONYMOUS),
        None,
        &format!("sends a command without user_id ({})", receipt.detail.unwrap_or_default()),
    );
    Ok(())
}
