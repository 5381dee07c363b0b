//! What can go wrong, by what has to happen next. Nothing else decides that.

/// Why a batch could not be decided.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The database said no, or did not answer.
    #[error("the database failed while a batch was decided")]
    Database(#[from] sqlx::Error),
    /// A stored row does not read as what it should be.
    #[error("a stored row of {table} cannot be read: {detail}")]
    Stored {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        detail: String,
    },
    /// The batch needs more than one may load, which shows only while it is loaded.
    #[error("a batch would load more than one may; its first {first} messages do not")]
    TooMuch {
        /// So many of the first messages, one at least, load no more ([`loadable`]).
        ///
        /// [`loadable`]: crate::loadable
        first: usize,
    },
}

/// Why the runtime, or one slot of it, stopped working. The supervisor builds everything anew.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The broker failed, refused or did not answer.
    #[error("the broker failed: {operation}")]
    Broker {
        /// What was being done.
        operation: &'static str,
        /// What the client library says.
        #[source]
        source: lapin::Error,
    },
    /// The broker did not answer in time.
    #[error("the broker did not answer in time: {0}")]
    Timeout(&'static str),
    /// Something cannot be said in AMQP, or the channel does not do what it was opened for.
    #[error("the AMQP protocol does not allow this: {0}")]
    Protocol(String),
    /// The broker ended a consumer: its queue was deleted, or a batch took too long.
    #[error("the broker cancelled the consumer of queue {0}")]
    ConsumerCancelled(String),
    /// The broker took no responsibility for a message between services.
    #[error(
        "{count} messages on exchange sync were returned or refused; are all queues there, and is \
         none full?"
    )]
    SyncRefused {
        /// How many.
        count: usize,
    },
    /// The database failed, refused or did not answer.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A loop ended that never should.
    #[error("a task of the runtime ended unexpectedly: {0}")]
    TaskEnded(String),
}

impl Fault {
    /// Wraps a client error with what was being done.
    pub(crate) fn broker(operation: &'static str) -> impl FnOnce(lapin::Error) -> Self {
        move |source| Self::Broker { operation, source }
    }
}

/// What has to happen after a batch failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another transaction got in between: run the batch again.
    Rerun,
    /// The database is away: hold the batch, try again later.
    Hold,
    /// One of the messages is the cause: find it.
    Bisect,
}

/// Sorts a database error by its SQLSTATE class (PostgreSQL documentation, appendix A).
pub(crate) fn next_after(error: &sqlx::Error) -> Next {
    match error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // serialization failure, deadlock; unique violation: a row that was not there when it
            // was looked up
            Some("40001" | "40P01" | "23505") => Next::Rerun,
            // A violated check names its constraint; without one it is a row for which no partition
            // is there yet.
            Some("23514") if database.constraint().is_none() => Next::Hold,
            // A table that is not there yet: the migrations have still to run.
            Some("42P01") => Next::Hold,
            // Connection, authorisation, read-only after a failover, resources, locks, operator,
            // system.
            Some(code)
                if ["08", "25", "28", "53", "55", "57", "58"]
                    .iter()
                    .any(|class| code.starts_with(class)) =>
            {
                Next::Hold
            }
            _ => Next::Bisect,
        },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Next::Hold,
        _ => Next::Bisect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_never_costs_a_message() {
        assert_eq!(next_after(&sqlx::Error::PoolTimedOut), Next::Hold);
        assert_eq!(
            next_after(&sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())),
            Next::Hold
        );
    }

    #[test]
    fn a_row_that_does_not_fit_is_somebodys_fault() {
        assert_eq!(next_after(&sqlx::Error::RowNotFound), Next::Bisect);
    }
}
