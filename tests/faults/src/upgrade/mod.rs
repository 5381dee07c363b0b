//! An upgrade from one release to the next and the way back, under work: both run on the same
//! queues and tables for a while.

mod crew;
mod release;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use local::Fleet;

use crate::check::Verdict;
use crate::fault::Fault;
use crate::runner::{Pace, Runner};
use crate::site::{Deviations, Site};
use crate::traffic::Traffic;
use crew::{Age, Crew};
use release::Release;

/// The same work each time: what differs are the releases.
const SEED: u64 = 1;
/// How long a phase may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Plays it and prints it as it goes; `dir` takes logs. Returns whether nothing was lost, doubled,
/// leaked or diverged.
///
/// # Errors
/// When a release is not laid out, or cannot do what an upgrade asks of it.
pub async fn play(dir: &Path, old: &Path, new: &Path) -> Result<bool> {
    let (old, new) = (Release::read(old)?, Release::read(new)?);
    println!("old: {}\nnew: {}", old.name, new.name);
    println!(
        "starting private servers and two old replicas of each service; logs in {}",
        dir.display()
    );
    let started = Instant::now();
    let deviations = Deviations {
        binaries: Some(old.binaries.clone()),
        definitions: Some(old.definitions.clone()),
        ..Deviations::default()
    };
    let site = Site::open(dir, &deviations).await.context("the old release does not start")?;
    let (before, after) =
        (site.replicas.release(&old.binaries), site.replicas.release(&new.binaries));
    let pace = Pace::steady();
    let traffic = Traffic::open(&site, SEED, pace.think).await?;
    let mut runner = Runner::new(site, traffic, pace);

    println!("\nthe way there");
    let ((), there) =
        runner.during(async |site, traffic| way_there(site, traffic, &after, &new).await).await?;
    let mut holds = told(&there);
    // What is wrong on the way there is wrong on the way back as well.
    if holds {
        println!("\nthe way back: the programs alone, the tables stay ahead");
        let ((), back) =
            runner.during(async |site, traffic| way_back(site, traffic, &before).await).await?;
        holds = told(&back);
    }
    runner.end().await?;

    let seconds = started.elapsed().as_secs();
    println!(
        "\n{seconds} s: {}",
        if holds { "nothing lost, doubled, leaked or diverged, either way" } else { "FAILED" }
    );
    Ok(holds)
}

async fn way_there(site: &Site, traffic: &Traffic, new: &Fleet, release: &Release) -> Result<()> {
    let mut crew = Crew::new(site, traffic, Age::Old);
    crew.work("two old ones of each").await?;
    let definitions = release.definitions.clone();
    site.ask_broker(move |installation| installation.install(&definitions))
        .await
        .context("the new definitions")?;
    site.replicas.migrate(new).await.context("the new migrations")?;
    crew.work("two old ones, after the new definitions and migrations").await?;
    side_by_side(&mut crew, site, traffic, new, Age::New).await
}

async fn way_back(site: &Site, traffic: &Traffic, old: &Fleet) -> Result<()> {
    let mut crew = Crew::new(site, traffic, Age::New);
    crew.work("two new ones of each").await?;
    side_by_side(&mut crew, site, traffic, old, Age::Old).await
}

/// One of each service is replaced, both work, then the other one too. While the first are replaced
/// a desk's queue is full, and while both work each is killed once: so one release finishes what
/// the other has stored, kept for a desk, or begun.
async fn side_by_side(
    crew: &mut Crew<'_>,
    site: &Site,
    traffic: &Traffic,
    fleet: &Fleet,
    age: Age,
) -> Result<()> {
    tokio::try_join!(Fault::DeskFull.strike(site, traffic), crew.replace(1, fleet, age))?;
    crew.work("an old and a new one, after a desk's queue was full").await?;
    crew.kill_each().await?;
    crew.work("an old and a new one, after a kill -9 of each").await?;
    crew.replace(2, fleet, age).await?;
    crew.work(match age {
        Age::Old => "two old ones of each",
        Age::New => "two new ones of each",
    })
    .await
}

fn told(verdict: &Verdict) -> bool {
    println!("         {}  {verdict}", if verdict.holds() { "holds" } else { "FAILS" });
    for wrong in verdict.wrong.iter().take(10) {
        println!("         {wrong}");
    }
    verdict.holds()
}
