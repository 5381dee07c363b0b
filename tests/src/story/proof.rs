//! The proof: what was sent, compared with what the desks hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use contracts::delivery::DeliveryBody;
use contracts::fields::Status;
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::model::Ticket;

use super::{Link, Side, Story, chain, end, sample};
use crate::party::Tally;

/// How long the broker's queues may take to be empty once every copy is as it should be.
const QUIET: Duration = Duration::from_mins(1);

/// What the desks hold, compared.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Commands published by accounts.
    pub commands: usize,
    /// Commands that have a receipt.
    pub receipts: usize,
    /// Commands without a receipt, and comments that a partner does not have.
    pub lost: usize,
    /// Receipts and comments that came under a second id.
    pub doubled: usize,
    /// Fields and comments that differ between two copies.
    pub diverged: usize,
    /// Deliveries that came again under the same id, which "at least once" allows.
    pub repeated: usize,
    /// What is wrong, in words.
    pub wrong: Vec<String>,
}

impl Proof {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.commands == self.receipts
            && self.lost + self.doubled + self.diverged == 0
            && self.wrong.is_empty()
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { commands, receipts, lost, doubled, diverged, .. } = self;
        let sign = if commands == receipts { '=' } else { '≠' };
        write!(
            f,
            "commands {commands} {sign} receipts {receipts}   lost {lost}  doubled {doubled}  \
             diverged {diverged}"
        )
    }
}

/// Waits until the copies agree and nothing is on its way any more; gives the proof as it is then.
pub(super) async fn settled(story: &Story) -> Result<Proof> {
    let started = Instant::now();
    while !(of(story).await.holds()) && started.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let quiet = story.stage.quiet(QUIET).await;
    let mut proof = of(story).await;
    proof.wrong.extend(quiet.err().map(|full| full.to_string()));
    Ok(proof)
}

/// Waits until all linked copies agree.
pub(super) async fn links_agree(story: &Story) {
    let started = Instant::now();
    loop {
        let mut proof = Proof::default();
        copies(story, &mut proof).await;
        if proof.wrong.is_empty() {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "the copies differ: {:#?}", proof.wrong);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn of(story: &Story) -> Proof {
    let mut proof = Proof::default();
    for party in [&story.operator, &story.acme, &story.globex, &story.initech] {
        messages(&party.tally(), party.account.as_str(), &mut proof);
    }
    copies(story, &mut proof).await;
    if story.initech.ticket(chain::NUMBER).await.comments.contains_key(end::AFTER) {
        proof.wrong.push("a comment reached initech after the agreement's end".to_owned());
    }
    proof
}

/// Commands and receipts, and what came twice.
fn messages(tally: &Tally, account: &str, proof: &mut Proof) {
    let (mut receipts, mut comments) =
        (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    for delivered in &tally.deliveries {
        let told = match &delivered.told {
            DeliveryBody::Receipt(receipt) => {
                *receipts.entry(&receipt.command_id).or_default() += 1;
                continue;
            }
            DeliveryBody::TicketCreated(created) => &created.comments,
            DeliveryBody::TicketUpdated(updated) => &updated.comments,
            _ => continue,
        };
        for comment in told {
            *comments.entry(comment.id.as_str()).or_default() += 1;
        }
    }
    let commands: BTreeSet<&str> = tally.sent.iter().map(String::as_str).collect();
    proof.commands += commands.len();
    proof.receipts += commands.iter().filter(|id| receipts.contains_key(*id)).count();
    proof.repeated += tally.repeated;
    for id in commands.iter().filter(|id| !receipts.contains_key(*id)) {
        proof.lost += 1;
        proof.wrong.push(format!("{account}: no receipt of {id}"));
    }
    for (id, times) in receipts.into_iter().chain(comments).filter(|(_, times)| *times > 1) {
        proof.doubled += times - 1;
        proof.wrong.push(format!("{account}: {id} came under {times} ids"));
    }
    proof.wrong.extend(tally.unreadable.iter().map(|it| format!("{account} cannot read {it}")));
}

/// Copies that a live share keeps in step.
async fn copies(story: &Story, proof: &mut Proof) {
    for Link { near, far } in &story.links {
        let (near_ticket, far_ticket) =
            (story.party(near.0).ticket(&near.1).await, story.party(far.0).ticket(&far.1).await);
        let names = [&near.1, &far.1];
        comments(names, &near_ticket, &far_ticket, proof);
        fields(names, (near.0, &near_ticket), (far.0, &far_ticket), proof);
    }
}

fn comments(names: [&String; 2], near: &Ticket, far: &Ticket, proof: &mut Proof) {
    for (has, lacks, name) in [(near, far, names[1]), (far, near, names[0])] {
        for id in has.comments.keys().filter(|id| !lacks.comments.contains_key(*id)) {
            proof.lost += 1;
            proof.wrong.push(format!("{name} lacks comment {id}"));
        }
    }
    for (id, one) in &near.comments {
        let Some(other) = far.comments.get(id) else { continue };
        // A voicemail's transcript is part of the text where the call is not.
        let same_text = one.body.starts_with(&other.body) || other.body.starts_with(&one.body);
        if one.public != other.public || !same_text {
            proof.diverged += 1;
            proof.wrong.push(format!("comment {id} differs between {} and {}", names[0], names[1]));
        }
    }
}

fn fields(names: [&String; 2], near: (Side, &Ticket), far: (Side, &Ticket), proof: &mut Proof) {
    let (near_seen, far_seen) = (near.1.seen(), far.1.seen());
    let mut compare = |what: &str, one: Option<&Value>, other: Option<&Value>, same: bool| {
        if !same {
            proof.diverged += 1;
            proof
                .wrong
                .push(format!("{what}: {} holds {one:?}, {} holds {other:?}", names[0], names[1]));
        }
    };
    let (one, other) = (near_seen.get("status"), far_seen.get("status"));
    compare(
        "status",
        one,
        other,
        one.zip(other).is_some_and(|(one, other)| statuses_agree(one, other)),
    );
    let tags = near_seen
        .keys()
        .chain(far_seen.keys())
        .filter(|field| field.starts_with("tag:"))
        .collect::<BTreeSet<_>>();
    for tag in tags {
        let (one, other) = (near_seen.get(tag), far_seen.get(tag));
        compare(tag, one, other, one == other);
    }
    for keys in [sample::ORDER, sample::PRODUCT] {
        let held = |side: Side, seen: &BTreeMap<String, Value>| {
            seen.get(&format!("custom_field:{}", side.field(keys))).cloned()
        };
        let (one, other) = (held(near.0, &near_seen), held(far.0, &far_seen));
        compare(keys[0], one.as_ref(), other.as_ref(), one == other);
    }
}

/// On-hold here is open there; of a custom status only the category crosses.
fn statuses_agree(one: &Value, other: &Value) -> bool {
    let image = |status: &Value| {
        if *status == json!(Status::Hold) { json!(Status::Open) } else { status.clone() }
    };
    image(&one["value"]) == other["value"] || one["value"] == image(&other["value"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::delivery::TicketUpdated;
    use contracts::{Receipt, ReceiptOutcome};
    use testkit::Delivered;
    use testkit::model::Comment;

    fn delivered(id: &str, told: DeliveryBody) -> Delivered {
        Delivered {
            id: id.into(),
            account: "acme".into(),
            told,
            at: Instant::now(),
            trace_id: None,
        }
    }

    fn receipt(id: &str, of: &str) -> Delivered {
        delivered(
            id,
            DeliveryBody::Receipt(Box::new(Receipt::new(
                of,
                "ticket.update.v1",
                ReceiptOutcome::Applied,
            ))),
        )
    }

    fn comment(id: &str) -> Delivered {
        let updated: TicketUpdated = serde_json::from_value(json!({
            "share_id": "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10", "received_from": "globex",
            "via": "ticket_sharing",
            "comments": [{
                "id": "globex/1", "body": "", "public": true,
                "author": { "id": "placeholder-1", "name": "Gil", "role": "end_user",
                "placeholder": true },
            }],
        }))
        .unwrap();
        delivered(id, DeliveryBody::TicketUpdated(Box::new(updated)))
    }

    fn proof_of(sent: &[&str], deliveries: Vec<Delivered>) -> Proof {
        let sent = sent.iter().map(|id| (*id).to_owned()).collect();
        let mut proof = Proof::default();
        let tally = Tally { sent, deliveries, repeated: 0, unreadable: Vec::new() };
        messages(&tally, "acme", &mut proof);
        proof
    }

    #[test]
    fn a_command_without_a_receipt_is_lost() {
        let proof = proof_of(&["a", "b"], vec![receipt("1", "a")]);
        assert_eq!((proof.commands, proof.receipts, proof.lost, proof.holds()), (2, 1, 1, false));
        assert!(proof_of(&["a"], vec![receipt("1", "a")]).holds());
    }

    #[test]
    fn one_thing_under_two_ids_is_doubled() {
        assert_eq!(proof_of(&["a"], vec![receipt("1", "a"), receipt("2", "a")]).doubled, 1);
        assert_eq!(proof_of(&[], vec![comment("1"), comment("2")]).doubled, 1);
        assert!(proof_of(&[], vec![comment("1")]).holds());
    }

    #[test]
    fn what_two_copies_hold_differently_is_seen() {
        let ticket = |status: &str, order: &str, body: Option<&str>, side: Side| Ticket {
            fields: BTreeMap::from([
                ("status".to_owned(), (json!({ "value": status }), 1)),
                (format!("custom_field:{}", side.field(sample::ORDER)), (json!(order), 1)),
                ("tag:leak".to_owned(), (json!(order == "7"), 1)),
            ]),
            comments: body
                .map(|body| ("acme/1".to_owned(), Comment::plain(body, true)))
                .into_iter()
                .collect(),
            ..Ticket::default()
        };
        let (near_name, far_name) = ("A-1".to_owned(), "G-1".to_owned());
        let compared = |far: Ticket| {
            let near = ticket("hold", "7", Some("Hello."), Side::Acme);
            let mut proof = Proof::default();
            comments([&near_name, &far_name], &near, &far, &mut proof);
            fields([&near_name, &far_name], (Side::Acme, &near), (Side::Globex, &far), &mut proof);
            (proof.lost, proof.diverged)
        };
        assert_eq!(
            compared(ticket("open", "7", Some("Hello.\n\nA transcript."), Side::Globex)),
            (0, 0)
        );
        assert_eq!(compared(ticket("pending", "7", Some("Hello."), Side::Globex)), (0, 1));
        assert_eq!(
            compared(ticket("open", "8", Some("Hello."), Side::Globex)),
            (0, 2),
            "the field and the tag"
        );
        assert_eq!(compared(ticket("open", "7", None, Side::Globex)), (1, 0));
        assert_eq!(compared(ticket("open", "7", Some("Bye."), Side::Globex)), (0, 1));
    }
}
