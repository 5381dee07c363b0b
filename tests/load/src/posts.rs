//! `POST` to its `202` against publish to its confirm.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::{JoinSet, spawn_blocking};

use crate::amqp::{AmqpMessage, Publisher};
use crate::report::Report;
use crate::site::{ACCOUNT, Site};

/// Connections at a time.
const CONNECTIONS: usize = 64;
const GOAL: f64 = 0.6;

/// What one turn came to.
struct Turn {
    rate: f64,
    p50: Duration,
    p99: Duration,
}

/// Turns of both, one after the other.
///
/// # Errors
/// When something is refused.
pub async fn measure(
    site: &Site,
    rounds: usize,
    lasting: Duration,
    report: &mut Report,
) -> Result<()> {
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let published = publish(site, round, lasting).await?;
        let posted = post(site, round, lasting).await?;
        ratios.push(posted.rate / published.rate);
        report.figure("publish to confirm", &told(&published), "");
        report.figure("POST to 202", &told(&posted), "");
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    let held = Report::goal(median >= GOAL, &format!("≥ {GOAL}"));
    report.figure("POST to 202, of publish to confirm", &format!("{median:.2}"), &held);
    Ok(())
}

fn told(turn: &Turn) -> String {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let (p50, p99) = (milliseconds(turn.p50), milliseconds(turn.p99));
    format!("{:.0}/s, p50 {p50:.1} ms, p99 {p99:.1} ms", turn.rate)
}

fn command() -> Value {
    let actor = json!({ "id": "1", "name": "Ann", "role": "agent" });
    json!({ "ticket_id": "1", "actor": actor, "occurred_at": "2026-11-30T12:00:00.000Z",
        "status": "open", "custom_fields": { "order": "4711" } })
}

async fn post(site: &Site, round: usize, lasting: Duration) -> Result<Turn> {
    let mut working = JoinSet::new();
    let began = Instant::now();
    for connection in 0..CONNECTIONS {
        let (url, token) = (format!("{}/v1/commands", site.url), site.token.clone());
        let body = json!({ "type": "ticket.update.v1", "payload": command() }).to_string();
        working.spawn(async move {
            let posting = move || {
                // One connection each, kept.
                let agent: ureq::Agent = ureq::Agent::config_builder()
                    .http_status_as_error(false)
                    .timeout_global(Some(Duration::from_mins(1)))
                    .build()
                    .into();
                let mut times = Vec::new();
                while began.elapsed() < lasting {
                    let sent = Instant::now();
                    let mut answer = agent
                        .post(&url)
                        .header("authorization", format!("Bearer {token}"))
                        .header("content-type", "application/json")
                        .header("idempotency-key", format!("p{round}-{connection}-{}", times.len()))
                        .send(&body)
                        .context("posting")?;
                    let status = answer.status().as_u16();
                    let text = answer.body_mut().read_to_string().context("reading an answer")?;
                    ensure!(status == 202, "{status}: {text}");
                    times.push(sent.elapsed());
                }
                Ok(times)
            };
            spawn_blocking(posting).await.context("a poster")?
        });
    }
    turn(working, began).await
}

async fn publish(site: &Site, round: usize, lasting: Duration) -> Result<Turn> {
    let mut publishers = Vec::new();
    for _ in 0..CONNECTIONS {
        publishers.push(Publisher::open(&site.amqp_url).await?);
    }
    let mut working = JoinSet::new();
    let began = Instant::now();
    for (connection, publisher) in publishers.into_iter().enumerate() {
        let body = command().to_string();
        working.spawn(async move {
            let key = format!("{ACCOUNT}.ticket.update");
            let mut times = Vec::new();
            while began.elapsed() < lasting {
                let sent = Instant::now();
                let id = format!("a{round}-{connection}-{}", times.len());
                let message = AmqpMessage {
                    exchange: "share",
                    key: &key,
                    r#type: "ticket.update.v1",
                    id: &id,
                    user: "gateway",
                    body: body.as_bytes(),
                };
                publisher.publish(message).await?;
                times.push(sent.elapsed());
            }
            Ok(times)
        });
    }
    turn(working, began).await
}

async fn turn(mut working: JoinSet<Result<Vec<Duration>>>, began: Instant) -> Result<Turn> {
    let mut times = Vec::new();
    while let Some(ended) = working.join_next().await {
        times.extend(ended.context("a connection")??);
    }
    let lasted = began.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    let count = u32::try_from(times.len()).unwrap_or(u32::MAX);
    Ok(Turn { rate: f64::from(count) / lasted, p50: at(50), p99: at(99) })
}
