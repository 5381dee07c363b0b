//! What a team would write today: workers in Python, with tables of their own for the same job.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::forwarder::Place;
use crate::population::{ends, number, share};

/// How long a worker may take to be ready.
const READY: Duration = Duration::from_mins(1);
const SCHEMA: &str = include_str!("../peers/schema.sql");

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// aio-pika, asyncpg and uvloop.
    AioPika,
    /// `FastStream`, asyncpg and uvloop.
    FastStream,
}

impl Peer {
    /// Its library.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AioPika => "aio-pika",
            Self::FastStream => "FastStream",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::AioPika => "aio_pika_peer.py",
            Self::FastStream => "faststream_peer.py",
        }
    }
}

/// The interpreter with the peers' packages, and where they work.
#[derive(Debug)]
pub struct Peers {
    python: PathBuf,
    amqp_url: String,
    database_url: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

impl Peers {
    /// Installs the packages below `dir` and fills the tables with `tickets` shares.
    ///
    /// # Errors
    /// When Python or a package is not to be had, or the database refuses.
    pub async fn prepare(
        dir: &Path,
        amqp_url: &str,
        database_url: &str,
        tickets: usize,
    ) -> Result<Self> {
        let venv = dir.join("venv");
        let python = venv.join("bin/python");
        if !python.exists() {
            run(
                Command::new("python3").args(["-m", "venv"]).arg(&venv),
                "making a virtual environment (Debian: python3-venv)",
            )
            .await?;
        }
        let requirements = folder().join("requirements.txt");
        let install =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(
            Command::new(&python).args(install).arg(requirements),
            "installing the peers' packages",
        )
        .await?;
        let mut database = PgConnection::connect(database_url)
            .await
            .context("connecting to the peers' database")?;
        sqlx::raw_sql(SCHEMA).execute(&mut database).await.context("making the peers' tables")?;
        let column = |of: fn(usize) -> String| (0..tickets).map(of).collect::<Vec<String>>();
        sqlx::query(
            "insert into hop select share_id, ticket_id, sender, receiver, true
             from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as hop (share_id,
             ticket_id, sender, receiver)",
        )
        .bind(column(share))
        .bind(column(number))
        .bind(column(|ticket| ends(ticket).0))
        .bind(column(|ticket| ends(ticket).1))
        .execute(&mut database)
        .await
        .context("filling the peers' tables")?;
        sqlx::raw_sql("insert into ticket select share_id, 0 from hop; analyze")
            .execute(&mut database)
            .await?;
        database.close().await?;
        Ok(Self { python, amqp_url: amqp_url.to_owned(), database_url: database_url.to_owned() })
    }

    /// Starts a worker for each stage and waits until all are ready.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(&self, peer: Peer, handlers: u32) -> Result<Vec<(Place, Child)>> {
        let mut workers = Vec::new();
        for place in Place::ALL {
            let mut worker = Command::new(&self.python)
                .arg(folder().join(peer.program()))
                .args([
                    place.service().name(),
                    &self.amqp_url,
                    &self.database_url,
                    &handlers.to_string(),
                ])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .context("starting a worker")?;
            let output = worker.stdout.take().context("a worker has an output")?;
            let mut lines = BufReader::new(output).lines();
            let first =
                timeout(READY, lines.next_line()).await.context("waiting for a worker")??;
            ensure!(
                first.as_deref() == Some("ready"),
                "the worker of {} said {first:?}",
                place.service().name()
            );
            workers.push((place, worker));
        }
        Ok(workers)
    }
}

async fn run(command: &mut Command, what: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().await.with_context(|| what.to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim())
}
