//! A database that has been at work for long: a million shares, ten million comments.

use anyhow::{Context, Result};
use contracts::ids::derive_id;
use contracts::topology::Service;
use local::Database;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::accounts::Accounts;
use crate::board::Board;
use crate::load::Publisher;
use crate::population::{Pair, account, agree, register, share_command, step};
use crate::work::Work;

/// Accounts that share so much. One agreement of each.
pub const SENDERS: usize = 10;
/// Shares of all of them together.
pub const SHARES: u32 = 1_000_000;
/// Comments of each share.
pub const COMMENTS: usize = 10;

/// Their names.
#[must_use]
pub fn senders() -> Vec<String> {
    (0..SENDERS).map(|number| format!("b{number}")).collect()
}

/// Makes the agreements, and one share of each with all its comments, by commands.
///
/// # Errors
/// When not every command is applied in time.
pub async fn seed(publisher: &Publisher, board: &Board) -> Result<()> {
    let pairs: Vec<Pair> = senders()
        .into_iter()
        .enumerate()
        .map(|(number, sender)| Pair { sender, receiver: account(number) })
        .collect();
    register(publisher, board, senders(), Accounts::Plain).await?;
    agree(publisher, board, &pairs).await?;
    let seed_of = |sender: &String| {
        let comment = |number: usize| Accounts::Plain.comment(&format!("{sender}/{number}"));
        let comments: Vec<Value> = (0..COMMENTS).map(comment).collect();
        share_command(
            sender,
            "seed",
            &derive_id("bench", &["seed", sender]).to_string(),
            Accounts::Plain,
            &comments,
        )
    };
    let shares: Vec<Work> = senders().iter().map(seed_of).collect();
    step(publisher, board, shares).await
}

/// An id of the seed's becomes that of its copy number `n`: ids end in twelve hexadecimal digits.
const OTHER: &str = "create or replace function public.other(id text, n integer) returns text \
    immutable language sql as
    $$ select overlay(id placing lpad(to_hex(n), 12, '0') from length(id) - 11) $$";

/// What one stage keeps of a share, as statements that copy the seeds' rows `$1` times.
fn statements(service: Service) -> Vec<&'static str> {
    let own: &[&str] = match service {
        Service::ShareDispatcher => &[
            "insert into chain select other(chain, n) from hop, generate_series(1, $1) n where \
             sender like 'b_'",
            "insert into share select other(share_id, n), other(share.chain, n), started_at, \
             share.ended_at
             from share join hop using (share_id), generate_series(1, $1) n where sender like 'b_'",
            "insert into ticket select account, ticket_id || '-' || n, other(chain, n), \
             other(copy, n)
             from ticket, generate_series(1, $1) n where ticket_id = 'seed'",
        ],
        Service::CommentSync => &[
            "insert into chain select other(chain, n) from hop, generate_series(1, $1) n where \
             sender like 'b_'",
            "insert into comment select other(comment.chain, n), id, account, content, arrived_at, \
             place,
                 array[other(copies[1], n), other(copies[2], n)]
             from comment join hop using (chain), generate_series(1, $1) n where sender like 'b_'",
        ],
        Service::FieldSync => &[
            "insert into chain select other(hop.chain, n), revision from chain join hop on \
             hop.chain = chain.id,
             generate_series(1, $1) n where sender like 'b_'",
            "insert into field select other(field.chain, n), other(copy, n), field, state
             from field join hop using (chain), generate_series(1, $1) n where sender like 'b_'",
        ],
        Service::Agreement
        | Service::Notifier
        | Service::Gateway
        | Service::Helpdesk
        | Service::NhdBridge
        | Service::Desk(_) => {
            return Vec::new();
        }
    };
    // The hops last: they say what is copied.
    let hops = "insert into hop select other(share_id, n), other(chain, n), agreement_id, sender, \
        receiver, other(near, n),
                    near_ticket || '-' || n, far_ticket, terms, ended
                from hop, generate_series(1, $1) n where sender like 'b_'";
    let journal = "insert into journal select account, entity, message_id || '-' || n, \
        content_hash, message_type, decided_at, output_id,
                     case when account like 'b_' then about || '-' || n else other(about, n) end,
                     command, arrived_at, waits, trace_id, told
                   from journal, generate_series(1, $1) n
                   where (account like 'b_' or command like 'b_/%')
                   and message_type in ('ticket.share.v1', 'transfer.v1')";
    own.iter().copied().chain([hops, journal]).collect()
}

/// Copies the seeds' rows until there are as many shares as there should be.
///
/// # Errors
/// When the database refuses.
pub async fn multiply(database: &Database) -> Result<()> {
    let mut connection =
        PgConnection::connect(&database.url()?).await.context("connecting to the database")?;
    // What is copied keeps the references of what it is copied from.
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut connection).await?;
    sqlx::raw_sql(OTHER).execute(&mut connection).await?;
    let times = i32::try_from(SHARES)? / i32::try_from(SENDERS)? - 1;
    for service in Service::ALL {
        let path = format!("set search_path = {}, public", Database::schema(service));
        sqlx::raw_sql(sqlx::AssertSqlSafe(path)).execute(&mut connection).await?;
        for statement in statements(service) {
            sqlx::query(statement)
                .bind(times)
                .execute(&mut connection)
                .await
                .with_context(|| statement.to_owned())?;
        }
    }
    // Otherwise the database would do it while others are measured.
    sqlx::raw_sql("vacuum (analyze)").execute(&mut connection).await?;
    sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
    Ok(connection.close().await?)
}
