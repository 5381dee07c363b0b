//! The bridge tells fifty partners what their accounts are told; then one of them hangs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contracts::delivery::{AgreementStatus, Side};
use contracts::topology::Service;
use desk::store::account::{KeptAccount, keep};
use futures_util::future::try_join_all;
use local::{Certificates, Fleet, Instance, edges};
use nhd_bridge::keys::AccessKeys;
use nhd_bridge::store::{agreement, partner};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::amqp::{AmqpMessage, Publisher};
use crate::ground::Ground;
use crate::partner::Partner;
use crate::report::Report;

const PARTNERS: usize = 50;
/// Tickets of each: calls about one are made one after the other.
const TICKETS: usize = 4;
const SECRET: &str = "a secret of this measurement alone, long enough";
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a few are told, and how long what was told may take at most.
const TICK: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_mins(3);
/// Updates a second that have to go through, and how much more of others' p99 a partner that hangs
/// may cost.
const GOAL: f64 = 500.0;
const COST: f64 = 1.5;

/// A bridge on private servers, and its partners.
struct Site {
    bridge: Instance,
    publisher: Publisher,
    pool: PgPool,
    partners: Vec<Partner>,
    _ground: Ground,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.bridge.signal_end();
    }
}

/// Tells updates for so long, as many a second as are to go through; then half of what did, with
/// and without a partner that hangs.
///
/// # Errors
/// When something does not start, or what was told does not arrive.
pub async fn measure(
    dir: &Path,
    lasting: Duration,
    rate: usize,
    report: &mut Report,
) -> Result<()> {
    let site = Site::open(dir).await?;
    let what = format!("bridge, {rate}/s to {PARTNERS} partners for {} s", lasting.as_secs());
    let run = site.told(lasting, rate, 0, &site.partners).await?;
    let held = Report::goal(run.reached >= GOAL * 0.98, &format!("≥ {GOAL}/s"));
    report.figure(&format!("{what}: went through"), &format!("{:.0}/s", run.reached), &held);
    report.figure(&format!("{what}: p50, p99"), &run.latencies(), "");
    report.figure(
        &format!("{what}: lost, doubled"),
        &format!("{}, {}", run.lost, run.doubled),
        "0, 0",
    );
    if run.lost + run.doubled > 0 {
        report.wrong.push(format!("{what}: {} lost, {} doubled", run.lost, run.doubled));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    let half = ((run.reached / 2.0) as usize).min(rate / 2).max(PARTNERS);
    let (hanging, others) = site.partners.split_first().context("partners")?;
    let without = site.told(lasting, half, 1_000_000, others).await?;
    hanging.hang();
    let with = site.told(lasting, half, 2_000_000, others).await?;
    let ratio = with.at(0.99) / without.at(0.99);
    let held = Report::goal(ratio <= COST, &format!("≤ {COST}"));
    let what = format!("bridge, {half}/s, one partner hangs");
    report.figure(
        &format!("{what}: p50, p99 of the others without and with"),
        &format!("{}; {}", without.latencies(), with.latencies()),
        "",
    );
    report.figure(&format!("{what}: p99 of the others"), &format!("{ratio:.2}"), &held);
    Ok(())
}

/// What went through.
struct Run {
    /// Updates a second, from the first to the last.
    reached: f64,
    /// Seconds from publishing to the partner, in order.
    seconds: Vec<f64>,
    lost: usize,
    doubled: usize,
}

impl Run {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    fn at(&self, part: f64) -> f64 {
        let place = (self.seconds.len().saturating_sub(1) as f64 * part).round() as usize;
        self.seconds.get(place).copied().unwrap_or(f64::NAN)
    }

    fn latencies(&self) -> String {
        format!("{:.0} ms, {:.0} ms", self.at(0.5) * 1000.0, self.at(0.99) * 1000.0)
    }
}

impl Site {
    async fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).context("making the folder")?;
        let certificates = Certificates::open(dir)?;
        let partners: Result<Vec<Partner>> =
            (0..PARTNERS).map(|_| Partner::open(&certificates)).collect();
        let partners = partners?;
        let accounts = partners.iter().map(|it| it.account.to_string()).collect();
        let ground = Ground::open(dir, Service::NhdBridge, accounts).await?;
        let fleet = Fleet::new(dir, &ground.installation, &ground.database, "smtp://127.0.0.1:1")?;
        let (fleet, _) = edges::with_nhd_bridge(fleet, &ground.passwords, Some(&certificates))?;
        let fleet = fleet
            .with_variable_of(Service::NhdBridge, "DESKMESH__KEYS__SECRET", SECRET)
            // All partners are one host here.
            .with_variable_of(Service::NhdBridge, "DESKMESH__EGRESS__CALLS_PER_HOST", "256");
        let started = spawn_blocking(move || {
            fleet.migrate(Service::NhdBridge)?;
            let mut bridge = fleet.start(Service::NhdBridge, 1)?;
            bridge.wait_ready(PATIENCE)?;
            Ok::<_, local::Error>(bridge)
        });
        let bridge = started.await.context("starting the bridge")??;
        let pool = PgPool::connect(&ground.database.service_url(Service::NhdBridge)?).await?;
        let publisher = Publisher::open(&ground.amqp_url).await?;
        let site = Self { bridge, publisher, pool, partners, _ground: ground };
        for (at, partner) in site.partners.iter().enumerate() {
            agreed(&site.pool, at, partner).await?;
            for ticket in 0..TICKETS {
                site.publish(
                    partner,
                    "ticket.created",
                    &format!("c{at} {ticket}"),
                    &new(at, ticket),
                )
                .await?;
            }
        }
        site.quiet(PARTNERS * TICKETS).await?;
        Ok(site)
    }

    /// Waits until all tickets are shared, and no call waits.
    async fn quiet(&self, tickets: usize) -> Result<()> {
        let began = Instant::now();
        loop {
            let (shared, waiting): (i64, i64) =
                sqlx::query_as("select (select count(*) from shared), (select count(*) from call)")
                    .fetch_one(&self.pool)
                    .await?;
            if waiting == 0 && usize::try_from(shared)? >= tickets {
                return Ok(());
            }
            let late = began.elapsed() > LIMIT;
            ensure!(!late, "{shared} of {tickets} tickets are shared, {waiting} calls wait");
            sleep(TICK).await;
        }
    }

    async fn publish(&self, to: &Partner, kind: &str, id: &str, body: &Value) -> Result<()> {
        let (key, kind) = (format!("{}.{kind}", to.account), format!("{kind}.v1"));
        let (body, user) = (body.to_string(), "field-sync");
        let body = body.as_bytes();
        let message = AmqpMessage { exchange: "desk", key: &key, r#type: &kind, id, user, body };
        self.publisher.publish(message).await
    }

    /// Tells all partners in turn, so many a second, each update with a number from `first` on; how
    /// those that are asked for heard it.
    async fn told(
        &self,
        lasting: Duration,
        rate: usize,
        first: usize,
        of: &[Partner],
    ) -> Result<Run> {
        let (began, mut sent) = (Instant::now(), Vec::<Instant>::new());
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while began.elapsed() < lasting {
            ticks.tick().await;
            let now = Instant::now();
            let some = sent.len()..sent.len() + rate / 10;
            sent.extend(some.clone().map(|_| now));
            try_join_all(some.map(|at| self.tell(first, at))).await?;
        }
        let wanted: Vec<(&Partner, usize)> = (0..sent.len())
            .map(|at| (&self.partners[at % PARTNERS], at))
            .filter(|(partner, _)| of.iter().any(|it| it.account == partner.account))
            .collect();
        let told = Instant::now();
        loop {
            let heard: usize = of.iter().map(|it| heard_from(it, first).count()).sum();
            if heard >= wanted.len() || told.elapsed() > LIMIT {
                break;
            }
            sleep(TICK).await;
        }
        Ok(run(first, began, &sent, of, wanted.len()))
    }

    async fn tell(&self, first: usize, at: usize) -> Result<()> {
        let (partner, number) = (at % PARTNERS, first + at);
        let body = update(partner, at / PARTNERS % TICKETS, number);
        let id = format!("u{number}");
        self.publish(&self.partners[partner], "ticket.updated", &id, &body).await
    }
}

/// What a partner heard of one run: place and moment, and how often.
fn heard_from(partner: &Partner, first: usize) -> impl Iterator<Item = (usize, Instant, usize)> {
    let heard = partner.heard().into_iter();
    heard
        .filter(move |(number, _)| (first..first + 1_000_000).contains(number))
        .map(move |(number, (at, times))| (number - first, at, times))
}

fn run(first: usize, began: Instant, sent: &[Instant], of: &[Partner], wanted: usize) -> Run {
    let heard: Vec<_> = of.iter().flat_map(|it| heard_from(it, first)).collect();
    let last = heard.iter().map(|(_, at, _)| *at).max().unwrap_or(began);
    let mut seconds: Vec<f64> =
        heard.iter().map(|(place, at, _)| (*at - sent[*place]).as_secs_f64()).collect();
    seconds.sort_by(f64::total_cmp);
    let count = f64::from(u32::try_from(heard.len()).unwrap_or(u32::MAX));
    Run {
        reached: count / (last - began).as_secs_f64(),
        seconds,
        lost: wanted.saturating_sub(heard.len()),
        doubled: heard.iter().filter(|(_, _, times)| *times > 1).count(),
    }
}

fn digits(kind: &str, number: usize) -> String {
    let id = contracts::ids::derive_id(kind, &[&number.to_string()]);
    id.to_string()
}

/// A partner that accepted an invite of Acme's.
async fn agreed(pool: &PgPool, at: usize, partner: &Partner) -> Result<()> {
    let account = partner.account.to_string();
    let kept = KeptAccount {
        account: account.clone(),
        address: account.clone(),
        display_name: format!("Partner {at}"),
    };
    keep(pool, &kept).await.context("keeping the account")?;
    partner::keep(pool, &account, &partner.url).await?;
    partner::registered(pool, &account).await?;
    let id = digits("agreement", at);
    let sealed = AccessKeys::new(SECRET)?.seal(&id, &format!("{at:040}"))?;
    let new = agreement::New {
        id: &id,
        account: &account,
        home: "acme",
        uuid: &format!("{at:040x}"),
        partner_is: Side::Receiver,
        partner_url: &partner.url,
        sealed_key: &sealed,
        name: Some("Field work"),
        invite_key: None,
        source: None,
        media: Some("application/json"),
    };
    let mut connection = pool.acquire().await?;
    agreement::insert(&mut connection, new).await?;
    agreement::told(&mut connection, &id, 2, AgreementStatus::Accepted).await?;
    agreement::proof(&mut connection, &id, "proven").await?;
    Ok(())
}

fn person() -> Value {
    json!({ "id": "placeholder-6a1f0f9c-2d1c-5b52-9d0e-0c5a4c1b7e21", "name": "Ada",
        "role": "end_user", "placeholder": true })
}

fn share_of(partner: usize, ticket: usize) -> String {
    digits("share", partner * TICKETS + ticket)
}

fn new(partner: usize, ticket: usize) -> Value {
    json!({ "share_id": share_of(partner, ticket), "agreement_id": digits("agreement", partner),
        "received_from": "acme", "via": "ticket_sharing",
        "original_ticket_id": format!("{partner}-{ticket}"), "subject": "The pump leaks",
        "status": "open", "requester": person(), "form": "default", "tags": [],
        "custom_fields": {}, "comments": [], "revision": 1 })
}

fn update(partner: usize, ticket: usize, number: usize) -> Value {
    json!({ "share_id": share_of(partner, ticket), "received_from": "acme",
        "via": "ticket_sharing", "actor": person(), "comments": [{ "id": format!("acme/{number}"),
            "author": person(), "body": number.to_string(), "public": true }] })
}
