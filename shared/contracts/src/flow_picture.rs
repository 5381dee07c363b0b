//! The flow picture of `shared/README.md`, from `FLOWS`.

use std::collections::BTreeMap;

use crate::topology::{End, Exchange, FLOWS};

/// A Mermaid graph: one arrow per pair of ends and exchange, labelled with what passes.
#[must_use]
pub fn mermaid() -> String {
    let mut arrows: BTreeMap<(usize, usize, Exchange), Vec<&str>> = BTreeMap::new();
    for flow in FLOWS {
        arrows
            .entry((rank(flow.from), rank(flow.to), flow.exchange))
            .or_default()
            .push(flow.message);
    }
    let mut picture = String::from("flowchart LR\n  desk([desks])\n");
    for ((from, to, exchange), messages) in arrows {
        let line = format!(
            "  {} -- \"{}: {}\" --> {}\n",
            NODES[from],
            exchange.name(),
            label(&messages),
            NODES[to]
        );
        picture.push_str(&line);
    }
    picture
}

const NODES: [&str; 6] =
    ["desk", "agreement-service", "share-dispatcher", "comment-sync", "field-sync", "notifier"];

fn rank(end: End) -> usize {
    match end {
        End::Desk => 0,
        End::Service(service) => NODES.iter().position(|node| *node == service.name()).unwrap_or(0),
    }
}

/// `ticket.share`, `ticket.update` → `ticket share, update`.
fn label(messages: &[&str]) -> String {
    let mut by_entity: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for message in messages {
        let stem = message.rsplit_once(".v").map_or(*message, |(stem, _)| stem);
        match stem.split_once('.') {
            Some((entity, verb)) => by_entity.entry(entity).or_default().push(verb),
            None => {
                by_entity.entry(stem).or_default();
            }
        }
    }
    let part = |(entity, verbs): (&str, Vec<&str>)| {
        if verbs.is_empty() { entity.to_owned() } else { format!("{entity} {}", verbs.join(", ")) }
    };
    by_entity.into_iter().map(part).collect::<Vec<_>>().join("; ")
}
