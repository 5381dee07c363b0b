//! Questions to the line: what would become of something. Nothing is done, here or there.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::whole::whole;
use super::{By, command};
use crate::rules::sharing::Share;
use crate::store::sharing;
use crate::store::ticket::{self, Kept};

/// An update with these comments, as a dry run.
#[must_use]
pub fn update(number: i64, shares: &[Share], comments: &[Value], by: &By) -> Value {
    let changed = Map::from_iter([("comments".to_owned(), json!(comments))]);
    let mut content = command::update(number, shares, None, changed, by);
    content["dry_run"] = json!(true);
    content
}

/// The newest tickets of an account, each as a share would tell it.
///
/// # Errors
/// The database.
pub async fn shares(
    connection: &mut PgConnection,
    account: &str,
    limit: usize,
) -> sqlx::Result<Vec<Value>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let tickets = ticket::newest(connection, account, limit).await?;
    let numbers: Vec<i64> = tickets.iter().map(|kept| kept.ticket.number).collect();
    let mut in_shares = sharing::of_tickets(connection, account, &numbers).await?;
    let with_shares = |kept: Kept| {
        let shares = in_shares.remove(&kept.ticket.number).unwrap_or_default();
        (kept, shares)
    };
    let tickets: Vec<(Kept, Vec<Share>)> = tickets.into_iter().map(with_shares).collect();
    whole(connection, account, &tickets).await
}
