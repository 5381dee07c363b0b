//! Invites that nobody decided go: their sender withdraws them.

use std::convert::Infallible;
use std::time::Duration;

use contracts::command::AgreementDeactivate;
use contracts::{Actor, Message, Role};
use desk::outbox::accept;
use messaging::cause;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::store::agreement::undecided_for;

/// How often is looked for them.
const LOOK: Duration = Duration::from_mins(10);

/// Withdraws what is older than so many days, until it is told to stop.
///
/// # Errors
/// None today: what fails is tried again.
pub(crate) async fn run(
    pool: PgPool,
    days: i32,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    while !stop.is_cancelled() {
        if let Some(Err(error)) = desk::turn(&stop, turn(&pool, days)).await {
            tracing::warn!(cause = cause(&error), "old invites cannot be looked for; they stay");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    Ok(())
}

async fn turn(pool: &PgPool, days: i32) -> sqlx::Result<()> {
    for row in undecided_for(pool, days).await? {
        let name = format!("the bridge, because nobody decided within {days} days");
        let actor =
            Actor { id: "bridge".to_owned(), name, role: Role::Admin, email: None, phone: None };
        let request = row.decision("deactivate", AgreementDeactivate::NAME, &actor)?;
        accept(pool, &request).await?;
    }
    Ok(())
}
