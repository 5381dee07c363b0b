//! One turn of one contestant.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use local::process::Process;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::board::{Board, Proof, token};
use crate::cpu::{Parts, Used};
use crate::environment::BenchEnvironment;
use crate::filled::senders;
use crate::load::Load;
use crate::population::{actor, agreement};
use crate::work::Work;

/// How long what is under way may take to come at the end.
const DRAIN: Duration = Duration::from_mins(1);

/// How hard a contestant is driven.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many updates are always under way.
    Full {
        /// So many.
        window: usize,
    },
    /// So many updates a second.
    Steady {
        /// A second.
        rate: f64,
    },
}

/// What a turn showed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Shown {
    /// Updates done a second.
    pub rate: f64,
    /// Microseconds of processor time an update, by part of the system.
    pub cpu: BTreeMap<String, f64>,
    /// Processors that others kept busy.
    pub foreign: f64,
    /// From publishing to delivery: median and 99th percentile, in milliseconds.
    pub p50: f64,
    /// See above.
    pub p99: f64,
    /// Resident memory at the end, MiB, of the largest process of each part.
    pub memory: BTreeMap<String, f64>,
    /// What else this turn is about, in milliseconds.
    pub times: BTreeMap<String, f64>,
}

impl Shown {
    /// Microseconds of processor time an update, all parts together.
    #[must_use]
    pub fn system(&self) -> f64 {
        self.cpu.values().sum()
    }
}

/// How long a turn takes.
#[derive(Clone, Copy, Debug)]
pub struct Lasting {
    /// What does not count, at first.
    pub warm: Duration,
    /// What counts.
    pub time: Duration,
}

/// Plays one turn of updates.
///
/// # Errors
/// When an update is lost, doubled or wrong.
pub async fn play(
    load: Load,
    pace: Pace,
    environment: &BenchEnvironment,
    parts: &Parts,
    lasting: Lasting,
) -> Result<Shown> {
    let watch = async {
        tokio::time::sleep(lasting.warm).await;
        let (first, done, begun, before) = (
            environment.board.published(),
            environment.board.done(),
            Instant::now(),
            Used::now(parts)?,
        );
        tokio::time::sleep(lasting.time).await;
        let used = Used::now(parts)?.since(&before);
        Ok((first, shown(parts, &used, environment.board.done() - done, begun.elapsed())))
    };
    let (first, mut shown) = under_load(load, pace, environment, watch).await?;
    let delays = environment.board.delays(first..environment.board.published());
    (shown.p50, shown.p99) = (percentile(&delays, 50), percentile(&delays, 99));
    Ok(shown)
}

/// Plays a turn in whose middle an agreement ends that belongs to the sender number `round`.
///
/// # Errors
/// When an update is lost, doubled or wrong, or the agreement does not end.
pub async fn deactivation(
    load: Load,
    rate: f64,
    environment: &BenchEnvironment,
    round: usize,
    lasting: Lasting,
) -> Result<Shown> {
    let senders = senders();
    let sender = senders
        .get(round)
        .with_context(|| format!("there are {} agreements to end, one a round", senders.len()))?;
    let content = json!({ "agreement_id": agreement(sender), "actor": actor("admin") });
    let board = &environment.board;
    let watch = async {
        tokio::time::sleep(lasting.warm).await;
        let first = board.published();
        tokio::time::sleep(lasting.time / 2).await;
        let (ended, begun) = (board.publish_command(), Instant::now());
        environment
            .publisher
            .publish(&[(token(ended), Work::other(sender, "agreement.deactivate.v1", &content))])
            .await?;
        while !board.proof(ended..ended + 1).holds() {
            ensure!(begun.elapsed() < DRAIN, "the agreement has not ended within {DRAIN:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = begun.elapsed();
        tokio::time::sleep(lasting.time / 2).await;
        Ok((first, ended, took))
    };
    let (first, ended, took) = under_load(load, Pace::Steady { rate }, environment, watch).await?;
    let longest = |updates: Range<usize>| board.delays(updates).last().copied().map_or(0.0, millis);
    // An update that was under way when the agreement ended counts as after.
    let under_way = ended.saturating_sub(20);
    let (before, after) = (longest(first..under_way), longest(under_way..board.published()));
    let delays = board.delays(first..board.published());
    let times =
        [("longest before", before), ("longest after", after), ("until its receipt", millis(took))];
    let times = times.map(|(name, value)| (name.to_owned(), value)).into();
    Ok(Shown {
        rate,
        p50: percentile(&delays, 50),
        p99: percentile(&delays, 99),
        times,
        ..Shown::default()
    })
}

/// How long an update took that was published before anything ran.
///
/// # Errors
/// When it does not come.
pub async fn first_update(environment: &BenchEnvironment, update: usize) -> Result<Shown> {
    let started = Instant::now();
    while !environment.board.proof(update..update + 1).holds() {
        ensure!(started.elapsed() < DRAIN, "the update has not come within {DRAIN:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = environment.board.delays(update..update + 1).last().copied().map_or(0.0, millis);
    Ok(Shown { times: [("until the first update".to_owned(), took)].into(), ..Shown::default() })
}

/// Publishes while something watches; afterwards everything that was published must have come once.
async fn under_load<T>(
    load: Load,
    pace: Pace,
    environment: &BenchEnvironment,
    watch: impl Future<Output = Result<T>>,
) -> Result<T> {
    let (board, publisher): (&Arc<Board>, _) = (&environment.board, &environment.publisher);
    let (first, over) = (board.published(), CancellationToken::new());
    let publish = async {
        match pace {
            Pace::Full { window } => load.full(publisher, board, window, &over).await,
            Pace::Steady { rate } => load.steady(publisher, board, rate, &over).await,
        }
    };
    let watch = async {
        let watched = watch.await;
        over.cancel();
        watched
    };
    let (sent, watched) = tokio::join!(publish, watch);
    sent?;
    let drained = Instant::now();
    let mut proof: Proof = board.proof(first..board.published());
    while !proof.holds() {
        if drained.elapsed() > DRAIN || proof.doubled + proof.wrong > 0 {
            bail!(
                "an update was lost, doubled or wrong: {proof:?}; the first of them: {}",
                board.first_wrong(first)
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        proof = board.proof(first..board.published());
    }
    watched
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people")]
fn shown(parts: &Parts, used: &Used, done: usize, elapsed: Duration) -> Shown {
    let each = |used: &Duration| used.as_secs_f64() * 1e6 / done.max(1) as f64;
    let largest = |pids: &Vec<i32>| {
        pids.iter().filter_map(|pid| Process::find(*pid)?.resident()).max().unwrap_or_default()
    };
    Shown {
        rate: done as f64 / elapsed.as_secs_f64(),
        cpu: used.parts.iter().map(|(name, used)| ((*name).to_owned(), each(used))).collect(),
        foreign: used.foreign().as_secs_f64() / elapsed.as_secs_f64(),
        memory: parts
            .iter()
            .map(|(name, pids)| ((*name).to_owned(), largest(pids) as f64 / 1024.0))
            .collect(),
        ..Shown::default()
    }
}

fn percentile(delays: &[Duration], part: usize) -> f64 {
    delays.get((delays.len() * part).div_ceil(100).saturating_sub(1)).copied().map_or(0.0, millis)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
