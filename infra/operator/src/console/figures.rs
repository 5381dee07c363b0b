//! What the metrics of a service say, and how fast they change.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::metrics::{Metric, read};

/// How far back rates look.
const WINDOW: Duration = Duration::from_mins(1);
/// Shorter than that says nothing of a rate.
const SHORTEST: Duration = Duration::from_secs(1);

/// What one process said at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// When, since some moment that is the same for all samples.
    pub at: Duration,
    /// When the process started: counters of another one are other counters.
    pub started: f64,
    pub version: String,
    /// Messages that came, by type.
    pub messages: BTreeMap<String, f64>,
    /// Deliveries that a desk's queue took, and how long it took from the command: by the upper
    /// bound in seconds, all that took no longer.
    pub delivered: f64,
    pub within: BTreeMap<String, f64>,
    /// What is parked now, by reason.
    pub parked: BTreeMap<String, u64>,
    /// Deliveries that wait for a desk's queue, and since how many seconds the oldest does.
    pub undelivered: u64,
    pub undelivered_oldest: f64,
    /// How old the oldest batch in hand is, in seconds.
    pub oldest_step: f64,
}

impl Sample {
    /// Reads what `/metrics` answered.
    pub fn of(text: &str, at: Duration) -> Self {
        let mut sample = Self { at, ..Self::default() };
        for metric in read(text) {
            sample.take(&metric);
        }
        sample
    }

    fn take(&mut self, metric: &Metric) {
        let value = metric.value;
        match metric.name.as_str() {
            "process_start_time_seconds" => self.started = value,
            "deskmesh_build_info" => metric.label("version").clone_into(&mut self.version),
            "deskmesh_messages_total" => {
                *self.messages.entry(metric.label("type").to_owned()).or_default() += value;
            }
            "deskmesh_sync_seconds_count" => self.delivered += value,
            "deskmesh_sync_seconds_bucket" => {
                *self.within.entry(metric.label("le").to_owned()).or_default() += value;
            }
            "deskmesh_parked" if value > 0.0 => {
                self.parked.insert(metric.label("reason").to_owned(), whole(value));
            }
            "deskmesh_undelivered" => self.undelivered = whole(value),
            "deskmesh_undelivered_oldest_seconds" => self.undelivered_oldest = value,
            "deskmesh_oldest_step_seconds" => self.oldest_step = value,
            _ => {}
        }
    }

    pub fn parked_in_all(&self) -> u64 {
        self.parked.values().sum()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of messages")]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// The samples of the last minute of one service.
#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<Sample>);

impl History {
    pub fn add(&mut self, sample: Sample) {
        let old = |first: &Sample| sample.at.saturating_sub(first.at) > WINDOW;
        while self.0.front().is_some_and(old) {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    pub fn last(&self) -> Option<&Sample> {
        self.0.back()
    }

    /// The oldest and the newest of the process that spoke last, with the seconds between.
    fn ends(&self) -> Option<(&Sample, &Sample, f64)> {
        let last = self.0.back()?;
        let same = |it: &&Sample| (it.started - last.started).abs() < 0.001;
        let first = self.0.iter().find(same)?;
        let between = last.at.saturating_sub(first.at);
        (between >= SHORTEST).then_some((first, last, between.as_secs_f64()))
    }

    /// Messages a second that came, of the types that are wanted. None until it has been looked at
    /// twice.
    pub fn rate(&self, wanted: impl Fn(&str) -> bool) -> Option<f64> {
        let (first, last, seconds) = self.ends()?;
        let sum = |sample: &Sample| -> f64 {
            sample.messages.iter().filter(|(kind, _)| wanted(kind)).map(|(_, count)| count).sum()
        };
        Some((sum(last) - sum(first)).max(0.0) / seconds)
    }

    /// Deliveries a second that desks' queues took.
    pub fn delivery_rate(&self) -> Option<f64> {
        let (first, last, seconds) = self.ends()?;
        Some((last.delivered - first.delivered).max(0.0) / seconds)
    }

    /// How many of the last minute's deliveries took at most how many seconds.
    fn taken(&self) -> BTreeMap<String, f64> {
        let Some((first, last, _)) = self.ends() else { return BTreeMap::new() };
        let before = |bound: &String| first.within.get(bound).copied().unwrap_or_default();
        last.within
            .iter()
            .map(|(bound, count)| (bound.clone(), (count - before(bound)).max(0.0)))
            .collect()
    }
}

/// What 95 of 100 deliveries of the last minute did not exceed, in seconds: the upper bound of the
/// bucket in which it lies. None when there was no delivery.
pub fn p95<'a>(histories: impl Iterator<Item = &'a History>) -> Option<f64> {
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for (bound, count) in histories.flat_map(History::taken) {
        *sums.entry(bound).or_default() += count;
    }
    let parsed = sums.into_iter().filter_map(|(bound, count)| Some((bound.parse().ok()?, count)));
    let mut counts: Vec<(f64, f64)> = parsed.collect();
    counts.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let all = counts.last().map(|(_, all)| *all).filter(|all| *all > 0.0)?;
    counts.into_iter().find(|(_, count)| *count >= 0.95 * all).map(|(bound, _)| bound)
}

/// A rate for people: `214/s`, `1.2/s`, `0/s`.
pub fn per_second(rate: Option<f64>) -> String {
    match rate {
        None => "–".to_owned(),
        Some(rate) if rate >= 10.0 => format!("{rate:.0}/s"),
        Some(rate) if rate < 0.05 && rate > 0.0 => "under 0.1/s".to_owned(),
        Some(0.0) => "0/s".to_owned(),
        Some(rate) => format!("{rate:.1}/s"),
    }
}

/// An age for people: `64 ms`, `12 s`, `4 min 10 s`, `3 h 5 min`, `2 d 1 h`.
pub fn age(seconds: f64) -> String {
    let whole = whole(seconds);
    match whole {
        0 if seconds <= 0.0 => "–".to_owned(),
        0 => format!("{:.0} ms", seconds * 1_000.0),
        1..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# TYPE deskmesh_messages_total counter
process_start_time_seconds 1700000000.5
deskmesh_build_info{service="comment-sync",version="0.1.0"} 1
deskmesh_messages_total{type="transfer.v1",outcome="decided"} 40
deskmesh_messages_total{type="transfer.v1",outcome="known"} 2
deskmesh_messages_total{type="fact.v1",outcome="decided"} 8
deskmesh_sync_seconds_bucket{type="ticket.updated.v1",le="0.05"} 3
deskmesh_sync_seconds_bucket{type="ticket.updated.v1",le="+Inf"} 4
deskmesh_sync_seconds_count{type="ticket.updated.v1"} 4
deskmesh_parked{reason="poison"} 11
deskmesh_parked{reason="outputs_gone"} 0
deskmesh_undelivered 2
deskmesh_undelivered_oldest_seconds 250
deskmesh_oldest_step_seconds 0.4
"#;

    fn sample(second: u64, started: f64, messages: f64) -> Sample {
        Sample {
            at: Duration::from_secs(second),
            started,
            messages: [("transfer.v1".to_owned(), messages)].into(),
            ..Sample::default()
        }
    }

    #[test]
    fn figures_are_what_the_metrics_say() {
        let sample = Sample::of(TEXT, Duration::ZERO);
        assert_eq!(sample.version, "0.1.0");
        assert!((sample.messages["transfer.v1"] - 42.0).abs() < 0.001, "{sample:?}");
        assert_eq!(sample.parked, [("poison".to_owned(), 11)].into());
        assert_eq!((sample.undelivered, sample.undelivered_oldest), (2, 250.0));
        assert_eq!((sample.delivered, sample.within["+Inf"]), (4.0, 4.0));
    }

    #[test]
    fn a_rate_is_of_the_last_minute_and_of_one_process() {
        let mut history = History::default();
        history.add(sample(0, 1.0, 100.0));
        assert_eq!(history.rate(|_| true), None, "one look is no rate");
        history.add(sample(10, 1.0, 150.0));
        assert_eq!(history.rate(|_| true), Some(5.0));
        assert_eq!(history.rate(|kind| kind == "fact.v1"), Some(0.0));
        history.add(sample(20, 2.0, 3.0));
        assert_eq!(history.rate(|_| true), None, "another process counts anew");
        history.add(sample(30, 2.0, 33.0));
        assert_eq!(history.rate(|_| true), Some(3.0));
        history.add(sample(89, 2.0, 33.0));
        assert_eq!(history.0.len(), 2, "what is older than a minute is gone: {history:?}");
    }

    #[test]
    fn the_ninety_fifth_percentile_is_of_what_was_new() {
        let within = |fast: f64, all: f64| {
            [("0.05".to_owned(), fast), ("10".to_owned(), all), ("+Inf".to_owned(), all)].into()
        };
        let mut history = History::default();
        history.add(Sample { within: within(1_000.0, 1_000.0), ..sample(0, 1.0, 0.0) });
        assert_eq!(p95([&history].into_iter()), None);
        history.add(Sample { within: within(1_094.0, 1_100.0), ..sample(10, 1.0, 0.0) });
        assert_eq!(p95([&history].into_iter()), Some(10.0));
        history.add(Sample { within: within(1_194.0, 1_200.0), ..sample(20, 1.0, 0.0) });
        assert_eq!(p95([&history].into_iter()), Some(0.05));
    }

    #[test]
    fn figures_are_for_people() {
        let rates = [None, Some(0.0), Some(0.01), Some(1.23), Some(213.6)].map(per_second);
        assert_eq!(rates, ["–", "0/s", "under 0.1/s", "1.2/s", "214/s"]);
        let ages = [0.0, 0.064, 12.3, 250.0, 11_100.0, 176_400.0].map(age);
        assert_eq!(ages, ["–", "64 ms", "12 s", "4 min 10 s", "3 h 5 min", "2 d 1 h"]);
    }
}
