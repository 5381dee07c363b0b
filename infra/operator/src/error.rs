//! What can go wrong between an operator and a broker, one variant per kind of failed operation.

use std::io;
use std::time::Duration;

/// Everything a caller of this library may have to report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something did not become true in time.
    #[error("{what} not within {} s: {last}", limit.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// The last thing that was seen.
        last: String,
    },
    /// An address is no URL, or lacks a part.
    #[error("{name} is not usable: {detail}")]
    Url {
        /// Which address.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The management API could not be reached.
    #[error("{request} got no answer")]
    Management {
        /// Method and path.
        request: String,
        /// Why.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The management API refused.
    #[error("{request} was answered {status}: {body}")]
    Refused {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// What the broker said.
        body: String,
    },
    /// A name is none that an account can have.
    #[error(
        "`{0}` cannot be an account: a name is 2 to 39 of a-z, 0-9 and `-`, begins with no `-`, \
         and is not reserved"
    )]
    AccountName(String),
    /// An account's name does not say who operates it.
    #[error(
        "`{operator}` cannot operate `{account}`: the name would have to begin with `{operator}-`"
    )]
    Operator {
        account: String,
        /// Who should operate it.
        operator: String,
    },
    /// There is no such broker user.
    #[error("the broker has no user `{user}`: {hint}")]
    NoUser {
        user: String,
        /// What to do.
        hint: &'static str,
    },
    /// A file could not be read or written.
    #[error("{what}")]
    Io {
        /// The operation.
        what: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The broker refused an AMQP operation.
    #[error("{what}")]
    Amqp {
        /// The operation.
        what: String,
        /// Why.
        #[source]
        source: Box<lapin::Error>,
    },
    /// The broker did something else than it was asked for.
    #[error("{what}: {detail}")]
    Unexpected {
        /// The operation.
        what: String,
        /// What came instead.
        detail: String,
    },
}

/// What the functions of this library return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says what was being done when something else refused.
pub(crate) trait During<T> {
    fn during(self, what: impl Into<String>) -> Result<T>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Io { what: what.into(), source })
    }
}

impl<T> During<T> for lapin::Result<T> {
    fn during(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Amqp { what: what.into(), source: Box::new(source) })
    }
}
