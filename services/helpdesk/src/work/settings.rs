//! What admins set up, and what of it the line is told.

use contracts::fields::TicketField;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::By;
use super::command::send;
use super::settle::SettleError;
use crate::rules::field::key_of;
use crate::store::{audit, field};

/// Keeps a field, and has the line told all of the account's fields; each stands on its form
///
///
/// # Errors
/// The database.
pub async fn save_field(
    pool: &PgPool,
    by: &By,
    mut wanted: TicketField,
) -> Result<(), SettleError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    if wanted.key.is_empty() {
        let known = field::list(&mut transaction, account).await?;
        let taken: Vec<String> = known.into_iter().map(|field| field.key).collect();
        wanted.key = key_of(&wanted.title, &taken);
    }
    field::save(&mut transaction, account, &wanted).await?;
    let who = &by.actor.name;
    audit::add(&mut transaction, account, who, "audit.field_saved", &wanted.title).await?;
    tell_fields(&mut transaction, by).await?;
    transaction.commit().await?;
    Ok(())
}

/// Takes a field away; whether there was one.
///
/// # Errors
/// The database.
pub async fn delete_field(pool: &PgPool, by: &By, key: &str) -> Result<bool, SettleError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    if !field::delete(&mut transaction, account, key).await? {
        return Ok(false);
    }
    audit::add(&mut transaction, account, &by.actor.name, "audit.field_deleted", key).await?;
    tell_fields(&mut transaction, by).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn tell_fields(connection: &mut PgConnection, by: &By) -> Result<(), SettleError> {
    let fields = field::list(connection, by.account.as_str()).await?;
    let form: Vec<&String> = fields.iter().map(|field| &field.key).collect();
    let content = json!({ "actor": by.actor, "ticket_fields": fields, "default_form": form });
    send(connection, &by.account, "account.update.v1", content).await
}
