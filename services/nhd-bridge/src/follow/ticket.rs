//! What a partner's account is told of tickets.

use contracts::delivery::TicketCreated;
use contracts::{AccountName, Receipt, ReceiptOutcome, ShareId};
use sqlx::PgConnection;

use crate::rules::called::CallKind;
use crate::rules::id::NhdId;
use crate::rules::place::sharing_url;
use crate::store::agreement;
use crate::store::call::{drop_tickets, enqueue};
use crate::store::health::{self, NewAttempt};
use crate::store::shared::{self, SharedRow};

/// A ticket is shared with the partner.
pub(super) async fn created(
    connection: &mut PgConnection,
    account: &AccountName,
    created: &TicketCreated,
    (position, public_url): (i64, &str),
) -> sqlx::Result<()> {
    let (name, share) = (account.as_str(), created.share_id.as_str());
    let Some(agreement) = agreement::locked(connection, created.agreement_id.as_str()).await?
    else {
        tracing::warn!(account = name, "a ticket came under an agreement that is not known");
        return Ok(());
    };
    let ours = sharing_url(public_url, &agreement.home);
    let uuid = NhdId::of(&ours, "tickets", share);
    let row = SharedRow {
        agreement: agreement.id.clone(),
        uuid: uuid.as_str().to_owned(),
        share_id: share.to_owned(),
        number: None,
        generation: 1,
        state: "live".to_owned(),
        sent_tags: Vec::new(),
    };
    shared::keep(connection, &row).await?;
    enqueue(connection, &agreement.id, uuid.as_str(), CallKind::Share, Some(position)).await?;
    early(connection, name, &row).await
}

/// Entries that came before the ticket that they are about.
async fn early(connection: &mut PgConnection, account: &str, row: &SharedRow) -> sqlx::Result<()> {
    let waiting: Vec<(i64, String)> = sqlx::query_as(
        "with early as (delete from early where account = $1 and share_id = $2 returning position)
         select position, type from early join desk_log using (position)
         where desk_log.account = $1 order by position",
    )
    .bind(account)
    .bind(&row.share_id)
    .fetch_all(&mut *connection)
    .await?;
    for (position, kind) in waiting {
        if kind == "ticket.unshared.v1" {
            ended(connection, row, position).await?;
        } else {
            let (agreement, uuid) = (&row.agreement, &row.uuid);
            enqueue(connection, agreement, uuid, CallKind::Update, Some(position)).await?;
        }
    }
    Ok(())
}

/// A ticket changed.
pub(super) async fn updated(
    connection: &mut PgConnection,
    account: &str,
    share: &ShareId,
    position: i64,
) -> sqlx::Result<()> {
    match shared::of_share(connection, account, share.as_str()).await? {
        Some(row) if row.is_on() => {
            let (agreement, uuid) = (&row.agreement, &row.uuid);
            enqueue(connection, agreement, uuid, CallKind::Update, Some(position)).await
        }
        Some(_) => Ok(()),
        None => wait(connection, account, share, position).await,
    }
}

/// A ticket is shared no more.
pub(super) async fn unshared(
    connection: &mut PgConnection,
    account: &str,
    share: &ShareId,
    position: i64,
) -> sqlx::Result<()> {
    match shared::of_share(connection, account, share.as_str()).await? {
        Some(row) if row.is_on() => ended(connection, &row, position).await,
        Some(_) => Ok(()),
        None => wait(connection, account, share, position).await,
    }
}

async fn ended(connection: &mut PgConnection, row: &SharedRow, position: i64) -> sqlx::Result<()> {
    shared::set_state(connection, &row.share_id, "ended").await?;
    enqueue(connection, &row.agreement, &row.uuid, CallKind::Unshare, Some(position)).await
}

async fn wait(
    connection: &mut PgConnection,
    account: &str,
    share: &ShareId,
    position: i64,
) -> sqlx::Result<()> {
    sqlx::query("insert into early (account, share_id, position) values ($1, $2, $3)")
        .bind(account)
        .bind(share.as_str())
        .bind(position)
        .execute(connection)
        .await
        .map(drop)
}

/// What the line made of what a partner sent. What was refused is told with the partner's health.
pub(super) async fn answered(
    connection: &mut PgConnection,
    account: &str,
    receipt: &Receipt,
) -> sqlx::Result<()> {
    let rejected = receipt.outcome == ReceiptOutcome::Rejected;
    match receipt.command_type.as_str() {
        "agreement.invite.v1" if rejected => {
            agreement::refused(connection, account, &receipt.command_id).await?;
        }
        "ticket.share.v1" => {
            let share = receipt.command_id.as_str();
            if rejected {
                shared::set_state(connection, share, "refused").await?;
                if let Some(row) = shared::of_share(connection, account, share).await? {
                    drop_tickets(connection, &row.agreement, Some(&row.uuid)).await?;
                }
            } else {
                shared::begun(connection, share).await?;
            }
        }
        _ => {}
    }
    if rejected || receipt.outcome == ReceiptOutcome::Partial {
        refused(connection, account, receipt).await?;
    }
    Ok(())
}

/// Keeps why something that a partner sent did not cross.
async fn refused(
    connection: &mut PgConnection,
    account: &str,
    receipt: &Receipt,
) -> sqlx::Result<()> {
    let row = shared::of_command(connection, account, &receipt.command_id).await?;
    let Some(row) = row else { return Ok(()) };
    let decisions = receipt.decisions.iter();
    let stayed: Vec<String> = decisions
        .filter_map(|it| it.reason.map(|reason| format!("{}: {}", it.item, reason.code())))
        .collect();
    let whole = receipt.reason.map_or("rejected", contracts::Reason::code);
    let reason = if stayed.is_empty() { whole.to_owned() } else { stayed.join(", ") };
    let new = NewAttempt {
        agreement: &row.agreement,
        account,
        ticket: &row.uuid,
        kind: "received",
        outcome: if receipt.outcome == ReceiptOutcome::Partial { "partial" } else { "rejected" },
        reason: Some(&reason),
        ..NewAttempt::default()
    };
    health::attempt(connection, &new).await
}
