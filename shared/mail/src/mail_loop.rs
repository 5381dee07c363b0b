//! The loop that sends what is due.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use contracts::Timestamp;
use messaging::{cause, timeout};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::line::one_line;
use crate::retry::{MailOutcome, Tries, TryOutcome, next};
use crate::server::{Connection, Outage};

/// How many mails are claimed at a time.
const BATCH: usize = 32;
/// How often an idle loop looks for mails that are due.
const IDLE: Duration = Duration::from_millis(200);
/// How long the loop waits after the database failed.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);
/// For how many seconds after a claim a mail of it may be begun; what is left then is given back.
const BEGIN_WITHIN: i64 = 60;

/// What the loop has to know of a mail.
#[derive(Clone, Debug)]
pub struct QueuedMail {
    /// Its row.
    pub id: Uuid,
    /// What caused it, by which logs name it beside its id.
    pub caused_by: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A table of mails.
pub trait MailTable: Send + Sync {
    /// What it holds of one.
    type Row: Send + Sync;

    /// What the loop has to know of it.
    fn queued(row: &Self::Row) -> QueuedMail;

    /// How long one mail may take at most, the connection for it and its end included.
    fn longest(&self) -> Duration;

    /// Takes up to `most` mails that are due at `now`, oldest first, and keeps them from everybody
    /// else until `until`. The claim is a time and not a lock: no transaction stays open while a
    /// mail server is spoken to, and what a process that died had claimed comes back by itself.
    fn claim(
        &self,
        now: Timestamp,
        until: Timestamp,
        most: usize,
    ) -> impl Future<Output = sqlx::Result<Vec<Self::Row>>> + Send;

    /// Hands one over, through the connection that is open or a new one. Leaves a connection open
    /// only after a mail that was taken. It fails when no other mail would fare better.
    fn hand_over(
        &self,
        open: &mut Option<Connection>,
        row: &Self::Row,
    ) -> impl Future<Output = Result<TryOutcome, Outage>> + Send;

    /// Records what became of it after a try that ended at `now`.
    fn record(
        &self,
        id: Uuid,
        next: &MailOutcome,
        now: Timestamp,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Gives claimed ones back untried: they are due at once.
    fn release(
        &self,
        ids: &[Uuid],
        now: Timestamp,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

/// The loop that sends what is due. Many may run, in one process or in several: each row is claimed
/// by one of them.
pub struct MailLoop<Table, Clock> {
    table: Table,
    /// How long the database may take to answer.
    limit: Duration,
    clock: Clock,
}

impl<Table: MailTable, Clock: Fn() -> Timestamp> MailLoop<Table, Clock> {
    /// Makes the loop. What is stored and compared is the time of `clock`; the database may take
    /// `limit` to answer.
    pub fn new(table: Table, limit: Duration, clock: Clock) -> Self {
        Self { table, limit, clock }
    }

    /// Sends until `shutdown` is cancelled. A mail that is being handed over is finished first, the
    /// rest is given back.
    ///
    /// # Errors
    /// None: what fails is tried again.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Infallible> {
        let mut idle = interval(IDLE);
        idle.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        while !shutdown.is_cancelled() {
            match self.pass(&shutdown).await {
                Ok(BATCH) => failing = false,
                Ok(_) => {
                    failing = false;
                    idle.tick().await;
                }
                Err(error) => {
                    // Said once, not every second.
                    if !failing {
                        tracing::warn!(
                            cause = cause(&error),
                            "no mail is sent while the database fails"
                        );
                    }
                    failing = true;
                    sleep(DATABASE_PAUSE).await;
                }
            }
        }
        Ok(())
    }

    /// Claims a batch of what is due, tries each mail once and records what came of it. Returns how
    /// many were claimed.
    ///
    /// # Errors
    /// The database's. Mails that were claimed and not tried are due again when the claim ends.
    pub async fn pass(&self, shutdown: &CancellationToken) -> Result<usize, sqlx::Error> {
        let begun = (self.clock)();
        let last_begin = begun.plus_seconds(BEGIN_WITHIN);
        let longest = i64::try_from(self.table.longest().as_secs()).unwrap_or(i64::MAX);
        let until = last_begin.plus_seconds(longest.saturating_add(1));
        let mut claimed = VecDeque::from(
            timeout::database(self.limit, self.table.claim(begun, until, BATCH)).await?,
        );
        let count = claimed.len();

        let (mut open, mut outage) = (None, None);
        while !shutdown.is_cancelled() && (self.clock)() <= last_begin {
            let Some(mail) = claimed.pop_front() else { break };
            let outcome = match &outage {
                // What does not work for one mail would cost every other one the same wait.
                Some(reason) => TryOutcome::Temporary(String::clone(reason)),
                None => self.table.hand_over(&mut open, &mail).await.unwrap_or_else(|error| {
                    let reason = one_line(&error.to_string());
                    tracing::warn!(reason, "the mail server cannot be used, its mails are put off");
                    TryOutcome::Temporary(outage.insert(reason).clone())
                }),
            };
            self.settle(&Table::queued(&mail), outcome, until).await?;
        }
        if let Some(connection) = open {
            connection.close().await;
        }
        if !claimed.is_empty() {
            let untried: Vec<Uuid> = claimed.iter().map(|mail| Table::queued(mail).id).collect();
            timeout::database(self.limit, self.table.release(&untried, (self.clock)())).await?;
        }
        Ok(count)
    }

    /// Records what became of a mail. One that was sent is recorded as long as its claim lasts,
    /// whatever the database does: a mail that is sent and still pending is sent again.
    async fn settle(
        &self,
        mail: &QueuedMail,
        outcome: TryOutcome,
        until: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let now = (self.clock)();
        let tries = Tries { since: mail.created_at, before: mail.attempts, spread: spread(mail) };
        let next = next(short(outcome), tries, now);
        report(mail, &next);
        while let Err(error) =
            timeout::database(self.limit, self.table.record(mail.id, &next, now)).await
        {
            if next != MailOutcome::Sent || (self.clock)() > until {
                return Err(error);
            }
            tracing::error!(notice.id = %mail.id, message_id = mail.caused_by,
                cause = cause(&error),
                "a mail was sent, and that cannot be recorded yet");
            sleep(DATABASE_PAUSE).await;
        }
        Ok(())
    }
}

impl<Table, Clock> fmt::Debug for MailLoop<Table, Clock> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailLoop").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Spreads mails by their ids, which are as good as random; another part of the id at each try.
fn spread(mail: &QueuedMail) -> u16 {
    let bytes = mail.id.as_bytes();
    let at = mail.attempts as usize % bytes.len();
    u16::from_be_bytes([bytes[at], bytes[(at + 1) % bytes.len()]]) % 1001
}

/// A server may say anything, over many lines.
fn short(outcome: TryOutcome) -> TryOutcome {
    match outcome {
        TryOutcome::Accepted => TryOutcome::Accepted,
        TryOutcome::Temporary(reason) => TryOutcome::Temporary(one_line(&reason)),
        TryOutcome::Permanent(reason) => TryOutcome::Permanent(one_line(&reason)),
    }
}

/// Counts and logs. A reason may repeat the recipient's address, so it stands in the row and not in
/// the log.
fn report(mail: &QueuedMail, next: &MailOutcome) {
    let (id, message_id) = (mail.id, mail.caused_by.as_str());
    let attempt = mail.attempts.saturating_add(1);
    let outcome = match next {
        MailOutcome::Sent => {
            tracing::info!(notice.id = %id, message_id, attempt, "mail sent");
            "sent"
        }
        MailOutcome::Again { at, .. } => {
            tracing::info!(notice.id = %id, message_id, attempt, again_at = %at, "mail put off");
            "put_off"
        }
        MailOutcome::Failed { .. } => {
            tracing::warn!(notice.id = %id, message_id, attempt,
                "mail failed, its row says why");
            "failed"
        }
    };
    metrics::counter!("deskmesh_mails_total", "outcome" => outcome).increment(1);
}
