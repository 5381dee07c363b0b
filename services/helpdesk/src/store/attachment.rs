//! Files of comments that were written here: kept as long as their comment names them.

use files::rules::capability::Capability;
use files::rules::link::Named;
use sqlx::PgConnection;
use url::Url;

use super::comment::Comment;

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
        let url = Url::parse(file["url"].as_str()?).ok()?;
        Some(Named {
            capability: Capability::of_path(url.path())?,
            comment: comment.id.clone(),
            attachment: file["id"].as_str().unwrap_or_default().to_owned(),
        })
    });
    files::store::link(connection, account, &named.collect::<Vec<_>>()).await
}
