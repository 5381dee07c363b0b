//! Looks at every service again and again, so that pages know how fast things change.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use contracts::Timestamp;
use contracts::topology::Service;
use operator::broker::QueueReading;
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval};

use super::Console;
use super::figures::{History, Sample};

/// How often.
const EVERY: Duration = Duration::from_secs(5);
/// How long a service may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// What was seen last.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub at: Option<Timestamp>,
    /// In the line's order.
    pub services: BTreeMap<&'static str, ServiceStanding>,
    /// The broker's queues; none where its address is not given, or why it does not tell.
    pub queues: Option<Result<Vec<QueueReading>, String>>,
}

/// One service.
#[derive(Clone, Debug)]
pub struct ServiceStanding {
    pub state: State,
    pub history: History,
}

/// How it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Ready,
    /// It runs, and waits for these.
    NotReady(String),
    /// It gave no answer.
    Gap(String),
}

impl Seen {
    pub fn of(&self, service: Service) -> Option<&ServiceStanding> {
        self.services.get(service.name())
    }

    /// What the page cannot tell, in sentences.
    pub fn gaps(&self) -> Vec<String> {
        let services =
            Service::ALL.into_iter().filter_map(|service| match &self.of(service)?.state {
                State::Gap(cause) => Some(format!("{} gave no answer: {cause}", service.name())),
                _ => None,
            });
        let broker = self.queues.iter().filter_map(|queues| queues.as_ref().err());
        let broker = broker.map(|cause| format!("the broker does not tell of its queues: {cause}"));
        services.chain(broker).collect()
    }

    /// What a service that answers now has told.
    pub fn history(&self, service: Service) -> Option<&History> {
        let standing = self.of(service)?;
        (!matches!(standing.state, State::Gap(_))).then_some(&standing.history)
    }

    /// What it told last.
    pub fn sample(&self, service: Service) -> Option<&Sample> {
        self.history(service)?.last()
    }

    /// A queue, where the broker tells of it.
    pub fn queue(&self, name: &str) -> Option<&QueueReading> {
        self.queues.as_ref()?.as_ref().ok()?.iter().find(|queue| queue.name == name)
    }

    /// The desks' queues in which something waits, the longest first.
    pub fn desk_queues(&self) -> Vec<&QueueReading> {
        let all = self.queues.iter().filter_map(|queues| queues.as_ref().ok()).flatten();
        let mut waiting: Vec<&QueueReading> =
            all.filter(|queue| queue.name.starts_with("desk.") && queue.messages > 0).collect();
        waiting.sort_by(|one, other| {
            other.messages.cmp(&one.messages).then_with(|| one.name.cmp(&other.name))
        });
        waiting
    }
}

/// What pages read.
#[derive(Debug)]
pub struct Watch {
    seen: Mutex<Seen>,
    since: Instant,
}

impl Default for Watch {
    fn default() -> Self {
        Self { seen: Mutex::default(), since: Instant::now() }
    }
}

impl Watch {
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Looks for ever.
pub async fn keep_looking(console: Console) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        look(&console).await;
    }
}

/// Looks once, at all at the same time.
pub async fn look(console: &Console) {
    let console = console.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let mut seen = console.watch.seen();
        let (readings, queues) = thread::scope(|scope| {
            let asked = Service::ALL.map(|service| {
                let console = &console;
                (service, scope.spawn(move || ask(console, service)))
            });
            let broker = console.broker.as_ref();
            let queues =
                broker.map(|it| it.reading(&console.vhost).map_err(|cause| cause.to_string()));
            let readings = asked.map(|(service, asked)| {
                let none = || (State::Gap("it could not be asked".to_owned()), None);
                (service, asked.join().unwrap_or_else(|_| none()))
            });
            (readings, queues)
        });
        for (service, (state, sample)) in readings {
            let fresh = || ServiceStanding { state: state.clone(), history: History::default() };
            let standing = seen.services.entry(service.name()).or_insert_with(fresh);
            standing.state = state.clone();
            if let Some(sample) = sample {
                standing.history.add(sample);
            }
        }
        seen.queues = queues;
        seen.at = super::now();
        *console.watch.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    });
    if let Err(failed) = looked.await {
        super::say(&format!("the services could not be looked at: {failed}"));
    }
}

fn ask(console: &Console, service: Service) -> (State, Option<Sample>) {
    let figures = console.services.read(service, "/metrics", LIMIT);
    let text = match figures {
        Ok((status, text)) if status.is_success() => text,
        Ok((status, _)) => return (State::Gap(format!("/metrics: {status}")), None),
        Err(cause) => return (State::Gap(cause), None),
    };
    let sample = Sample::of(&text, console.watch.since.elapsed());
    let state = match console.services.read(service, "/readyz", LIMIT) {
        Ok((status, _)) if status.is_success() => State::Ready,
        Ok((_, said)) => State::NotReady(waiting_for(&said)),
        Err(cause) => State::Gap(cause),
    };
    (state, Some(sample))
}

/// What a service waits for, of `{"ready":false,"waiting_for":["database"]}`.
fn waiting_for(said: &str) -> String {
    #[derive(Deserialize)]
    struct Said {
        waiting_for: Vec<String>,
    }
    serde_json::from_str::<Said>(said)
        .map_or_else(|_| "something it does not name".to_owned(), |it| it.waiting_for.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_told() {
        let standing = |state| ServiceStanding { state, history: History::default() };
        let mut seen = Seen::default();
        seen.services.insert("share-dispatcher", standing(State::Ready));
        seen.services.insert("notifier", standing(State::Gap("host:1: refused".to_owned())));
        assert_eq!(seen.gaps(), ["notifier gave no answer: host:1: refused"]);
        seen.services.insert("notifier", standing(State::NotReady("broker".to_owned())));
        assert!(seen.gaps().is_empty(), "who waits has answered");
        assert!(seen.history(Service::Notifier).is_some());
        seen.services.insert("notifier", standing(State::Gap("host:1: refused".to_owned())));
        assert!(seen.history(Service::Notifier).is_none(), "what is old is told no more");
        seen.services.insert("notifier", standing(State::Ready));
        seen.queues = Some(Err("401".to_owned()));
        assert_eq!(seen.gaps(), ["the broker does not tell of its queues: 401"]);
    }

    #[test]
    fn what_a_service_waits_for_is_named() {
        assert_eq!(
            waiting_for(r#"{"ready":false,"waiting_for":["database","broker"]}"#),
            "database, broker"
        );
        assert_eq!(waiting_for("<html>"), "something it does not name");
    }
}
