//! The gateway's database is away while its accounts are told things and post.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::amqp::{AmqpMessage, Publisher};
use crate::report::Report;
use crate::site::{ACCOUNT, Site};

/// How often a few are told.
const TICK: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_mins(10);
const GOAL: Duration = Duration::from_mins(1);

/// Takes the database away for so long, in which so many deliveries a second come.
///
/// # Errors
/// When the broker refuses, or the gateway does not come back.
pub async fn measure(
    site: &Site,
    lasting: Duration,
    rate: usize,
    report: &mut Report,
) -> Result<()> {
    let before = logged(site).await?;
    site.network.close();
    let publisher = Publisher::open(&site.amqp_url).await?;
    let (began, mut sent) = (Instant::now(), 0_usize);
    let mut refused = Vec::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while began.elapsed() < lasting {
        ticks.tick().await;
        let some = (sent..sent + rate / 10).map(|number| tell(&publisher, number));
        try_join_all(some).await?;
        sent += rate / 10;
        if (sent / (rate / 10)).is_multiple_of(50) {
            refused.push(post(site, &format!("away-{sent}")).await?);
        }
    }
    site.network.clear();
    let back = Instant::now();
    let wanted = before.0 + i64::try_from(sent)?;
    let (count, distinct) = loop {
        let (count, distinct) = logged(site).await?;
        if distinct >= wanted || back.elapsed() > LIMIT {
            break (count, distinct);
        }
        sleep(TICK).await;
    };
    let caught_up = back.elapsed();
    let what = format!("database away for {} s at {rate}/s", lasting.as_secs());
    let held = Report::goal(caught_up <= GOAL, &format!("≤ {} s", GOAL.as_secs()));
    report.figure(
        &format!("{what}: caught up"),
        &format!("{:.1} s for {sent}", caught_up.as_secs_f64()),
        &held,
    );
    let lost = wanted - distinct;
    let doubled = count - distinct;
    report.figure(&format!("{what}: lost, doubled"), &format!("{lost}, {doubled}"), "0, 0");
    if lost != 0 || doubled != 0 {
        report.wrong.push(format!("{what}: {lost} lost, {doubled} doubled"));
    }
    let other: Vec<&u16> = refused.iter().filter(|status| **status != 503).collect();
    report.figure(
        &format!("{what}: posts"),
        &format!("{} times 503, {} others", refused.len() - other.len(), other.len()),
        "all 503",
    );
    if !other.is_empty() {
        report.wrong.push(format!("{what}: posts were answered {other:?}"));
    }
    let after = post(site, "afterwards").await?;
    ensure!(after == 202, "a post afterwards was answered {after}");
    Ok(())
}

async fn tell(publisher: &Publisher, number: usize) -> Result<()> {
    let body = json!({ "stars": number }).to_string();
    let message = AmqpMessage {
        exchange: "desk",
        key: &format!("{ACCOUNT}.ticket.praised"),
        r#type: "ticket.praised.v1",
        id: &format!("away {number}"),
        user: "field-sync",
        body: body.as_bytes(),
    };
    publisher.publish(message).await
}

/// Entries of the account's log, and how many of them are different ones.
async fn logged(site: &Site) -> Result<(i64, i64)> {
    sqlx::query_as("select count(*), count(distinct message_id) from desk_log where account = $1")
        .bind(ACCOUNT)
        .fetch_one(&site.pool)
        .await
        .context("counting the log")
}

/// The status of a command that is posted.
async fn post(site: &Site, key: &str) -> Result<u16> {
    let (url, token) = (format!("{}/v1/commands", site.url), site.token.clone());
    let key = key.to_owned();
    let posting = spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(2)))
            .build()
            .into();
        let body = json!({ "type": "share.list.v1" }).to_string();
        let answer = agent
            .post(&url)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .send(&body)
            .context("posting")?;
        Ok::<_, anyhow::Error>(answer.status().as_u16())
    });
    posting.await.context("posting")?
}
