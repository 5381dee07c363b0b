//! Agreements: partners invite, decide, end, and read.

use std::time::Duration;

use axum::http::StatusCode;
use contracts::command::{AgreementAccept, AgreementDeactivate, AgreementDecline, AgreementInvite};
use contracts::delivery::{AgreementState, AgreementStatus, Side};
use contracts::{AccountName, AgreementId, Message, ids};
use desk::outbox::{Accepted, Request, accept_within};
use desk::store::read;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::time::sleep;

use super::{Answer, Asked, Bridge, Deadline, RequestFault, speaks_x_json};
use crate::clock::new_id;
use crate::rules::agreement::{
    AgreementStanding, ChangeOutcome, Invite, PartnerDecision, Told, admin, change, uuid_of,
};
use crate::rules::answer::{Refusal, Why, of_receipt};
use crate::rules::called::CallKind;
use crate::rules::token::is_same;
use crate::rules::wire::{self, AgreementBody, Text};
use crate::store::agreement::{self, AgreementRow, New};
use crate::store::{call, health};

/// How often is looked whether an end has been told here.
const END_LOOKED_FOR: Duration = Duration::from_millis(20);

/// A partner invites. Nothing is called and nobody is mailed: an admin decides.
pub(super) async fn invited(bridge: &Bridge, asked: Asked) -> Result<Answer, RequestFault> {
    let body: AgreementBody = wire::read(&asked.body).map_err(Refusal::content)?;
    let ours = bridge.url_of(&asked.place.address);
    let invite = Invite::read(&asked.place.uuid, &ours, &body)?;
    if let Some(known) = known(bridge, &asked, &invite).await? {
        return repeated(bridge, &invite, &known);
    }
    let bounds = bridge.bounds.invites;
    let mut connection = bridge.pool.acquire().await.map_err(RequestFault::from)?;
    let (address, source) = (asked.place.address.as_str(), asked.source.as_str());
    let so_far = agreement::unproven(&mut connection, address, source).await?;
    drop(connection);
    if so_far.0 >= bounds.0 || so_far.1 >= bounds.1 || so_far.2 >= bounds.2 {
        let detail = "there are too many invites that nobody decided; try again tomorrow";
        return Err(Refusal::new(Why::Busy, detail).into());
    }
    let (account, url) = bridge.partner(&invite.sender_url, asked.deadline).await?;
    let id = id_of(&account, address, &invite)?;
    let key = new_id().to_string();
    if !keep(bridge, &asked, &invite, (&account, url.as_str(), &id, &key)).await? {
        // The same invite came at the same moment.
        let known = known(bridge, &asked, &invite).await?;
        let busy = || Refusal::new(Why::Busy, "the invite is being taken; send it again");
        return repeated(bridge, &invite, &known.ok_or_else(busy)?);
    }
    bridge.new_command.notify_one();
    let command = (AgreementInvite::NAME, key.as_str());
    let receipt = bridge.receipt(account.as_str(), command, asked.deadline).await?;
    if let Some(receipt) = &receipt {
        of_receipt(receipt)?;
        declined_at_once(bridge, &account, &id, &asked).await?;
    }
    Ok((StatusCode::CREATED, told_back(&asked, &invite, &ours)))
}

async fn known(
    bridge: &Bridge,
    asked: &Asked,
    invite: &Invite,
) -> Result<Option<AgreementRow>, RequestFault> {
    let mut connection = bridge.pool.acquire().await?;
    let address = &asked.place.address;
    Ok(agreement::at(&mut connection, address, invite.uuid.as_str()).await?)
}

/// An invite that is there already: repeated by who sent it, it has no further effect.
fn repeated(
    bridge: &Bridge,
    invite: &Invite,
    known: &AgreementRow,
) -> Result<Answer, RequestFault> {
    let key = bridge.keys.open(&known.id, &known.sealed_key)?;
    if known.partner_is() == Side::Sender && is_same(&key, invite.access_key.reveal()) {
        let body = json!({ "uuid": known.uuid, "status": known.status });
        return Ok((StatusCode::CREATED, body));
    }
    Err(Refusal::content("uuid: there is an agreement of this uuid already; make a new one").into())
}

/// The agreement's id in Deskmesh: another partner's of the same uuid is another one.
fn id_of(
    account: &AccountName,
    address: &str,
    invite: &Invite,
) -> Result<AgreementId, RequestFault> {
    let parts = [account.as_str(), address, invite.uuid.as_str(), invite.access_key.reveal()];
    AgreementId::new(ids::derive_id("nhd agreement", &parts).to_string())
        .map_err(|error| sqlx::Error::Decode(error.into()).into())
}

/// Keeps the agreement and its command together; whether it is new.
async fn keep(
    bridge: &Bridge,
    asked: &Asked,
    invite: &Invite,
    (account, url, id, key): (&AccountName, &str, &AgreementId, &str),
) -> Result<bool, RequestFault> {
    let address = asked.place.address.as_str();
    let sealed = bridge.keys.seal(id.as_str(), invite.access_key.reveal())?;
    let new = New {
        id: id.as_str(),
        account: account.as_str(),
        home: address,
        uuid: invite.uuid.as_str(),
        partner_is: Side::Sender,
        partner_url: url,
        sealed_key: &sealed,
        name: invite.name.as_deref(),
        invite_key: Some(key),
        source: Some(&asked.source),
        media: speaks_x_json(&asked.headers).then_some("text/x-json"),
    };
    let content = json!(invite.command(id.clone(), address));
    let request = request(account, key.to_owned(), AgreementInvite::NAME, content)?;
    let mut transaction = bridge.pool.begin().await?;
    if !agreement::insert(&mut transaction, new).await? {
        return Ok(false);
    }
    accept_within(&mut transaction, &request).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Who declines all invites is no receiver to a partner, which would wait for ever.
async fn declined_at_once(
    bridge: &Bridge,
    account: &AccountName,
    id: &AgreementId,
    asked: &Asked,
) -> Result<(), RequestFault> {
    let state = bridge.agreement_told(account.as_str(), id.as_str(), asked.deadline).await?;
    match state {
        Some(state) if state["reason"] == "invites_declined" => {
            Err(Refusal::forbidden("invites_declined: this address takes no invites").into())
        }
        _ => Ok(()),
    }
}

fn told_back(asked: &Asked, invite: &Invite, ours: &str) -> Value {
    Told {
        uuid: invite.uuid.as_str(),
        name: invite.name.as_deref().unwrap_or(&asked.place.address),
        partner_is: Side::Sender,
        partner_url: &invite.sender_url,
        our_url: ours,
        status: AgreementStatus::Pending,
        ended_by: None,
        terms: Some(invite.terms),
        actor: None,
        access_key: None,
    }
    .body()
}

/// A command of a partner's account.
pub(super) fn request(
    account: &AccountName,
    key: String,
    command_type: &str,
    content: Value,
) -> Result<Request, Refusal> {
    checked(Request::new(account.clone(), key, command_type, content))
}

/// A command that can be sent at all.
fn checked(request: Request) -> Result<Request, Refusal> {
    request.check().map_err(|error| Refusal::content(error.to_string()))?;
    Ok(request)
}

/// A partner decides, ends, moves or renames.
pub(super) async fn changed(bridge: &Bridge, asked: Asked) -> Result<Answer, RequestFault> {
    let body: AgreementBody = wire::read(&asked.body).map_err(Refusal::content)?;
    let uuid = uuid_of(&asked.place.uuid, body.uuid.as_ref())?;
    let mut transaction = bridge.pool.begin().await?;
    let opened = bridge.opened(&mut transaction, &asked.place, &asked.headers).await?;
    if opened.uuid != uuid.as_str() {
        return Err(Refusal::forbidden("the token is of another agreement").into());
    }
    let row = agreement::locked(&mut transaction, &opened.id).await?;
    let row = row.ok_or_else(|| Refusal::new(Why::NotFound, "the agreement has just gone"))?;
    let ours = bridge.url_of(&row.home);
    let standing = AgreementStanding {
        partner_is: row.partner_is(),
        status: row.status(),
        partner_url: &row.partner_url,
        our_url: &ours,
        name: row.name.as_deref(),
    };
    let changed = change(&standing, &body)?;
    apply(bridge, &mut transaction, &row, &changed).await?;
    let sent = match changed.decision {
        Some(decided) => Some(decide(&mut transaction, &row, decided, &body).await?),
        None => None,
    };
    transaction.commit().await?;
    if let Some((command_type, key)) = sent {
        bridge.new_command.notify_one();
        let command = (command_type, key.as_str());
        if let Some(receipt) = bridge.receipt(&row.account, command, asked.deadline).await? {
            of_receipt(&receipt)?;
        }
        if changed.decision == Some(PartnerDecision::Deactivate) {
            ended(bridge, &row.id, asked.deadline).await?;
        }
    }
    Ok((StatusCode::OK, json!({ "uuid": row.uuid })))
}

/// Waits until the end that was sent is told here: a change that comes before it is read as one of
/// an agreement that holds.
async fn ended(bridge: &Bridge, id: &str, deadline: Deadline) -> Result<(), RequestFault> {
    while !deadline.left().is_zero() {
        let row = agreement::find(&bridge.pool, id).await?;
        let holds = |row: AgreementRow| {
            matches!(row.status(), AgreementStatus::Pending | AgreementStatus::Accepted)
        };
        if !row.is_some_and(holds) {
            break;
        }
        sleep(END_LOOKED_FOR).await;
    }
    Ok(())
}

/// Another URL or name.
async fn apply(
    bridge: &Bridge,
    connection: &mut PgConnection,
    row: &AgreementRow,
    changed: &ChangeOutcome,
) -> Result<(), RequestFault> {
    if let Some(url) = &changed.moved_to {
        let member = if row.partner_is() == Side::Sender { "sender_url" } else { "receiver_url" };
        let url = bridge.sharing_url(member, url)?;
        agreement::moved(connection, &row.id, url.as_str()).await?;
        // What the old place did not take, the new one may.
        health::retry(&mut *connection, &row.id).await?;
        // One that nobody accepted is proven when somebody does.
        if row.status() == AgreementStatus::Accepted {
            call::enqueue(connection, &row.id, "", CallKind::Prove, None).await?;
        }
    }
    if let Some(name) = &changed.renamed {
        agreement::renamed(connection, &row.id, name).await?;
    }
    Ok(())
}

async fn decide(
    connection: &mut PgConnection,
    row: &AgreementRow,
    decided: PartnerDecision,
    body: &AgreementBody,
) -> Result<(&'static str, String), RequestFault> {
    let (command_type, word) = match decided {
        PartnerDecision::Accept => (AgreementAccept::NAME, "accept"),
        PartnerDecision::Decline => (AgreementDecline::NAME, "decline"),
        PartnerDecision::Deactivate => (AgreementDeactivate::NAME, "deactivate"),
    };
    let organisation = row.organisation();
    let name = Text::given(body.name.as_ref()).unwrap_or(&organisation);
    let actor = admin(body.current_actor.as_ref(), Some(name));
    let request = checked(row.decision(word, command_type, &actor)?)?;
    let accepted = accept_within(connection, &request).await?;
    if decided == PartnerDecision::Accept && accepted == Accepted::New {
        // The key went to this partner's URL and nowhere else.
        agreement::proof(connection, &row.id, "proven").await?;
    }
    Ok((command_type, request.key))
}

/// A partner reads.
pub(super) async fn shown(bridge: &Bridge, asked: Asked) -> Result<Answer, RequestFault> {
    let uuid = uuid_of(&asked.place.uuid, None)?;
    let mut connection = bridge.pool.acquire().await?;
    let row = bridge.opened(&mut connection, &asked.place, &asked.headers).await?;
    if row.uuid != uuid.as_str() {
        return Err(Refusal::forbidden("the token is of another agreement").into());
    }
    drop(connection);
    let state = read::agreement(&bridge.pool, &row.account, &row.id).await?;
    let state: Option<AgreementState> = state.and_then(|state| serde_json::from_value(state).ok());
    Ok((StatusCode::OK, body_of(&row, state.as_ref(), &bridge.url_of(&row.home))))
}

/// An agreement as partners are told it.
pub(crate) fn body_of(row: &AgreementRow, state: Option<&AgreementState>, ours: &str) -> Value {
    let status = row.status();
    Told {
        uuid: &row.uuid,
        name: row.name.as_deref().unwrap_or(&row.home),
        partner_is: row.partner_is(),
        partner_url: &row.partner_url,
        our_url: ours,
        status,
        ended_by: state.map(|state| state.by.side),
        terms: state.map(|state| state.terms),
        actor: None,
        access_key: None,
    }
    .body()
}
