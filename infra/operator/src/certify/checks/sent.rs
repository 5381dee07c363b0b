//! What the desk makes of the tickets that it shares itself.

use serde_json::{Value, json};

use super::lasting::cannot_be_restarted;
use super::outcome;
use super::own::receipts_first;
use crate::certify::bench::Bench;
use crate::certify::door::DeskUnderTest;
use crate::certify::gate::Told;
use crate::certify::outward::{SharedByDesk, Sharing};
use crate::certify::report::Outcome;
use crate::error::Result;

/// The desk cannot be asked to share something.
fn no_share() -> Outcome {
    Outcome::Untried("the desk does not answer `share`".to_owned())
}

fn comment(body: &str, public: bool) -> Value {
    json!({ "body": body, "public": public })
}

/// A ticket that the desk shared, or why there is none.
async fn shared<D: DeskUnderTest>(
    bench: &mut Bench<'_, D>,
    status: &str,
    comments: &[Value],
) -> Result<std::result::Result<SharedByDesk, Outcome>> {
    let Sharing::Asked(subject) = bench.have_shared(status, comments).await? else {
        return Ok(Err(no_share()));
    };
    let shared = bench.shared(&subject).await?;
    Ok(shared.map_err(|why| Outcome::Wrong(vec![why])))
}

/// What the partner is told is what the agent shared, and the desk holds what Deskmesh does.
pub async fn whole<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let comments = [comment("The pump leaks. 🚰", true), comment("Only for agents.", false)];
    let ticket = match shared(bench, "pending", &comments).await? {
        Ok(ticket) => ticket,
        Err(outcome) => return Ok(outcome),
    };
    let mut wrong = Vec::new();
    let told = &ticket.created;
    let status = json!(told.status);
    if status != "pending" {
        wrong.push(format!("the partner was told the status {status} and not \"pending\""));
    }
    if !told.tags.iter().any(|tag| tag == "certified") {
        wrong.push("the partner was not told the tag `certified`".to_owned());
    }
    for said in &comments {
        let found = told.comments.iter().find(|it| said["body"] == it.body.as_str());
        match found {
            None => wrong.push(format!("the partner was not told the comment {}", said["body"])),
            Some(it) if said["public"] != it.public => wrong.push(format!(
                "the comment {} was shared as {} and is not",
                said["body"],
                if it.public { "public" } else { "private" }
            )),
            Some(_) => {}
        }
    }
    if told.comments.len() > comments.len() {
        wrong.push(format!("the partner was told {} comments of two", told.comments.len()));
    }
    if wrong.is_empty() {
        wrong = bench.compare_at_rest(&ticket.share, bench.patience).await?;
    }
    Ok(outcome(wrong))
}

/// The partner answers what it received.
pub async fn answered<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let ticket = match shared(bench, "open", &[comment("It drips.", true)]).await? {
        Ok(ticket) => ticket,
        Err(outcome) => return Ok(outcome),
    };
    let answer = bench.comment("Which pump?", true);
    let added = json!({ "add": [{ "name": "answered", "added_by": "user" }] });
    let update = json!({ "status": "pending", "comments": [answer], "tags": added });
    bench.update(&ticket.share, update).await?;
    bench.compare(&ticket.share).await.map(outcome)
}

/// The partner's answer reaches the desk before the receipt by which it learns of its share.
pub async fn answered_first<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    bench.gate.hold().await;
    let ticket = shared(bench, "open", &[comment("It drips.", true)]).await;
    let ticket = match ticket {
        Ok(Ok(ticket)) => ticket,
        other => {
            bench.gate.release(|held| held).await?;
            return other.map(|it| it.err().unwrap_or_else(no_share));
        }
    };
    let answer = bench.comment("Which pump?", true);
    bench.update(&ticket.share, json!({ "status": "pending", "comments": [answer] })).await?;
    bench.release(&ticket.share, receipts_last).await?;
    bench.compare(&ticket.share).await.map(outcome)
}

/// On hold here, the ticket is open at the partner.
pub async fn on_hold<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let ticket = match shared(bench, "hold", &[]).await? {
        Ok(ticket) => ticket,
        Err(outcome) => return Ok(outcome),
    };
    bench.compare(&ticket.share).await.map(outcome)
}

/// The desk dies after it shared, and learns of its share afterwards.
pub async fn kept<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    bench.gate.hold().await;
    let Sharing::Asked(subject) = bench.have_shared("open", &[comment("Kept?", true)]).await?
    else {
        bench.gate.release(|held| held).await?;
        return Ok(no_share());
    };
    // What is published is on its way, and its receipt is held.
    bench.published(&subject).await;
    let restarted = bench.desk.restart().await?;
    let shared = bench.shared(&subject).await;
    bench.gate.release(receipts_first).await?;
    if !restarted {
        return Ok(cannot_be_restarted());
    }
    let ticket = match shared? {
        Ok(ticket) => ticket,
        Err(why) => return Ok(Outcome::Wrong(vec![why])),
    };
    let mut wrong = bench.compare(&ticket.share).await?;
    let ids = bench.times_shared(&subject).await;
    if ids.len() > 1 {
        wrong.push(format!("one share was published under several ids: {}", ids.join(", ")));
    }
    Ok(outcome(wrong))
}

/// Receipts after all else.
fn receipts_last(held: Vec<Told>) -> Vec<Told> {
    let mut turned = receipts_first(held);
    let receipts = turned.iter().take_while(|told| told.is_receipt()).count();
    turned.rotate_left(receipts);
    turned
}
