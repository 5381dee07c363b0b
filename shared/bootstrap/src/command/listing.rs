//! Parked messages as a person reads them, or as JSON.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use contracts::Timestamp;
use messaging::parked::{ActionPlan, AuditLine, Details, ParkedMessage, Pile, WaitingDeliveries};
use messaging::replay::{self, Span};
use serde_json::{Value, json};
use uuid::Uuid;

use super::table::{harmless, table};

/// Letters of a detail in a list.
const FIRST_WORDS: usize = 48;

pub(super) fn messages(
    messages: &[ParkedMessage],
    total: i64,
    waiting: &[WaitingDeliveries],
    json: bool,
) -> serde_json::Result<String> {
    if json {
        return pretty(&json!({ "total": total, "messages": messages, "undelivered": waiting }));
    }
    let row = |message: &ParkedMessage| {
        [
            message.id.to_string(),
            message.reason.clone(),
            or_none(message.account.as_deref()),
            or_none(message.message_type.as_deref()),
            or_none(message.message_id.as_deref()),
            age(message.parked_at),
            message.times.to_string(),
            message.queue.clone(),
            message.detail.chars().take(FIRST_WORDS).collect(),
        ]
    };
    let names =
        ["id", "reason", "account", "type", "message id", "age", "times", "queue", "detail"];
    let mut text =
        if messages.is_empty() { String::new() } else { table(names, messages.iter().map(row)) };
    let _ = writeln!(text, "parked messages: {} of {total}", messages.len());
    text.push_str(&undelivered(waiting));
    Ok(text)
}

pub(super) fn summary(
    piles: &[Pile],
    waiting: &[WaitingDeliveries],
    json: bool,
) -> serde_json::Result<String> {
    let total: i64 = piles.iter().map(|pile| pile.count).sum();
    if json {
        return pretty(&json!({ "total": total, "parked": piles, "undelivered": waiting }));
    }
    let row = |pile: &Pile| {
        [
            pile.reason.clone(),
            or_none(pile.account.as_deref()),
            pile.count.to_string(),
            age(pile.oldest),
        ]
    };
    let mut text = if piles.is_empty() {
        String::new()
    } else {
        table(["reason", "account", "parked", "oldest"], piles.iter().map(row))
    };
    let _ = writeln!(text, "parked messages: {total}");
    text.push_str(&undelivered(waiting));
    Ok(text)
}

fn undelivered(waiting: &[WaitingDeliveries]) -> String {
    if waiting.is_empty() {
        return "no delivery waits for a desk's queue\n".to_owned();
    }
    let row = |waiting: &WaitingDeliveries| {
        [waiting.account.clone(), waiting.count.to_string(), age(waiting.since)]
    };
    format!(
        "\ndeliveries that wait for a desk's queue:\n{}",
        table(["account", "waiting", "oldest"], waiting.iter().map(row))
    )
}

pub(super) fn details(details: &Details, json: bool) -> serde_json::Result<String> {
    if json {
        return pretty(&serde_json::to_value(details)?);
    }
    let message = &details.message;
    let state = match details.closed_at {
        Some(at) => format!("{}, {at}", message.state),
        None => message.state.clone(),
    };
    let lines = [
        ("id", message.id.to_string()),
        ("state", state),
        ("reason", message.reason.clone()),
        ("detail", message.detail.clone()),
        ("account", or_none(message.account.as_deref())),
        ("publisher", or_none(message.publisher.as_deref())),
        ("type", or_none(message.message_type.as_deref())),
        ("message id", or_none(message.message_id.as_deref())),
        ("was going to", format!("exchange {}, key {}", message.exchange, message.routing_key)),
        ("came from", message.queue.clone()),
        ("first arrived", message.first_arrived_at.to_string()),
        (
            "parked",
            format!(
                "{}, {} ago; number of times: {}",
                message.parked_at,
                age(message.parked_at),
                message.times
            ),
        ),
        ("trace", or_none(details.traceparent.as_deref())),
        ("headers", details.headers.to_string()),
        ("body", body(details)?),
    ];
    let mut text = lines.iter().fold(String::new(), |text, (name, value)| {
        format!("{text}{name:<14} {}\n", harmless(value))
    });
    if let Some(body) = &details.body.text {
        let _ = writeln!(text, "\n{}", body.lines().map(harmless).collect::<Vec<_>>().join("\n"));
    }
    let _ = write!(text, "\nwhat happened to it:\n{}", audit(&details.history, false)?);
    Ok(text)
}

fn body(details: &Details) -> serde_json::Result<String> {
    let shape = match &details.body.shape {
        Some(shape) => serde_json::to_string(shape)?,
        None => "not JSON".to_owned(),
    };
    Ok(format!("{} bytes, {shape}", details.body.bytes))
}

pub(super) fn audit(lines: &[AuditLine], json: bool) -> serde_json::Result<String> {
    if json {
        return pretty(&serde_json::to_value(lines)?);
    }
    let row = |line: &AuditLine| {
        [
            line.at.to_string(),
            line.by.clone(),
            line.action.clone(),
            line.parked_id.map_or_else(|| "-".to_owned(), |id| id.to_string()),
            or_none(line.message_id.as_deref()),
            line.because.clone().unwrap_or_default(),
        ]
    };
    Ok(table(["at", "by", "action", "id", "message id", "because"], lines.iter().map(row)))
}

/// What would happen, and below it, unless it happens now, how to make it happen.
pub(super) fn plan(plan: &ActionPlan, yes: bool) -> String {
    let row = |line: &messaging::parked::PlanLine| {
        [line.count.to_string(), line.reason.clone(), line.what.clone()]
    };
    let lines = if plan.lines.is_empty() {
        String::new()
    } else {
        table(["count", "reason", "what happens"], plan.lines.iter().map(row))
    };
    format!(
        "{lines}parked messages that match: {}{}\n",
        plan.total(),
        if yes { "" } else { "; nothing is done without --yes" }
    )
}

pub(super) fn journal(plan: &replay::ReplayPlan, span: Span, yes: bool) -> String {
    let row = |(message_type, count): &(String, i64)| [count.to_string(), message_type.clone()];
    let lines = if plan.types.is_empty() {
        String::new()
    } else {
        table(["count", "type"], plan.types.iter().map(row))
    };
    let (outputs, messages) = (plan.outputs(), plan.messages());
    let only_told = if yes { "" } else { "; nothing is sent without --yes" };
    format!(
        "{lines}{outputs} outputs of {messages} messages decided from {} to {}{only_told}\n",
        span.since, span.until
    )
}

pub(super) fn ids(ids: &[Uuid]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn pretty(value: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn or_none(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

fn age(at: Timestamp) -> String {
    let age = SystemTime::now().duration_since(SystemTime::from(at.utc())).unwrap_or_default();
    humantime::format_duration(rounded(age)).to_string()
}

/// An age as a person tells it: seconds in the first minute, minutes in the first day, then hours.
fn rounded(age: Duration) -> Duration {
    let seconds = age.as_secs();
    let unit = match seconds {
        0..60 => 1,
        60..86_400 => 60,
        _ => 3_600,
    };
    Duration::from_secs(seconds / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_as_a_person_does() {
        let told =
            |seconds| humantime::format_duration(rounded(Duration::from_secs(seconds))).to_string();
        assert_eq!(
            [told(0), told(59), told(7_380), told(100_000)],
            ["0s", "59s", "2h 3m", "1day 3h"]
        );
    }
}
