//! What commands do to files: those that they name are kept, those of a redaction lose their links.

use desk::outbox::{self, Accepted, Request};
use sqlx::PgPool;

use crate::rules::file::link;
use crate::store::file;

/// Keeps a request as the outbox does, and in the same transaction what it says of files of `origin`.
///
/// # Errors
/// The database fails: nothing is kept.
pub async fn accept(pool: &PgPool, request: &Request, origin: &str) -> sqlx::Result<Accepted> {
    let mut transaction = pool.begin().await?;
    let accepted = outbox::accept_within(&mut transaction, request).await?;
    if accepted == Accepted::New {
        let (account, content) = (request.account.as_str(), &request.content);
        let named = link::named(&request.command_type, content, origin);
        file::link(&mut transaction, account, &named).await?;
        if let Some((comment, attachment)) = link::redacted(&request.command_type, content) {
            file::redact(&mut transaction, account, comment, attachment).await?;
        }
        transaction.commit().await?;
    }
    Ok(accepted)
}
