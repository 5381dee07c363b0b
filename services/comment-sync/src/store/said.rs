//! Table `comment_said`.

use std::collections::BTreeSet;

use contracts::ids::InvalidId;
use contracts::{AccountName, ChainId, CommentId};
use messaging::DecideError;
use sqlx::{FromRow, PgConnection};

use crate::rules::{Said, SaidKey, Wording, Words};

const TABLE: &str = "comment_said";

#[derive(FromRow)]
struct Row {
    id: String,
    chain: String,
    account: String,
    words: Vec<u8>,
}

impl Row {
    fn read(self) -> Result<(SaidKey, Wording), DecideError> {
        let stored =
            |error: InvalidId| DecideError::Stored { table: TABLE, detail: error.to_string() };
        let key =
            (CommentId::new(self.id).map_err(stored)?, ChainId::new(self.chain).map_err(stored)?);
        let words = Words::stored(&self.words).ok_or_else(|| DecideError::Stored {
            table: TABLE,
            detail: format!("{} has no hash of 32 bytes", key.0),
        })?;
        let account = AccountName::new(self.account).map_err(stored)?;
        Ok((key, Wording { account, words }))
    }
}

/// Loads what was said under these ids, on whichever ticket.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &BTreeSet<CommentId>,
) -> Result<Said, DecideError> {
    if ids.is_empty() {
        return Ok(Said::default());
    }
    let rows: Vec<Row> =
        sqlx::query_as("select id, chain, account, words from comment_said where id = any($1)")
            .bind(ids.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
    let read: Result<Vec<_>, _> = rows.into_iter().map(Row::read).collect();
    read.map(Said::stored)
}

/// Saves what changed. The chains are locked, so nobody else writes their rows.
pub(crate) async fn save(connection: &mut PgConnection, said: &Said) -> sqlx::Result<()> {
    let (kept, forgotten): (Vec<_>, Vec<_>) =
        said.changed().partition(|(_, wording)| wording.is_some());
    if !forgotten.is_empty() {
        sqlx::query(
            "delete from comment_said using unnest($1::text[], $2::text[]) as forgotten (id, chain)
             where comment_said.id = forgotten.id and comment_said.chain = forgotten.chain",
        )
        .bind(forgotten.iter().map(|((id, _), _)| id.to_string()).collect::<Vec<_>>())
        .bind(forgotten.iter().map(|((_, chain), _)| chain.to_string()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    let kept: Vec<(&SaidKey, &Wording)> = kept
        .into_iter()
        .filter_map(|(key, wording)| wording.map(|wording| (key, wording)))
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into comment_said (id, chain, account, words)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
         on conflict (id, chain) do nothing",
    )
    .bind(kept.iter().map(|((id, _), _)| id.to_string()).collect::<Vec<_>>())
    .bind(kept.iter().map(|((_, chain), _)| chain.to_string()).collect::<Vec<_>>())
    .bind(kept.iter().map(|(_, wording)| wording.account.to_string()).collect::<Vec<_>>())
    .bind(kept.iter().map(|(_, wording)| wording.words.bytes()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
