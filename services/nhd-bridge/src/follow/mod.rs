//! What partners' accounts are told becomes calls.

mod agreement;
mod ticket;

use std::sync::Arc;

use contracts::AccountName;
use contracts::delivery::DeliveryBody;
use desk::log::follow::{self, Follower};
use sqlx::PgConnection;

use crate::keys::{AccessKeys, KeyError};

/// What a call is made of, beside what was told.
#[derive(Clone, Debug)]
pub struct ToCalls {
    pub keys: Arc<AccessKeys>,
    /// What all sharing URLs begin with.
    pub public_url: Arc<str>,
}

/// Why an entry was not taken.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl Follower for ToCalls {
    type Error = FollowError;
    const BATCH: i64 = 50;

    fn is_lasting(error: &FollowError) -> bool {
        match error {
            FollowError::Database(error) => follow::is_lasting(error),
            FollowError::Keys(_) => false,
        }
    }

    async fn take(
        &self,
        connection: &mut PgConnection,
        account: &AccountName,
        told: &DeliveryBody,
        position: i64,
    ) -> Result<(), FollowError> {
        let name = account.as_str();
        match told {
            DeliveryBody::AgreementInvited(state)
            | DeliveryBody::AgreementAccepted(state)
            | DeliveryBody::AgreementDeclined(state)
            | DeliveryBody::AgreementDeactivated(state)
            | DeliveryBody::AgreementState(state) => {
                agreement::told(self, connection, account, state).await
            }
            DeliveryBody::TicketCreated(created) => {
                let ours = self.public_url.as_ref();
                Ok(ticket::created(connection, account, created, (position, ours)).await?)
            }
            DeliveryBody::TicketUpdated(updated) => {
                Ok(ticket::updated(connection, name, &updated.share_id, position).await?)
            }
            DeliveryBody::TicketUnshared(unshared) => {
                Ok(ticket::unshared(connection, name, &unshared.share_id, position).await?)
            }
            DeliveryBody::Receipt(receipt) => {
                Ok(ticket::answered(connection, name, receipt).await?)
            }
            _ => Ok(()),
        }
    }
}
