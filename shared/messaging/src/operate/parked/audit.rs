//! Who did what with parked messages.

use contracts::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::quoting;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// A parked message was replayed.
    Replayed,
    /// A parked message was discarded.
    Discarded,
    /// Stored outputs were sent again.
    JournalReplayed,
}

impl Done {
    /// The code as it stands in the audit.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
            Self::JournalReplayed => "journal_replayed",
        }
    }
}

/// One line of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
pub struct AuditLine {
    /// When.
    #[sqlx(try_from = "chrono::DateTime<chrono::Utc>")]
    pub at: Timestamp,
    /// Who: a person's name, or `(service)` where the service itself parked a message.
    pub by: String,
    /// `parked`, `replayed`, `discarded` or `journal_replayed`.
    pub action: String,
    /// The row of the parking table; absent for a replay of the journal.
    pub parked_id: Option<Uuid>,
    /// The message's own id.
    pub message_id: Option<String>,
    /// Why: the reason and detail of parking, an operator's reason for a discard, or what of the
    /// journal was replayed.
    pub because: Option<String>,
}

impl AuditLine {
    fn shown(mut self, with_body: bool) -> Self {
        if self.action == "parked" {
            self.because = self.because.map(|because| quoting::because(because, with_body));
        }
        self
    }
}

/// Returns the audit from `since` on, oldest first.
///
/// # Errors
/// What the database says.
pub async fn audit(pool: &PgPool, since: Option<Timestamp>) -> sqlx::Result<Vec<AuditLine>> {
    let query = "select at, by, action, parked_id, message_id, because from parked_audit where \
        $1::timestamptz is null or at >= $1 order by at, id";
    let lines: Vec<AuditLine> =
        sqlx::query_as(query).bind(since.map(Timestamp::utc)).fetch_all(pool).await?;
    Ok(lines.into_iter().map(|line| line.shown(false)).collect())
}

/// Returns what happened to one parked message, oldest first.
pub(super) async fn history(
    pool: &PgPool,
    id: Uuid,
    with_body: bool,
) -> sqlx::Result<Vec<AuditLine>> {
    let query = "select at, by, action, parked_id, message_id, because from parked_audit where \
        parked_id = $1 order by at, id";
    let lines: Vec<AuditLine> = sqlx::query_as(query).bind(id).fetch_all(pool).await?;
    Ok(lines.into_iter().map(|line| line.shown(with_body)).collect())
}

/// A line about to be written.
#[derive(Debug)]
pub(crate) struct NewAuditLine<'a> {
    pub at: Timestamp,
    pub by: &'a str,
    pub done: Done,
    pub because: Option<&'a str>,
}

/// Writes a line for each of the parked messages, or one line when there is none.
pub(crate) async fn record(
    connection: &mut PgConnection,
    entry: &NewAuditLine<'_>,
    parked: &[Uuid],
) -> sqlx::Result<()> {
    let rows =
        if parked.is_empty() { vec![None] } else { parked.iter().copied().map(Some).collect() };
    sqlx::query(
        "insert into parked_audit (at, by, action, parked_id, message_id, because)
         select $2, $3, $4, wanted.id, parked.message_id, $5 from unnest($1::uuid[]) as wanted (id)
         left join parked using (id)",
    )
    .bind(rows)
    .bind(entry.at.utc())
    .bind(entry.by)
    .bind(entry.done.code())
    .bind(entry.because)
    .execute(connection)
    .await?;
    Ok(())
}
