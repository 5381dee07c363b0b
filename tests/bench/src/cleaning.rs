//! What cleaning HTML costs, alone: share-dispatcher does it for every comment that has some.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result};
use contracts::comment::Comment;
use share_dispatcher::rules::html;

use crate::accounts::Accounts;
use crate::turn::Shown;

/// Comments that are cleaned.
const COMMENTS: usize = 1_000;

/// Cleans the HTML of real accounts' comments.
///
/// # Errors
/// When such a comment is none of the contract.
pub fn measure() -> Result<Shown> {
    let comment: Comment = serde_json::from_value(Accounts::Real.comment("acme/1"))
        .context("reading a real account's comment")?;
    let mut comments = vec![comment; COMMENTS];
    let begin = Instant::now();
    let without = html::clean(&mut comments);
    let took = begin.elapsed().as_secs_f64() * 1_000.0;
    anyhow::ensure!(without.is_empty(), "all of it is cleaned");
    Ok(Shown { times: BTreeMap::from([("all".to_owned(), took)]), ..Shown::default() })
}
