//! An account's custom fields.

use contracts::fields::{FieldOption, FieldType, TicketField};
use sqlx::PgConnection;
use sqlx::types::Json;

/// An account's fields, in their order.
///
/// # Errors
/// The database.
pub async fn list(connection: &mut PgConnection, account: &str) -> sqlx::Result<Vec<TicketField>> {
    let rows: Vec<(String, String, String, Json<Vec<FieldOption>>)> = sqlx::query_as(
        "select key, title, type, options from ticket_field where account = $1
         order by position, key",
    )
    .bind(account)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(key, title, word, Json(options))| {
            let field_type = FieldType::ALL.into_iter().find(|it| it.name() == word);
            let field_type = field_type.ok_or_else(|| {
                sqlx::Error::Decode(format!("a field has the type {word:?}").into())
            })?;
            let (pattern, pattern_checked) = (None, true);
            Ok(TicketField { key, title, field_type, options, pattern, pattern_checked })
        })
        .collect()
}

/// Keeps a field: a new one comes last, the type of one that is there stays.
///
/// # Errors
/// The database.
pub async fn save(
    connection: &mut PgConnection,
    account: &str,
    field: &TicketField,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into ticket_field (account, key, title, type, options, position)
         values ($1, $2, $3, $4, $5,
             (select coalesce(max(position), 0) + 1 from ticket_field where account = $1))
         on conflict (account, key) do update
         set title = excluded.title, options = excluded.options",
    )
    .bind(account)
    .bind(&field.key)
    .bind(&field.title)
    .bind(field.field_type.name())
    .bind(Json(&field.options))
    .execute(connection)
    .await
    .map(drop)
}

/// Takes a field away; values that tickets have stay with them, unseen.
///
/// # Errors
/// The database.
pub async fn delete(connection: &mut PgConnection, account: &str, key: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("delete from ticket_field where account = $1 and key = $2")
        .bind(account)
        .bind(key)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}
