//! What a call says, made from the log and from what is held at this moment.

use std::collections::BTreeMap;

use contracts::delivery::{AgreementState, AgreementStatus, DeliveryBody, Side};
use desk::store::{read, shown};
use serde_json::Value;

use super::Calls;
use crate::rules::agreement::Told;
use crate::rules::called::CallKind;
use crate::rules::outgoing::{self, Addressee, Outgoing};
use crate::rules::place::sharing_url;
use crate::store::agreement::AgreementRow;
use crate::store::call::{self, CallRow};
use crate::store::comment;

/// The media type of those that follow the protocol's text to the letter.
pub(super) const X_JSON: &str = "text/x-json";
/// That of everybody else.
pub(super) const JSON: &str = "application/json";

/// What is to be sent.
pub(super) struct Message {
    /// Where, below the partner's URL.
    pub path: String,
    /// The body; an unshare has none.
    pub body: Option<Value>,
}

impl Calls {
    /// The message of a call; nothing where there is nothing to say any more.
    pub(super) async fn message(
        &self,
        row: &CallRow,
        agreement: &AgreementRow,
        (kind, key): (CallKind, &str),
        media: &str,
    ) -> sqlx::Result<Option<Message>> {
        if kind == CallKind::Invite && agreement.status() != AgreementStatus::Pending {
            // It was withdrawn before anybody heard of it.
            return Ok(None);
        }
        if row.ticket.is_empty() {
            let body = self.of_agreement(agreement, kind, key).await?;
            let path = format!("/agreements/{}", agreement.uuid);
            return Ok(Some(Message { path, body: Some(body) }));
        }
        let path = format!("/tickets/{}", row.ticket);
        if kind == CallKind::Unshare {
            return Ok(Some(Message { path, body: None }));
        }
        let said = self.of_ticket(row, agreement, media).await?;
        Ok(said.map(|said| Message { path, body: Some(said.body) }))
    }

    async fn of_agreement(
        &self,
        agreement: &AgreementRow,
        kind: CallKind,
        key: &str,
    ) -> sqlx::Result<Value> {
        let state = read::agreement(&self.pool, &agreement.account, &agreement.id).await?;
        let state: Option<AgreementState> =
            state.and_then(|state| serde_json::from_value(state).ok());
        let own = state.as_ref().map(|state| match agreement.partner_is() {
            Side::Sender => state.receiver.display_name.as_str(),
            Side::Receiver => state.sender.display_name.as_str(),
        });
        let is_invite = kind == CallKind::Invite;
        let by = state.as_ref().filter(|state| state.by.side != agreement.partner_is());
        let told = Told {
            uuid: &agreement.uuid,
            name: own.unwrap_or(&agreement.home),
            partner_is: agreement.partner_is(),
            partner_url: &agreement.partner_url,
            our_url: &sharing_url(&self.public_url, &agreement.home),
            status: agreement.status(),
            ended_by: state.as_ref().map(|state| state.by.side),
            terms: state.as_ref().filter(|_| is_invite).map(|state| state.terms),
            actor: by.map(|state| state.by.name.as_str()),
            access_key: is_invite.then_some(key),
        };
        Ok(told.body())
    }

    async fn of_ticket(
        &self,
        row: &CallRow,
        agreement: &AgreementRow,
        media: &str,
    ) -> sqlx::Result<Option<Outgoing>> {
        let Some(position) = row.position else { return Ok(None) };
        let entry = call::entry(&self.pool, &agreement.account, position).await?;
        let Some((message_type, body)) = entry else { return Ok(None) };
        let read = DeliveryBody::read(&message_type, body.as_bytes());
        let told = read.map_err(|error| sqlx::Error::Decode(error.into()))?;
        let account = agreement.account()?;
        let to =
            Addressee { account: &account, uuid: &row.ticket, three_statuses: media == X_JSON };
        let (share, said) = match &told {
            DeliveryBody::TicketCreated(it) => {
                let held = self.held(&agreement.account, it.share_id.as_str()).await?;
                (&it.share_id, Some(outgoing::created(to, it, &held)))
            }
            DeliveryBody::TicketUpdated(it) => {
                let held = self.held(&agreement.account, it.share_id.as_str()).await?;
                (&it.share_id, outgoing::updated(to, it, &held))
            }
            _ => return Ok(None),
        };
        if let Some(said) = &said {
            // Before it is said: whatever comes back of it is known then.
            let (account, share) = (agreement.account.as_str(), share.as_str());
            comment::remember(&self.pool, account, share, &said.comments).await?;
        }
        Ok(said)
    }

    async fn held(&self, account: &str, share: &str) -> sqlx::Result<BTreeMap<String, Value>> {
        let mut connection = self.pool.acquire().await?;
        let held = shown::of_share(&mut connection, account, share).await?;
        let fields = held.map(|held| held.ticket.fields).unwrap_or_default();
        Ok(fields.into_iter().map(|(field, (value, _))| (field, value)).collect())
    }
}
