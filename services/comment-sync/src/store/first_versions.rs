//! Table `comment_first_version`.

use std::collections::BTreeSet;

use contracts::ids::InvalidId;
use contracts::{AccountName, ChainId, CommentId};
use messaging::DecideError;
use sqlx::{FromRow, PgConnection};

use crate::rules::{ContentHash, FirstVersion, FirstVersions, VersionKey};

const TABLE: &str = "comment_first_version";

#[derive(FromRow)]
struct Row {
    id: String,
    chain: String,
    account: String,
    content_hash: Vec<u8>,
}

impl Row {
    fn read(self) -> Result<(VersionKey, FirstVersion), DecideError> {
        let stored =
            |error: InvalidId| DecideError::Stored { table: TABLE, detail: error.to_string() };
        let key =
            (CommentId::new(self.id).map_err(stored)?, ChainId::new(self.chain).map_err(stored)?);
        let content_hash =
            ContentHash::stored(&self.content_hash).ok_or_else(|| DecideError::Stored {
                table: TABLE,
                detail: format!("{} has no hash of 32 bytes", key.0),
            })?;
        let account = AccountName::new(self.account).map_err(stored)?;
        Ok((key, FirstVersion { account, content_hash }))
    }
}

/// Loads what was said under these ids, on whichever ticket.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &BTreeSet<CommentId>,
) -> Result<FirstVersions, DecideError> {
    if ids.is_empty() {
        return Ok(FirstVersions::default());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select id, chain, account, content_hash from comment_first_version where id = any($1)",
    )
    .bind(ids.iter().map(ToString::to_string).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let read: Result<Vec<_>, _> = rows.into_iter().map(Row::read).collect();
    read.map(FirstVersions::stored)
}

/// Saves what changed. The chains are locked, so nobody else writes their rows.
pub(crate) async fn save(connection: &mut PgConnection, said: &FirstVersions) -> sqlx::Result<()> {
    let (kept, forgotten): (Vec<_>, Vec<_>) =
        said.changed().partition(|(_, version)| version.is_some());
    if !forgotten.is_empty() {
        sqlx::query(
            "delete from comment_first_version
             using unnest($1::text[], $2::text[]) as forgotten (id, chain)
             where comment_first_version.id = forgotten.id
             and comment_first_version.chain = forgotten.chain",
        )
        .bind(forgotten.iter().map(|((id, _), _)| id.to_string()).collect::<Vec<_>>())
        .bind(forgotten.iter().map(|((_, chain), _)| chain.to_string()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    let kept: Vec<(&VersionKey, &FirstVersion)> = kept
        .into_iter()
        .filter_map(|(key, version)| version.map(|version| (key, version)))
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into comment_first_version (id, chain, account, content_hash)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
         on conflict (id, chain) do nothing",
    )
    .bind(kept.iter().map(|((id, _), _)| id.to_string()).collect::<Vec<_>>())
    .bind(kept.iter().map(|((_, chain), _)| chain.to_string()).collect::<Vec<_>>())
    .bind(kept.iter().map(|(_, version)| version.account.to_string()).collect::<Vec<_>>())
    .bind(kept.iter().map(|(_, version)| version.content_hash.bytes()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
