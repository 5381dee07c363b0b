//! Agreements and shares, from what the account was told.

use std::collections::BTreeMap;

use contracts::delivery::{AgreementState, Side};
use desk::session::Standing;
use desk::store::read::ShareRow;
use desk::store::shown;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::rules::sharing::{Agreement, Share};

/// All agreements of an account.
///
/// # Errors
/// The database.
pub async fn agreements(
    connection: &mut PgConnection,
    account: &str,
) -> sqlx::Result<Vec<Agreement>> {
    let rows: Vec<Json<AgreementState>> = sqlx::query_scalar(
        "select state from desk_agreement where account = $1 order by agreement_id",
    )
    .bind(account)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|Json(state)| state.into()).collect())
}

/// The shares that a ticket is or was in, in the order in which they began.
///
/// # Errors
/// The database.
pub async fn of_ticket(
    connection: &mut PgConnection,
    account: &str,
    number: i64,
) -> sqlx::Result<Vec<Share>> {
    let mut shares = of_tickets(connection, account, &[number]).await?;
    Ok(shares.remove(&number).unwrap_or_default())
}

/// The shares of tickets, in one statement.
///
/// # Errors
/// The database.
pub async fn of_tickets(
    connection: &mut PgConnection,
    account: &str,
    numbers: &[i64],
) -> sqlx::Result<BTreeMap<i64, Vec<Share>>> {
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let rows = shown::shares_of(connection, account, &words).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(number, rows)| {
            let shares = rows.into_iter().map(share).collect();
            Some((number.parse().ok()?, shares))
        })
        .collect())
}

fn share(row: ShareRow) -> Share {
    let state: Option<AgreementState> =
        row.agreement.and_then(|Json(state)| serde_json::from_value(state).ok());
    let standing = Standing::of(row.ended, state.as_ref().map(|state| state.status));
    let agreement = state.map(Agreement::from);
    let named = agreement.as_ref();
    Share {
        id: row.share_id,
        side: if row.side.as_deref() == Some("receiver") { Side::Receiver } else { Side::Sender },
        live: standing == Standing::Live,
        partner: named.map(|it| it.partner.clone()).or(row.partner).unwrap_or_default(),
        partner_name: named.map(|it| it.partner_name.clone()).unwrap_or_default(),
        partner_number: row.partner_ticket_id,
        agreement,
    }
}
