//! Tickets: partners share, update, unshare, and read.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use contracts::command::{TicketShare, TicketUnshare, TicketUpdate};
use contracts::delivery::{AgreementStatus, Side};
use contracts::{Message, Receipt, ids};
use desk::outbox::accept_within;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use super::agreements::request;
use super::token::public_by_default;
use super::{Answer, Asked, Bridge, Deadline, RequestFault};
use crate::clock::{new_id, now};
use crate::rules::agreement::uuid_of;
use crate::rules::answer::{Refusal, Why, of_receipt};
use crate::rules::change::{Held, Named, NewShare, updates};
use crate::rules::id::NhdId;
use crate::rules::incoming::{self, Incoming, Speaker};
use crate::rules::wire::{self, Text, TicketBody};
use crate::store::agreement::AgreementRow;
use crate::store::shared::{self, SharedRow};
use crate::store::{call, comment};

/// How long the answer to our acceptance may be on its way here.
const PROOF_MAY_TAKE: Duration = Duration::from_secs(2);
/// How often is looked for it.
const PROOF_LOOKED_FOR: Duration = Duration::from_millis(50);

/// A partner shares. What it shared already is an update: it sends again what it does not know to
/// have arrived.
pub(super) async fn shared(bridge: &Bridge, asked: Asked) -> Result<Answer, RequestFault> {
    let body: TicketBody = wire::read(&asked.body).map_err(Refusal::content)?;
    let agreement = allowed(bridge, &asked).await?;
    if agreement.partner_is() != Side::Sender {
        let detail = "under this agreement we share with you; invite us to share with us";
        return Err(Refusal::forbidden(detail).into());
    }
    let uuid = uuid_of(&asked.place.uuid, body.uuid.as_ref())?;
    let mut transaction = bridge.pool.begin().await?;
    let mut taken = take(&mut transaction, &asked, &agreement, &body).await?;
    let known = shared::locked(&mut transaction, &agreement.id, uuid.as_str()).await?;
    if known.as_ref().is_some_and(SharedRow::is_on) {
        drop(transaction);
        apply(bridge, &asked, &agreement, &uuid, taken.incoming).await?;
        return Ok((StatusCode::CREATED, told_back(&uuid)));
    }
    let share = begin(bridge, &mut transaction, &agreement, (&uuid, known), &mut taken).await?;
    transaction.commit().await?;
    bridge.new_command.notify_one();
    let command = (TicketShare::NAME, share.as_str());
    let receipt = bridge.receipt(&agreement.account, command, asked.deadline).await?;
    receipt.as_ref().map_or(Ok(()), of_receipt)?;
    if !taken.incoming.comments.is_empty() {
        apply(bridge, &asked, &agreement, &uuid, taken.incoming).await?;
    }
    Ok((StatusCode::CREATED, told_back(&uuid)))
}

/// What was sent, and the share by which the partner has the ticket, if it came from us.
struct Taken {
    incoming: Incoming,
    copy_of: Option<String>,
}

async fn take(
    connection: &mut PgConnection,
    asked: &Asked,
    agreement: &AgreementRow,
    body: &TicketBody,
) -> Result<Taken, RequestFault> {
    let comments = body.comments.iter().flatten().flatten();
    let uuids: Vec<String> = comments
        .filter_map(|comment| Text::given(comment.uuid.as_ref()).map(str::to_owned))
        .collect();
    let told = comment::told(connection, &agreement.account, &uuids).await?;
    let account = agreement.account()?;
    let speaker =
        Speaker { account: &account, public_by_default: public_by_default(&asked.headers) };
    let ours: BTreeSet<String> = told.keys().cloned().collect();
    let incoming = incoming::read(&speaker, &ours, body)?;
    Ok(Taken { incoming, copy_of: told.into_values().next() })
}

/// Keeps the share and its command together; the share's id, which is also the command's.
async fn begin(
    bridge: &Bridge,
    connection: &mut PgConnection,
    agreement: &AgreementRow,
    (uuid, known): (&NhdId, Option<SharedRow>),
    taken: &mut Taken,
) -> Result<String, RequestFault> {
    let generation = known.map_or(1, |known| known.generation + 1);
    let parts = [agreement.id.as_str(), uuid.as_str(), &generation.to_string()];
    let share_id = ids::derive_id("nhd share", &parts).to_string();
    let place = (agreement.account.as_str(), agreement.id.as_str(), uuid.as_str());
    let number = shared::number(connection, place, taken.incoming.number.as_deref()).await?;
    let tags = taken.incoming.tags.clone().unwrap_or_default();
    let share = NewShare {
        agreement_id: &agreement.id,
        share_id: &share_id,
        number: &number,
        copy_of: taken.copy_of.as_deref(),
        organisation: &agreement.organisation(),
        now: now(),
    };
    let content = share.content(&mut taken.incoming)?;
    let request = request(&agreement.account()?, share_id.clone(), TicketShare::NAME, content)?;
    let row = SharedRow {
        agreement: agreement.id.clone(),
        uuid: uuid.as_str().to_owned(),
        share_id: share_id.clone(),
        number: Some(number),
        generation,
        state: "asked".to_owned(),
        sent_tags: tags.into_iter().collect(),
    };
    shared::keep(connection, &row).await?;
    bridge.accept(connection, &request).await?;
    Ok(share_id)
}

/// A partner updates a ticket that either side shared.
pub(super) async fn updated(bridge: &Bridge, asked: Asked) -> Result<Answer, RequestFault> {
    let body: TicketBody = wire::read(&asked.body).map_err(Refusal::content)?;
    let agreement = allowed(bridge, &asked).await?;
    let uuid = uuid_of(&asked.place.uuid, body.uuid.as_ref())?;
    let mut connection = bridge.pool.acquire().await?;
    let taken = take(&mut connection, &asked, &agreement, &body).await?;
    drop(connection);
    apply(bridge, &asked, &agreement, &uuid, taken.incoming).await?;
    Ok((StatusCode::OK, told_back(&uuid)))
}

/// Sends what differs from what is held, and answers from what the line makes of it.
async fn apply(
    bridge: &Bridge,
    asked: &Asked,
    agreement: &AgreementRow,
    uuid: &NhdId,
    incoming: Incoming,
) -> Result<(), RequestFault> {
    let mut transaction = bridge.pool.begin().await?;
    let row = shared::locked(&mut transaction, &agreement.id, uuid.as_str()).await?;
    let unknown = || Refusal::new(Why::NotFound, "the ticket is not shared under this agreement");
    let row = row.filter(SharedRow::is_on).ok_or_else(unknown)?;
    if row.state == "asked" && row.number.is_some() {
        // What changes a share must not overtake it.
        drop(transaction);
        begun(bridge, agreement, &row, asked.deadline).await?;
        transaction = bridge.pool.begin().await?;
    }
    let row = shared::locked(&mut transaction, &agreement.id, uuid.as_str()).await?;
    let row = row.filter(SharedRow::is_on).ok_or_else(unknown)?;
    let ids: Vec<String> = incoming.comments.iter().map(|it| it.id.to_string()).collect();
    let held: Held = shared::held(&mut transaction, &agreement.account, &row, &ids).await?;
    let tags = incoming.tags.clone();
    let named = match &row.number {
        Some(number) => Named::Number(number),
        None => Named::Share(&row.share_id),
    };
    let contents = updates(named, incoming, &held, (&agreement.organisation(), now()))?;
    let account = agreement.account()?;
    let mut keys = Vec::with_capacity(contents.len());
    for content in contents {
        let key = new_id().to_string();
        let request = request(&account, key.clone(), TicketUpdate::NAME, content)?;
        bridge.accept(&mut transaction, &request).await?;
        keys.push(key);
    }
    if let Some(tags) = tags {
        shared::set_tags(&mut transaction, &row, &tags).await?;
    }
    transaction.commit().await?;
    if !keys.is_empty() {
        bridge.new_command.notify_one();
    }
    for key in keys {
        let command = (TicketUpdate::NAME, key.as_str());
        if let Some(receipt) = bridge.receipt(&agreement.account, command, asked.deadline).await? {
            of_receipt(&receipt)?;
        }
    }
    Ok(())
}

/// Waits for the receipt of a ticket's share.
async fn begun(
    bridge: &Bridge,
    agreement: &AgreementRow,
    row: &SharedRow,
    deadline: Deadline,
) -> Result<(), RequestFault> {
    let command = (TicketShare::NAME, row.share_id.as_str());
    let receipt: Option<Receipt> = bridge.receipt(&agreement.account, command, deadline).await?;
    let receipt = receipt.ok_or_else(|| {
        Refusal::new(Why::Busy, "the ticket is not shared yet; send it again in a moment")
    })?;
    Ok(of_receipt(&receipt)?)
}

/// The partner that shared a ticket shares it no more.
pub(super) async fn unshared(bridge: &Bridge, asked: Asked) -> Result<Answer, RequestFault> {
    let uuid = uuid_of(&asked.place.uuid, None)?;
    let agreement = allowed(bridge, &asked).await?;
    if agreement.partner_is() != Side::Sender {
        let detail = "only who shared a ticket can end its sharing; end the agreement instead";
        return Err(Refusal::forbidden(detail).into());
    }
    let mut transaction = bridge.pool.begin().await?;
    let row = shared::locked(&mut transaction, &agreement.id, uuid.as_str()).await?;
    let unknown = || Refusal::new(Why::NotFound, "the ticket is not shared under this agreement");
    let row = row.ok_or_else(unknown)?;
    if !row.is_on() {
        return Ok((StatusCode::OK, told_back(&uuid)));
    }
    if row.state == "asked" {
        drop(transaction);
        begun(bridge, &agreement, &row, asked.deadline).await?;
        transaction = bridge.pool.begin().await?;
    }
    let account = agreement.account()?;
    let actor = crate::rules::agreement::admin(None, Some(&agreement.organisation()));
    let content = json!({ "share_id": row.share_id, "actor": actor });
    let key = format!("unshare {}", row.share_id);
    let request = request(&account, key.clone(), TicketUnshare::NAME, content)?;
    accept_within(&mut transaction, &request).await?;
    shared::set_state(&mut transaction, &row.share_id, "ended").await?;
    call::drop_tickets(&mut transaction, &agreement.id, Some(uuid.as_str())).await?;
    transaction.commit().await?;
    bridge.new_command.notify_one();
    let command = (TicketUnshare::NAME, key.as_str());
    bridge.receipt(&agreement.account, command, asked.deadline).await?;
    Ok((StatusCode::OK, told_back(&uuid)))
}

/// A partner reads a ticket of its agreement.
pub(super) async fn shown(bridge: &Bridge, asked: Asked) -> Result<Answer, RequestFault> {
    let uuid = uuid_of(&asked.place.uuid, None)?;
    let agreement = allowed(bridge, &asked).await?;
    let mut connection = bridge.pool.acquire().await?;
    let row = shared::locked(&mut connection, &agreement.id, uuid.as_str()).await?;
    let unknown = || Refusal::new(Why::NotFound, "the ticket is not shared under this agreement");
    let row = row.filter(SharedRow::is_on).ok_or_else(unknown)?;
    let held = shared::held(&mut connection, &agreement.account, &row, &[]).await?;
    let fields = &held.fields;
    let tags: Vec<&str> = fields
        .iter()
        .filter(|(_, value)| **value == json!(true))
        .filter_map(|(field, _)| field.strip_prefix("tag:"))
        .collect();
    let mut body = told_back(&uuid);
    body["status"] = fields.get("status").map_or(Value::Null, |status| status["value"].clone());
    body["tags"] = json!(tags);
    Ok((StatusCode::OK, body))
}

/// The agreement that the token opens, if tickets go under it. Whoever waits here holds no
/// connection meanwhile: the answer that is waited for could not be kept without one.
async fn allowed(bridge: &Bridge, asked: &Asked) -> Result<AgreementRow, RequestFault> {
    let mut agreement = opened(bridge, asked).await?;
    // Who answered our acceptance may share before that answer is kept here, and takes a refusal
    // for the last word.
    let until = Instant::now() + PROOF_MAY_TAKE.min(asked.deadline.left());
    while agreement.awaits_proof() && Instant::now() < until {
        sleep(PROOF_LOOKED_FOR).await;
        agreement = opened(bridge, asked).await?;
    }
    let sentence = match agreement.status() {
        AgreementStatus::Accepted if agreement.is_proven() => return Ok(agreement),
        AgreementStatus::Accepted => {
            "the agreement is not proven yet: your sharing URL has to answer its acceptance"
        }
        AgreementStatus::Pending => "the agreement is not accepted yet",
        AgreementStatus::Declined => "the agreement was declined",
        AgreementStatus::Inactive => "the agreement has ended; send a new invite",
    };
    Err(Refusal::forbidden(sentence).into())
}

async fn opened(bridge: &Bridge, asked: &Asked) -> Result<AgreementRow, RequestFault> {
    let mut connection = bridge.pool.acquire().await?;
    bridge.opened(&mut connection, &asked.place, &asked.headers).await
}

fn told_back(uuid: &NhdId) -> Value {
    json!({ "uuid": uuid.as_str() })
}
