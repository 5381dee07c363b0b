//! Files of comments that were written here: kept as long as their comment names them.

use files::rules::capability::Capability;
use files::rules::link::AttachedFile;
use serde_json::Value;
use sqlx::PgConnection;
use url::Url;

use super::comment::Comment;

fn capability(file: &Value) -> Option<Capability> {
    let url = Url::parse(file["url"].as_str()?).ok()?;
    Capability::of_path(url.path())
}

/// Those of these files that are still kept for the account.
///
/// # Errors
/// The database.
pub async fn there(
    connection: &mut PgConnection,
    account: &str,
    attachments: Vec<Value>,
) -> sqlx::Result<Vec<Value>> {
    let hash = |file: &Value| capability(file).map(|it| it.hash().to_vec());
    let hashes: Vec<Vec<u8>> = attachments.iter().filter_map(hash).collect();
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let kept = files::store::own_of_capabilities(connection, account, &hashes).await?;
    let is_kept = |file: &Value| hash(file).is_some_and(|hash| kept.iter().any(|it| it.0 == hash));
    Ok(attachments.into_iter().filter(is_kept).collect())
}

/// Keeps the files that own comments name: nothing else of the account may go unlinked.
///
/// # Errors
/// The database.
pub async fn link(
    connection: &mut PgConnection,
    account: &str,
    comments: &[&Comment],
) -> sqlx::Result<()> {
    let own = comments.iter().filter(|comment| comment.received_from.is_none());
    let files = own.flat_map(|comment| comment.attachments.iter().map(move |file| (comment, file)));
    let named = files.filter_map(|(comment, file)| {
        Some(AttachedFile {
            capability: capability(file)?,
            comment: comment.id.clone(),
            attachment: file["id"].as_str().unwrap_or_default().to_owned(),
        })
    });
    files::store::link(connection, account, &named.collect::<Vec<_>>()).await
}
