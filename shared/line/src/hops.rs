//! Chains and their hops in the database.

use std::collections::{BTreeMap, BTreeSet};

use contracts::sync::Hop;
use contracts::{ChainId, Terms};
use messaging::DecideError;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use crate::Chain;

/// Locks the chains of a batch, in key order, so that two batches never wait for each other in a
/// circle. A chain that is new is made.
///
/// # Errors
/// What the database says.
pub async fn lock(connection: &mut PgConnection, chains: &BTreeSet<ChainId>) -> sqlx::Result<()> {
    let ids: Vec<&str> = chains.iter().map(ChainId::as_str).collect();
    if ids.is_empty() {
        return Ok(());
    }
    if lock_known(connection, &ids).await? == ids.len() {
        return Ok(());
    }
    sqlx::query(
        "insert into chain (id) select id from unnest($1::text[]) as id order by id on \
        conflict do nothing",
    )
    .bind(&ids)
    .execute(&mut *connection)
    .await?;
    lock_known(connection, &ids).await.map(drop)
}

/// Locks those that are there, and says how many.
async fn lock_known(connection: &mut PgConnection, ids: &[&str]) -> sqlx::Result<usize> {
    let query = "select count(*) from (select from chain where id = any($1) order by id for \
        update) as locked";
    let locked: i64 = sqlx::query_scalar(query).bind(ids).fetch_one(connection).await?;
    Ok(usize::try_from(locked).unwrap_or_default())
}

/// Loads chains with all their hops. One without any is there, empty.
///
/// # Errors
/// What the database says, or a row that cannot be read.
pub async fn load(
    connection: &mut PgConnection,
    chains: &BTreeSet<ChainId>,
) -> Result<BTreeMap<ChainId, Chain>, DecideError> {
    let ids: Vec<String> = chains.iter().map(ToString::to_string).collect();
    let rows: Vec<HopRow> = sqlx::query_as(
        "select share_id, chain, agreement_id, sender, receiver, near, near_ticket, far_ticket, \
         terms, ended
         from hop where chain = any($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let mut hops: BTreeMap<ChainId, Vec<(Hop, bool)>> =
        chains.iter().map(|id| (id.clone(), Vec::new())).collect();
    for row in rows {
        let (chain, hop, ended) = row.read()?;
        hops.entry(chain).or_default().push((hop, ended));
    }
    Ok(hops.into_iter().map(|(id, hops)| (id, Chain::stored(hops))).collect())
}

/// Saves what changed.
///
/// # Errors
/// What the database says.
pub async fn save(
    connection: &mut PgConnection,
    chains: &BTreeMap<ChainId, Chain>,
) -> sqlx::Result<()> {
    let mut rows: Vec<(&ChainId, &Hop, bool)> = chains
        .iter()
        .flat_map(|(id, chain)| chain.changed().map(move |(hop, ended)| (id, hop, ended)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|(_, hop, _)| &hop.share_id);
    let text =
        |value: fn(&Hop) -> String| rows.iter().map(|(_, hop, _)| value(hop)).collect::<Vec<_>>();
    sqlx::query(
        "insert into hop (share_id, chain, agreement_id, sender, receiver, near, near_ticket, \
         far_ticket, terms, ended)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
           $6::text[], $7::text[], $8::text[], $9::jsonb[], $10::boolean[])
         on conflict (share_id) do update
           set far_ticket = coalesce(hop.far_ticket, excluded.far_ticket),
             ended = hop.ended or excluded.ended",
    )
    .bind(text(|hop| hop.share_id.to_string()))
    .bind(rows.iter().map(|(chain, _, _)| chain.to_string()).collect::<Vec<_>>())
    .bind(text(|hop| hop.agreement_id.to_string()))
    .bind(text(|hop| hop.sender.to_string()))
    .bind(text(|hop| hop.receiver.to_string()))
    .bind(text(|hop| hop.near.to_string()))
    .bind(text(|hop| hop.near_ticket.to_string()))
    .bind(
        rows.iter()
            .map(|(_, hop, _)| hop.far_ticket.as_ref().map(ToString::to_string))
            .collect::<Vec<_>>(),
    )
    .bind(rows.iter().map(|(_, hop, _)| Json(hop.terms)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, ended)| *ended).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// A row of the table `hop`.
#[derive(Debug, FromRow)]
pub struct HopRow {
    share_id: String,
    chain: String,
    agreement_id: String,
    sender: String,
    receiver: String,
    near: String,
    near_ticket: String,
    far_ticket: Option<String>,
    terms: Json<Terms>,
    ended: bool,
}

impl HopRow {
    /// The chain, the hop, and whether it has ended.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(self) -> Result<(ChainId, Hop, bool), DecideError> {
        use contracts::{AccountName, AgreementId, CopyId, ShareId, TicketId};
        let stored = |error: contracts::ids::InvalidId| DecideError::Stored {
            table: "hop",
            detail: error.to_string(),
        };
        let hop = Hop {
            share_id: ShareId::new(self.share_id).map_err(stored)?,
            agreement_id: AgreementId::new(self.agreement_id).map_err(stored)?,
            sender: AccountName::new(self.sender).map_err(stored)?,
            receiver: AccountName::new(self.receiver).map_err(stored)?,
            near: CopyId::new(self.near).map_err(stored)?,
            near_ticket: TicketId::new(self.near_ticket).map_err(stored)?,
            far_ticket: self.far_ticket.map(TicketId::new).transpose().map_err(stored)?,
            terms: self.terms.0,
        };
        Ok((ChainId::new(self.chain).map_err(stored)?, hop, self.ended))
    }
}
