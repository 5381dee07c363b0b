//! An account whose desk does not read: its queue is full, and its deliveries wait.

use anyhow::{Result, ensure};
use contracts::ids::derive_id;
use contracts::topology::Service;
use local::{Database, Installation};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::spawn_blocking;

use crate::accounts::Accounts;
use crate::board::Board;
use crate::load::Publisher;
use crate::population::{Pair, actor, agree, make_desks, register, share_command, step};
use crate::work::{Work, occurs};

/// Who shares with it, and reads.
pub const SENDER: &str = "w1";
const RECEIVER: &str = "w0";
/// Deliveries that wait.
pub const DELIVERIES: usize = 100_000;
/// Deliveries that its queue holds.
const LENGTH: usize = 10;

/// Makes the queue that is soon full.
///
/// # Errors
/// When the broker refuses.
pub async fn make_small_queue(installation: &Installation) -> Result<()> {
    let limits = [("x-max-length", json!(LENGTH)), ("x-overflow", json!("reject-publish"))];
    make_desks(installation, vec![RECEIVER.to_owned()], &limits).await?;
    let installation = installation.clone();
    // Its receipts are read at the other's queue.
    let bind = spawn_blocking(move || {
        let (queue, key) = (format!("desk.{SENDER}"), format!("{RECEIVER}.command.receipt"));
        installation.broker().bind(installation.vhost(), "desk", &queue, &key)
    });
    Ok(bind.await??)
}

/// Shares a ticket with the account and updates it until as many deliveries wait.
///
/// # Errors
/// When not every command is applied in time.
pub async fn fill(publisher: &Publisher, board: &Board) -> Result<()> {
    register(publisher, board, vec![RECEIVER.to_owned(), SENDER.to_owned()], Accounts::Plain)
        .await?;
    agree(publisher, board, &[Pair { sender: SENDER.to_owned(), receiver: RECEIVER.to_owned() }])
        .await?;
    let tickets = 100;
    let share = |ticket: usize| derive_id("bench", &["waiting", &ticket.to_string()]).to_string();
    let shares = (0..tickets).map(|ticket| {
        share_command(SENDER, &format!("w-{ticket}"), &share(ticket), Accounts::Plain, &[])
    });
    step(publisher, board, shares.collect()).await?;
    let update = |number: usize| {
        let content = json!({
            "ticket_id": format!("w-{}", number % tickets), "share_id": share(number % tickets),
            "actor": actor("agent"),
            "occurred_at": occurs(number),
            "comments": [Accounts::Plain.comment(&format!("{SENDER}/{number}"))],
        });
        Work::other(SENDER, "ticket.update.v1", &content)
    };
    let updates: Vec<Work> = (0..DELIVERIES + LENGTH).map(update).collect();
    for some in updates.chunks(5_000) {
        step(publisher, board, some.to_vec()).await?;
    }
    Ok(())
}

/// Looks whether as many wait.
///
/// # Errors
/// When they do not, or the database refuses.
pub async fn check(database: &Database) -> Result<()> {
    let mut connection = PgConnection::connect(&database.url()?).await?;
    let query =
        format!("select count(*) from {}.undelivered", Database::schema(Service::CommentSync));
    let waiting: i64 = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await?;
    ensure!(usize::try_from(waiting)? >= DELIVERIES, "{waiting} deliveries wait, not {DELIVERIES}");
    sqlx::raw_sql("vacuum (analyze)").execute(&mut connection).await?;
    Ok(connection.close().await?)
}
