//! How long a server may take to answer. A connection whose other end is gone, without a word,
//! would be waited for until the operating system gives it up, which takes hours; and what is asked
//! of the broker in the moment in which its connection ends may never be answered by the client
//! library.

use std::future::Future;
use std::io::ErrorKind;
use std::time::Duration;

use crate::failure::Fault;

/// Waits for an answer of the database, `limit` at most. What is under way then is dropped, and
/// with it its transaction; whether that had been committed, the journal will tell.
///
/// # Errors
/// The database's, or [`ErrorKind::TimedOut`].
pub async fn database<T, E: From<sqlx::Error>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into()).into()))
}

/// How long the broker may take to do what it does at once.
pub(crate) const BROKER_LIMIT: Duration = Duration::from_secs(15);

/// Waits for an answer of the broker, [`BROKER_LIMIT`] at most. Nothing of lapin's is awaited
/// without it, or without a limit of its own: of 400 connections that were cut within 60 ms after
/// they had begun, 19 left `create_channel` waiting for ever (lapin 4.12.3).
pub(crate) async fn broker<T>(
    operation: &'static str,
    work: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Fault> {
    within(BROKER_LIMIT, operation, work).await
}

async fn within<T>(
    limit: Duration,
    operation: &'static str,
    work: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Fault> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| Fault::Timeout(operation))?
        .map_err(Fault::broker(operation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Next, next_after};

    #[tokio::test]
    async fn a_broker_that_never_answers_is_a_fault() {
        let silence = std::future::pending::<lapin::Result<()>>();
        let fault = within(Duration::from_millis(1), "open a channel", silence).await.unwrap_err();
        assert!(matches!(fault, Fault::Timeout("open a channel")), "{fault}");
    }

    #[tokio::test]
    async fn what_does_not_answer_holds_the_batch() {
        let silence = std::future::pending::<Result<(), sqlx::Error>>();
        let error = database(Duration::from_millis(1), silence).await.unwrap_err();
        assert_eq!(next_after(&error), Next::Hold);
    }
}
