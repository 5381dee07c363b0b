//! Rows ↔ state.

mod listed;
mod live;
mod related;

use std::collections::{BTreeMap, BTreeSet};

use contracts::{AccountName, AgreementId, ChainId, CopyId, ShareId, TicketId};
use messaging::{DecideError, ReceivedMessage};
use sqlx::{FromRow, PgConnection};

use self::listed::Asked;
use self::live::Live;
pub(crate) use self::related::related;
use crate::inbound::Inbound;
use crate::rules::{Keys, NewRow, Place, State};

/// What a batch names, before anything is known of it.
#[derive(Debug, Default)]
struct Named {
    accounts: BTreeSet<AccountName>,
    agreements: BTreeSet<AgreementId>,
    shares: BTreeSet<ShareId>,
    tickets: BTreeSet<(AccountName, TicketId)>,
    /// Pages of an account's shares.
    lists: Vec<Asked>,
    /// Pages of all live shares.
    recovered: Vec<Live>,
    /// Tickets that a share may make the first copy of a new chain.
    may_start: BTreeSet<(AccountName, TicketId)>,
}

impl Named {
    fn by(keys: &Keys, batch: &[&ReceivedMessage<Inbound>]) -> Self {
        let mut named = Self::default();
        for received in batch {
            let Ok(account) = AccountName::new(received.account.as_str()) else { continue };
            let ticket = |id: &TicketId| (account.clone(), id.clone());
            match &received.message {
                Inbound::Fact(_) => continue,
                Inbound::Share(share, _) => {
                    named.agreements.insert(share.agreement_id.clone());
                    named.tickets.insert(ticket(&share.ticket.id));
                    named.shares.insert(
                        share
                            .share_id
                            .clone()
                            .unwrap_or_else(|| keys.share_id(&account, &received.message_id)),
                    );
                    named.shares.extend(share.ticket.copy_of.clone());
                    // A chain is made by what is done, and not by what is tried out.
                    if share.ticket.copy_of.is_none() && !share.dry_run {
                        named.may_start.insert(ticket(&share.ticket.id));
                    }
                }
                Inbound::Update(update, _) => {
                    named.tickets.extend(update.ticket_id.as_ref().map(ticket));
                    named.shares.extend(update.share_id.clone());
                }
                Inbound::Bind(bind) => {
                    named.tickets.insert(ticket(&bind.ticket_id));
                    named.shares.insert(bind.share_id.clone());
                }
                Inbound::Unshare(unshare) => {
                    named.tickets.extend(unshare.ticket_id.as_ref().map(ticket));
                    named.shares.extend(unshare.share_id.clone());
                }
                Inbound::Redact(redact) => {
                    named.tickets.extend(redact.ticket_id.as_ref().map(ticket));
                    named.shares.extend(redact.share_id.clone());
                }
                Inbound::Resync(resync) => {
                    named.shares.insert(resync.share_id.clone());
                }
                Inbound::List(list) => {
                    named.agreements.extend(list.agreement_id.clone());
                    named.lists.push(Asked::by(&account, &received.message_id, list));
                }
                Inbound::Recover(recover) => {
                    named.recovered.push(Live::after(&account, &received.message_id, recover));
                }
            }
            named.accounts.insert(account);
        }
        named
    }
}

/// Locks the chains of a batch and loads all that it is decided by.
///
/// Tickets and shares are looked up before the lock: where a row stands never changes. One that
/// appears meanwhile makes this batch's insert of the same row fail, and the batch runs again.
pub async fn load(
    connection: &mut PgConnection,
    keys: &Keys,
    batch: &[&ReceivedMessage<Inbound>],
) -> Result<State, DecideError> {
    let named = Named::by(keys, batch);
    if named.accounts.is_empty() {
        return Ok(State::default());
    }
    let (recovered, recovered_in) = live::load(connection, &named.recovered).await?;
    let tickets = load_tickets(connection, &named.tickets).await?;
    let mut shares = load_shares(connection, &named.shares).await?;
    shares.extend(recovered_in);
    let mut ids: BTreeSet<ChainId> =
        tickets.values().map(|place| place.chain.clone()).chain(shares.values().cloned()).collect();
    let starting = named.may_start.iter().filter(|ticket| !tickets.contains_key(ticket));
    ids.extend(
        starting
            .map(|(account, ticket)| ChainId::starting_with(&CopyId::original(account, ticket))),
    );
    line::hops::lock(connection, &ids).await?;
    let chains = line::hops::load(connection, &ids).await?;
    let mut listed = listed::load(connection, &named.lists).await?;
    listed.extend(recovered);
    let listed_hops = || listed.values().flatten().map(|share| &share.hop);
    let told = chains
        .values()
        .flat_map(line::Chain::agreements)
        .chain(listed_hops().map(|hop| &hop.agreement_id));
    let agreements: BTreeSet<AgreementId> = told.cloned().chain(named.agreements).collect();
    let partners = listed_hops().flat_map(|hop| [hop.sender.clone(), hop.receiver.clone()]);
    let accounts: BTreeSet<AccountName> = named.accounts.into_iter().chain(partners).collect();
    Ok(State {
        accounts: line::facts::accounts(connection, &accounts).await?,
        agreements: line::facts::agreements(connection, &agreements).await?,
        chains,
        tickets,
        shares,
        listed,
        ended: BTreeMap::new(),
        next_arrival: clock(connection).await?,
    })
}

/// Microseconds by the database's clock, which all replicas share.
async fn clock(connection: &mut PgConnection) -> sqlx::Result<u64> {
    let query = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";
    let now: i64 = sqlx::query_scalar(query).fetch_one(connection).await?;
    Ok(u64::try_from(now).unwrap_or_default())
}

#[derive(FromRow)]
struct TicketRow {
    account: String,
    ticket_id: String,
    chain: String,
    copy: String,
}

async fn load_tickets(
    connection: &mut PgConnection,
    tickets: &BTreeSet<(AccountName, TicketId)>,
) -> Result<BTreeMap<(AccountName, TicketId), Place>, DecideError> {
    let rows: Vec<TicketRow> = sqlx::query_as(
        "select account, ticket_id, chain, copy
         from unnest($1::text[], $2::text[]) as named (account, ticket_id)
         join ticket using (account, ticket_id)",
    )
    .bind(tickets.iter().map(|(account, _)| account.to_string()).collect::<Vec<_>>())
    .bind(tickets.iter().map(|(_, ticket)| ticket.to_string()).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let read = |row: TicketRow| {
        let key = (AccountName::new(row.account)?, TicketId::new(row.ticket_id)?);
        Ok((key, Place { chain: ChainId::new(row.chain)?, copy: CopyId::new(row.copy)? }))
    };
    rows.into_iter()
        .map(read)
        .collect::<Result<_, contracts::ids::InvalidId>>()
        .map_err(|error| stored("ticket", &error))
}

async fn load_shares(
    connection: &mut PgConnection,
    shares: &BTreeSet<ShareId>,
) -> Result<BTreeMap<ShareId, ChainId>, DecideError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("select share_id, chain from share where share_id = any($1)")
            .bind(shares.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
    let read = |(share, chain): (String, String)| Ok((ShareId::new(share)?, ChainId::new(chain)?));
    rows.into_iter()
        .map(read)
        .collect::<Result<_, contracts::ids::InvalidId>>()
        .map_err(|error| stored("share", &error))
}

fn stored(table: &'static str, error: &contracts::ids::InvalidId) -> DecideError {
    DecideError::Stored { table, detail: error.to_string() }
}

/// Saves what changed. New shares and tickets are plain inserts: whoever loses a race for one runs
/// again.
pub async fn save(
    connection: &mut PgConnection,
    state: &State,
    changes: &[NewRow],
) -> Result<(), DecideError> {
    let mut started: Vec<(&ShareId, &ChainId, _)> = Vec::new();
    let mut placed: Vec<(&AccountName, &TicketId, &Place)> = Vec::new();
    let mut ended: Vec<(&ShareId, _)> = Vec::new();
    for change in changes {
        match change {
            NewRow::Started { share, chain, at } => started.push((share, chain, at.utc())),
            NewRow::Ended { share, at } => ended.push((share, at.utc())),
            NewRow::Placed { account, ticket, place } => placed.push((account, ticket, place)),
        }
    }
    started.sort();
    placed.sort_by_key(|(account, ticket, _)| (*account, *ticket));
    if !started.is_empty() {
        sqlx::query(
            "insert into share (share_id, chain, started_at) select * from unnest($1::text[], \
             $2::text[], $3::timestamptz[])",
        )
        .bind(started.iter().map(|(share, _, _)| share.to_string()).collect::<Vec<_>>())
        .bind(started.iter().map(|(_, chain, _)| chain.to_string()).collect::<Vec<_>>())
        .bind(started.iter().map(|(_, _, at)| *at).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if !placed.is_empty() {
        sqlx::query(
            "insert into ticket (account, ticket_id, chain, copy) select * from \
            unnest($1::text[], $2::text[], $3::text[], $4::text[])",
        )
        .bind(placed.iter().map(|(account, _, _)| account.to_string()).collect::<Vec<_>>())
        .bind(placed.iter().map(|(_, ticket, _)| ticket.to_string()).collect::<Vec<_>>())
        .bind(placed.iter().map(|(_, _, place)| place.chain.to_string()).collect::<Vec<_>>())
        .bind(placed.iter().map(|(_, _, place)| place.copy.to_string()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if !ended.is_empty() {
        sqlx::query(
            "update share set ended_at = ended.at from unnest($1::text[], $2::timestamptz[]) as \
             ended (share_id, at)
             where share.share_id = ended.share_id",
        )
        .bind(ended.iter().map(|(share, _)| share.to_string()).collect::<Vec<_>>())
        .bind(ended.iter().map(|(_, at)| *at).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    line::hops::save(connection, &state.chains).await?;
    Ok(())
}
