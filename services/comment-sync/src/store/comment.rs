//! Table `comment`.

use std::collections::{BTreeMap, BTreeSet};

use contracts::comment::SharedComment;
use contracts::ids::InvalidId;
use contracts::{AccountName, ChainId, CommentId, CopyId, Timestamp};
use messaging::DecideError;
use sqlx::types::Json;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use crate::rules::{Comments, Cut, KnownComment};

/// Between the ids of copies in one text; no id contains it. An array of arrays cannot be unnested
/// row by row.
const SEPARATOR: &str = " ";

/// Which comments a batch needs.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// All comments of these chains.
    pub chains: BTreeSet<ChainId>,
    /// These comments.
    pub comments: BTreeSet<(ChainId, CommentId)>,
}

/// Loads comments by chain; a chain without any is absent.
pub(crate) async fn load(
    connection: &mut PgConnection,
    wanted: &Wanted,
) -> Result<BTreeMap<ChainId, Comments>, DecideError> {
    let named: Vec<_> =
        wanted.comments.iter().filter(|(chain, _)| !wanted.chains.contains(chain)).collect();
    if wanted.chains.is_empty() && named.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<CommentRow> = sqlx::query_as(
        "select chain, id, account, content, arrived_at, place, copies, without_files, cuts
         from comment where chain = any($1)
         union all
         select chain, id, account, content, arrived_at, place, copies, without_files, cuts
         from comment join unnest($2::text[], $3::text[]) as named (chain, id) using (chain, id)",
    )
    .bind(wanted.chains.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind(named.iter().map(|(chain, _)| chain.to_string()).collect::<Vec<_>>())
    .bind(named.iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let mut chains: BTreeMap<ChainId, Vec<KnownComment>> = BTreeMap::new();
    // Of two spellings of one id, which an earlier release kept apart, the one spelt as it is told
    // counts: it is read last.
    let (odd, spelt): (Vec<_>, Vec<_>) = rows.into_iter().partition(CommentRow::is_spelt_otherwise);
    for row in odd.into_iter().chain(spelt) {
        let (chain, comment) = row
            .read()
            .map_err(|error| DecideError::Stored { table: "comment", detail: error.to_string() })?;
        chains.entry(chain).or_default().push(comment);
    }
    Ok(chains.into_iter().map(|(chain, comments)| (chain, Comments::stored(comments))).collect())
}

/// Saves what changed.
pub(crate) async fn save(
    connection: &mut PgConnection,
    chains: &BTreeMap<ChainId, Comments>,
) -> sqlx::Result<()> {
    insert(&mut *connection, &rows(chains, |comments| comments.added().collect())).await?;
    update(&mut *connection, &rows(chains, |comments| comments.spread().collect())).await?;
    rewrite(connection, &rows(chains, |comments| comments.rewritten().collect())).await
}

type Row<'a> = (&'a ChainId, &'a KnownComment);

fn rows(
    chains: &BTreeMap<ChainId, Comments>,
    which: fn(&Comments) -> Vec<&KnownComment>,
) -> Vec<Row<'_>> {
    chains
        .iter()
        .flat_map(|(chain, comments)| {
            which(comments).into_iter().map(move |comment| (chain, comment))
        })
        .collect()
}

/// Plain: a row that is there already came from a batch that got in between, and the violation has
/// this one run again.
async fn insert(connection: &mut PgConnection, rows: &[Row<'_>]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into comment
           (chain, id, account, content, arrived_at, place, copies, without_files, cuts)
         select chain, id, account, content, arrived_at, place,
           string_to_array(copies, ' '), string_to_array(without_files, ' '), cuts
         from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[],
             $6::bigint[], $7::text[], $8::text[], $9::jsonb[])
           as added (chain, id, account, content, arrived_at, place, copies, without_files, cuts)",
    )
    .bind(text(rows, |(chain, _)| chain.to_string()))
    .bind(text(rows, |(_, comment)| comment.content.id.to_string()))
    .bind(text(rows, |(_, comment)| comment.account.to_string()))
    .bind(rows.iter().map(|(_, comment)| Json(&comment.content)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, comment)| comment.arrived_at.utc()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, comment)| i64::from(comment.place)).collect::<Vec<_>>())
    .bind(text(rows, |(_, comment)| joined(&comment.copies)))
    .bind(text(rows, |(_, comment)| joined(&comment.without_files)))
    .bind(rows.iter().map(|(_, comment)| cuts(comment)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn update(connection: &mut PgConnection, rows: &[Row<'_>]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update comment set copies = string_to_array(spread.copies, ' '),
         without_files = string_to_array(spread.without_files, ' '), cuts = spread.cuts
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[])
           as spread (chain, id, copies, without_files, cuts)
         where comment.chain = spread.chain and comment.id = spread.id",
    )
    .bind(text(rows, |(chain, _)| chain.to_string()))
    .bind(text(rows, |(_, comment)| comment.content.id.to_string()))
    .bind(text(rows, |(_, comment)| joined(&comment.copies)))
    .bind(text(rows, |(_, comment)| joined(&comment.without_files)))
    .bind(rows.iter().map(|(_, comment)| cuts(comment)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn rewrite(connection: &mut PgConnection, rows: &[Row<'_>]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update comment set content = rewritten.content
         from unnest($1::text[], $2::text[], $3::jsonb[]) as rewritten (chain, id, content)
         where comment.chain = rewritten.chain and comment.id = rewritten.id",
    )
    .bind(text(rows, |(chain, _)| chain.to_string()))
    .bind(text(rows, |(_, comment)| comment.content.id.to_string()))
    .bind(rows.iter().map(|(_, comment)| Json(&comment.content)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

fn text(rows: &[Row<'_>], value: fn(&Row<'_>) -> String) -> Vec<String> {
    rows.iter().map(value).collect()
}

fn cuts(comment: &KnownComment) -> Option<Json<&BTreeMap<CopyId, Cut>>> {
    (!comment.cuts.is_empty()).then_some(Json(&comment.cuts))
}

fn joined(copies: &BTreeSet<CopyId>) -> String {
    copies.iter().map(CopyId::as_str).collect::<Vec<_>>().join(SEPARATOR)
}

#[derive(FromRow)]
struct CommentRow {
    chain: String,
    id: String,
    account: String,
    content: Json<SharedComment>,
    arrived_at: DateTime<Utc>,
    place: i64,
    copies: Vec<String>,
    without_files: Vec<String>,
    cuts: Option<Json<BTreeMap<CopyId, Cut>>>,
}

impl CommentRow {
    fn is_spelt_otherwise(&self) -> bool {
        self.id != self.content.0.id.as_str()
    }

    fn read(self) -> Result<(ChainId, KnownComment), InvalidId> {
        let copies = |ids: Vec<String>| -> Result<BTreeSet<CopyId>, InvalidId> {
            ids.into_iter().map(CopyId::new).collect()
        };
        let comment = KnownComment {
            account: AccountName::new(self.account)?,
            content: self.content.0,
            arrived_at: Timestamp::from(self.arrived_at),
            // Written from the same type, so it fits.
            place: u32::try_from(self.place).unwrap_or(u32::MAX),
            copies: copies(self.copies)?,
            without_files: copies(self.without_files)?,
            cuts: self.cuts.map(|cuts| cuts.0).unwrap_or_default(),
        };
        Ok((ChainId::new(self.chain)?, comment))
    }
}
