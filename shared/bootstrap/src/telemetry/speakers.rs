//! Who may speak in logs and traces. A list of who may, not of who may not: a library that is new,
//! or that logs more in its next version, is silent until somebody has read what it says.

use tracing::{Level, Metadata};

/// The project's own crates. What they log is written with care: names, counts, places and causes,
/// never what a ticket says.
const OWN: [&str; 10] = [
    "agreement_service",
    "bootstrap",
    "comment_sync",
    "contracts",
    "field_sync",
    "line",
    "messaging",
    "notifier",
    "share_dispatcher",
    "timeline",
];

/// Targets of others, and how much of each. All that they say at this level was read in their
/// source, and is free of messages, statements' values and frames.
const OTHERS: [(&str, Level); 7] = [
    // Why a connection ended, in the broker's or the network's words.
    ("lapin::channels", Level::ERROR),
    ("lapin::heartbeat", Level::ERROR),
    // How sending traces fares: status codes and counts.
    ("opentelemetry", Level::WARN),
    ("opentelemetry-otlp", Level::WARN),
    ("opentelemetry_sdk", Level::WARN),
    // That a connection was waited for long, and that a statement took long. Statements are fixed
    // texts; values are bound to them and not told.
    ("sqlx::pool::acquire", Level::WARN),
    ("sqlx::query", Level::WARN),
];

/// Whether what is described so may reach a log or a trace at all, whatever is configured.
///
/// Spans of others never: at `trace` they hold frames and statements.
pub(super) fn may_speak(metadata: &Metadata<'_>) -> bool {
    is_own(metadata.target()) || (metadata.is_event() && is_listed(metadata))
}

/// Whether the target is one of the project's crates, or a module of it.
pub(super) fn is_own(target: &str) -> bool {
    target.split("::").next().is_some_and(|name| OWN.contains(&name))
}

/// The whole target must be listed: what stands below one is another matter.
fn is_listed(metadata: &Metadata<'_>) -> bool {
    OTHERS.iter().any(|(target, level)| metadata.target() == *target && metadata.level() <= level)
}
