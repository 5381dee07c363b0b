//! What every operator's command stands on: the service's own database and broker user, a name for
//! the audit, and a stop at Ctrl-C.

use std::io::Write;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use contracts::Timestamp;
use contracts::topology::Service;
use messaging::Sending;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::config::Common;
use crate::database::Database;
use crate::lifecycle;

/// How often a progress line is printed, at most.
const PROGRESS: Duration = Duration::from_secs(1);

/// Who does it.
#[derive(Debug, Args)]
pub(super) struct Person {
    /// Your name, for the audit; without it, the user of this machine
    #[arg(long = "as", value_name = "NAME",
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: Option<String>,
}

impl Person {
    pub fn name(&self) -> String {
        let user = nix::unistd::getuid();
        let of_machine = || match nix::unistd::User::from_uid(user) {
            Ok(Some(user)) => user.name,
            _ => format!("uid {user}"),
        };
        self.name.clone().unwrap_or_else(of_machine)
    }
}

/// An operator at one service.
pub(super) struct Operator {
    pub service: Service,
    pub pool: PgPool,
    common: Common,
}

impl Operator {
    pub fn new(service: Service, common: Common) -> anyhow::Result<Self> {
        let pool = Database::for_operators(service.name(), &common)?.pool();
        Ok(Self { service, pool, common })
    }

    /// How it sends: as the service does.
    pub fn sending(&self, rate: NonZeroU32, person: &Person) -> anyhow::Result<Sending> {
        Ok(Sending {
            broker_url: self.common.broker_address()?.now().reveal().to_owned(),
            confirm_timeout: self.common.broker.confirm_timeout_ms.milliseconds(),
            rate,
            by: person.name(),
        })
    }

    /// Says what is wrong with the command line.
    pub fn usage(&self, sentence: &str) -> ExitCode {
        eprintln!("{}: {sentence}", self.service.name());
        ExitCode::from(2)
    }
}

/// Prints a result.
pub(super) fn print(text: &str) -> std::io::Result<()> {
    std::io::stdout().write_all(text.as_bytes())
}

/// Cancelled at Ctrl-C and SIGTERM: then what is at hand is finished.
pub(super) fn stop_at_signal() -> std::io::Result<CancellationToken> {
    let (stop, mut signals) = (CancellationToken::new(), lifecycle::signals()?);
    let stopped = stop.clone();
    tokio::spawn(async move {
        if let Some(signal) = signals.recv().await {
            eprintln!("{signal}: finishing what is at hand");
            stopped.cancel();
        }
    });
    Ok(stop)
}

/// Progress lines on standard error, so that results can be piped.
pub(super) struct Progress {
    total: usize,
    told: Instant,
}

impl Progress {
    pub fn of(total: usize) -> Self {
        Self { total, told: Instant::now() }
    }

    /// So many are behind; when all are, the result is told instead.
    pub fn tell(&mut self, behind: usize) {
        if self.told.elapsed() >= PROGRESS && behind < self.total {
            eprintln!("{behind} of {} gone through", self.total);
            self.told = Instant::now();
        }
    }
}

/// The current time: an operator's command is the edge, where a clock may be read.
pub(super) fn now() -> Timestamp {
    Timestamp::from(chrono::DateTime::<chrono::Utc>::from(SystemTime::now()))
}
