//! A timeline on a terminal: time, the account that is asked about, the service, the other
//! accounts.

use std::fmt::Write;

use crate::entry::{DeskQueue, Entry, Queued, Timeline};
use crate::target::Target;
use crate::trail::Share;

/// Columns of text for one side.
const SIDE: usize = 46;
/// Columns of text for what a service did.
const MIDDLE: usize = 38;
const TIME: usize = 12;

/// Lays it out for people: first what did not cross or waits, then what happened.
#[must_use]
pub fn render(timeline: &Timeline) -> String {
    let mut text = String::new();
    line(&mut text, &verdict(timeline));
    section(&mut text, "did not cross, or waits:", &findings(timeline));
    section(&mut text, "this is not the whole story:", &timeline.gaps);
    section(&mut text, "put into the queue of its desk:", &queues(timeline));
    if !timeline.shares.is_empty() {
        line(&mut text, "");
    }
    for share in &timeline.shares {
        line(&mut text, &heading(share));
    }
    happened(&mut text, timeline);
    if timeline.left_out > 0 {
        line(
            &mut text,
            &format!(
                "\n{} older commands are left out: --limit 0 tells of all, --failed of those that \
                 failed, --since 2h of the newest; trace message account/ID has one with all \
                 services",
                timeline.left_out
            ),
        );
    }
    text
}

/// What it comes to, in one sentence.
#[must_use]
pub fn verdict(timeline: &Timeline) -> String {
    let Timeline { target, commands, missing, missing_left_out, .. } = timeline;
    let since = timeline.since.map(|since| format!(" since {since}")).unwrap_or_default();
    if *commands == 0 && timeline.entries.is_empty() && missing.is_empty() {
        let why = "no command that names it was decided or set aside";
        return format!("nothing is known of {target}{since}: {why}");
    }
    let found = match missing.len() + missing_left_out {
        0 => "nothing was refused, withheld or set aside, and nothing waits for a queue".to_owned(),
        1 => "1 thing did not cross, or waits".to_owned(),
        many => format!("{many} things did not cross, or wait"),
    };
    format!("{target}{since}: {}; {found}", many(*commands, "command"))
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn findings(timeline: &Timeline) -> Vec<String> {
    let older = (timeline.missing_left_out > 0)
        .then(|| format!("{} older ones: --limit 0", timeline.missing_left_out));
    let told = timeline
        .missing
        .iter()
        .map(|found| format!("{} {}", found.at.utc().format("%m-%d %H:%M:%S"), found.text));
    older.into_iter().chain(told).collect()
}

/// What was put into which desk's queue, a sentence for each.
#[must_use]
pub fn queues(timeline: &Timeline) -> Vec<String> {
    let of_account = |(account, queued): (&String, &Queued)| {
        let now = match queued.queue {
            None => "whether its desk took them, the broker alone tells".to_owned(),
            Some(DeskQueue { messages: 0, .. }) => format!("desk.{account} is empty now"),
            Some(DeskQueue { messages, consumers: 0 }) => {
                format!("desk.{account} holds {messages} now, and nobody reads it")
            }
            Some(DeskQueue { messages, consumers }) => {
                format!("desk.{account} holds {messages} now, read by {consumers}")
            }
        };
        let last = queued.last.utc().format("%m-%d %H:%M:%S");
        format!("{account}: {}, the last {last}; {now}", many(queued.messages, "message"))
    };
    timeline.queued.iter().map(of_account).collect()
}

fn happened(text: &mut String, timeline: &Timeline) {
    let left = left_account(timeline);
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
            line(text, &format!("\n{}", sides.trim_end()));
            day = today;
        }
        rows(text, entry, left.as_deref());
    }
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
#[must_use]
pub fn left_account(timeline: &Timeline) -> Option<String> {
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
    let turns = |letter: char| {
        matches!(letter,
            '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|letter| if letter.is_control() || turns(letter) { '\u{fffd}' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn long_words_are_broken_and_short_ones_kept_together() {
        assert_eq!(wrapped("one two three", 8), ["one two", "  three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "  ef", "  gh", "  ij"]);
    }
}
