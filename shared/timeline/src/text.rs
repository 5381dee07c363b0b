//! A timeline on a terminal: time, the account that is asked about, the service, the other
//! accounts.

use std::fmt::Write;

use crate::entry::{Entry, Timeline};
use crate::target::Target;
use crate::trail::Share;

/// Columns of text for one side.
const SIDE: usize = 46;
/// Columns of text for what a service did.
const MIDDLE: usize = 34;
const TIME: usize = 12;

/// Lays it out for people.
#[must_use]
pub fn render(timeline: &Timeline) -> String {
    let mut text = String::new();
    let left = left_account(timeline);
    for share in &timeline.shares {
        line(&mut text, &heading(share));
    }
    if timeline.entries.is_empty() {
        line(
            &mut text,
            &format!(
                "nothing is known of {}: no command that names it was decided or set aside",
                timeline.target
            ),
        );
    }
    let mut day = String::new();
    for entry in &timeline.entries {
        let today = entry.at.utc().format("%Y-%m-%d").to_string();
        if day != today {
            let sides = format!(
                "{:TIME$}  {:SIDE$}  {:MIDDLE$}  others",
                today,
                left.as_deref().unwrap_or_default(),
                "service"
            );
            line(&mut text, &format!("\n{}", sides.trim_end()));
            day = today;
        }
        rows(&mut text, entry, left.as_deref());
    }
    section(&mut text, "did not cross, or waits:", &timeline.missing);
    section(&mut text, "this timeline is not whole:", &timeline.gaps);
    text
}

fn heading(share: &Share) -> String {
    let far = share.receiver_ticket.as_ref().map_or_else(
        || format!("{}/?", share.receiver),
        |number| format!("{}/{number}", share.receiver),
    );
    let ended = if share.ended { ", ended" } else { "" };
    format!(
        "{}/{} → {far}  share {}, agreement {}{ended}",
        share.sender, share.sender_ticket, share.share_id, share.agreement_id
    )
}

/// Whose side is the left one.
fn left_account(timeline: &Timeline) -> Option<String> {
    let named = match &timeline.target {
        Target::Ticket(name) | Target::Message(name) => name.split('/').next().map(str::to_owned),
        Target::Share(_) | Target::Agreement(_) => None,
    };
    let of_share = || timeline.shares.first().map(|share| share.sender.clone());
    let of_entry =
        || timeline.entries.iter().find_map(|entry| entry.accounts.keys().next().cloned());
    named.or_else(of_share).or_else(of_entry)
}

fn rows(text: &mut String, entry: &Entry, left: Option<&str>) {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for (account, lines) in &entry.accounts {
        if Some(account.as_str()) == left {
            own.extend(lines.iter().flat_map(|line| wrapped(line, SIDE)));
        } else {
            others
                .extend(lines.iter().flat_map(|line| wrapped(&format!("{account} {line}"), SIDE)));
        }
    }
    let mut middle: Vec<String> = Vec::new();
    if let Some(service) = &entry.service {
        middle.extend(wrapped(&format!("{service}: {}", entry.what), MIDDLE));
    } else if let Some(trace) = &entry.trace_id {
        middle.extend(wrapped(&format!("trace {trace}"), MIDDLE));
    }
    let time = entry.at.utc().format("%H:%M:%S%.3f").to_string();
    for index in 0..own.len().max(middle.len()).max(others.len()).max(1) {
        let cell = |cells: &[String]| cells.get(index).cloned().unwrap_or_default();
        let at = if index == 0 { time.as_str() } else { "" };
        let row = format!(
            "{at:TIME$}  {:SIDE$}  {:MIDDLE$}  {}",
            cell(&own),
            cell(&middle),
            cell(&others)
        );
        line(text, row.trim_end());
    }
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        line(text, &format!("\n{title}"));
        for one in lines {
            line(text, &format!("  - {one}"));
        }
    }
}

fn line(text: &mut String, content: &str) {
    // Writing to a string does not fail.
    for part in content.split('\n') {
        writeln!(text, "{}", harmless(part)).ok();
    }
}

/// Breaks text into lines of at most `width` letters, at spaces where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start().len();
    let mut lines = vec![" ".repeat(indent)];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        let last = lines.last_mut().expect("never empty");
        let used = last.chars().count();
        if used > indent && used + 1 + word.len() > width {
            lines.push(" ".repeat(indent + 2));
        } else if used > indent {
            last.push(' ');
        }
        while !word.is_empty() {
            let last = lines.last_mut().expect("never empty");
            let room = width.saturating_sub(last.chars().count()).max(1);
            last.extend(word.drain(..room.min(word.len())));
            if !word.is_empty() {
                lines.push(" ".repeat(indent + 2));
            }
        }
    }
    lines
}

/// Text that a terminal only shows. What a stranger sent may hold characters that move the cursor,
/// colour the screen or turn the direction of reading.
#[must_use]
pub fn harmless(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|letter| if letter.is_control() || turns(letter) { '\u{fffd}' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use contracts::receipt::{Decision, Item};
    use contracts::{CommentId, Reason, Receipt, ReceiptOutcome, Timestamp};

    use super::*;
    use crate::trail::{Decided, Parked, Told, Trail, Undelivered};

    fn at(second: i64) -> Timestamp {
        Timestamp::parse("2026-03-01T10:00:00Z").unwrap().plus_seconds(second)
    }

    fn decided(
        account: Option<&str>,
        id: &str,
        command: Option<&str>,
        second: i64,
        told: Vec<Told>,
    ) -> Decided {
        Decided {
            account: account.map(str::to_owned),
            message_id: id.to_owned(),
            message_type: if account.is_some() { "ticket.update.v1" } else { "transfer.v1" }
                .to_owned(),
            command: command.map(str::to_owned),
            arrived_at: at(second),
            decided_at: at(second),
            waits: 0,
            trace_id: None,
            told,
            outputs: None,
        }
    }

    fn told(to: &str, kind: &str, receipt: Option<Receipt>) -> Told {
        Told { to: to.to_owned(), r#type: kind.to_owned(), share: None, receipt }
    }

    fn trails() -> Vec<Trail> {
        let comment = CommentId::new("acme/1").unwrap();
        let mut receipt = Receipt::new("u1", "ticket.update.v1", ReceiptOutcome::Partial);
        receipt.decisions =
            vec![Decision::withheld(Item::Comment(comment), Reason::PublicCommentsNotAllowed)];
        let entry = Trail {
            service: "share-dispatcher".to_owned(),
            shares: vec![Share {
                share_id: "s1".into(),
                agreement_id: "a1".into(),
                sender: "acme".into(),
                sender_ticket: "4711".into(),
                receiver: "globex".into(),
                receiver_ticket: Some("88".into()),
                ended: false,
            }],
            decided: vec![
                decided(
                    Some("acme"),
                    "u2",
                    None,
                    5,
                    vec![told("comment-sync", "transfer.v1", None)],
                ),
                decided(
                    Some("acme"),
                    "u1",
                    None,
                    0,
                    vec![told("comment-sync", "transfer.v1", None)],
                ),
            ],
            ..Trail::default()
        };
        let stage = Trail {
            service: "comment-sync".to_owned(),
            decided: vec![decided(
                None,
                "x",
                Some("acme/u1"),
                1,
                vec![told("acme", "command.receipt.v1", Some(receipt))],
            )],
            parked: vec![Parked {
                id: "p1".into(),
                state: "parked".into(),
                reason: "poison".into(),
                detail: "a rule panicked\u{1b}[2J".into(),
                account: None,
                message_id: Some("y".into()),
                message_type: Some("transfer.v1".into()),
                command: Some("acme/u2".into()),
                first_arrived_at: at(6),
                parked_at: at(6),
                closed_at: None,
            }],
            undelivered: vec![Undelivered {
                account: "globex".into(),
                message_type: "ticket.updated.v1".into(),
                share: None,
                first_failed_at: at(7),
                next_attempt_at: at(9),
                attempts: 1,
            }],
            ..Trail::default()
        };
        vec![stage, entry]
    }

    #[test]
    fn what_was_withheld_parked_and_not_taken_is_said_on_one_screen() {
        let text = render(&Timeline::of(
            Target::Ticket("acme/4711".into()),
            &trails(),
            vec!["field-sync gave no answer".into()],
        ));
        for expected in [
            "acme/4711 → globex/88  share s1, agreement a1",
            "▸ ticket.update.v1 u1",
            "share-dispatcher: 0 ms →",
            "comment:acme/1 STAYED",
            "(public_comments_not_allowed)",
            "comment:acme/1 of u1 STAYED: public_comments_not_allowed: ",
            "set a message aside: poison",
            "desk.globex is missing or full",
            "field-sync gave no answer",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "a stranger steers the terminal");
        let place = |word: &str| text.find(word).unwrap();
        assert!(
            place("▸ ticket.update.v1 u1") < place("▸ ticket.update.v1 u2"),
            "not in the order of time:\n{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() < 200));
    }

    #[test]
    fn one_message_is_told_alone() {
        let timeline = Timeline::of(Target::Message("acme/u1".into()), &trails(), Vec::new());
        let roots: Vec<_> =
            timeline.entries.iter().filter_map(|entry| entry.command.as_deref()).collect();
        assert_eq!(roots, ["acme/u1", "acme/u1", "acme/u1"]);
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        let text = render(&Timeline::of(Target::Ticket("acme/1".into()), &[], Vec::new()));
        assert!(text.starts_with("nothing is known of ticket acme/1"), "{text}");
    }

    #[test]
    fn long_words_are_broken_and_short_ones_kept_together() {
        assert_eq!(wrapped("one two three", 8), ["one two", "  three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "  ef", "  gh", "  ij"]);
    }
}
