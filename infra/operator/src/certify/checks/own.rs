//! What the desk publishes, and what it makes of the receipts.

use std::collections::BTreeSet;

use contracts::{ItemOutcome, ReceiptOutcome, ShareId};
use serde_json::{Value, json};

use super::{no_change, outcome};
use crate::certify::bench::{Bench, is_about, now};
use crate::certify::door::DeskUnderTest;
use crate::certify::gate::Told;
use crate::certify::report::Outcome;
use crate::error::Result;

/// How long before the partner's change the desk's own was made, in seconds.
const EARLIER: i64 = 60;

/// The desk was away: its agent's change is older than the partner's, and arrives after it. Its
/// receipt comes first, with a revision that is higher than that of the value which stands.
pub async fn lost_race<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    let wrong = bench.compare(&share).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    bench.gate.hold().await;
    bench.update(&share, json!({ "status": "pending" })).await?;
    let later = json!({ "add": [{ "name": "later", "added_by": "user" }] });
    bench.update(&share, json!({ "tags": later })).await?;
    let change = json!({ "status": "solved", "occurred_at": now(-EARLIER) });
    if bench.change(&share, change).await?.is_none() {
        bench.gate.release(|held| held).await?;
        return Ok(no_change());
    }
    let answered = bench.answered(&share, |command| command["status"] == "solved").await?;
    bench.gate.release(receipts_first).await?;
    let receipt = match answered {
        Ok(receipt) => receipt,
        Err(why) => return Ok(Outcome::Wrong(vec![why])),
    };
    let lost = receipt.decisions.iter().any(|decision| {
        decision.item.to_string() == "status" && decision.outcome == ItemOutcome::Superseded
    });
    let wrong = bench.compare(&share).await?;
    if wrong.is_empty() && !lost {
        return Ok(Outcome::Untried(
            "the desk's change did not lose: it has to be published with the `occurred_at` that \
             `change` gives, and with `base_revision`"
                .to_owned(),
        ));
    }
    Ok(outcome(wrong))
}

pub async fn own_hold<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    // So that `hold` arrives as another status than the partner's own, and the receipt says so.
    bench.update(&share, json!({ "status": "pending" })).await?;
    let wrong = bench.compare(&share).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    if bench.change(&share, json!({ "status": "hold" })).await?.is_none() {
        return Ok(no_change());
    }
    if let Err(why) = bench.answered(&share, |command| command["status"] == "hold").await? {
        return Ok(Outcome::Wrong(vec![why]));
    }
    // The partner repeats what it sees.
    let comment = bench.comment("Still open here.", true);
    bench.update(&share, json!({ "status": "open", "comments": [comment] })).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn receipts<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    let wrong = bench.compare(&share).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    bench.gate.hold().await;
    let mut wrong = Vec::new();
    for status in ["pending", "solved"] {
        if bench.change(&share, json!({ "status": status })).await?.is_none() {
            bench.gate.release(|held| held).await?;
            return Ok(no_change());
        }
        wrong.extend(bench.answered(&share, |it| it["status"] == status).await?.err());
    }
    let reversed = |mut held: Vec<Told>| {
        held.reverse();
        held
    };
    bench.gate.release(reversed).await?;
    if !wrong.is_empty() {
        return Ok(Outcome::Wrong(wrong));
    }
    bench.compare(&share).await.map(outcome)
}

/// Of all checks so far: what the desk published that it had been told.
pub async fn no_echo<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let mut wrong = BTreeSet::new();
    for share in bench.shares.clone() {
        let number = bench.number_of(&share).await;
        for command in bench.gate.commands().await {
            let is_update = command.kind == "ticket.update.v1";
            if is_update && is_about(&command.content, &share, number.as_deref()) {
                wrong.extend(echoes(bench, &share, &command.content));
            }
        }
    }
    Ok(outcome(wrong.into_iter().collect()))
}

fn echoes<D>(bench: &Bench<'_, D>, share: &ShareId, command: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for comment in command["comments"].as_array().into_iter().flatten() {
        let (id, body) = (comment["id"].as_str(), comment["body"].as_str());
        for (said, text) in &bench.said {
            if id == Some(said.as_str()) || body == Some(text) {
                wrong.push(format!("the partner's comment `{said}` was published by the desk"));
            }
        }
    }
    let asked = bench
        .changes
        .iter()
        .any(|change| change["share_id"] == json!(share) && change["status"] == command["status"]);
    if command["status"].is_string() && !asked {
        wrong.push(format!(
            "the status {} was published, and no agent had set it",
            command["status"]
        ));
    }
    wrong
}

/// Of all checks so far: receipts of the desk's commands.
pub async fn commands_accepted<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let mut wrong = BTreeSet::new();
    for command in bench.gate.commands().await {
        let receipt = bench.gate.until_answered(&command.id).await?;
        if receipt.outcome == ReceiptOutcome::Rejected {
            let reason = receipt.reason.map(|reason| reason.to_string()).unwrap_or_default();
            let detail = receipt.detail.unwrap_or_default();
            wrong.insert(format!("{} was rejected: {reason} {detail}", command.kind));
        }
    }
    Ok(outcome(wrong.into_iter().collect()))
}

/// Receipts before all else.
pub(super) fn receipts_first(held: Vec<Told>) -> Vec<Told> {
    let (mut first, rest): (Vec<Told>, Vec<Told>) = held.into_iter().partition(Told::is_receipt);
    first.extend(rest);
    first
}
