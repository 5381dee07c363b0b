//! How long the database may take to answer. A connection whose other end is gone, without a word, would be waited for until the
//! operating system gives it up, which takes hours.

use std::future::Future;
use std::io::ErrorKind;
use std::time::Duration;

/// Waits for an answer of the database, `limit` at most. What is under way then is dropped, and with it its transaction; whether
/// that had been committed, the journal will tell.
///
/// # Errors
/// The database's, or [`ErrorKind::TimedOut`].
pub async fn answered<T, E: From<sqlx::Error>>(limit: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into()).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Next, next_after};

    #[tokio::test]
    async fn what_does_not_answer_holds_the_batch() {
        let silence = std::future::pending::<Result<(), sqlx::Error>>();
        let error = answered(Duration::from_millis(1), silence).await.unwrap_err();
        assert_eq!(next_after(&error), Next::Hold);
    }
}
