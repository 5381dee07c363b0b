//! What a partner's account is told of its agreements.

use contracts::AccountName;
use contracts::Reason;
use contracts::delivery::{AgreementState, AgreementStatus, Side};
use desk::outbox::accept_within;
use sqlx::PgConnection;

use super::{FollowError, ToCalls};
use crate::http::introduction;
use crate::rules::called::CallKind;
use crate::rules::id::NhdId;
use crate::rules::place::sharing_url;
use crate::store::agreement::{self, AgreementRow, New};
use crate::store::call;

/// Takes the state of an agreement: what the partner does not know yet becomes a call.
pub(super) async fn told(
    calls: &ToCalls,
    connection: &mut PgConnection,
    account: &AccountName,
    state: &AgreementState,
) -> Result<(), FollowError> {
    let id = state.agreement_id.as_str();
    if agreement::locked(connection, id).await?.is_none()
        && !begun(calls, connection, account, state).await?
    {
        return Ok(());
    }
    let Some(row) = agreement::locked(connection, id).await? else { return Ok(()) };
    let version = i64::try_from(state.version).unwrap_or(i64::MAX);
    if !agreement::told(connection, id, version, state.status).await? {
        return Ok(());
    }
    if let Some(kind) = to_tell(&row, state) {
        call::enqueue(connection, id, "", kind, None).await?;
    }
    if matches!(state.status, AgreementStatus::Inactive | AgreementStatus::Declined) {
        call::drop_tickets(connection, id, None).await?;
    }
    Ok(())
}

/// What of this state the partner is to be told. A stranger whose invite nobody decided is told
/// nothing, because its URL may be anybody's. Nor is anybody told again what it was told before: a
/// recovery tells all agreements as they stand, with higher versions.
fn to_tell(row: &AgreementRow, state: &AgreementState) -> Option<CallKind> {
    if row.version > 0 && row.status == agreement::word(state.status) {
        return None;
    }
    let by_partner = state.by.side == row.partner_is();
    match (state.status, row.partner_is()) {
        (AgreementStatus::Pending, Side::Receiver) if row.version == 0 => Some(CallKind::Invite),
        (AgreementStatus::Accepted, Side::Sender) if !by_partner => Some(CallKind::Accept),
        (AgreementStatus::Declined, Side::Sender)
            if !by_partner && state.reason != Some(Reason::InvitesDeclined) =>
        {
            Some(CallKind::Decline)
        }
        (AgreementStatus::Inactive, _) if !by_partner => {
            let knows = row.is_proven() || row.partner_is() == Side::Receiver;
            knows.then_some(CallKind::Deactivate)
        }
        _ => None,
    }
}

/// An invite to a partner: the agreement begins, with a key of its own. Whether it did.
async fn begun(
    calls: &ToCalls,
    connection: &mut PgConnection,
    account: &AccountName,
    state: &AgreementState,
) -> Result<bool, FollowError> {
    if state.side != Side::Receiver || !is_pending(connection, account, state).await? {
        return Ok(false);
    }
    let Some(partner_url) = url_of(connection, account, state).await? else {
        tracing::error!(
            account = account.as_str(),
            "an invite to an account without a sharing URL cannot be told to anybody"
        );
        return Ok(false);
    };
    let (id, home) = (state.agreement_id.as_str(), state.sender.address.as_str());
    let ours = sharing_url(&calls.public_url, home);
    let uuid = match NhdId::read(id) {
        Some(own) if own.as_str().len() == 40 => own,
        _ => NhdId::of(&ours, "agreements", id),
    };
    let key = calls.keys.make()?;
    let new = New {
        id,
        account: account.as_str(),
        home,
        uuid: uuid.as_str(),
        partner_is: Side::Receiver,
        partner_url: &partner_url,
        sealed_key: &calls.keys.seal(id, &key)?,
        name: state.name.as_deref(),
        invite_key: None,
        source: None,
        media: None,
    };
    accept_within(connection, &introduction(account)).await?;
    Ok(agreement::insert(connection, new).await?)
}

/// Whether an invite still stands: what is told may be older than what is held.
async fn is_pending(
    connection: &mut PgConnection,
    account: &AccountName,
    state: &AgreementState,
) -> sqlx::Result<bool> {
    let held: Option<String> = sqlx::query_scalar(
        "select state ->> 'status' from desk_agreement where account = $1 and agreement_id = $2",
    )
    .bind(account.as_str())
    .bind(state.agreement_id.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(state.status == AgreementStatus::Pending && held.as_deref() == Some("pending"))
}

/// The URL of a partner: the line says it, and the bridge remembers those that it registered.
async fn url_of(
    connection: &mut PgConnection,
    account: &AccountName,
    state: &AgreementState,
) -> sqlx::Result<Option<String>> {
    if let Some(url) = state.receiver.sharing_url.clone() {
        sqlx::query(
            "insert into partner (account, sharing_url, registered_at) values ($1, $2, now())
             on conflict do nothing",
        )
        .bind(account.as_str())
        .bind(&url)
        .execute(connection)
        .await?;
        return Ok(Some(url));
    }
    sqlx::query_scalar("select sharing_url from partner where account = $1")
        .bind(account.as_str())
        .fetch_optional(connection)
        .await
}

#[cfg(test)]
mod tests {
    use contracts::address::Party;
    use contracts::delivery::Decider;
    use contracts::terms::CommentTerms;
    use contracts::{AgreementId, Terms, Timestamp};

    use super::*;

    fn row(partner_is: &str, version: i64, status: &str) -> AgreementRow {
        AgreementRow {
            id: "1".into(),
            account: "nhd-bridge-zendesk".into(),
            home: "acme".into(),
            uuid: "1".into(),
            partner_is: partner_is.into(),
            partner_url: "https://partner.example".into(),
            sealed_key: Vec::new(),
            name: None,
            version,
            status: status.into(),
            proof: "proven".into(),
            media: None,
            is_called: false,
        }
    }

    fn told(side: Side, version: u64, status: AgreementStatus) -> AgreementState {
        let party = |name: &str| Party {
            account: AccountName::new(name).unwrap(),
            address: name.into(),
            display_name: name.into(),
            sharing_url: None,
        };
        AgreementState {
            agreement_id: AgreementId::new("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").unwrap(),
            version,
            side,
            sender: party("acme"),
            receiver: party("nhd-bridge-zendesk"),
            partner_support_addresses: Vec::new(),
            name: None,
            terms: Terms {
                comments: CommentTerms::PublicAndPrivate,
                tags: true,
                custom_fields: true,
            },
            status,
            by: Decider { side: Side::Sender, name: "Ada".into() },
            at: Timestamp::parse("2026-12-01T10:00:00Z").unwrap(),
            reason: None,
        }
    }

    #[test]
    fn c4_what_is_told_again_after_a_recovery_calls_nobody() {
        let inactive = AgreementStatus::Inactive;
        let ends = told(Side::Receiver, 3, inactive);
        assert_eq!(to_tell(&row("receiver", 2, "accepted"), &ends), Some(CallKind::Deactivate));
        let again = told(Side::Receiver, (1 << 40) + 3, inactive);
        assert_eq!(to_tell(&row("receiver", 3, "inactive"), &again), None);
        // What it missed is told.
        assert_eq!(to_tell(&row("receiver", 2, "accepted"), &again), Some(CallKind::Deactivate));
        let invited = told(Side::Receiver, 1, AgreementStatus::Pending);
        assert_eq!(to_tell(&row("receiver", 0, "pending"), &invited), Some(CallKind::Invite));
    }
}
