//! What the desk makes of what it is told.

use serde_json::{Value, json};

use super::outcome;
use crate::certify::bench::Bench;
use crate::certify::door::DeskUnderTest;
use crate::certify::report::Outcome;
use crate::error::Result;

/// Scripts, emoji of several code points, letters composed and decomposed, marks of direction,
/// what looks like markup or an escape, blanks at both ends.
const LETTERS: [&str; 8] = [
    "Straße, Ünal, Łódź, 株式会社, Ελλάδα, مرحبا, שלום, ไทย",
    "👩‍👩‍👧‍👦 🇨🇭 👍🏽 ☕️ 𝄞 𠮷",
    "composed é, decomposed e\u{301}; ﬁ and fi; Å and Å",
    "\u{202e}turned\u{202c} \u{200f}\u{200b}\u{feff}",
    "<b>bold</b> &amp; &lt; \\n \\u0041 %20 ${HOME} {{ name }} '; --",
    "line\nline\r\nline\n\n\tindented",
    "  blanks at both ends  ",
    "\"quoted\" 'quoted' `quoted` \\",
];
/// Letters of the long text; two bytes each.
const LONG: usize = 60_000;
/// Changes of which `any_order` mixes the deliveries.
const CHANGES: usize = 14;

pub async fn texts<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket_of(LETTERS[0], &LETTERS).await?;
    let long = bench.comment(&"Länge ".repeat(LONG / 6), true);
    bench.update(&share, json!({ "comments": [long] })).await?;
    let private = bench.comment("Only for agents.", false);
    bench.update(&share, json!({ "comments": [private] })).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn twice<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&["Once."]).await?;
    let comment = bench.comment("Once, too.", true);
    bench.update(&share, json!({ "status": "pending", "comments": [comment] })).await?;
    bench.update(&share, json!({ "status": "solved" })).await?;
    let told = bench.gate.told(&share).await;
    bench.gate.again(&told).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn newest_wins<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    bench.gate.hold().await;
    bench.update(&share, json!({ "status": "pending" })).await?;
    bench.update(&share, json!({ "status": "solved" })).await?;
    bench.release(&share, reversed).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn each_field<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    bench.gate.hold().await;
    bench.update(&share, json!({ "status": "pending" })).await?;
    bench.update(&share, json!({ "tags": add("later") })).await?;
    bench.release(&share, reversed).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn removed<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    bench.gate.hold().await;
    for change in ["set", "taken off"] {
        let on = change == "set";
        let mut update = json!({ "tags": if on { add("gone") } else { remove("gone") } });
        if let Some(field) = &bench.field {
            let value = if on { json!("second") } else { json!({ "clear": true }) };
            update["custom_fields"] = json!({ &*field.key: value });
        }
        bench.update(&share, update).await?;
    }
    bench.release(&share, reversed).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn early<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    bench.gate.hold().await;
    let share = bench.ticket(&["It begins."]).await?;
    let comment = bench.comment("It goes on.", true);
    bench.update(&share, json!({ "status": "pending", "comments": [comment] })).await?;
    bench.release(&share, reversed).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn redacted<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    let comment = bench.comment("Said too much.", true);
    let said = bench.update(&share, json!({ "comments": [comment] })).await?;
    bench.redact(&share, &comment, None).await?;
    bench.gate.again(&[said]).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn redacted_first<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let share = bench.ticket(&[]).await?;
    bench.gate.hold().await;
    let comment = bench.comment("Said too much.", true);
    bench.update(&share, json!({ "comments": [comment] })).await?;
    let mut with_file = bench.comment("With files.", true);
    let file = |id: &str| {
        json!({
            "id": id,
            "filename": "a.png",
            "url": format!("https://files.example/{id}"),
        })
    };
    with_file["attachments"] = json!([file("stays"), file("goes")]);
    bench.update(&share, json!({ "comments": [with_file] })).await?;
    bench.redact(&share, &comment, None).await?;
    bench.redact(&share, &with_file, Some("goes")).await?;
    bench.release(&share, reversed).await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn cleared<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    let Some(field) = bench.field.clone() else {
        return Ok(Outcome::Untried(
            "the account has no custom field of type `text` on its default form: register one \
             (account.update.v1, `ticket_fields`)"
                .to_owned(),
        ));
    };
    let share = bench.ticket(&[]).await?;
    bench.update(&share, json!({ "tags": add("gone") })).await?;
    let crossed = bench.gate.resync(&share).await?.custom_fields.len();
    if crossed == 0 {
        return Ok(Outcome::Untried(format!(
            "the custom field \"{}\" does not cross: `deskmesh-operator trace share {share}` says \
             why",
            field.title
        )));
    }
    let clear = json!({ "clear": true });
    bench
        .update(&share, json!({ "tags": remove("gone"), "custom_fields": { &*field.key: clear } }))
        .await?;
    bench.compare(&share).await.map(outcome)
}

pub async fn any_order<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<Outcome> {
    bench.gate.hold().await;
    let share = bench.ticket(&["The first."]).await?;
    let mut dice = Chance(bench.seed);
    let mut said: Vec<Value> = Vec::new();
    for number in 0..CHANGES {
        let status = ["open", "pending", "solved"][dice.below(3)];
        let tag = ["a", "b"][dice.below(2)];
        let change = match dice.below(5) {
            0 => json!({ "status": status }),
            1 => json!({ "tags": add(tag) }),
            2 => json!({ "tags": remove(tag) }),
            3 if !said.is_empty() => {
                let comment = said.swap_remove(dice.below(said.len()));
                bench.redact(&share, &comment, None).await?;
                continue;
            }
            _ => {
                let comment = bench.comment(&format!("Number {number}."), dice.below(2) == 0);
                said.push(comment.clone());
                json!({ "status": status, "comments": [comment] })
            }
        };
        // What changes nothing is not told.
        bench.try_update(&share, change).await?;
    }
    let mut mixed = |mut told: Vec<_>| {
        for place in 0..told.len() {
            if dice.below(3) == 0 {
                told.push(Clone::clone(&told[place]));
            }
        }
        for place in (1..told.len()).rev() {
            told.swap(place, dice.below(place + 1));
        }
        told
    };
    bench.release(&share, &mut mixed).await?;
    bench.compare(&share).await.map(outcome)
}

fn reversed<T>(mut told: Vec<T>) -> Vec<T> {
    told.reverse();
    told
}

fn add(tag: &str) -> Value {
    json!({ "add": [{ "name": tag, "added_by": "user" }] })
}

fn remove(tag: &str) -> Value {
    json!({ "remove": [{ "name": tag, "removed_by": "user" }] })
}

/// Chance that a seed repeats (xorshift): an order of messages, nothing that must be unpredictable.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        let mut state = self.0 | 1;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0 = state;
        let bound = u64::try_from(bound).unwrap_or(1).max(1);
        usize::try_from((state >> 11) % bound).unwrap_or_default()
    }
}
