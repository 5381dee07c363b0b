//! Two hundred agents at a help desk with a hundred thousand tickets; then a partner sends a
//! thousand at once, and a trigger changes each.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bench::cpu::Used;
use contracts::topology::Service;
use desk::store::account::{KeptAccount, keep};
use futures_util::future::try_join_all;
use local::{Fleet, Instance, edges};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::amqp::{AmqpMessage, Publisher};
use crate::ground::Ground;
use crate::report::Report;
use agents::{AtWork, Desk};
use browser::{Visitor, between, plain};
use fill::{ACCOUNT, CHANGED, PARTNERS, agreement, fill, partner, token};
use tally::{Click, Tally};

mod agents;
mod browser;
mod fill;
mod tally;

const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether something is done, and how long that may take.
const LOOK: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_mins(5);
/// What clicks take until the first of them have been made does not count.
const WARM: Duration = Duration::from_secs(10);
/// Pages are told of a storm's end for so long.
const AFTER: Duration = Duration::from_secs(5);
const GOAL_TICKET: Duration = Duration::from_millis(150);
const GOAL_VIEW: Duration = Duration::from_millis(100);
const GOAL_STORM: Duration = Duration::from_millis(200);
const GOAL_MIB: u64 = 100;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub tickets: i64,
    pub agents: usize,
    /// Tickets that come at once.
    pub storm: usize,
    /// How long agents are looked at while nothing else happens.
    pub lasting: Duration,
}

/// A help desk on private servers.
struct Site {
    helpdesk: Instance,
    address: Arc<str>,
    publisher: Publisher,
    pool: PgPool,
    ground: Ground,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.helpdesk.signal_end();
    }
}

/// Lets agents click, with and without a storm.
///
/// # Errors
/// When something does not start, or what was sent does not become tickets.
pub async fn measure(dir: &Path, how_much: Size, report: &mut Report) -> Result<()> {
    let site = Site::open(dir).await?;
    let filling = Instant::now();
    site.agreements().await?;
    fill(&site.pool, how_much.tickets, i64::try_from(how_much.agents)?).await?;
    println!("{} tickets were made in {} s", how_much.tickets, filling.elapsed().as_secs());
    let desk = Desk {
        address: Arc::clone(&site.address),
        tickets: how_much.tickets,
        later: site.later().await?.into(),
    };
    let what = format!("helpdesk, {} tickets, {} agents", how_much.tickets, how_much.agents);
    let at_work = AtWork::begin(&desk, how_much.agents);
    let tally = &at_work.tally;
    sleep(WARM.min(how_much.lasting)).await;

    let (used, calm) = (site.used()?, Instant::now());
    sleep(how_much.lasting).await;
    let calmed = Instant::now();
    let cores = share(&site.used()?.since(&used), calmed - calm);
    clicks(tally, &what, (calm, calmed), report);
    let told = tally.times_told();
    report.figure(
        &format!("{what}: pages told so far, processors of help desk and database"),
        &format!("{told}, {cores}"),
        "",
    );

    site.storm(&at_work.tally, &what, how_much.storm, (calm, calmed), report).await?;

    let process = site.helpdesk.process().context("the help desk has ended")?;
    let mib = process.resident().context("the help desk has ended")? / 1024;
    let held = Report::goal(mib <= GOAL_MIB, &format!("≤ {GOAL_MIB} MiB"));
    report.figure(&format!("{what}: memory"), &format!("{mib} MiB"), &held);
    let failures = at_work.tally.failures();
    if let Some(first) = failures.first() {
        report.wrong.push(format!("{what}: {} clicks or streams failed: {first}", failures.len()));
    }
    Ok(())
}

/// What clicks took between two moments, kind by kind.
fn clicks(tally: &Tally, what: &str, (from, to): (Instant, Instant), report: &mut Report) {
    for kind in Click::ALL {
        let times = tally.took(Some(kind), from, to);
        let goal = match kind {
            Click::Ticket => Some(GOAL_TICKET),
            Click::Note => None,
            _ => Some(GOAL_VIEW),
        };
        let held = goal.map(|goal| {
            Report::goal(times.within(990) <= goal, &format!("≤ {} ms", goal.as_millis()))
        });
        let held = held.unwrap_or_default();
        let (p50, p99) = (ms(times.within(500)), ms(times.within(990)));
        let told = format!("{p50}, {p99} ms of {}", times.count());
        report.figure(&format!("{what}: {}, p50, p99", kind.name()), &told, &held);
    }
    let clicks = tally.took(None, from, to);
    let count = f64::from(u32::try_from(clicks.count()).unwrap_or(u32::MAX));
    let rate = count / (to - from).as_secs_f64();
    report.figure(&format!("{what}: clicks"), &format!("{rate:.0}/s"), "");
}

fn ms(time: Duration) -> u128 {
    time.as_millis()
}

fn share(used: &Used, of: Duration) -> String {
    let cores = |part: &str| {
        let used = used.parts.get(part).copied().unwrap_or_default();
        used.as_secs_f64() / of.as_secs_f64()
    };
    format!("{:.2}, {:.2}", cores("helpdesk"), cores("database"))
}

impl Site {
    async fn open(dir: &Path) -> Result<Self> {
        let ground = Ground::open(dir, Service::Helpdesk, vec![ACCOUNT.to_owned()]).await?;
        let fleet = Fleet::new(dir, &ground.installation, &ground.database, "smtp://127.0.0.1:1")?;
        let (fleet, access) = edges::with_helpdesk(fleet, &ground.passwords, None)?;
        let started = spawn_blocking(move || {
            fleet.migrate(Service::Helpdesk)?;
            let mut helpdesk = fleet.start(Service::Helpdesk, 1)?;
            helpdesk.wait_ready(PATIENCE)?;
            Ok::<_, local::Error>(helpdesk)
        });
        let helpdesk = started.await.context("starting the help desk")??;
        let pool = PgPool::connect(&ground.database.service_url(Service::Helpdesk)?).await?;
        let (address, display_name) = ("acme".to_owned(), "Acme Energy".to_owned());
        let kept = KeptAccount { account: ACCOUNT.to_owned(), address, display_name };
        keep(&pool, &kept).await.context("keeping the account")?;
        let publisher = Publisher::open(&ground.amqp_url).await?;
        let address = access.url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
        Ok(Self { helpdesk, address: address.into(), publisher, pool, ground })
    }

    /// What help desk and database have used of the processors.
    fn used(&self) -> Result<Used> {
        let process = self.helpdesk.process().context("the help desk has ended")?;
        let database = self.ground.database_process()?;
        let parts = [("helpdesk", vec![process.pid]), ("database", vec![database])];
        Used::now(&BTreeMap::from(parts))
    }

    async fn tell(&self, kind: &str, id: &str, body: &Value) -> Result<()> {
        let (key, kind) = (format!("{ACCOUNT}.{kind}"), format!("{kind}.v1"));
        let (body, user) = (body.to_string(), "field-sync");
        let body = body.as_bytes();
        let message = AmqpMessage { exchange: "desk", key: &key, r#type: &kind, id, user, body };
        self.publisher.publish(message).await
    }

    /// Each partner sends, and takes.
    async fn agreements(&self) -> Result<()> {
        for number in 0..PARTNERS {
            for sends in [true, false] {
                let id = agreement(number, sends);
                self.tell("agreement.accepted", &id, &accepted(number, sends)).await?;
            }
        }
        let count = "select count(*) from desk_agreement";
        self.counted("agreements", count, i64::try_from(2 * PARTNERS)?).await
    }

    /// Waits until a count is as it should be.
    async fn counted(&self, what: &str, count: &'static str, wanted: i64) -> Result<()> {
        let began = Instant::now();
        loop {
            let found: i64 = sqlx::query_scalar(count).fetch_one(&self.pool).await?;
            if found >= wanted {
                return Ok(());
            }
            ensure!(began.elapsed() < LIMIT, "{found} of {wanted} {what} are there");
            sleep(LOOK).await;
        }
    }

    /// The path of the tenth page of what is unsolved, or of the last that there is.
    async fn later(&self) -> Result<String> {
        let mut visitor = Visitor::new(Arc::clone(&self.address), &token(0));
        let mut path = "/tickets?view=unsolved".to_owned();
        for _ in 0..9 {
            let page = visitor.get(&path).await?;
            ensure!(page.status == 200, "{path}: {}", page.status);
            let foot = between(&page.body, "<div class=\"table-foot\">", "</div>");
            match foot.and_then(|foot| between(foot, "href=\"", "\"")) {
                Some(next) => path = plain(next),
                None => break,
            }
        }
        Ok(path)
    }

    /// Tickets come all at once; what that costs whoever clicks.
    async fn storm(
        &self,
        tally: &Tally,
        what: &str,
        tickets: usize,
        (calm, calmed): (Instant, Instant),
        report: &mut Report,
    ) -> Result<()> {
        let (used, told, began) = (self.used()?, tally.times_told(), Instant::now());
        let bodies: Vec<(String, Value)> =
            (0..tickets).map(|number| (format!("storm {number}"), created(number))).collect();
        let sent = bodies.iter().map(|(id, body)| self.tell("ticket.created", id, body));
        try_join_all(sent).await?;
        self.counted("tickets of the storm", CHANGED, i64::try_from(tickets)?).await?;
        let taken = began.elapsed();
        sleep(AFTER).await;
        let ended = Instant::now();
        let cores = share(&self.used()?.since(&used), ended - began);
        let (before, during) = (tally.took(None, calm, calmed), tally.took(None, began, ended));
        let what = format!("{what}, {tickets} tickets come at once");
        let told = tally.times_told() - told;
        report.figure(
            &format!("{what}: taken in, processors of help desk and database"),
            &format!("{:.1} s, {cores}", taken.as_secs_f64()),
            "",
        );
        let renewals = tally.renewals(began, ended);
        report.figure(
            &format!("{what}: pages told, renewed, p99 of a renewal"),
            &format!("{told}, {}, {} ms", renewals.count(), ms(renewals.within(990))),
            "",
        );
        for (name, before, during) in [
            ("p50", before.within(500), during.within(500)),
            ("p99", before.within(990), during.within(990)),
            ("longest", before.longest(), during.longest()),
        ] {
            let goal = format!("≤ {} ms more", GOAL_STORM.as_millis());
            let held = Report::goal(during <= before + GOAL_STORM, &goal);
            let held = if name == "p50" { String::new() } else { held };
            let told = format!("{}, {} ms", ms(before), ms(during));
            report.figure(&format!("{what}: {name} of all clicks, without and with"), &told, &held);
        }
        Ok(())
    }
}

fn party(account: &str, name: &str) -> Value {
    json!({ "account": account, "address": account, "display_name": name })
}

/// An agreement as we are told of it.
fn accepted(number: u128, sends: bool) -> Value {
    let (us, them) =
        (party(ACCOUNT, "Acme Energy"), party(&partner(number), &format!("Partner {number}")));
    let (sender, receiver) = if sends { (them, us) } else { (us, them) };
    json!({ "agreement_id": agreement(number, sends), "version": 2,
        "side": if sends { "receiver" } else { "sender" }, "sender": sender,
        "receiver": receiver, "partner_support_addresses": [],
        "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true },
        "status": "accepted", "by": { "side": "sender", "name": "Ada" },
        "at": "2026-11-29T12:00:00.000Z" })
}

/// A ticket as a partner shares it.
fn created(number: usize) -> Value {
    let id = |kind: &str| contracts::ids::derive_id(kind, &[&number.to_string()]).to_string();
    let from = u128::try_from(number).unwrap_or_default() % PARTNERS;
    let person = json!({ "id": format!("placeholder-{}", id("person")), "name": "Jo Park",
        "role": "end_user", "placeholder": true });
    json!({ "share_id": id("share"), "agreement_id": agreement(from, true),
        "received_from": partner(from), "via": "ticket_sharing",
        "original_ticket_id": number.to_string(), "subject": format!("The pump leaks, {number}"),
        "status": "open", "requester": person, "form": "default", "tags": [],
        "custom_fields": {}, "revision": 1,
        "comments": [{ "id": format!("{}/{number}", partner(from)), "author": person,
            "body": "It drips.", "public": true }] })
}
