//! One account in trouble, and what the others feel of it: a percentile of their delay with the
//! trouble and without, turn by turn in one run.

mod victim;
mod worst;

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::runner::Pace;
use crate::site::{Deviations, Site};
use crate::traffic::Traffic;
use victim::{CrossingComment, VICTIM, Victim};

/// Turns with and without each trouble.
const TURNS: usize = 3;
const TURN: Duration = Duration::from_secs(8);
/// What a turn's beginning does not count for: a trouble needs a moment to be felt, and another to
/// pass.
const SETTLING: Duration = Duration::from_secs(1);
/// Tickets worked on at a time at full speed.
const HASTY: u64 = 40;
/// How many of the worst legal messages the victim sends a second.
const WORST: u32 = 4;
/// How often a second the victim's partner comments.
const COMMENTS: u32 = 10;
/// The policy that makes the victim's queue small.
const POLICY: &str = "isolation";
/// What the others may feel, as a ratio.
const ALLOWED: f64 = 1.5;
/// Good updates that one account sends at once.
const FLOOD: usize = 50_000;
/// What the others may feel of them.
const FLOOD_ALLOWED: Duration = Duration::from_millis(250);

/// What the account's trouble is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    QueueFull,
    DeskDead,
    BadMessages { rate: u32 },
    WorstMessages { rate: u32 },
    Flood { commands: usize },
}

impl Trouble {
    fn name(self) -> String {
        match self {
            Self::QueueFull => "its queue is full".to_owned(),
            Self::DeskDead => "its desk is dead".to_owned(),
            Self::BadMessages { rate } => format!("it sends {rate} bad messages a second"),
            Self::WorstMessages { rate } => {
                format!("it sends {rate} of the worst legal messages a second")
            }
            Self::Flood { commands } => format!("it sends {commands} good updates at once"),
        }
    }

    /// Which percentile of the others' delay counts. A few heavy messages a second are behind
    /// every hundredth of the others' anyway.
    fn percentile(self) -> usize {
        if matches!(self, Self::WorstMessages { .. }) { 90 } else { 99 }
    }

    /// The most that the others' delay may be, where it is `without`.
    fn allows(self, without: Duration) -> Duration {
        match self {
            Self::Flood { .. } => FLOOD_ALLOWED,
            _ => without.mul_f64(ALLOWED),
        }
    }

    async fn begin(self, site: &Site, victim: &Victim) -> Result<()> {
        if self == Self::QueueFull {
            site.ask_broker(|installation| {
                let small = json!({ "max-length": 1, "overflow": "reject-publish" });
                installation.broker().put_policy(
                    installation.vhost(),
                    POLICY,
                    &format!("^desk\\.{VICTIM}$"),
                    10,
                    &small,
                )
            })
            .await?;
        }
        if matches!(self, Self::QueueFull | Self::DeskDead) {
            victim.desk().sleep();
        }
        Ok(())
    }

    async fn end(self, site: &Site, victim: &Victim) -> Result<()> {
        if self == Self::QueueFull {
            site.ask_broker(|installation| {
                installation.broker().delete_policy(installation.vhost(), POLICY)
            })
            .await?;
        }
        victim.desk().wake();
        Ok(())
    }
}

/// What the others felt of a trouble.
#[derive(Debug)]
struct Felt {
    trouble: Trouble,
    without: Vec<Duration>,
    with: Vec<Duration>,
    /// Comments that were kept for the victim, all of which arrived.
    kept: usize,
}

/// Measures all troubles with these words in their name; prints a table. Whether all stayed within
/// what is allowed.
///
/// # Errors
/// When the system does not start, or something does not arrive.
pub async fn measure(dir: &std::path::Path, seed: u64, words: &str) -> Result<bool> {
    let pace = Pace::steady();
    let site = Site::open(dir, &Deviations::default()).await?;
    let traffic = Traffic::open(&site, seed, pace.think).await?;
    let victim = Victim::open(&site, &traffic.operator).await?;
    let full = full_speed(&traffic, pace).await;
    println!("full speed: {full} receipts/s; the others work at a steady pace of about half of it");
    let mut all = Vec::new();
    let troubles = [
        Trouble::QueueFull,
        Trouble::DeskDead,
        Trouble::BadMessages { rate: full / 5 },
        Trouble::WorstMessages { rate: WORST },
        Trouble::Flood { commands: FLOOD },
    ];
    for trouble in troubles.into_iter().filter(|trouble| trouble.name().contains(words)) {
        let felt = feel(&site, &traffic, &victim, trouble, pace).await?;
        println!("{}", felt.line());
        all.push(felt);
    }
    drop((traffic, victim));
    site.close().await?;
    println!("\n{}", table(&all));
    Ok(all.iter().all(Felt::is_allowed))
}

/// Receipts a second when nobody pauses.
async fn full_speed(traffic: &Traffic, pace: Pace) -> u32 {
    traffic.think(Duration::ZERO);
    let over = CancellationToken::new();
    let measured = async {
        tokio::time::sleep(TURN).await;
        let receipts = traffic.ledger.pulse(TURN / 2);
        over.cancel();
        receipts
    };
    let ((), receipts) = tokio::join!(traffic.work(0, HASTY, &over), measured);
    traffic.think(pace.think);
    u32::try_from(receipts).unwrap_or(u32::MAX) / 4
}

async fn feel(
    site: &Site,
    traffic: &Traffic,
    victim: &Victim,
    trouble: Trouble,
    pace: Pace,
) -> Result<Felt> {
    let over = CancellationToken::new();
    let script = async {
        let mut felt = Felt { trouble, without: Vec::new(), with: Vec::new(), kept: 0 };
        for _ in 0..TURNS {
            let (delay, said) = turn(traffic, victim, trouble, false).await;
            felt.without.push(delay);
            victim.has_all(&said).await;
            trouble.begin(site, victim).await?;
            let (delay, said) = turn(traffic, victim, trouble, true).await;
            trouble.end(site, victim).await?;
            felt.with.push(delay);
            victim.has_all(&said).await;
            felt.kept += said.len();
        }
        over.cancel();
        Ok(felt)
    };
    let ((), felt) = tokio::join!(traffic.work(1, pace.workers, &over), script);
    felt
}

/// One turn, with the trouble or without: the percentile of what the others published in it, and
/// what was said to the victim.
async fn turn(
    traffic: &Traffic,
    victim: &Victim,
    trouble: Trouble,
    with: bool,
) -> (Duration, Vec<CrossingComment>) {
    tokio::time::sleep(SETTLING).await;
    let (from, over) = (traffic.ledger.book().commands.len(), CancellationToken::new());
    let babble = async {
        match trouble {
            Trouble::BadMessages { rate } if with => victim.babble(rate, &over).await,
            Trouble::WorstMessages { rate } if with => victim.send_worst(rate, &over).await,
            // It lasts until all of it is answered.
            Trouble::Flood { commands } if with => {
                victim.flood(commands).await;
                over.cancel();
            }
            _ => {}
        }
    };
    let end = async {
        tokio::time::sleep(TURN).await;
        if !(with && matches!(trouble, Trouble::Flood { .. })) {
            over.cancel();
        }
    };
    let (said, (), ()) = tokio::join!(victim.work(COMMENTS, &over), babble, end);
    let to = traffic.ledger.book().commands.len();
    traffic.answered(from..to).await;
    (percentile(traffic, from..to, trouble.percentile()), said)
}

/// The percentile of the time from publishing to the receipt.
fn percentile(traffic: &Traffic, commands: Range<usize>, percent: usize) -> Duration {
    let book = traffic.ledger.book();
    let commands = &book.commands[commands];
    let mut delays: Vec<Duration> = commands
        .iter()
        .filter_map(|command| traffic.desk(command.account).answered_in(&command.id))
        .collect();
    delays.sort_unstable();
    delays
        .get((delays.len() * percent).div_ceil(100).saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

impl Felt {
    /// Medians of the turns.
    fn medians(&self) -> (Duration, Duration) {
        let median = |turns: &[Duration]| {
            let mut turns = turns.to_vec();
            turns.sort_unstable();
            turns[turns.len() / 2]
        };
        (median(&self.without), median(&self.with))
    }

    fn ratio(&self) -> f64 {
        let (without, with) = self.medians();
        with.as_secs_f64() / without.as_secs_f64()
    }

    fn is_allowed(&self) -> bool {
        let (without, with) = self.medians();
        with <= self.trouble.allows(without)
    }

    fn line(&self) -> String {
        let (without, with) = self.medians();
        format!(
            "{}: p{} of the others {} ms without, {} ms with: {:.2}; {} comments kept, all arrived",
            self.trouble.name(),
            self.trouble.percentile(),
            without.as_millis(),
            with.as_millis(),
            self.ratio(),
            self.kept
        )
    }
}

fn table(all: &[Felt]) -> String {
    let mut text = String::from(
        "| one account: | of the others | without | with | at most | ratio | turns without / \
         with, ms | kept for it, all arrived |\n|---|---|--:|--:|--:|--:|---|--:|\n",
    );
    let turns = |turns: &[Duration]| {
        turns.iter().map(|it| it.as_millis().to_string()).collect::<Vec<_>>().join(" ")
    };
    for felt in all {
        let (without, with) = felt.medians();
        writeln!(
            text,
            "| {} | p{} | {} ms | {} ms | {} ms | {:.2} | {} / {} | {} |",
            felt.trouble.name(),
            felt.trouble.percentile(),
            without.as_millis(),
            with.as_millis(),
            felt.trouble.allows(without).as_millis(),
            felt.ratio(),
            turns(&felt.without),
            turns(&felt.with),
            felt.kept
        )
        .expect("a string takes every byte");
    }
    text
}
