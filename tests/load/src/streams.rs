//! Streams that are open and quiet, and then told something.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bench::cpu::Used;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::amqp::{AmqpMessage, Publisher};
use crate::report::Report;
use crate::site::{ACCOUNT, Site};

const LIMIT: Duration = Duration::from_mins(1);
const GOAL_MIB: u64 = 100;
const GOAL_CORES: f64 = 0.05;

/// Opens so many, looks at the process for so long, and tells them something.
///
/// # Errors
/// When one is refused, or is not told.
pub async fn measure(
    site: &Site,
    count: usize,
    lasting: Duration,
    report: &mut Report,
) -> Result<()> {
    let before = site.memory()?;
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        streams.push(open(site).await?);
    }
    let process = site.gateway.process().context("the gateway has ended")?;
    let parts = BTreeMap::from([("gateway", vec![process.pid])]);
    let (used, began) = (Used::now(&parts)?, Instant::now());
    tokio::time::sleep(lasting).await;
    let cores =
        Used::now(&parts)?.since(&used).system().as_secs_f64() / began.elapsed().as_secs_f64();
    let grown = site.memory()?.saturating_sub(before) / 1024;
    let held = Report::goal(grown <= GOAL_MIB, &format!("≤ {GOAL_MIB} MiB"));
    report.figure(&format!("{count} open streams, memory"), &format!("{grown} MiB"), &held);
    let held = Report::goal(cores <= GOAL_CORES, &format!("≤ {GOAL_CORES} cores"));
    report.figure(&format!("{count} open streams, idle"), &format!("{cores:.3} cores"), &held);

    let publisher = Publisher::open(&site.amqp_url).await?;
    let told = Instant::now();
    let message = AmqpMessage {
        exchange: "desk",
        key: &format!("{ACCOUNT}.ticket.praised"),
        r#type: "ticket.praised.v1",
        id: "to all streams",
        user: "field-sync",
        body: br#"{"stars":5}"#,
    };
    publisher.publish(message).await?;
    let mut reading = JoinSet::new();
    for stream in streams {
        reading.spawn(timeout(LIMIT, until(stream, "to all streams")));
    }
    while let Some(ended) = reading.join_next().await {
        ended.context("a stream")?.context("a stream was not told in a minute")??;
    }
    let milliseconds = told.elapsed().as_millis();
    report.figure(&format!("told on {count} streams"), &format!("{milliseconds} ms"), "");
    Ok(())
}

/// Opens one, and reads the head of its answer.
async fn open(site: &Site) -> Result<TcpStream> {
    let address = site.url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(&address).await.context("connecting to the gateway")?;
    let request = format!(
        "GET /v1/deliveries/stream?after=latest HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Bearer {}\r\n\r\n",
        site.token
    );
    stream.write_all(request.as_bytes()).await.context("asking for a stream")?;
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = timeout(LIMIT, stream.read_buf(&mut head)).await.context("a stream's head")?;
        ensure!(read.context("a stream's head")? > 0, "the gateway closed a stream");
    }
    let head = String::from_utf8_lossy(&head);
    ensure!(head.starts_with("HTTP/1.1 200"), "a stream was refused: {head}");
    Ok(stream)
}

async fn until(mut stream: TcpStream, word: &str) -> Result<()> {
    let mut all = Vec::new();
    loop {
        if String::from_utf8_lossy(&all).contains(word) {
            return Ok(());
        }
        if stream.read_buf(&mut all).await.context("reading a stream")? == 0 {
            bail!("a stream ended before it was told");
        }
    }
}
