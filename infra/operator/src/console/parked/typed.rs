//! What is parked, as the services' metrics tell it, and what to type: a console without the
//! operator's secret only looks.

use askama::Template;
use axum::response::Response;
use contracts::topology::Service;
use web_base::{Html, parts};

use super::code;
use crate::console::figures::age;
use crate::console::watch::Seen;
use crate::console::{Console, advice, frame};

/// Messages of one service that are parked for one reason.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    service: &'static str,
    reason: String,
    count: u64,
    /// The lines to type, with what each is for.
    commands: Vec<(&'static str, String)>,
}

impl Group {
    fn usually(&self) -> Html {
        code(advice::of(&self.reason).0)
    }

    fn then(&self) -> Html {
        code(advice::of(&self.reason).1)
    }
}

/// The largest first.
fn groups(seen: &Seen, command: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Service::ALL
        .into_iter()
        .filter_map(|service| Some((service, seen.sample(service)?)))
        .flat_map(|(service, sample)| {
            sample.parked.iter().map(move |(reason, count)| Group {
                service: service.name(),
                reason: reason.clone(),
                count: *count,
                commands: commands(service, reason, command),
            })
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

/// The runbook's lines, for this service and reason.
fn commands(service: Service, reason: &str, command: &str) -> Vec<(&'static str, String)> {
    let parked = format!("{} parked", command.replace("{service}", service.name()));
    let replay = format!("{parked} replay --reason {reason}");
    let mut lines = vec![
        ("Look", format!("{parked} list --reason {reason} --limit 20")),
        ("What a replay would do", replay.clone()),
        ("Replay", format!("{replay} --rate 50/s --yes --as \"your name\"")),
    ];
    // The publisher is told, and only these two can tell it.
    if [Service::Agreement, Service::ShareDispatcher].contains(&service) {
        let because = "--because \"why\" --yes --as \"your name\"";
        lines.push(("Or discard one", format!("{parked} discard ID {because}")));
    }
    lines
}

/// Deliveries that wait for desks' queues at one service.
struct Waiting {
    service: &'static str,
    count: u64,
    oldest: String,
}

fn waiting(seen: &Seen) -> Vec<Waiting> {
    let samples = Service::ALL.into_iter().filter_map(|it| Some((it, seen.sample(it)?)));
    samples
        .filter(|(_, sample)| sample.undelivered > 0)
        .map(|(service, sample)| Waiting {
            service: service.name(),
            count: sample.undelivered,
            oldest: age(sample.undelivered_oldest),
        })
        .collect()
}

#[derive(Template)]
#[template(path = "parked.html")]
struct Content {
    seen: Seen,
    groups: Vec<Group>,
    waiting: Vec<Waiting>,
    has_broker: bool,
}

/// `/parked` with the lines to type.
pub fn page(console: &Console) -> Response {
    let seen = console.watch.seen();
    let content = Content {
        groups: groups(&seen, &console.service_command),
        waiting: waiting(&seen),
        seen,
        has_broker: console.broker.is_some(),
    };
    super::shown(console, frame::html(&content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_for_its_service_and_reason() {
        let lines = commands(Service::CommentSync, "poison", "kubectl exec deploy/{service} --");
        assert_eq!(
            lines[2].1,
            "kubectl exec deploy/comment-sync -- parked replay --reason poison --rate 50/s --yes \
             --as \"your name\""
        );
        assert_eq!(lines.len(), 3, "comment-sync has nobody to tell of a discard: {lines:?}");
        assert_eq!(commands(Service::Agreement, "no_publisher", "x").len(), 4);
    }
}
