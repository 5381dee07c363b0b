//! What an account is told becomes its tickets.

use contracts::AccountName;
use contracts::delivery::{AgreementStatus, DeliveryBody};
use desk::log::follow::{self, Follower};
use desk::store::shown;
use sqlx::PgConnection;

use super::settle::SettleError;
use super::{agreement, receipt, received};
use crate::clock::now;
use crate::store::ticket;

/// Whoever works on an account's tickets waits for one batch at most.
#[derive(Clone, Copy, Debug)]
pub struct IntoTickets;

impl Follower for IntoTickets {
    type Error = SettleError;
    const BATCH: i64 = 10;

    fn is_lasting(error: &SettleError) -> bool {
        match error {
            SettleError::Database(error) => follow::is_lasting(error),
            SettleError::Request(_) | SettleError::NoShare(_) => true,
            SettleError::NoSuchAccount => false,
        }
    }

    async fn take(
        &self,
        connection: &mut PgConnection,
        account: &AccountName,
        told: &DeliveryBody,
        _position: i64,
    ) -> Result<(), SettleError> {
        let (name, now) = (account.as_str(), now());
        match told {
            DeliveryBody::TicketCreated(told) => {
                received::created(connection, account, told, now).await
            }
            DeliveryBody::TicketUpdated(told) => {
                received::updated(connection, account, told, now).await
            }
            DeliveryBody::TicketState(told) => {
                received::restored(connection, account, &told.share_id, now).await
            }
            DeliveryBody::Receipt(told) => receipt::answered(connection, account, told, now).await,
            DeliveryBody::TicketBound(told) => {
                touched(connection, name, &told.share_id.to_string()).await
            }
            DeliveryBody::TicketUnshared(told) => {
                received::unshared(connection, account, told, now).await
            }
            DeliveryBody::ShareState(told) => {
                touched(connection, name, &told.share_id.to_string()).await
            }
            DeliveryBody::AgreementDeactivated(state) | DeliveryBody::AgreementState(state)
                if state.status == AgreementStatus::Inactive =>
            {
                agreement::ended(connection, name, state).await
            }
            _ => Ok(()),
        }
    }
}

async fn touched(
    connection: &mut PgConnection,
    account: &str,
    share: &str,
) -> Result<(), SettleError> {
    let held = shown::of_share(connection, account, share).await?;
    let number = held.and_then(|row| row.ticket.number).and_then(|number| number.parse().ok());
    ticket::touch(connection, account, number.as_slice()).await?;
    Ok(())
}
