//! What somebody wants to see closely for a while: every message that names it has a log line of
//! its own, in all replicas, without a restart.

use std::sync::{Arc, PoisonError, RwLock};

use contracts::Timestamp;
use sqlx::PgPool;
use sqlx::types::chrono::{DateTime, Utc};

use crate::decide::plan::{Disposition, Item};

/// A shorter name would be in messages by chance.
const SHORTEST: usize = 8;

/// Something that is watched: an agreement's, a share's or a chain's id, or a ticket as
/// `account/number`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Watched {
    /// Its name.
    pub name: String,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Who wanted it.
    pub by: String,
}

/// Watches `name` until then; again moves the end.
///
/// # Errors
/// What the database says.
pub async fn watch(pool: &PgPool, name: &str, until: Timestamp, by: &str) -> sqlx::Result<()> {
    sqlx::query(
        "insert into watched (name, until, by) values ($1, $2, $3)
         on conflict (name) do update set until = excluded.until, by = excluded.by",
    )
    .bind(name)
    .bind(until.utc())
    .bind(by)
    .execute(pool)
    .await?;
    Ok(())
}

/// Watches it no longer; says whether it was.
///
/// # Errors
/// What the database says.
pub async fn unwatch(pool: &PgPool, name: &str) -> sqlx::Result<bool> {
    Ok(sqlx::query("delete from watched where name = $1")
        .bind(name)
        .execute(pool)
        .await?
        .rows_affected()
        > 0)
}

/// What is watched `now`.
///
/// # Errors
/// What the database says.
pub async fn watched(pool: &PgPool, now: Timestamp) -> sqlx::Result<Vec<Watched>> {
    sqlx::query_as("select name, until, by from watched where until > $1 order by name")
        .bind(now.utc())
        .fetch_all(pool)
        .await
}

/// Whether a name is long enough to be told from others.
#[must_use]
pub fn can_be_watched(name: &str) -> bool {
    name.len() >= SHORTEST
}

/// The names, as the slots see them. Nearly always none, and then they cost nothing.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<Arc<[String]>>);

impl Names {
    /// Takes them from the table.
    pub async fn refresh(&self, pool: &PgPool, now: Timestamp) -> sqlx::Result<()> {
        let names: Arc<[String]> =
            watched(pool, now).await?.into_iter().map(|one| one.name).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = names;
        Ok(())
    }

    /// Writes a line for each message of a batch that names one of them, or causes something that
    /// does. Never what it says.
    pub fn tell<M>(&self, items: &[Item<M>], dispositions: &[Disposition]) {
        let names = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if names.is_empty() {
            return;
        }
        for (item, disposition) in items.iter().zip(dispositions) {
            if let Some(name) = names.iter().find(|name| is_in(name, item, disposition)) {
                tell(name, item, disposition);
            }
        }
    }
}

fn is_in<M>(name: &str, item: &Item<M>, disposition: &Disposition) -> bool {
    let subject = item.about().and_then(|about| about.subject.as_deref()) == Some(name);
    let bytes = name.as_bytes();
    let arrived = || item.envelope.body.windows(bytes.len()).any(|part| part == bytes);
    let caused = || match disposition {
        Disposition::Send { outputs, .. } => {
            outputs.iter().any(|stored| stored.output.body().contains(name))
        }
        Disposition::Wait(_)
        | Disposition::Forward(_)
        | Disposition::Move
        | Disposition::Parked => false,
    };
    subject || arrived() || caused()
}

fn tell<M>(name: &str, item: &Item<M>, disposition: &Disposition) {
    let (outcome, told): (&str, Vec<String>) = match disposition {
        Disposition::Send { outputs, outcome } => {
            let told = |stored: &crate::message::output::StoredOutput| {
                format!(
                    "{} {} {}",
                    stored.output.routing_key(),
                    stored.output.message_type(),
                    stored.id
                )
            };
            (outcome, outputs.iter().map(told).collect())
        }
        Disposition::Wait(step) => ("not_yet", vec![format!("again after {step:?}")]),
        Disposition::Forward(service) => ("forwarded", vec![service.name().to_owned()]),
        Disposition::Move => ("moved", vec!["decided when others leave time".to_owned()]),
        Disposition::Parked => ("parked", Vec::new()),
    };
    let about = item.about();
    tracing::info!(
        watched = name,
        message_id = item.envelope.message_id,
        message_type = item.envelope.message_type,
        about = about.and_then(|about| about.subject.as_deref()),
        command = about.and_then(|about| about.command.as_deref()),
        trace_id = item.trace.trace_id(),
        waits = item.envelope.attempt,
        redelivered = item.envelope.deliveries,
        first_arrival = %item.envelope.first_arrival,
        bytes = item.envelope.body.len(),
        outcome,
        told = told.join(", "),
        "watched message"
    );
}
