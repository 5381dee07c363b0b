//! What the end of an agreement means for the tickets that were shared under it.

use contracts::Reason;
use contracts::delivery::{AgreementState, Side};
use serde_json::json;
use sqlx::PgConnection;

use super::settle::SettleError;
use crate::rules::history::Entry;
use crate::store::{event, ticket};

/// They are kept in step no longer, each says so once, and what was sent may be shared again
/// under another agreement.
pub(super) async fn ended(
    connection: &mut PgConnection,
    account: &str,
    state: &AgreementState,
) -> Result<(), SettleError> {
    let agreement = state.agreement_id.to_string();
    let partner = if state.side == Side::Sender { &state.receiver } else { &state.sender };
    let by_us = state.by.side == state.side;
    let (who, person) = if by_us {
        (state.by.name.as_str(), None)
    } else {
        (partner.account.as_str(), Some(&state.by.name))
    };
    let entry = Entry {
        kind: "agreement_ended",
        detail: json!({
            "agreement": agreement,
            "partner": partner.account,
            "person": person,
            "renamed": state.reason == Some(Reason::AccountRenamed),
        }),
    };
    ticket::end_shares(connection, account, &agreement).await?;
    event::add_to_shares(connection, account, &agreement, state.at.utc(), who, &entry).await?;
    Ok(())
}
