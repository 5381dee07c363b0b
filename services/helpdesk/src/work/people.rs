//! What agents do to whoever asks. Placeholders stay as they are.

use std::collections::BTreeMap;

use sqlx::PgPool;
use uuid::Uuid;

use crate::store::known_person::{self, KnownPerson};
use crate::store::{asked, organisation};

/// Why somebody stays as they are.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// There is nobody of this account.
    #[error("there is no such person")]
    NotFound,
    /// A placeholder is changed, deleted and merged by nobody.
    #[error("a placeholder stays as it is")]
    Placeholder,
}

/// What an agent changes of somebody. What is not given stays.
#[derive(Clone, Debug, Default)]
pub struct PersonEdit {
    /// How they are called.
    pub name: Option<String>,
    /// Whom they belong to, if to anybody.
    pub organisation: Option<Option<Uuid>>,
    /// What is kept of them.
    pub fields: BTreeMap<String, String>,
}

async fn own(
    connection: &mut sqlx::PgConnection,
    account: &str,
    id: &str,
) -> Result<KnownPerson, PersonError> {
    let found = known_person::lock(connection, account, id).await?;
    let found = found.ok_or(PersonError::NotFound)?;
    if found.partner.is_some() {
        return Err(PersonError::Placeholder);
    }
    Ok(found)
}

/// Saves what is kept of somebody; nothing of it leaves the account.
///
/// # Errors
/// See [`PersonError`].
pub async fn save(
    pool: &PgPool,
    account: &str,
    id: &str,
    edit: PersonEdit,
) -> Result<(), PersonError> {
    let mut transaction = pool.begin().await?;
    let mut person = own(&mut transaction, account, id).await?;
    if let Some(organisation) = edit.organisation.flatten() {
        let known = organisation::find(&mut transaction, account, organisation).await?;
        known.ok_or(PersonError::NotFound)?;
    }
    person.name = edit.name.unwrap_or(person.name);
    person.organisation = edit.organisation.unwrap_or(person.organisation);
    person.fields.extend(edit.fields);
    known_person::save(&mut transaction, account, &person).await?;
    Ok(transaction.commit().await?)
}

/// Takes somebody's name and address away, wherever they are kept; `called` is shown instead.
///
/// # Errors
/// See [`PersonError`].
pub async fn delete(
    pool: &PgPool,
    account: &str,
    id: &str,
    called: &str,
) -> Result<(), PersonError> {
    let mut transaction = pool.begin().await?;
    let person = own(&mut transaction, account, id).await?;
    known_person::delete(&mut transaction, account, id, called).await?;
    if let Some(email) = &person.email {
        asked::forget(&mut transaction, account, email).await?;
    }
    Ok(transaction.commit().await?)
}

/// Makes one person of two: the tickets, what was written and what is to be mailed go to the one of
/// this address, whose id it gives.
///
/// # Errors
/// See [`PersonError`].
pub async fn merge(
    pool: &PgPool,
    account: &str,
    id: &str,
    (into, called): (&str, &str),
) -> Result<String, PersonError> {
    let mut transaction = pool.begin().await?;
    own(&mut transaction, account, id).await?;
    let target = known_person::lock_by_address(&mut transaction, account, into).await?;
    let target = target.filter(|it| it.id != id).ok_or(PersonError::NotFound)?;
    known_person::hand_over(&mut transaction, account, id, &target).await?;
    known_person::delete(&mut transaction, account, id, called).await?;
    transaction.commit().await?;
    Ok(target.id)
}
