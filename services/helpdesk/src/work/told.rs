//! Who is told of a ticket's public replies: CCs, and placeholders that were given an address.

use contracts::fields::Status;
use contracts::limits;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::By;
use super::agent::EditError;
use crate::clock::new_id;
use crate::rules::history::Entry;
use crate::rules::support_address::may_be_mailed;
use crate::store::ticket::{self, Kept};
use crate::store::{cc, event, person, sharing};

/// Why an address is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAddress {
    /// A partner reads it as tickets.
    Partners,
    /// There are as many CCs as there may be.
    TooMany,
}

/// The ticket, if it is not closed.
async fn lock(
    connection: &mut PgConnection,
    account: &str,
    number: i64,
) -> Result<Kept, EditError> {
    let kept = ticket::lock(connection, account, number).await?.ok_or(EditError::NotFound)?;
    if kept.ticket.status == Status::Closed { Err(EditError::Closed) } else { Ok(kept) }
}

async fn write(
    connection: &mut PgConnection,
    by: &By,
    number: i64,
    kind: &'static str,
    name: &str,
) -> sqlx::Result<()> {
    let account = by.account.as_str();
    let entry = Entry { kind, detail: json!({ "name": name }) };
    event::add(connection, account, number, by.now.utc(), &by.actor.name, &[entry]).await?;
    ticket::touch(connection, account, &[number]).await
}

/// Adds a CC by name and address.
///
/// # Errors
/// See [`EditError`].
pub async fn add_cc(
    pool: &PgPool,
    by: &By,
    number: i64,
    (name, email): (&str, &str),
) -> Result<Result<(), NoAddress>, EditError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    lock(&mut transaction, account, number).await?;
    let agreements = sharing::agreements(&mut transaction, account).await?;
    if !may_be_mailed(email, &agreements) {
        return Ok(Err(NoAddress::Partners));
    }
    let id = new_id().to_string();
    let found = person::of_address(&mut transaction, account, &id, name, email).await?;
    if !cc::add(&mut transaction, account, number, &found.id, limits::CCS).await? {
        return Ok(Err(NoAddress::TooMany));
    }
    write(&mut transaction, by, number, "cc_added", &found.name).await?;
    transaction.commit().await?;
    Ok(Ok(()))
}

/// Takes a CC away.
///
/// # Errors
/// [`EditError::NotFound`] where the ticket has no such CC.
pub async fn remove_cc(
    pool: &PgPool,
    by: &By,
    number: i64,
    id: &str,
) -> Result<Result<(), NoAddress>, EditError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    lock(&mut transaction, account, number).await?;
    let found = person::find(&mut transaction, account, id).await?.ok_or(EditError::NotFound)?;
    if !cc::remove(&mut transaction, account, number, id).await? {
        return Err(EditError::NotFound);
    }
    write(&mut transaction, by, number, "cc_removed", &found.name).await?;
    transaction.commit().await?;
    Ok(Ok(()))
}

/// Gives the placeholder who asked an address, or another one, by which public replies reach it
/// from then on.
///
/// # Errors
/// [`EditError::NotFound`] where whoever asked is no placeholder.
pub async fn give_address(
    pool: &PgPool,
    by: &By,
    number: i64,
    email: &str,
) -> Result<Result<(), NoAddress>, EditError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    let kept = lock(&mut transaction, account, number).await?;
    let agreements = sharing::agreements(&mut transaction, account).await?;
    if !may_be_mailed(email, &agreements) {
        return Ok(Err(NoAddress::Partners));
    }
    let requester = &kept.ticket.requester;
    if !person::give_address(&mut transaction, account, requester, email).await? {
        return Err(EditError::NotFound);
    }
    write(&mut transaction, by, number, "address_given", &kept.requester_name).await?;
    transaction.commit().await?;
    Ok(Ok(()))
}
