//! A turn of a loop that works beside the messages.

use std::time::Duration;

use messaging::timeout;
use tokio_util::sync::CancellationToken;

/// How long a turn may take. A connection whose other end is gone without a word would be waited
/// for until the operating system gives it up, which takes hours.
pub const LONGEST: Duration = Duration::from_mins(1);

/// Works for [`LONGEST`] at most, and not on when `stop` is asked for: nothing then. What is
/// dropped was in a transaction, or is done again by the next turn.
///
/// # Errors
/// What the work meets, or [`std::io::ErrorKind::TimedOut`] as the database's.
pub fn turn<T, E: From<sqlx::Error>>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Option<Result<T, E>>> {
    // What a turn needs is not carried along between turns.
    stop.run_until_cancelled(Box::pin(timeout::database(LONGEST, work)))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_never_answers_holds_up_neither_the_loop_nor_the_stop() {
        let stop = CancellationToken::new();
        let silence = || pending::<Result<(), sqlx::Error>>();
        assert!(matches!(turn(&stop, silence()).await, Some(Err(sqlx::Error::Io(_)))));
        stop.cancel();
        assert!(turn(&stop, silence()).await.is_none());
    }
}
