//! A timeline as rows of a table: whose side, what happened, how it looks.

use std::collections::BTreeMap;

use contracts::Timestamp;
use timeline::{Entry, Finding, Kind, Target, Timeline, harmless, left_account};

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Where another day begins than in the row before, that day.
    pub day: Option<String>,
    pub time: String,
    pub at: Timestamp,
    /// `is-desk`, `is-fine`, `is-part`, `is-bad` or `is-wait`.
    pub class: &'static str,
    /// What the account that is asked about sent and was told.
    pub left: Vec<Act>,
    /// The same of all others.
    pub others: Vec<Act>,
    pub service: Option<String>,
    pub what: String,
    pub command: Option<String>,
    pub trace_id: Option<String>,
}

/// What an account sent or was told.
#[derive(Debug, PartialEq, Eq)]
pub struct Act {
    /// `act--sent`, `act--told` or `act--wait`.
    pub class: &'static str,
    pub account: String,
    pub head: String,
    /// Item by item: whether it stayed, and what is said of it.
    pub items: Vec<(bool, String)>,
}

/// The rows of a story, with the account on its left.
pub fn rows(timeline: &Timeline) -> (Option<String>, Vec<Row>) {
    let left = left_account(timeline);
    let mut day = String::new();
    let rows = timeline.entries.iter().map(|entry| {
        let today = entry.at.utc().format("%A, %-d %B %Y").to_string();
        let is_new = day != today;
        day.clone_from(&today);
        row(entry, left.as_deref(), is_new.then_some(today))
    });
    let rows = rows.collect();
    (left, rows)
}

fn row(entry: &Entry, left: Option<&str>, day: Option<String>) -> Row {
    let of = |is_left: bool| {
        let sides = entry.accounts.iter();
        let sides = sides.filter(|(account, _)| (Some(account.as_str()) == left) == is_left);
        sides.flat_map(|(account, lines)| acts(account, lines)).collect::<Vec<_>>()
    };
    let (left, others) = (of(true), of(false));
    Row {
        day,
        time: entry.at.utc().format("%H:%M:%S%.3f").to_string(),
        at: entry.at,
        class: class(entry),
        left,
        others,
        service: entry.service.as_deref().map(harmless),
        what: harmless(&entry.what),
        command: entry.command.as_deref().map(harmless),
        trace_id: entry.trace_id.clone(),
    }
}

fn class(entry: &Entry) -> &'static str {
    let says = |word: &str| entry.accounts.values().flatten().any(|line| line.contains(word));
    if entry.what.starts_with("PARKED") || says("REJECTED") || says("REFUSED") {
        "is-bad"
    } else if entry.open {
        "is-wait"
    } else if entry.service.is_none() {
        "is-desk"
    } else if says(" STAYED") {
        "is-part"
    } else {
        "is-fine"
    }
}

/// A line that is indented belongs to the one before.
fn acts(account: &str, lines: &[String]) -> Vec<Act> {
    let mut acts: Vec<Act> = Vec::new();
    for line in lines {
        match (line.strip_prefix("  "), acts.last_mut()) {
            (Some(item), Some(act)) => {
                act.items.push((item.contains(" STAYED"), harmless(item)));
            }
            _ => acts.push(Act {
                class: match line {
                    sent if sent.starts_with('▸') => "act--sent",
                    waits if waits.starts_with("WAITS") || waits.ends_with(", WAITS") => {
                        "act--wait"
                    }
                    _ => "act--told",
                },
                account: harmless(account),
                head: harmless(line),
                items: Vec::new(),
            }),
        }
    }
    acts
}

/// What can be mended stands before what is as agreed.
pub fn findings(timeline: &Timeline) -> (Vec<&Finding>, Vec<&Finding>) {
    timeline.missing.iter().partition(|found| found.kind != Kind::AsAgreed)
}

/// How a finding looks.
pub fn finding_class(found: &Finding) -> &'static str {
    match found.kind {
        Kind::AsAgreed => "kept",
        Kind::Waits => "w",
        Kind::Mendable | Kind::SetAside => "",
    }
}

pub fn finding_icon(found: &Finding) -> &'static str {
    match found.kind {
        Kind::Waits => "clock",
        Kind::SetAside => "parked",
        Kind::AsAgreed | Kind::Mendable => "stay",
    }
}

/// How many findings there are of each kind.
pub fn counts(timeline: &Timeline) -> BTreeMap<Kind, usize> {
    let mut counts = BTreeMap::new();
    for found in &timeline.missing {
        *counts.entry(found.kind).or_default() += 1;
    }
    counts
}

/// What somebody may mean by what was typed, the likeliest first.
///
/// # Errors
/// A sentence when it can be nothing.
pub fn targets(typed: &str) -> Result<Vec<Target>, String> {
    let words: Vec<&str> = typed.split_whitespace().collect();
    let of = |words: &[&str]| Target::of_words(words).map_err(|error| error.to_string());
    match words.as_slice() {
        [one] if !one.contains('/') => Ok(vec![of(&["share", one])?, of(&["agreement", one])?]),
        [one] => match one.split_once('/') {
            Some((what @ ("share" | "agreement" | "message" | "ticket"), name)) => {
                Ok(vec![of(&[what, name])?])
            }
            _ => Ok(vec![of(&[one])?, of(&["message", one])?]),
        },
        words => Ok(vec![of(words)?]),
    }
}

/// Whether a story says nothing at all.
pub fn is_empty(timeline: &Timeline) -> bool {
    timeline.entries.is_empty() && timeline.missing.is_empty() && timeline.shares.is_empty()
}

#[cfg(test)]
mod tests {
    use contracts::receipt::{Decision, Item};
    use contracts::{CommentId, Reason, Receipt, ReceiptOutcome};
    use timeline::{Decided, SentMessage, Trail, Undelivered};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::parse("2026-03-01T10:00:00Z").unwrap().plus_seconds(second)
    }

    fn story() -> Timeline {
        let comment = CommentId::new("acme/1").unwrap();
        let mut receipt = Receipt::new("u1", "ticket.update.v1", ReceiptOutcome::Partial);
        receipt.decisions =
            vec![Decision::withheld(Item::Comment(comment), Reason::PublicCommentsNotAllowed)];
        let told = |to: &str, kind: &str, receipt| SentMessage {
            to: to.to_owned(),
            r#type: kind.to_owned(),
            share: None,
            receipt,
        };
        let decided = |account: Option<&str>, id: &str, told| Decided {
            account: account.map(str::to_owned),
            message_id: id.to_owned(),
            message_type: "ticket.update.v1".to_owned(),
            command: account.is_none().then(|| "acme/u1".to_owned()),
            arrived_at: at(0),
            decided_at: at(1),
            waits: 0,
            trace_id: None,
            told,
            outputs: None,
        };
        let entry = Trail {
            service: "share-dispatcher".to_owned(),
            decided: vec![decided(
                Some("acme"),
                "u1",
                vec![told("comment-sync", "transfer.v1", None)],
            )],
            ..Trail::default()
        };
        let stage = Trail {
            service: "comment-sync".to_owned(),
            decided: vec![decided(
                None,
                "o1",
                vec![
                    told("acme", "command.receipt.v1", Some(receipt)),
                    told("globex", "ticket.updated.v1", None),
                ],
            )],
            undelivered: vec![Undelivered {
                account: "globex".to_owned(),
                message_type: "ticket.updated.v1".to_owned(),
                share: None,
                first_failed_at: at(2),
                next_attempt_at: at(60),
                attempts: 1,
            }],
            ..Trail::default()
        };
        Timeline::of(Target::Ticket("acme/4711".into()), &[entry, stage], Vec::new())
    }

    #[test]
    fn each_side_is_told_what_it_sent_and_was_told() {
        let (left, rows) = rows(&story());
        assert_eq!(left.as_deref(), Some("acme"));
        let classes: Vec<_> = rows.iter().map(|row| row.class).collect();
        assert_eq!(classes, ["is-desk", "is-fine", "is-part", "is-wait"], "{rows:#?}");
        assert_eq!(rows[0].left[0].class, "act--sent");
        let receipt = &rows[2].left[0];
        assert_eq!(receipt.class, "act--told");
        assert!(receipt.items[0].0 && receipt.items[0].1.contains("comment:acme/1"), "{receipt:?}");
        assert_eq!(rows[2].others[0].class, "act--wait", "{rows:#?}");
        assert!(rows[0].day.is_some() && rows[1].day.is_none());
    }

    #[test]
    fn what_is_as_agreed_does_not_hide_what_waits() {
        let story = story();
        let (mend, agreed) = findings(&story);
        assert_eq!(mend.iter().map(|it| it.kind).collect::<Vec<_>>(), [Kind::Waits]);
        assert_eq!(agreed.iter().map(|it| it.kind).collect::<Vec<_>>(), [Kind::AsAgreed]);
        assert_eq!(counts(&story), [(Kind::AsAgreed, 1), (Kind::Waits, 1)].into());
    }

    #[test]
    fn what_is_typed_is_understood() {
        let of =
            |typed: &str| targets(typed).map(|all| all.iter().map(ToString::to_string).collect());
        let several = |all: &[&str]| Ok(all.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(" acme/4711 "), several(&["ticket acme/4711", "message acme/4711"]));
        assert_eq!(of("message acme/u1"), several(&["message acme/u1"]));
        assert_eq!(of("share/s1"), several(&["share s1"]));
        assert_eq!(of("s1"), several(&["share s1", "agreement s1"]));
        assert!(of("").is_err() && of("what is this").is_err());
    }
}
