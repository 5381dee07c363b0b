//! Table `redaction`.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{AccountName, ChainId, CommentId};
use messaging::DecideError;
use sqlx::PgConnection;

use super::stored;
use crate::rules::{Mark, Marks};

/// Loads the redactions that wait for these comments.
pub(crate) async fn load(
    connection: &mut PgConnection,
    comments: &BTreeSet<(ChainId, CommentId)>,
) -> Result<BTreeMap<ChainId, Marks>, DecideError> {
    if comments.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, String, String, Option<String>)> = sqlx::query_as(
        "select chain, comment_id, account, attachment_id
         from redaction join unnest($1::text[], $2::text[]) as named (chain, comment_id)
         using (chain, comment_id)",
    )
    .bind(comments.iter().map(|(chain, _)| chain.to_string()).collect::<Vec<_>>())
    .bind(comments.iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let error = stored("redaction");
    let mut chains: BTreeMap<ChainId, Vec<Mark>> = BTreeMap::new();
    for (chain, comment_id, account, attachment_id) in rows {
        let (comment_id, account) = (
            CommentId::new(comment_id).map_err(&error)?,
            AccountName::new(account).map_err(&error)?,
        );
        let chain = ChainId::new(chain).map_err(&error)?;
        chains.entry(chain).or_default().push(Mark { comment_id, account, attachment_id });
    }
    Ok(chains.into_iter().map(|(chain, marks)| (chain, Marks::stored(marks))).collect())
}

/// Saves redactions that wait from now on.
pub(crate) async fn save(
    connection: &mut PgConnection,
    chains: &BTreeMap<ChainId, Marks>,
) -> sqlx::Result<()> {
    let added: Vec<(&ChainId, &Mark)> = chains
        .iter()
        .flat_map(|(chain, marks)| marks.added().map(move |mark| (chain, mark)))
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    // One that is there already was not loaded, because nothing that it waits for is in this batch.
    sqlx::query(
        "insert into redaction (chain, comment_id, account, attachment_id)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
         on conflict do nothing",
    )
    .bind(added.iter().map(|(chain, _)| chain.to_string()).collect::<Vec<_>>())
    .bind(added.iter().map(|(_, mark)| mark.comment_id.to_string()).collect::<Vec<_>>())
    .bind(added.iter().map(|(_, mark)| mark.account.to_string()).collect::<Vec<_>>())
    .bind(added.iter().map(|(_, mark)| mark.attachment_id.clone()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
