//! What outlives a crash of the desk, and the end of a share.

use std::collections::{BTreeMap, BTreeSet};

use contracts::delivery::DeliveryBody;
use serde_json::{Value, json};

use super::{no_change, outcome};
use crate::certify::bench::{Bench, actor};
use crate::certify::door::DeskUnderTest;
use crate::certify::report::Outcome;
use crate::error::Result;

/// Deliveries that are on their way while the desk is killed.
const ON_THE_WAY: usize = 5;

/// Once at rest, and once while deliveries are taken in.
pub async fn restart<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&["Before the crash."]).await?;
    bench.update(&share, json!({ "status": "pending" })).await?;
    let wrong = bench.compare(&share).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    if !bench.desk.restart().await? {
        return Ok(cannot_be_restarted());
    }
    let wrong = bench.compare_at_rest(&share, bench.patience).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    bench.gate.hold().await;
    for number in 0..ON_THE_WAY {
        let comment = bench.comment(&format!("On the way, {number}."), true);
        bench.update(&share, json!({ "comments": [comment] })).await?;
    }
    bench.update(&share, json!({ "status": "solved" })).await?;
    bench.gate.release(|held| held).await?;
    bench.desk.restart().await?;
    bench.compare(&share).await.map(outcome)
}

pub(super) fn cannot_be_restarted() -> Outcome {
    Outcome::Untried(
        "the desk cannot be restarted from here: give --run or --restart, or sit at a terminal"
            .to_owned(),
    )
}

/// The receipt comes after the crash: whoever forgot the command cannot read it.
pub async fn command_kept<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    let wrong = bench.compare(&share).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    bench.gate.hold().await;
    let change = json!({ "status": "pending", "comments": [{ "body": "Kept?", "public": true }] });
    if bench.change(&share, change).await?.is_none() {
        bench.gate.release(|held| held).await?;
        return Ok(no_change());
    }
    let restarted = bench.desk.restart().await?;
    let answered = bench.answered(&share, |command| command["status"] == "pending").await?;
    bench.gate.release(|held| held).await?;
    if !restarted {
        return Ok(cannot_be_restarted());
    }
    if let Err(why) = answered {
        return Ok(Outcome::Wrong(vec![why]));
    }
    let mut wrong = bench.compare(&share).await?;
    wrong.extend(under_several_ids(bench).await);
    Ok(outcome(wrong))
}

/// One comment, or one change, that was published under more than one `message_id`.
async fn under_several_ids<D: DeskUnderTest>(bench: &Bench<'_, D>) -> Vec<String> {
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for command in bench.gate.commands().await {
        if command.kind == "ticket.update.v1" {
            ids.entry(same_change(&command.content)).or_default().insert(command.id);
        }
    }
    let several = ids.into_values().filter(|ids| ids.len() > 1);
    several
        .map(|ids| {
            let ids: Vec<String> = ids.into_iter().collect();
            format!("one change was published under several ids: {}", ids.join(", "))
        })
        .collect()
}

/// What an agent did, whatever ids the desk made for it.
fn same_change(command: &Value) -> String {
    let text = |comment: &Value| comment["body"].clone();
    let comments = command["comments"].as_array().map(|all| all.iter().map(text).collect());
    json!([
        command["share_id"],
        command["ticket_id"],
        command["occurred_at"],
        command["status"],
        comments.unwrap_or(Value::Null),
    ])
    .to_string()
}

pub async fn after_the_end<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&["It stays."]).await?;
    let wrong = bench.compare(&share).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    let unshare = json!({ "share_id": share, "actor": actor(&bench.partner.account) });
    bench.ask("ticket.unshare.v1", &unshare).await?;
    bench
        .gate
        .until_told(
            "the end of the share",
            |told| matches!(told, DeliveryBody::TicketUnshared(it) if it.share_id == share),
        )
        .await?;
    // Another ticket goes before the look: by then the end of this one was read.
    let next = bench.ticket(&[]).await?;
    let wrong = bench.compare(&next).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    let report = bench.desk.report(&share).await?;
    let gone = report.is_null().then(|| "the ticket is gone with its share".to_owned());
    Ok(outcome(gone.into_iter().collect()))
}
