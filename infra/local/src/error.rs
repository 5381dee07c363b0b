//! What can go wrong here, one variant per kind of failed operation.

use std::io;
use std::path::PathBuf;

/// Everything a caller of this library may have to report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A Debian package is needed, and this user may not install it.
    #[error("{} not installed: run `apt-get install -y --no-install-recommends {}` as \
        root{alternative}", missing(packages), packages.join(" "))]
    PackagesMissing {
        /// What to install.
        packages: Vec<String>,
        /// What can be done instead, as the end of the sentence.
        alternative: &'static str,
    },
    /// `apt-get` failed, or it succeeded and the files are still not there.
    #[error("installing {packages} failed: {detail}")]
    Install {
        /// What was to be installed.
        packages: String,
        /// The end of what `apt-get` said.
        detail: String,
    },
    /// The environment contradicts itself.
    #[error("{0}")]
    Environment(String),
    /// A file or a process could not be handled.
    #[error("{what}")]
    Io {
        /// The operation.
        what: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A state file holds something else than expected.
    #[error("{} is not readable as state: remove it and start again", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A process ended, or refused to start.
    #[error("{what}: {detail}")]
    Start {
        /// The operation.
        what: String,
        /// What it left behind.
        detail: String,
    },
    /// The caller asked to stop while something was being started.
    #[error("interrupted")]
    Interrupted,
    /// What concerns the broker, its users and accounts.
    #[error(transparent)]
    Broker(#[from] operator::Error),
    /// `PostgreSQL` refused.
    #[error("{what}")]
    Database {
        /// The operation.
        what: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

/// What the functions of this library return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn missing(packages: &[String]) -> String {
    let verb = if packages.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", packages.join(" and "))
}

/// Says what was being done when the operating system refused.
pub(crate) trait During<T> {
    fn during(self, what: impl Into<String>) -> Result<T>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Io { what: what.into(), source })
    }
}

impl<T> During<T> for sqlx::Result<T> {
    fn during(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Database { what: what.into(), source })
    }
}
