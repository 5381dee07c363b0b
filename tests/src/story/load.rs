//! Scene: full speed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use contracts::command::{SentTagChanges, SentTagRemoval, SetBy, TicketUpdate};
use contracts::delivery::DeliveryBody;
use contracts::fields::Status;
use futures_util::future::{join_all, try_join3};
use serde_json::json;

use super::sample::{self, comment, custom_fields, plain_share, share_of, tag, update};
use super::{Link, Load, Side, Story, meanwhile};
use crate::party::DeskDriver;
use crate::timeline::milliseconds;

/// Tickets that are shared for it.
const TICKETS: usize = 64;
/// How often a desk looks whether receipts came.
pub(super) const LOOK: Duration = Duration::from_millis(5);
/// How long the load may go without any receipt: a killed service comes back within seconds.
const STALL: Duration = Duration::from_mins(2);

/// How fast the load went.
#[derive(Clone, Debug)]
pub struct Speed {
    /// Updates of both desks.
    pub updates: usize,
    /// From the first command to the last receipt.
    pub took: Duration,
    /// Publishing to delivery at the partner's desk, sorted.
    pub latencies: Vec<Duration>,
}

impl Speed {
    /// Updates a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    pub fn rate(&self) -> f64 {
        self.updates as f64 / self.took.as_secs_f64()
    }

    /// The latency that `percent` of the deliveries stayed within.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let at = (self.latencies.len() * percent).div_ceil(100).saturating_sub(1);
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

pub(super) async fn play(story: &mut Story, load: &Load) -> Result<Speed> {
    story.out.headline(&format!(
        "{} updates both ways at full speed: {} each on {TICKETS} tickets, {} in flight each",
        2 * load.updates,
        load.updates,
        load.in_flight
    ));
    let links = tickets(story).await;
    let [near, far] = [Side::Acme, Side::Globex].map(|side| Pump::new(side, &links, load));
    story.links.extend(links);
    let (answered, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let Story { stage, out, acme, globex, initech, .. } = story;
    let vhost = stage.installation.vhost().to_owned();
    let pumps = async {
        let started = Instant::now();
        let marks = tokio::join!(near.run(acme, &answered), far.run(globex, &answered));
        over.store(true, Ordering::Relaxed);
        Ok((marks, started.elapsed()))
    };
    let kills = meanwhile::kills(stage, &load.kills, 2 * load.updates, &answered, out);
    let offers = async { Ok(meanwhile::offers(&vhost, initech, acme, &over).await) };
    let (((near, far), took), (), offers) = try_join3(pumps, kills, offers).await?;
    let mut latencies = latencies(acme, &near, globex);
    latencies.extend(self::latencies(globex, &far, acme));
    latencies.sort_unstable();
    let speed = Speed { updates: 2 * load.updates, took, latencies };
    out.stage(&format!(
        "{:.0} updates/s; publish → partner's desk p50 {} ms, p99 {} ms",
        speed.rate(),
        milliseconds(speed.percentile(50)),
        milliseconds(speed.percentile(99))
    ));
    meanwhile::mails(story, offers).await;
    Ok(speed)
}

/// Shares the tickets and waits until their copies have numbers.
async fn tickets(story: &Story) -> Vec<Link> {
    let links = join_all((1..=TICKETS).map(async |index| {
        let ticket = format!("A-{}", 100 + index);
        let shared = story
            .acme
            .ask(&plain_share(Side::Acme, &story.first, &ticket, "Yearly inspection"))
            .await;
        let share = share_of(&shared.receipt);
        let (number, _) =
            story.acme.told("the copy's number", |told| super::share::bound(told, &share)).await;
        Link { near: (Side::Acme, ticket), far: (Side::Globex, number) }
    }))
    .await;
    story.out.event("acme", "globex", None, None, &format!("{TICKETS} tickets shared and bound"));
    links
}

/// One desk's commands, kept in flight.
struct Pump {
    side: Side,
    tickets: Vec<String>,
    updates: usize,
    in_flight: usize,
}

/// Message ids by what tells a command's delivery from others: a comment's id or a field's value.
type Marks = BTreeMap<String, String>;

impl Pump {
    fn new(side: Side, links: &[Link], load: &Load) -> Self {
        let number = |link: &Link| {
            if link.near.0 == side { link.near.1.clone() } else { link.far.1.clone() }
        };
        Self {
            side,
            tickets: links.iter().map(number).collect(),
            updates: load.updates,
            in_flight: load.in_flight,
        }
    }

    async fn run(self, desk: &DeskDriver, answered: &AtomicUsize) -> Marks {
        let (mut marks, mut open, mut next) = (Marks::new(), Vec::<String>::new(), 0);
        let mut moved = Instant::now();
        while next < self.updates || !open.is_empty() {
            let before = open.len();
            open.retain(|id| !desk.is_answered(id));
            answered.fetch_add(before - open.len(), Ordering::Relaxed);
            let free = (self.in_flight - open.len()).min(self.updates - next);
            let commands: Vec<_> = (next..next + free).map(|index| self.command(index)).collect();
            next += free;
            let ids = join_all(commands.iter().map(|(command, _)| desk.publish(command))).await;
            for (id, (_, mark)) in ids.iter().zip(commands) {
                marks.extend(mark.map(|mark| (mark, id.clone())));
            }
            open.extend(ids);
            if free > 0 || open.len() < before {
                moved = Instant::now();
            }
            let (waiting, few) = (open.len(), &open[..open.len().min(5)]);
            assert!(
                moved.elapsed() < STALL,
                "no receipt came to {} for {STALL:?}; {waiting} are open: {few:?} …",
                desk.account
            );
            tokio::time::sleep(LOOK).await;
        }
        marks
    }

    /// The update number `index`, and its mark if it has one.
    fn command(&self, index: usize) -> (TicketUpdate, Option<String>) {
        let account = if self.side == Side::Acme { "acme" } else { "globex" };
        // Ten kinds of update go round; the tickets must not go round with them.
        let ticket = &self.tickets[(index / 10 + index) % self.tickets.len()];
        let mut command = update(self.side, ticket);
        let id = format!("{account}/load-{index}");
        let say = |public| vec![comment(&id, public, &format!("Step {index} is done."))];
        match index % 10 {
            0..4 => command.comments = say(index.is_multiple_of(2)),
            4..7 => {
                command.custom_fields =
                    custom_fields([(self.side.field(sample::ORDER), json!(id))]);
            }
            7 => {
                command.comments = say(true);
                command.status = Some(
                    [Status::Open, Status::Pending, Status::Hold, Status::Solved][index / 10 % 4],
                );
            }
            8 => {
                let name = ["urgent", "inspection", "spring"][index / 10 % 3];
                let mut tags = SentTagChanges::default();
                if (index / 30).is_multiple_of(2) {
                    tags.add.push(tag(name, SetBy::User));
                } else {
                    tags.remove.push(SentTagRemoval { name: name.into(), removed_by: SetBy::User });
                }
                command.tags = Some(tags);
                return (command, None);
            }
            _ => {
                let product = sample::PRODUCTS[index / 10 % 3];
                command.custom_fields =
                    custom_fields([(self.side.field(sample::PRODUCT), json!(product))]);
                return (command, None);
            }
        }
        (command, Some(id))
    }
}

/// Publishing to delivery at the partner's desk, for every marked command that caused a delivery.
fn latencies(from: &DeskDriver, marks: &Marks, to: &DeskDriver) -> Vec<Duration> {
    let mut latencies = Vec::new();
    to.with_deliveries(|all| {
        for delivered in all {
            let DeliveryBody::TicketUpdated(updated) = &delivered.told else { continue };
            let comments = updated.comments.iter().map(|comment| comment.id.to_string());
            let values = updated
                .custom_fields
                .values()
                .filter_map(|value| json!(value).as_str().map(str::to_owned));
            let sent = comments
                .chain(values)
                .find_map(|mark| marks.get(&mark))
                .and_then(|id| from.sent_at(id));
            latencies.extend(sent.map(|sent| delivered.at.duration_since(sent)));
        }
    });
    latencies
}
