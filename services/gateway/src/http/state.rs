//! What the account holds.

use std::sync::LazyLock;

use axum::Json;
use axum::extract::{Path, State};
use contracts::delivery::AgreementStatus;
use desk::model::{Comment, Ticket};
use desk::session::Standing;
use desk::store::read::{self, ShareRow, TicketName, TicketRow};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Api;
use super::auth::Caller;
use super::problem::{Refusal, not_found};
use super::query::{CheckedQuery, Paged};
use crate::rules::problem::{Problem, Why};
use crate::rules::scope;
use crate::rules::timeline::{self, Heard, Sent};

/// Commands and deliveries that a timeline goes back.
const STORY: i64 = 200;

/// `GET /v1/openapi.json`: for anybody.
pub(crate) async fn openapi() -> Json<&'static Value> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(crate::openapi::document);
    Json(&DOCUMENT)
}

/// `GET /v1/account`.
pub(crate) async fn account(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    let kept = desk::store::account::find(&api.pool, &caller.account).await?;
    let kept = kept.ok_or_else(|| not_found("account"))?;
    let cursor = cursor(&api, &caller).await?;
    Ok(Json(json!({ "account": kept.account, "address": kept.address,
        "display_name": kept.display_name, "token": caller.name, "cursor": cursor })))
}

/// `GET /v1/agreements`.
pub(crate) async fn agreements(
    State(api): State<Api>,
    caller: Caller,
    CheckedQuery(paged): CheckedQuery<Paged>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    let cursor = cursor(&api, &caller).await?;
    let after = paged.after.clone().unwrap_or_default();
    let found = read::agreements(&api.pool, &caller.account, &after, paged.limit()).await?;
    let next = next(&found, paged.limit(), |it| it["agreement_id"].as_str().map(str::to_owned));
    Ok(Json(json!({ "agreements": found, "next": next, "cursor": cursor })))
}

/// `GET /v1/agreements/{agreement_id}`.
pub(crate) async fn agreement(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    let found = read::agreement(&api.pool, &caller.account, &id.to_lowercase()).await?;
    found.map(Json).ok_or_else(|| not_found("agreement"))
}

/// `GET /v1/shares`.
pub(crate) async fn shares(
    State(api): State<Api>,
    caller: Caller,
    CheckedQuery(paged): CheckedQuery<Paged>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    let cursor = cursor(&api, &caller).await?;
    let after = paged.after.clone().unwrap_or_default();
    let found = read::shares(&api.pool, &caller.account, &after, paged.limit()).await?;
    let next = next(&found, paged.limit(), |it| Some(it.share_id.clone()));
    let shown: Vec<Value> = found.iter().map(shown_share).collect();
    Ok(Json(json!({ "shares": shown, "next": next, "cursor": cursor })))
}

/// `GET /v1/shares/{share_id}`.
pub(crate) async fn share(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    let found = read::share(&api.pool, &caller.account, &id.to_lowercase()).await?;
    found.map(|share| Json(shown_share(&share))).ok_or_else(|| not_found("share"))
}

/// `GET /v1/tickets`: the newest changed first.
pub(crate) async fn tickets(
    State(api): State<Api>,
    caller: Caller,
    CheckedQuery(paged): CheckedQuery<Paged>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    let after = paged.after.as_deref().filter(|after| !after.is_empty());
    let after = after.map(|after| {
        let detail = "after: take it from an answer's next, or leave it out";
        Uuid::try_parse(after).map_err(|_| Problem::new(Why::Malformed, detail))
    });
    let after = after.transpose()?;
    let cursor = cursor(&api, &caller).await?;
    let found = read::tickets(&api.pool, &caller.account, after, paged.limit()).await?;
    let next = next(&found, paged.limit(), |(id, ..)| Some(id.to_string()));
    let shown: Vec<Value> = found
        .iter()
        .map(|(_, ticket, at)| {
            let seen = ticket.seen();
            json!({ "ticket_id": ticket.number, "shares": ticket.shares,
                "subject": ticket.head.subject, "status": seen.get("status"), "changed_at": at })
        })
        .collect();
    Ok(Json(json!({ "tickets": shown, "next": next, "cursor": cursor })))
}

/// `GET /v1/tickets/{number}`.
pub(crate) async fn ticket(
    State(api): State<Api>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    held(&api, &caller, TicketName::Number(&number)).await
}

/// `GET /v1/shares/{share_id}/ticket`: a copy also before it has a number.
pub(crate) async fn ticket_of_share(
    State(api): State<Api>,
    caller: Caller,
    Path(share): Path<String>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    held(&api, &caller, TicketName::Share(&share.to_lowercase())).await
}

async fn held(api: &Api, caller: &Caller, name: TicketName<'_>) -> Result<Json<Value>, Refusal> {
    let cursor = cursor(api, caller).await?;
    let mut connection = api.pool.acquire().await?;
    let row = read::ticket(&mut connection, &caller.account, name).await?;
    let row = row.ok_or_else(|| not_found("ticket"))?;
    let mut shown = shown_ticket(&row);
    shown["cursor"] = json!(cursor);
    Ok(Json(shown))
}

/// `GET /v1/tickets/{number}/timeline`.
pub(crate) async fn timeline(
    State(api): State<Api>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::READ)?;
    let mut connection = api.pool.acquire().await?;
    let name = TicketName::Number(&number);
    let row = read::ticket(&mut connection, &caller.account, name).await?;
    drop(connection);
    let row = row.ok_or_else(|| not_found("ticket"))?;
    let shares: Vec<String> = row.ticket.shares.iter().cloned().collect();
    let account = &caller.account;
    let sent = read::commands_about(&api.pool, account, Some(&number), &shares, STORY).await?;
    let heard = desk::log::about(&api.pool, account, &shares, STORY).await?;
    let sent = sent.into_iter().map(|it| Sent {
        receipt: it.receipt.as_deref().and_then(|receipt| serde_json::from_str(receipt).ok()),
        message_id: it.key,
        command_type: it.command_type,
        accepted_at: it.accepted_at,
        sent_at: it.sent_at,
        receipt_at: it.receipt_at,
    });
    let heard = heard.into_iter().map(|it| Heard {
        message_id: it.message_id,
        message_type: it.message_type,
        share_id: it.share_id,
        at: it.told_at,
    });
    let told = timeline::told(sent.collect(), heard.collect());
    Ok(Json(json!({ "ticket_id": number, "timeline": told })))
}

/// The log's cursor from before the state is read: deliveries after it may tell what is in it
/// already, and none that is not in it is missed.
pub(super) async fn cursor(api: &Api, caller: &Caller) -> Result<Option<String>, Refusal> {
    Ok(desk::log::head(&api.pool, &caller.account).await?.map(|cursor| cursor.to_string()))
}

fn next<T>(found: &[T], limit: i64, name: impl Fn(&T) -> Option<String>) -> Option<String> {
    let is_full = usize::try_from(limit).is_ok_and(|limit| found.len() >= limit);
    found.last().filter(|_| is_full).and_then(name)
}

pub(super) fn shown_share(share: &ShareRow) -> Value {
    let agreement = share.agreement.as_ref().map(|agreement| &agreement.0["status"]);
    let agreement: Option<AgreementStatus> =
        agreement.and_then(|status| serde_json::from_value(status.clone()).ok());
    json!({
        "share_id": share.share_id,
        "agreement_id": share.agreement_id,
        "side": share.side,
        "partner": share.partner,
        "ticket_id": share.ticket_id,
        "partner_ticket_id": share.partner_ticket_id,
        "state": Standing::of(share.ended, agreement).word(),
        "started_at": share.started_at,
    })
}

pub(super) fn shown_ticket(row: &TicketRow) -> Value {
    let ticket = &row.ticket;
    let comments = row.order.iter().filter_map(|id| Some((id, ticket.comments.get(id)?)));
    json!({
        "ticket_id": ticket.number,
        "subject": ticket.head.subject,
        "requester": ticket.head.requester,
        "requested_at": ticket.head.requested_at,
        "received_from": ticket.head.received_from,
        "original_ticket_id": ticket.head.original_ticket_id,
        "status": field(ticket, "status"),
        "tags": fields(ticket, "tag:"),
        "custom_fields": fields(ticket, "custom_field:"),
        "comments": comments.map(|(id, comment)| shown_comment(ticket, id, comment))
            .collect::<Vec<_>>(),
        "shares": row.shares.iter().map(shown_share).collect::<Vec<_>>(),
    })
}

/// A field's value with the revision that set it.
fn field(ticket: &Ticket, name: &str) -> Value {
    ticket
        .fields
        .get(name)
        .map_or(Value::Null, |(value, revision)| json!({ "value": value, "revision": revision }))
}

fn fields(ticket: &Ticket, prefix: &str) -> Value {
    let named = ticket.fields.keys().filter_map(|name| Some((name, name.strip_prefix(prefix)?)));
    named.map(|(name, short)| (short.to_owned(), field(ticket, name))).collect()
}

fn shown_comment(ticket: &Ticket, id: &str, comment: &Comment) -> Value {
    let mut shown = json!(comment);
    shown["id"] = json!(id);
    shown["attachments"] = comment.attachments.values().cloned().collect();
    shown["redacted"] = json!(ticket.redacted.contains(id));
    shown
}
