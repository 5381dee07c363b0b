//! The processes of two releases at work, and how much each did.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use contracts::topology::Service;
use local::Fleet;

use super::PATIENCE;
use crate::site::{REPLICAS, Site};
use crate::traffic::Traffic;

/// Receipts in each phase, at least.
const RECEIPTS: usize = 300;
/// How often is looked.
const LOOK: Duration = Duration::from_millis(200);
/// What counts a process's messages.
const COUNTER: &str = "deskmesh_messages_total";

/// Which release a process is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// The one in use.
    Old,
    /// The one that follows it.
    New,
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Old => "old",
            Self::New => "new",
        })
    }
}

/// The processes, two of each service.
#[derive(Debug)]
pub(super) struct Crew<'a> {
    site: &'a Site,
    traffic: &'a Traffic,
    started: Instant,
    /// Which release the first and the second of each service are of.
    ages: [Age; REPLICAS as usize],
}

/// Messages that each process has had.
type Messages = BTreeMap<(Service, u32), u64>;

impl<'a> Crew<'a> {
    pub(super) fn new(site: &'a Site, traffic: &'a Traffic, age: Age) -> Self {
        Self { site, traffic, started: Instant::now(), ages: [age; REPLICAS as usize] }
    }

    /// Lets them work until some hundred commands have their receipts and every process took part,
    /// and says so.
    pub(super) async fn work(&self, phase: &str) -> Result<()> {
        let since = Instant::now();
        let (receipts, messages) =
            (self.traffic.ledger.answers(), self.messages().await.context(phase.to_owned())?);
        loop {
            tokio::time::sleep(LOOK).await;
            if let Some(parked) = self.site.parked().await?.first() {
                bail!("{phase}: {parked}");
            }
            let receipts = self.traffic.ledger.answers() - receipts;
            let done = since_then(&messages, &self.messages().await.context(phase.to_owned())?);
            let idle: Vec<String> = done
                .iter()
                .filter(|(_, count)| **count == 0)
                .map(|(process, _)| self.named(*process))
                .collect();
            if receipts >= RECEIPTS && idle.is_empty() {
                self.tell(phase, receipts, &done);
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                bail!(
                    "{phase}: {receipts} receipts in {} s, {RECEIPTS} were expected; without a \
                     message: {}",
                    PATIENCE.as_secs(),
                    if idle.is_empty() { "none".to_owned() } else { idle.join(", ") }
                );
            }
        }
    }

    /// Replaces one of each service, in the line's order.
    pub(super) async fn replace(&mut self, replica: u32, fleet: &Fleet, age: Age) -> Result<()> {
        for service in Service::ALL {
            let replaced = self.site.replicas.replace_by(fleet, service, replica).await;
            replaced
                .with_context(|| format!("an {age} {} in the place of another", service.name()))?;
        }
        self.ages[replica as usize - 1] = age;
        Ok(())
    }

    /// Kills every process once without any chance to finish, one after the other; each is started
    /// again.
    pub(super) async fn kill_each(&self) -> Result<()> {
        for (service, replica) in processes() {
            self.site
                .replicas
                .kill(service, replica)
                .await
                .with_context(|| self.named((service, replica)))?;
        }
        Ok(())
    }

    fn tell(&self, phase: &str, receipts: usize, done: &Messages) {
        let of = |age: Age| {
            done.iter()
                .filter(|(process, _)| self.age(**process) == age)
                .map(|(_, count)| count)
                .sum::<u64>()
        };
        println!(
            "{:>6.1} s  {phase:<56} {receipts:>5} receipts, messages: old {:>5}, new {:>5}",
            self.started.elapsed().as_secs_f64(),
            of(Age::Old),
            of(Age::New)
        );
    }

    fn age(&self, (_, replica): (Service, u32)) -> Age {
        self.ages[replica as usize - 1]
    }

    fn named(&self, process: (Service, u32)) -> String {
        format!("the {} {} {}", self.age(process), process.0.name(), process.1)
    }

    async fn messages(&self) -> Result<Messages> {
        let mut messages = Messages::new();
        for (service, replica) in processes() {
            let metrics = self
                .site
                .replicas
                .metrics(service, replica)
                .await
                .with_context(|| self.named((service, replica)))?;
            messages.insert((service, replica), counted(&metrics));
        }
        Ok(messages)
    }
}

fn processes() -> impl Iterator<Item = (Service, u32)> {
    Service::ALL
        .into_iter()
        .flat_map(|service| (1..=REPLICAS).map(move |replica| (service, replica)))
}

fn since_then(before: &Messages, now: &Messages) -> Messages {
    now.iter()
        .map(|(process, count)| {
            (*process, count.saturating_sub(before.get(process).copied().unwrap_or_default()))
        })
        .collect()
}

/// Adds up what a counter says under all its labels.
fn counted(metrics: &str) -> u64 {
    let lines = metrics
        .lines()
        .filter(|line| line.strip_prefix(COUNTER).is_some_and(|rest| rest.starts_with(['{', ' '])));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_added_up_over_its_labels() {
        let metrics = "# TYPE deskmesh_messages_total counter\n\
            deskmesh_messages_total{type=\"transfer.v1\",outcome=\"decided\"} 7\n\
            deskmesh_messages_total{type=\"fact.v1\",outcome=\"decided\"} 5\n\
            deskmesh_messages_total_other 100\n";
        assert_eq!(counted(metrics), 12);
        assert_eq!(counted(""), 0);
    }
}
