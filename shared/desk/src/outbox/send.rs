//! The loop that sends what is due: new commands at once, and those without a receipt again after
//! ten minutes, as the contract tells a desk to.

use std::time::{Duration, Instant};

use contracts::AccountName;
use messaging::{Command, CommandSender, cause, timeout};
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Commands that go out together, at most.
const BATCH: i64 = 100;
/// Bytes of them, at most, unless one has more.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How often is looked for what is due, when nobody says that there is something new.
const LOOK: Duration = Duration::from_secs(1);
/// How long a broker that is away is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// How the outbox is sent.
#[derive(Clone, Copy, Debug)]
pub struct OutboxSettings {
    /// After so long a command without a receipt is sent again.
    pub again_after: Duration,
    /// How long the database may take to answer.
    pub answer_timeout: Duration,
}

/// How often is told how long the oldest command waits.
const TELL: Duration = Duration::from_secs(15);

/// Sends until it is told to stop. `new` is notified when there is something new; several replicas
/// share the work.
///
/// # Errors
/// None today: whatever fails is tried again.
pub async fn run(
    pool: PgPool,
    mut sender: CommandSender,
    settings: OutboxSettings,
    new: std::sync::Arc<Notify>,
    stop: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let mut told = None::<Instant>;
    while !stop.is_cancelled() {
        if told.is_none_or(|at| at.elapsed() >= TELL) {
            tell_oldest(&pool, settings.answer_timeout).await;
            told = Some(Instant::now());
        }
        let pause = match turn(&pool, &mut sender, settings).await {
            Ok(0) => LOOK,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(cause = error, "commands could not be sent; they wait");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = new.notified(), if pause == LOOK => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    sender.close().await;
    Ok(())
}

/// Tells how long the oldest command that is not held has had no receipt. Every replica tells the
/// same number; of a database that does not answer, the last one stands.
async fn tell_oldest(pool: &PgPool, answer_timeout: Duration) {
    let oldest = sqlx::query_scalar(
        "select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from desk_outbox
         where due_at < 'infinity'",
    );
    if let Ok(seconds) = timeout::database(answer_timeout, oldest.fetch_one(pool)).await {
        let seconds: f64 = seconds;
        metrics::gauge!("deskmesh_outbox_oldest_seconds").set(seconds.max(0.0));
    }
}

/// Sends what is due, as much as goes at once; returns how much that was. The rows are locked
/// meanwhile, so that no replica sends them at the same time.
async fn turn(
    pool: &PgPool,
    sender: &mut CommandSender,
    settings: OutboxSettings,
) -> Result<usize, String> {
    let database = |error: sqlx::Error| cause(&error);
    let mut transaction =
        timeout::database(settings.answer_timeout, pool.begin()).await.map_err(database)?;
    let (numbers, commands): (Vec<i64>, Vec<Command>) =
        timeout::database(settings.answer_timeout, due(&mut transaction))
            .await
            .map_err(database)?
            .into_iter()
            .unzip();
    if commands.is_empty() {
        return Ok(0);
    }
    let refused = sender.send(&commands).await.map_err(|error| cause(&error))?;
    let waits: Vec<i64> = commands
        .iter()
        .map(|command| {
            let wait =
                if refused.contains(&command.message_id) { PAUSE } else { settings.again_after };
            i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
        })
        .collect();
    timeout::database(settings.answer_timeout, sent(&mut transaction, &numbers, &waits))
        .await
        .map_err(database)?;
    timeout::database(settings.answer_timeout, transaction.commit()).await.map_err(database)?;
    Ok(commands.len())
}

/// What is about one ticket goes in its order: an answer that overtook the share it belongs to
/// would be refused. What is to be blanked waits for nothing.
const DUE: &str = "
    select number, account, key, type, body, attempts from desk_outbox due
    where due_at <= now() and (type = 'ticket.redact.v1' or not exists (
        select from desk_outbox held
        where held.due_at = 'infinity' and held.account = due.account and held.number < due.number
            and (held.share_id = due.share_id or exists (
                select from desk_ticket own where own.account = due.account
                    and (own.number = held.ticket or own.id = (select ticket from desk_share
                        where account = held.account and share_id = held.share_id))
                    and (own.number = due.ticket or own.id = (select ticket from desk_share
                        where account = due.account and share_id = due.share_id))))))
    order by due_at, number limit $1 for update of due skip locked";

async fn due(connection: &mut PgConnection) -> sqlx::Result<Vec<(i64, Command)>> {
    let rows: Vec<(i64, String, String, String, String, i32)> =
        sqlx::query_as(DUE).bind(BATCH).fetch_all(connection).await?;
    let mut bytes = 0;
    let mut commands = Vec::with_capacity(rows.len());
    for (number, account, message_id, message_type, body, attempts) in rows {
        bytes += body.len();
        if bytes > BATCH_BYTES && !commands.is_empty() {
            break;
        }
        let account =
            AccountName::new(account).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let attempt = usize::try_from(attempts).unwrap_or_default() + 1;
        let body = body.into_bytes();
        commands.push((number, Command { account, message_id, message_type, body, attempt }));
    }
    Ok(commands)
}

async fn sent(connection: &mut PgConnection, numbers: &[i64], waits: &[i64]) -> sqlx::Result<()> {
    sqlx::query(
        "update desk_outbox set attempts = attempts + 1, sent_at = now(),
             due_at = now() + make_interval(secs => wait / 1000.0)
         from unnest($1::bigint[], $2::bigint[]) sent (number, wait)
         where desk_outbox.number = sent.number and receipt is null",
    )
    .bind(numbers)
    .bind(waits)
    .execute(connection)
    .await
    .map(drop)
}
