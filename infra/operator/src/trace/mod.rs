//! `trace`: asks every service what it knows, and joins the answers.

mod services;

use contracts::AccountName;
use contracts::topology::{Service, desk_queue};
use timeline::{DeskQueue, Target, Timeline, Trail};

use crate::broker::Broker;
use crate::error::Result;

pub use self::services::{Services, ServicesError};

/// Asks share-dispatcher first, which knows what a ticket's number stands for, then all others by
/// the names that it found; of the edges those whose addresses are given.
///
/// A service that gives no answer is a gap in the timeline, not an error: at three in the morning
/// half an answer is better than none.
#[must_use]
pub fn trace(services: &Services, target: &Target) -> Timeline {
    let (mut trails, mut gaps) = (Vec::new(), Vec::new());
    let mut take =
        |service: &str, answer: Result<Trail, String>, trails: &mut Vec<Trail>| match answer {
            Ok(trail) => trails.push(trail),
            Err(cause) => gaps.push(format!("{service} gave no answer: {cause}")),
        };
    // An agreement's commands are agreement-service's; everything else begins at share-dispatcher.
    let entries = [Service::ShareDispatcher, Service::Agreement];
    for entry in entries {
        take(entry.name(), services.ask(entry, &services::of_target(target)), &mut trails);
    }
    let mut names: Vec<String> =
        trails.iter().flat_map(|trail| trail.names.iter().cloned()).collect();
    names.extend(
        trails.iter().flat_map(|trail| &trail.shares).map(|share| share.agreement_id.clone()),
    );
    names.push(target.name().to_owned());
    names.sort();
    names.dedup();
    for service in Service::ALL.into_iter().filter(|service| !entries.contains(service)) {
        take(service.name(), services.ask(service, &services::of_names(&names)), &mut trails);
    }
    // A deployment has the edges that it needs.
    for edge in Service::EDGES.into_iter().filter(|edge| services.has(*edge)) {
        take(edge.name(), services.ask(edge, &services::of_names(&names)), &mut trails);
    }
    Timeline::of(target.clone(), &trails, gaps)
}

/// Adds what the queues of the story's desks hold, up to five seconds ago.
///
/// # Errors
/// When the broker refuses or does not answer.
pub fn ask_queues(timeline: &mut Timeline, broker: &Broker, vhost: &str) -> Result<()> {
    let queues = broker.reading(vhost)?;
    for (account, queued) in &mut timeline.queued {
        let name = AccountName::new(account.as_str()).ok().map(|account| desk_queue(&account));
        let found = queues.iter().find(|queue| Some(&queue.name) == name.as_ref());
        queued.queue =
            found.map(|queue| DeskQueue { messages: queue.messages, consumers: queue.consumers });
    }
    Ok(())
}
