//! Fields that an account keeps of people and organisations, which never leave.

use sqlx::PgConnection;

/// Whose field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldOf {
    /// Of whoever asks.
    Person,
    /// Of whom they belong to.
    Organisation,
}

impl FieldOf {
    /// As rows and forms have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
        }
    }

    /// The one of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Person, Self::Organisation].into_iter().find(|it| it.word() == word)
    }
}

/// A field: text.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OwnField {
    /// Its key.
    pub key: String,
    /// What it is called.
    pub title: String,
}

/// The fields, in their order.
///
/// # Errors
/// The database.
pub async fn list(
    connection: &mut PgConnection,
    account: &str,
    about: FieldOf,
) -> sqlx::Result<Vec<OwnField>> {
    sqlx::query_as(
        "select key, title from own_field where account = $1 and about = $2 order by position, key",
    )
    .bind(account)
    .bind(about.word())
    .fetch_all(connection)
    .await
}

/// Adds one; whether there was none of this key, and not too many.
///
/// # Errors
/// The database.
pub async fn add(
    connection: &mut PgConnection,
    account: &str,
    about: FieldOf,
    field: &OwnField,
    most: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "insert into own_field (account, about, key, title, position)
         select $1, $2, $3, $4, coalesce(max(position), 0) + 1 from own_field
         where account = $1 and about = $2 having count(*) < $5
         on conflict do nothing",
    )
    .bind(account)
    .bind(about.word())
    .bind(&field.key)
    .bind(&field.title)
    .bind(most)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes one away; what was kept in it stays, unseen. Whether there was one.
///
/// # Errors
/// The database.
pub async fn delete(
    connection: &mut PgConnection,
    account: &str,
    about: FieldOf,
    key: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query("delete from own_field where account = $1 and about = $2 and key = $3")
        .bind(account)
        .bind(about.word())
        .bind(key)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}
