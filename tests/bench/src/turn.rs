//! One turn of one contestant: full speed, or a steady rate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use local::process::Process;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::board::{Board, Proof};
use crate::cpu::{Parts, Used};
use crate::load::{Load, Publisher};

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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
}

impl Shown {
    /// Microseconds of processor time an update, all parts together.
    #[must_use]
    pub fn system(&self) -> f64 {
        self.cpu.values().sum()
    }
}

/// Plays one turn: `warm` does not count, `time` does.
///
/// # Errors
/// When an update is lost, doubled or wrong.
pub async fn play(
    load: Load,
    pace: Pace,
    publisher: &Publisher,
    board: &Arc<Board>,
    parts: &Parts,
    [warm, time]: [Duration; 2],
) -> Result<Shown> {
    let (first, over) = (board.published(), CancellationToken::new());
    let publish = async {
        match pace {
            Pace::Full { window } => load.full(publisher, board, window, &over).await,
            Pace::Steady { rate } => load.steady(publisher, board, rate, &over).await,
        }
    };
    let watch = async {
        let watched = watch(board, parts, warm, time).await;
        over.cancel();
        watched
    };
    let (sent, watched) = tokio::join!(publish, watch);
    sent?;
    let mut shown = watched?;
    let counted = shown.first;
    let drained = Instant::now();
    let mut proof: Proof = board.proof(first);
    while !proof.holds() {
        if drained.elapsed() > DRAIN || proof.doubled + proof.wrong > 0 {
            bail!("an update was lost, doubled or wrong: {proof:?}; the first of them: {}", board.first_wrong(first));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        proof = board.proof(first);
    }
    let delays = board.delays(counted);
    let percentile = |part: usize| {
        delays.get((delays.len() * part).div_ceil(100).saturating_sub(1)).map_or(0.0, |delay| delay.as_secs_f64() * 1e3)
    };
    (shown.shown.p50, shown.shown.p99) = (percentile(50), percentile(99));
    Ok(shown.shown)
}

struct Watched {
    shown: Shown,
    /// The first update of the time that counts.
    first: usize,
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people")]
async fn watch(board: &Board, parts: &Parts, warm: Duration, time: Duration) -> Result<Watched> {
    tokio::time::sleep(warm).await;
    let (first, done, begun, before) = (board.published(), board.done(), Instant::now(), Used::now(parts)?);
    tokio::time::sleep(time).await;
    let (done, elapsed, used) = (board.done() - done, begun.elapsed(), Used::now(parts)?.since(&before));
    let each = |used: &Duration| used.as_secs_f64() * 1e6 / done.max(1) as f64;
    let mut memory = BTreeMap::new();
    for (name, pids) in parts {
        let largest = pids.iter().filter_map(|pid| Process::find(*pid)?.resident()).max().unwrap_or_default();
        memory.insert((*name).to_owned(), largest as f64 / 1024.0);
    }
    let shown = Shown {
        rate: done as f64 / elapsed.as_secs_f64(),
        cpu: used.parts.iter().map(|(name, used)| ((*name).to_owned(), each(used))).collect(),
        foreign: used.foreign().as_secs_f64() / elapsed.as_secs_f64(),
        p50: 0.0,
        p99: 0.0,
        memory,
    };
    Ok(Watched { shown, first })
}
