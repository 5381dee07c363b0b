//! What admins set up, and what of it the line is told.

use contracts::fields::TicketField;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::By;
use super::command::send;
use super::settle::SettleError;
use crate::rules::custom_status::{self as custom_statuses, CustomStatusChange, NoStatusChange};
use crate::rules::field::key_of;
use crate::store::setting::{self, TicketSettings};
use crate::store::{audit, custom_status, field};

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

/// Changes the account's custom statuses, and has the line told all of them.
///
/// # Errors
/// The database, or why it is not done.
pub async fn change_statuses(
    pool: &PgPool,
    by: &By,
    change: CustomStatusChange,
) -> Result<Result<(), NoStatusChange>, SettleError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    custom_status::lock(&mut transaction, account).await?;
    let known = custom_status::all(&mut transaction, account).await?;
    let statuses = match custom_statuses::changed(known, change) {
        Ok(statuses) => statuses,
        Err(why) => return Ok(Err(why)),
    };
    custom_status::replace(&mut transaction, account, &statuses).await?;
    if statuses.enabled {
        custom_status::settle_tickets(&mut transaction, account).await?;
    }
    let names: Vec<&str> = statuses.statuses.iter().map(|it| it.name.as_str()).collect();
    let (who, what) = (&by.actor.name, "audit.statuses_changed");
    audit::add(&mut transaction, account, who, what, &names.join(", ")).await?;
    let content = json!({ "actor": by.actor, "custom_statuses": statuses });
    send(&mut transaction, &by.account, "account.update.v1", content).await?;
    transaction.commit().await?;
    Ok(Ok(()))
}

/// Keeps what is set for tickets and mails, and has the line told what of it is a partner's matter.
/// CCs are mailed here, never by the line.
///
/// # Errors
/// The database.
pub async fn save_tickets(
    pool: &PgPool,
    by: &By,
    settings: &TicketSettings,
) -> Result<(), SettleError> {
    let account = by.account.as_str();
    let mut transaction = pool.begin().await?;
    setting::save(&mut transaction, account, settings).await?;
    let (who, what) = (&by.actor.name, "audit.tickets_set");
    audit::add(&mut transaction, account, who, what, "").await?;
    let content = json!({
        "actor": by.actor,
        "locale": settings.language,
        "notify_ccs": false,
        "secure_downloads": settings.secure_downloads,
        "support_addresses": settings.support_addresses,
    });
    send(&mut transaction, &by.account, "account.update.v1", content).await?;
    transaction.commit().await?;
    Ok(())
}

async fn tell_fields(connection: &mut PgConnection, by: &By) -> Result<(), SettleError> {
    let fields = field::list(connection, by.account.as_str()).await?;
    let form: Vec<&String> = fields.iter().map(|field| &field.key).collect();
    let content = json!({ "actor": by.actor, "ticket_fields": fields, "default_form": form });
    send(connection, &by.account, "account.update.v1", content).await
}
