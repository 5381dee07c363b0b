//! What commands do to files: those that they name are kept, those that lie elsewhere are copied
//! before they are sent, those of a redaction lose their links.

use desk::outbox::{self, Accepted, Request};
use sqlx::{PgConnection, PgPool};

use crate::rules::{foreign, link};
use crate::store;

/// Keeps a request as the outbox does, and in the same transaction what it says of files of
/// `origin`.
///
/// # Errors
/// The database fails: nothing is kept.
pub async fn accept(pool: &PgPool, request: &Request, origin: &str) -> sqlx::Result<Accepted> {
    let mut transaction = pool.begin().await?;
    let accepted = outbox::accept_within(&mut transaction, request).await?;
    if accepted == Accepted::New {
        follow(&mut transaction, request, origin).await?;
        transaction.commit().await?;
    }
    Ok(accepted)
}

/// What a request that the outbox took says of files of `origin`, in the caller's transaction.
///
/// # Errors
/// The database fails: the transaction must not be committed.
pub async fn follow(
    connection: &mut PgConnection,
    request: &Request,
    origin: &str,
) -> sqlx::Result<()> {
    let (account, content) = (request.account.as_str(), &request.content);
    let named = link::named(&request.command_type, content, origin);
    store::link(connection, account, &named).await?;
    let elsewhere = foreign::foreign(&request.command_type, content, origin);
    if !elsewhere.is_empty() {
        store::copy::insert(connection, request, &elsewhere).await?;
    }
    if let Some((comment, attachment)) = link::redacted(&request.command_type, content) {
        store::redact(connection, account, comment, attachment).await?;
    }
    Ok(())
}
