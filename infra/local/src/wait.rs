//! Bounded waiting, with this library's errors.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::error::Result;

/// Looks again and again until `look` has an answer; gives up with what it said last.
///
/// # Errors
/// [`operator::Error::Late`] with the last state, or what `look` returned as an error.
pub fn until<T>(
    what: &str,
    limit: Duration,
    look: impl FnMut() -> Result<ControlFlow<T, String>>,
) -> Result<T> {
    operator::wait::until(what, limit, look)
}
