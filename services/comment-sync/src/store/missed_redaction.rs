//! Table `missed_redaction`.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{ChainId, CommentId, CopyId};
use messaging::DecideError;
use sqlx::PgConnection;

use super::comment::Wanted;
use super::stored;
use crate::rules::{Missed, MissedRedactions};

/// Loads what was missed of these comments, and in these chains.
pub(crate) async fn load(
    connection: &mut PgConnection,
    wanted: &Wanted,
    redacted: &BTreeSet<(ChainId, CommentId)>,
) -> Result<BTreeMap<ChainId, MissedRedactions>, DecideError> {
    let named: Vec<_> =
        redacted.iter().filter(|(chain, _)| !wanted.chains.contains(chain)).collect();
    if wanted.chains.is_empty() && named.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, String, String, Option<String>)> = sqlx::query_as(
        "select chain, comment_id, copy, attachment_id from missed_redaction where chain = any($1)
         union all
         select chain, comment_id, copy, attachment_id
         from missed_redaction join unnest($2::text[], $3::text[]) as named (chain, comment_id) \
         using (chain, comment_id)",
    )
    .bind(wanted.chains.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind(named.iter().map(|(chain, _)| chain.to_string()).collect::<Vec<_>>())
    .bind(named.iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let error = stored("missed_redaction");
    let mut chains: BTreeMap<ChainId, Vec<Missed>> = BTreeMap::new();
    for (chain, comment_id, copy, attachment_id) in rows {
        let chain = ChainId::new(chain).map_err(&error)?;
        let comment_id = CommentId::new(comment_id).map_err(&error)?;
        let copy = CopyId::new(copy).map_err(&error)?;
        chains.entry(chain).or_default().push(Missed { copy, comment_id, attachment_id });
    }
    Ok(chains.into_iter().map(|(chain, all)| (chain, MissedRedactions::stored(all))).collect())
}

/// Saves what is missed from now on, and removes what was heard.
pub(crate) async fn save(
    connection: &mut PgConnection,
    chains: &BTreeMap<ChainId, MissedRedactions>,
) -> sqlx::Result<()> {
    let heard = rows(chains, |missed| missed.heard().collect());
    if !heard.is_empty() {
        let query = sqlx::query(
            "delete from missed_redaction as missed
             using unnest($1::text[], $2::text[], $3::text[], $4::text[])
               as heard (chain, comment_id, copy, attachment_id)
             where missed.chain = heard.chain and missed.comment_id = heard.comment_id
             and missed.copy = heard.copy
             and missed.attachment_id is not distinct from heard.attachment_id",
        );
        bind(query, &heard).execute(&mut *connection).await?;
    }
    let added = rows(chains, |missed| missed.added().collect());
    if !added.is_empty() {
        let query = sqlx::query(
            "insert into missed_redaction (chain, comment_id, copy, attachment_id)
             select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
             on conflict do nothing",
        );
        bind(query, &added).execute(connection).await?;
    }
    Ok(())
}

type Row<'a> = (&'a ChainId, &'a Missed);
type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn rows(
    chains: &BTreeMap<ChainId, MissedRedactions>,
    which: fn(&MissedRedactions) -> Vec<&Missed>,
) -> Vec<Row<'_>> {
    let of_chain = |(chain, missed)| which(missed).into_iter().map(move |row| (chain, row));
    chains.iter().flat_map(of_chain).collect()
}

fn bind<'q>(query: Query<'q>, rows: &[Row<'_>]) -> Query<'q> {
    query
        .bind(rows.iter().map(|(chain, _)| chain.to_string()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.comment_id.to_string()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.copy.to_string()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.attachment_id.clone()).collect::<Vec<_>>())
}
