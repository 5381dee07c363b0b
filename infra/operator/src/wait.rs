//! Bounded waiting: a condition, a limit, and the last thing seen when the limit passes.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until `look` has an answer; gives up with what it said last.
///
/// # Errors
/// [`Error::Late`] with the last state, or what `look` returned as an error.
pub fn until<T, E: From<Error>>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<ControlFlow<T, String>, E>,
) -> Result<T, E> {
    let started = Instant::now();
    loop {
        match look()? {
            ControlFlow::Break(found) => return Ok(found),
            ControlFlow::Continue(last) if started.elapsed() >= limit => {
                return Err(Error::Late { what: what.to_owned(), limit, last }.into());
            }
            ControlFlow::Continue(_) => thread::sleep(PAUSE),
        }
    }
}
