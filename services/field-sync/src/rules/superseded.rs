//! That a superseded item always says what the publisher's ticket holds: on every path that a
//! change can lose on, for every sort of field, also where what stands is what was sent.

use contracts::fields::{FieldType, Status};
use contracts::sync::{Hop, Transfer};
use contracts::{Decision, Item, ItemOutcome};
use serde_json::json;

use super::scene::{
    Stage, account, field, original, share, share_id, tag, three, update, with_status,
};

/// How a change comes to be superseded.
#[derive(Clone, Copy)]
enum Path {
    OlderOwn,
    Concurrent,
    Reshare,
    ShareOfALiveCopy,
}

/// Changes all three sorts of field by one command and says again, on a path that loses, either
/// the same values or others.
fn superseded_on(path: Path, same: bool) -> Vec<Decision> {
    let hops = three();
    let order = |name| account(name, vec![field("order", "Order", FieldType::Text)]);
    let live = if matches!(path, Path::Reshare) { &hops[..0] } else { &hops[..1] };
    let mut stage = Stage::new(["acme", "globex", "initech"].map(order), live);
    let fill = |transfer: Transfer, status, present, value: &str| {
        let mut transfer = with_status(transfer, status);
        transfer.fields.tags.push(tag("vip", present));
        transfer.fields.custom_fields.insert("order".into(), json!(value));
        transfer
    };
    let first = |transfer| fill(transfer, Status::Pending, true, "7");
    let (status, present, value) =
        if same { (Status::Pending, true, "7") } else { (Status::Solved, false, "8") };
    let later = |transfer| fill(transfer, status, present, value);
    let far = hops[0].far();
    let lost = match path {
        Path::OlderOwn => {
            stage.decide(&first(update("acme", &original(), 9, "m2", live)));
            later(update("acme", &original(), 8, "m1", live))
        }
        Path::Concurrent => {
            stage.decide(&first(update("acme", &original(), 9, "m2", live)));
            let update = later(update("globex", &far, 8, "m1", live));
            Transfer { base_revision: Some(0), ..update }
        }
        Path::Reshare => {
            stage.decide(&first(share(&hops[0], 9, "m2", &hops[..1])));
            stage.chain.end(&hops[0].share_id);
            let again = Hop { share_id: share_id(3), ..hops[0].clone() };
            later(share(&again, 8, "m1", std::slice::from_ref(&again)))
        }
        Path::ShareOfALiveCopy => {
            stage.decide(&first(update("acme", &original(), 9, "m2", live)));
            later(share(&hops[1], 10, "m3", &hops))
        }
    };
    let decided = stage.decide(&lost).fields.decisions;
    decided.into_iter().filter(|it| it.outcome == ItemOutcome::Superseded).collect()
}

#[test]
fn a_superseded_item_always_says_what_stands() {
    // What a share of a live copy says alike is confirmed.
    let cases = [
        (Path::OlderOwn, true, 3),
        (Path::OlderOwn, false, 3),
        (Path::Concurrent, true, 3),
        (Path::Concurrent, false, 3),
        (Path::Reshare, true, 3),
        (Path::Reshare, false, 3),
        (Path::ShareOfALiveCopy, true, 0),
        (Path::ShareOfALiveCopy, false, 3),
    ];
    for (number, (path, same, count)) in cases.into_iter().enumerate() {
        let superseded = superseded_on(path, same);
        assert_eq!(superseded.len(), count, "case {number}: {superseded:?}");
        for decision in superseded {
            let stands = match decision.item {
                Item::Status => json!({ "value": "pending" }),
                Item::Tag(_) => json!(true),
                _ => json!("7"),
            };
            assert_eq!(decision.value, Some(stands), "case {number}: {:?}", decision.item);
        }
    }
}
