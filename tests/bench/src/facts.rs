//! On what a run took place: date, machine, versions.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};

use crate::site::Site;

/// Reads them.
///
/// # Errors
/// When a server does not answer.
pub async fn read(site: &Site) -> Result<BTreeMap<String, String>> {
    let mut database =
        PgConnection::connect(site.database_url()).await.context("connecting to the database")?;
    let postgresql: String =
        sqlx::query_scalar("show server_version").fetch_one(&mut database).await?;
    let settings: Vec<(String, String)> = sqlx::query_as(
        "select name, setting from pg_settings where name in ('fsync', \
            'synchronous_commit') order by name",
    )
    .fetch_all(&mut database)
    .await?;
    database.close().await?;
    let settings: Vec<String> =
        settings.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    Ok([
        ("date", said("date", &["--utc", "+%F"])),
        ("machine", format!("{processors} processors, {}, {}", memory()?, processor()?)),
        ("system", said("uname", &["-sr"])),
        ("RabbitMQ", format!("{}, quorum queues", site.broker_version()?)),
        ("PostgreSQL", format!("{postgresql}, {}", settings.join(", "))),
        ("Rust", said("rustc", &["--version"])),
        ("Python", said("python3", &["--version"])),
        ("fdatasync of 8 KiB", format!("{} µs at the median", site.disk()?.as_micros())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn line(file: &str, begins: &str) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let line =
        text.lines().find(|line| line.starts_with(begins)).and_then(|line| line.split_once(':'));
    Ok(line.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned()))
}

fn processor() -> Result<String> {
    line("/proc/cpuinfo", "model name")
}

fn memory() -> Result<String> {
    let kib: u64 = line("/proc/meminfo", "MemTotal")?
        .trim_end_matches(" kB")
        .parse()
        .context("reading /proc/meminfo")?;
    Ok(format!("{} GiB", kib / 1024 / 1024))
}
