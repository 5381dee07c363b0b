//! One endpoint's queue: in order, one delivery at a time.

use std::time::{Duration, Instant};

use desk::log::{self, Cursor, LogPage, Logged, ReadError};
use messaging::cause;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Webhooks;
use super::call::{Called, Message, call};
use crate::clock::{new_id, now};
use crate::rules::webhook::{
    History, Meaning, Next, WebhookDelivery, delivery_body, next, test_body,
};
use crate::store::webhook::{self, AttemptRow, QueueHead, QueueStep, WebhookRow};

/// A queue that is longer than this is let go, so that others have their turn.
const TURN: Duration = Duration::from_secs(10);

/// Works on a queue until it is empty, fails, or had its turn.
pub(super) async fn work(
    webhooks: &Webhooks,
    webhook: Uuid,
    lease: Uuid,
    stop: &CancellationToken,
) {
    let began = Instant::now();
    while began.elapsed() < TURN {
        let one = Box::pin(one(webhooks, webhook, lease));
        match stop.run_until_cancelled(one).await {
            Some(Ok(true)) => {}
            Some(Ok(false)) | None => break,
            Some(Err(error)) => {
                tracing::warn!(cause = cause(&error), %webhook, "a webhook's queue waits");
                break;
            }
        }
    }
    if let Err(error) = webhook::release(&webhooks.pool, webhook, lease).await {
        tracing::warn!(cause = cause(&error), %webhook, "a webhook's queue is held in vain");
    }
}

/// Sends what is next; whether there may be more to do at once.
async fn one(webhooks: &Webhooks, id: Uuid, lease: Uuid) -> sqlx::Result<bool> {
    let pool = &webhooks.pool;
    let Some(webhook) = webhook::leased(pool, id, lease).await? else { return Ok(false) };
    let head = webhook::head(pool, id).await?;
    let entry = match head {
        QueueHead::Log => next_of_log(pool, &webhook).await?,
        QueueHead::Resend(position) => again(pool, &webhook, position).await?,
    };
    let Some(entry) = entry else { return Ok(head != QueueHead::Log) };
    let cursor = entry.cursor.to_string();
    let body = delivery_body(WebhookDelivery {
        r#type: &entry.message_type,
        message_id: &entry.message_id,
        cursor: &cursor,
        share_id: entry.share_id.as_deref(),
        told_at: &entry.told_at,
        payload: webhook.payload.then_some(&*entry.body),
    });
    let message = Message { id: &entry.message_id, r#type: &entry.message_type, body };
    let called = call(&webhooks.egress, webhooks.settings.timeout, &webhook, message).await;
    let (outcome, step) = decided(webhooks, &webhook, &called);
    let attempt = told(called, outcome);
    let lease = (lease, webhooks.lease());
    let sent = (head, (entry.cursor, entry.body.get()));
    let is_held = webhook::record(pool, &webhook, lease, sent, (&attempt, step)).await?;
    Ok(is_held && matches!(step, QueueStep::On | QueueStep::GiveUp))
}

/// The entry after the queue's place. A place that is no longer kept is left for the oldest that
/// is: what was there before is told again, under the ids that it had, and nothing is passed over.
async fn next_of_log(pool: &PgPool, webhook: &WebhookRow) -> sqlx::Result<Option<Logged>> {
    match log::page(pool, &webhook.account, Some(webhook.cursor()), 1).await {
        Ok(page) => Ok(page.entries.into_iter().next()),
        Err(ReadError::Database(error)) => Err(error),
        Err(ReadError::Cursor(_)) => {
            tracing::warn!(webhook = %webhook.id, "what comes next is no longer kept; it goes on \
                from the oldest entry that is");
            match log::page(pool, &webhook.account, None, 1).await {
                Ok(page) => webhook::move_to(pool, webhook.id, before(&page)).await?,
                Err(ReadError::Database(error)) => return Err(error),
                Err(ReadError::Cursor(_)) => {}
            }
            Ok(None)
        }
    }
}

/// The place before a page.
pub(crate) fn before(page: &LogPage) -> Cursor {
    page.entries
        .first()
        .map_or(page.next, |entry| Cursor { position: entry.cursor.position - 1, ..entry.cursor })
}

/// An entry that is sent again, if it is still kept.
async fn again(pool: &PgPool, webhook: &WebhookRow, position: i64) -> sqlx::Result<Option<Logged>> {
    let before = Cursor { position: position - 1, ..webhook.cursor() };
    let found = match log::page(pool, &webhook.account, Some(before), 1).await {
        Ok(page) => page.entries.into_iter().next(),
        Err(ReadError::Database(error)) => return Err(error),
        Err(ReadError::Cursor(_)) => None,
    };
    let found = found.filter(|entry| entry.cursor.position == position);
    if found.is_none() {
        webhook::drop_resend(pool, webhook.id, position).await?;
    }
    Ok(found)
}

/// What a call came to, and where the queue goes.
fn decided(
    webhooks: &Webhooks,
    webhook: &WebhookRow,
    called: &Called,
) -> (&'static str, QueueStep) {
    let before = History {
        failures: u32::try_from(webhook.failures).unwrap_or_default(),
        failing_since: webhook.failing_since,
    };
    match next(&called.answer(), before, webhooks.settings.schedule, fastrand::f64()) {
        Next::GoOn => ("taken", QueueStep::On),
        Next::Again(delay) => ("failed", QueueStep::Again(delay)),
        Next::GiveUp => ("given_up", QueueStep::GiveUp),
        Next::SwitchOff(why) => {
            tracing::warn!(webhook = %webhook.id, account = webhook.account, why = why.word(),
                "a webhook is switched off");
            ("switched_off", QueueStep::Off(why))
        }
    }
}

fn told(called: Called, outcome: &'static str) -> AttemptRow {
    metrics::counter!("deskmesh_gateway_webhook_attempts_total", "outcome" => outcome).increment(1);
    AttemptRow { outcome: outcome.to_owned(), ..called.attempt }
}

impl Webhooks {
    /// Sends an endpoint an event that is made for it, out of turn. If it is taken, what waits is
    /// tried at once. Nothing if the webhook is gone.
    ///
    /// # Errors
    /// The database.
    pub(crate) async fn test(&self, webhook: &WebhookRow) -> sqlx::Result<Option<AttemptRow>> {
        let id = new_id().to_string();
        let body = test_body(&id, &now().to_string());
        let message = Message { id: &id, r#type: "webhook.test", body };
        let called = call(&self.egress, self.settings.timeout, webhook, message).await;
        let is_taken = called.answer().meaning() == Meaning::Taken;
        let attempt = told(called, if is_taken { "taken" } else { "failed" });
        if is_taken && webhook.failing_since.is_some() {
            let mut connection = self.pool.acquire().await?;
            webhook::try_at_once(&mut connection, webhook.id).await?;
        }
        webhook::record_test(&self.pool, webhook, &attempt).await
    }
}
