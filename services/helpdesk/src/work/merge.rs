//! One ticket becomes part of another: its end is said on both. Not while either is in a live share
//!

use contracts::fields::Status;
use sqlx::{PgConnection, PgPool};

use super::By;
use super::agent::{Written, written};
use super::settle::{Change, SettleError, settle};
use crate::clock::new_id;
use crate::rules::custom_status::TicketStatus;
use crate::rules::sharing::keeps_from_merging;
use crate::rules::ticket::Channel;
use crate::store::sharing;
use crate::store::ticket::{self, Kept};

/// Why two tickets are not merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// It could not be carried out.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// One of them is none of this account's, or both are one.
    #[error("there is no such ticket")]
    NotFound,
    /// One of them is closed.
    #[error("the ticket is closed")]
    Closed,
    /// One of them is shared with this partner.
    #[error("the ticket is shared with {0}: unshare it before merging it")]
    InLiveShare(String),
}

impl From<sqlx::Error> for MergeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Settle(error.into())
    }
}

/// The notes that a merge leaves, in the words of whoever merges.
#[derive(Clone, Debug)]
pub struct Notes {
    /// On the ticket that ends.
    pub on_source: String,
    /// On the ticket that goes on; the ticket that ends is quoted below it.
    pub on_target: String,
}

/// Closes `source`, and goes on with `target`.
///
/// # Errors
/// See [`MergeError`].
pub async fn merge(
    pool: &PgPool,
    by: &By,
    (source, target): (i64, i64),
    notes: Notes,
) -> Result<(), MergeError> {
    if source == target {
        return Err(MergeError::NotFound);
    }
    let mut transaction = pool.begin().await?;
    // Whoever merges the other way round locks in the same order.
    let first = lock(&mut transaction, by, source.min(target)).await?;
    let second = lock(&mut transaction, by, source.max(target)).await?;
    let (from, into) = if source < target { (first, second) } else { (second, first) };
    let quoted = quoted(&mut transaction, by, source).await?;
    add(&mut transaction, by, &into, format!("{}\n\n{quoted}", notes.on_target), None).await?;
    add(&mut transaction, by, &from, notes.on_source, Some(Status::Closed)).await?;
    transaction.commit().await?;
    Ok(())
}

async fn lock(connection: &mut PgConnection, by: &By, number: i64) -> Result<Kept, MergeError> {
    let account = by.account.as_str();
    let kept = ticket::lock(connection, account, number).await?.ok_or(MergeError::NotFound)?;
    let shares = sharing::of_ticket(connection, account, number).await?;
    if let Some(partner) = keeps_from_merging(&shares) {
        return Err(MergeError::InLiveShare(partner.to_owned()));
    }
    // A share that has no receipt yet is about to be one.
    if let Some(partner) = &kept.ticket.sent_to {
        return Err(MergeError::InLiveShare(partner.clone()));
    }
    if kept.ticket.status == Status::Closed {
        return Err(MergeError::Closed);
    }
    Ok(kept)
}

/// What was said on a ticket, for the one that goes on.
async fn quoted(connection: &mut PgConnection, by: &By, number: i64) -> sqlx::Result<String> {
    let comments =
        crate::store::comment::newest(connection, by.account.as_str(), number, 50).await?;
    let quoted = comments
        .iter()
        .filter(|comment| !comment.redacted)
        .map(|comment| format!("{}: {}", comment.author_name, comment.body));
    let text = quoted.collect::<Vec<_>>().join("\n\n");
    Ok(text.chars().take(20_000).collect())
}

async fn add(
    connection: &mut PgConnection,
    by: &By,
    before: &Kept,
    note: String,
    status: Option<Status>,
) -> Result<(), SettleError> {
    let mut after = before.clone();
    if let Some(status) = status {
        after.ticket.stand(TicketStatus::of_category(status));
    }
    after.ticket.updated_via = Channel::Agent;
    after.updated_at = by.now.utc();
    let note =
        Written { id: new_id(), body: note, public: false, call: None, attachments: Vec::new() };
    let change = Change {
        comments: vec![written(by, &note)],
        ..Change::of(by, Channel::Agent, Some(before), after)
    };
    settle(connection, change).await.map(drop)
}
