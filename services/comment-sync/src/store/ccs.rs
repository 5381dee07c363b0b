//! Table `cc_list`.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{ChainId, CopyId};
use messaging::DecideError;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::stored;
use crate::rules::{CcList, CcLists};

/// Loads the CC lists of chains.
pub(crate) async fn load(
    connection: &mut PgConnection,
    chains: &BTreeSet<ChainId>,
) -> Result<BTreeMap<ChainId, CcLists>, DecideError> {
    let rows: Vec<(String, String, Json<CcList>)> =
        sqlx::query_as("select chain, copy, list from cc_list where chain = any($1)")
            .bind(chains.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
    let error = stored("cc_list");
    let mut lists: BTreeMap<ChainId, Vec<(CopyId, CcList)>> = BTreeMap::new();
    for (chain, copy, list) in rows {
        let chain = ChainId::new(chain).map_err(&error)?;
        lists.entry(chain).or_default().push((CopyId::new(copy).map_err(&error)?, list.0));
    }
    Ok(lists.into_iter().map(|(chain, lists)| (chain, CcLists::stored(lists))).collect())
}

/// Saves lists that were told. The chains are locked, so nobody else writes their rows.
pub(crate) async fn save(
    connection: &mut PgConnection,
    chains: &BTreeMap<ChainId, CcLists>,
) -> sqlx::Result<()> {
    let changed: Vec<(&ChainId, &CopyId, &CcList)> = chains
        .iter()
        .flat_map(|(chain, lists)| lists.changed().map(move |(copy, list)| (chain, copy, list)))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into cc_list (chain, copy, list) select * from unnest($1::text[], $2::text[], \
         $3::jsonb[])
         on conflict (chain, copy) do update set list = excluded.list",
    )
    .bind(changed.iter().map(|(chain, ..)| chain.to_string()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, copy, _)| copy.to_string()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(.., list)| Json(*list)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
