//! Which recovery of the deployment was the last, in the service's own schema: what is decided
//! after it gets other ids and higher numbers than what was forgotten.

use contracts::Epoch;
use sqlx::PgConnection;

/// The epoch that is held.
///
/// # Errors
/// What the database says.
pub async fn held(connection: &mut PgConnection) -> sqlx::Result<Epoch> {
    let held: Option<i16> =
        sqlx::query_scalar("select epoch from epoch").fetch_optional(connection).await?;
    held.map_or_else(|| Ok(Epoch::default()), read)
}

/// Keeps one that is later than what is held.
///
/// # Errors
/// What the database says.
pub async fn learn(connection: &mut PgConnection, epoch: Epoch) -> sqlx::Result<()> {
    if epoch == Epoch::default() {
        return Ok(());
    }
    sqlx::query(
        "insert into epoch (epoch) values ($1) on conflict (singleton) do update
             set epoch = excluded.epoch where epoch.epoch < excluded.epoch",
    )
    .bind(i16::try_from(epoch.number()).unwrap_or(i16::MAX))
    .execute(connection)
    .await
    .map(drop)
}

/// Reads one as a column has it.
///
/// # Errors
/// A number that is none.
pub fn read(column: i16) -> sqlx::Result<Epoch> {
    u16::try_from(column)
        .ok()
        .and_then(|number| Epoch::new(number).ok())
        .ok_or_else(|| sqlx::Error::Decode(format!("{column} is no epoch").into()))
}
