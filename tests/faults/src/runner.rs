//! A round: work begins, faults strike, all is well again, work ends; then everything has to be as
//! if nothing had happened.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::check::{Heard, Part, Verdict, check};
use crate::schedule::Round;
use crate::site::Site;
use crate::traffic::Traffic;

/// How fast and how long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Tickets that are worked on at a time.
    pub workers: u64,
    /// Between two actions at a ticket, at most.
    pub think: Duration,
    /// Work before the faults strike, by which full speed is known.
    pub before: Duration,
    /// Work after all is well again, at least.
    pub after: Duration,
}

impl Pace {
    /// Half of what two cores can do with a debug build, so that coming back to full speed can be
    /// seen.
    #[must_use]
    pub fn steady() -> Self {
        let milliseconds = Duration::from_millis;
        Self {
            workers: 12,
            think: milliseconds(120),
            before: milliseconds(2_500),
            after: milliseconds(1_500),
        }
    }
}

/// What the last second is compared with.
const WINDOW: Duration = Duration::from_secs(1);
/// Full speed is this part of what it was before.
const FULL: f64 = 0.8;
/// How long the way back to full speed may take: a half-open connection is noticed after twice the
/// heartbeat of ten seconds.
const RECOVERY: Duration = Duration::from_mins(1);
/// How long what is under way may take to arrive: a delivery that a full queue refused waits twice
/// as long each time.
const SETTLING: Duration = Duration::from_mins(3);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

/// What a round came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What struck.
    pub round: Round,
    /// The proof.
    pub verdict: Verdict,
    /// The longest time without any receipt.
    pub stall: Duration,
    /// From when all was well again to full speed; none when it did not come within a minute.
    pub recovered: Option<Duration>,
    /// The whole round.
    pub took: Duration,
}

impl Outcome {
    /// Whether nothing was lost, doubled, leaked or diverged. How soon speed came back says more of
    /// the machine than of the system.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.verdict.holds()
    }
}

/// A site with its traffic, round after round.
#[derive(Debug)]
pub struct Runner {
    /// The system.
    pub site: Site,
    /// The desks.
    pub traffic: Traffic,
    pace: Pace,
    heard: BTreeMap<&'static str, Heard>,
    rounds: u64,
}

impl Runner {
    /// Takes a site and its desks.
    #[must_use]
    pub fn new(site: Site, traffic: Traffic, pace: Pace) -> Self {
        Self { site, traffic, pace, heard: BTreeMap::new(), rounds: 0 }
    }

    /// Plays a round.
    ///
    /// # Errors
    /// When a fault cannot be done or undone.
    pub async fn play(&mut self, round: Round) -> Result<Outcome> {
        let started = Instant::now();
        let pace = self.pace;
        let struck =
            self.during(async |site, traffic| strike(site, traffic, pace, &round).await).await;
        self.traffic.manners.resends.store(false, Ordering::Relaxed);
        let ((struck_at, recovered), verdict) = struck.with_context(|| round.name())?;
        let stall = self.traffic.ledger.longest_stall(struck_at);
        Ok(Outcome { round, verdict, stall, recovered, took: started.elapsed() })
    }

    /// Lets the desks work while `script` does something to the site, and holds everything against
    /// what they published.
    ///
    /// # Errors
    /// What the script meets, at once; and when the database does not answer.
    pub async fn during<T>(
        &mut self,
        script: impl AsyncFnOnce(&Site, &Traffic) -> Result<T>,
    ) -> Result<(T, Verdict)> {
        self.rounds += 1;
        let (mut part, mail, before) = self.here();
        let over = CancellationToken::new();
        let work = async {
            self.traffic.work(self.rounds, self.pace.workers, &over).await;
            Ok(())
        };
        let script = async {
            let done = script(&self.site, &self.traffic).await;
            over.cancel();
            done
        };
        let ((), done) = tokio::try_join!(work, script)?;
        {
            let book = self.traffic.ledger.book();
            part.commands.end = book.commands.len();
            part.tickets.end = book.tickets.len();
        }
        let mut verdict = self.settle(&part, mail).await?;
        verdict.deliveries -= before;
        self.heard.values_mut().for_each(Heard::told);
        Ok((done, verdict))
    }

    /// Ends everything.
    ///
    /// # Errors
    /// When a service does not end by itself, or with a failure.
    pub async fn end(self) -> Result<()> {
        drop(self.traffic);
        self.site.close().await
    }

    fn here(&self) -> (Part, usize, usize) {
        let book = self.traffic.ledger.book();
        let (commands, tickets) = (book.commands.len(), book.tickets.len());
        let marks = book.marks.last_key_value().map_or(0, |(number, _)| number + 1);
        let deliveries = self.heard.values().map(|heard| heard.deliveries).sum();
        (
            Part { commands: commands..commands, tickets: tickets..tickets, marks },
            book.offers.len(),
            deliveries,
        )
    }

    /// Waits until everything came that has to come. What came twice or to the wrong account is
    /// wrong at once.
    async fn settle(&mut self, part: &Part, first_offer: usize) -> Result<Verdict> {
        let started = Instant::now();
        loop {
            let mut verdict = check(&self.traffic, &mut self.heard, part);
            self.mails(first_offer, &mut verdict);
            let wrong_for_good = verdict.doubled + verdict.leaked > 0;
            if verdict.holds() || wrong_for_good || started.elapsed() > SETTLING {
                self.parked(&mut verdict).await?;
                return Ok(verdict);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Every offer of the round has its mail.
    fn mails(&self, first_offer: usize, verdict: &mut Verdict) {
        let offers = self.traffic.ledger.book().offers[first_offer..].to_vec();
        let mails = self.site.mail.mails();
        for offer in offers {
            let named = |mail: &&local::Mail| {
                mail.raw.contains(&format!("{offer}\r\n"))
                    || mail.raw.contains(&format!("{offer}\n"))
            };
            if !mails.iter().any(|mail| named(&mail)) {
                verdict.lost += 1;
                verdict.wrong.push(format!("lost: the mail about {offer}"));
            }
        }
    }

    /// Poison is parked, every one of it, and nothing else is; nothing waits for a desk any more.
    async fn parked(&self, verdict: &mut Verdict) -> Result<()> {
        let poisoned = self.traffic.ledger.book().poisoned;
        let count = |rows: Vec<(_, i64)>| {
            rows.into_iter()
                .map(|(_, rows)| usize::try_from(rows).unwrap_or_default())
                .sum::<usize>()
        };
        let started = Instant::now();
        loop {
            let parked = count(self.site.rows("parked where state = 'parked'").await?);
            let undelivered = count(self.site.rows("undelivered").await?);
            if parked == poisoned && undelivered == 0 {
                return Ok(());
            }
            if started.elapsed() > SETTLING || parked > poisoned {
                verdict.lost += parked.abs_diff(poisoned) + undelivered;
                verdict.wrong.push(format!(
                    "lost: {poisoned} poisonous messages, {parked} parked, \
                    {undelivered} undelivered"
                ));
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Lets the faults strike and waits for full speed. Returns when they struck and how long full
/// speed took.
async fn strike(
    site: &Site,
    traffic: &Traffic,
    pace: Pace,
    round: &Round,
) -> Result<(Instant, Option<Duration>)> {
    tokio::time::sleep(pace.before).await;
    let full_speed = traffic.ledger.pulse(WINDOW);
    let struck_at = Instant::now();
    if round.faults.iter().any(|(fault, _)| fault.loses_messages()) {
        traffic.manners.resends.store(true, Ordering::Relaxed);
    }
    let strikes = round.faults.iter().map(async |(fault, delay)| {
        tokio::time::sleep(*delay).await;
        fault.strike(site, traffic).await.with_context(|| fault.to_string())
    });
    // All are undone before one that failed is told.
    join_all(strikes).await.into_iter().collect::<Result<()>>()?;
    let healed = Instant::now();
    let recovered = loop {
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let enough = traffic.ledger.pulse(WINDOW) as f64 >= FULL * full_speed as f64;
        match healed.elapsed() {
            since if enough => break Some(since),
            since if since > RECOVERY => break None,
            _ => tokio::time::sleep(LOOK).await,
        }
    };
    tokio::time::sleep(pace.after.saturating_sub(healed.elapsed())).await;
    Ok((struck_at, recovered))
}
