//! Automations: every minute it is looked which tickets have been as a rule says for long enough;
//! each is done once per rule, ticket and hour.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use contracts::{AccountName, Timestamp};
use messaging::cause;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::By;
use super::settle::{Change, SettleError, settle};
use crate::clock::now;
use crate::rules::condition::TicketEvent;
use crate::rules::ticket::Channel;
use crate::rules::trigger::Rule;
use crate::store::rule::Kind;
use crate::store::{automation, custom_status, rule, ticket, view};

const LOOK: Duration = Duration::from_mins(1);
/// Tickets that one rule is run on in one turn.
const TICKETS: i64 = 500;

/// Runs automations until it is told to stop.
///
/// # Errors
/// None today: what fails is tried again.
pub async fn run(
    pool: PgPool,
    new_command: Arc<Notify>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    while !stop.is_cancelled() {
        match desk::turn(&stop, turn(&pool, now())).await {
            None => break,
            Some(Ok(0)) => {}
            Some(Ok(_)) => new_command.notify_one(),
            Some(Err(error)) => tracing::warn!(cause = cause(&error), "automations wait"),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    Ok(())
}

/// One turn; how many tickets something was done to.
///
/// # Errors
/// The database.
pub async fn turn(pool: &PgPool, now: Timestamp) -> Result<usize, SettleError> {
    let accounts: Vec<String> =
        sqlx::query_scalar("select distinct account from rule where kind = 'automation' and is_on")
            .fetch_all(pool)
            .await?;
    let mut done = 0;
    for account in accounts {
        let Ok(name) = AccountName::new(account) else { continue };
        let mut connection = pool.acquire().await?;
        let rules = rule::in_force(&mut connection, name.as_str(), Kind::Automation).await?;
        for rule in rules {
            let when = &rule.when;
            let numbers = view::numbers(&mut connection, name.as_str(), when, TICKETS).await?;
            for number in numbers {
                done += usize::from(one(pool, &name, &rule, number, now).await?);
            }
        }
    }
    Ok(done)
}

async fn one(
    pool: &PgPool,
    account: &AccountName,
    rule: &Rule,
    number: i64,
    now: Timestamp,
) -> Result<bool, SettleError> {
    let mut transaction = pool.begin().await?;
    let name = account.as_str();
    let hour = hour_of(now.utc());
    if !automation::takes_turn(&mut transaction, name, rule.id, number, hour).await? {
        return Ok(false);
    }
    let Some(mut before) = ticket::lock(&mut transaction, name, number).await? else {
        return Ok(false);
    };
    // Else a custom status that is no longer in use would look like something that the rule did:
    // the ticket would be new again, and no condition on its age would ever hold.
    before.ticket.settle_status(&custom_status::all(&mut transaction, name).await?);
    let hours = (now.utc() - before.updated_at).num_hours();
    let by = By::rule(account.clone(), &rule.id.to_string(), &rule.name, now);
    let mut after = before.clone();
    after.updated_at = now.utc();
    let change = Change {
        rules: Some(std::slice::from_ref(rule)),
        event: TicketEvent::Hours(hours),
        ..Change::of(&by, Channel::Rule, Some(&before), after)
    };
    let done = settle(&mut transaction, change).await?;
    if done.ticket == before.ticket {
        // Nothing was done: the ticket was not changed now.
        transaction.rollback().await?;
        return Ok(false);
    }
    transaction.commit().await?;
    Ok(true)
}

fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}
