//! Webhooks: kept, tried and read.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Api;
use super::auth::Caller;
use super::body::JsonBody;
use super::deliveries::place;
use super::problem::{Refusal, not_found};
use super::query::{CheckedQuery, Paged};
use crate::clock::{new_id, now};
use crate::rules::problem::{Problem, Why};
use crate::rules::scope;
use crate::rules::webhook::SigningSecret;
use crate::store::webhook::{self, New, Resend, WebhookChange, WebhookRow};

/// Webhooks of one account, at most.
const MOST: i64 = 50;
const LONGEST_DESCRIPTION: usize = 200;
const SECRET_BYTES: usize = 32;
/// For how long the secret before is used too, in seconds: usually, and at most.
const OVERLAP: u32 = 24 * 60 * 60;
const LONGEST_OVERLAP: u32 = 7 * OVERLAP;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/webhooks", get(list).post(create))
        .route("/v1/webhooks/{webhook_id}", get(show).patch(change).delete(delete))
        .route("/v1/webhooks/{webhook_id}/rotate", post(rotate))
        .route("/v1/webhooks/{webhook_id}/test", post(test))
        .route("/v1/webhooks/{webhook_id}/resend", post(resend))
        .route("/v1/webhooks/{webhook_id}/attempts", get(attempts))
}

/// `GET /v1/webhooks`.
async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Value>, Refusal> {
    caller.may(scope::WEBHOOKS)?;
    let found = webhook::of_account(&api.pool, &caller.account).await?;
    Ok(Json(json!({ "webhooks": found.iter().map(shown).collect::<Vec<_>>() })))
}

/// A webhook to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    url: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    payload: bool,
    /// A cursor, or `latest`, which it is without.
    after: Option<String>,
}

/// `POST /v1/webhooks`: tells the secret, this once.
async fn create(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Response, Refusal> {
    caller.may(scope::WEBHOOKS)?;
    let wanted: Wanted = read(body)?;
    checked(&api, &caller, Some(&wanted.url), Some(&wanted.description), wanted.payload)?;
    let after = wanted.after.as_deref().unwrap_or("latest");
    let after = place(&api, &caller.account, after).await?;
    let secret = new_secret()?;
    let new = New {
        id: new_id(),
        account: &caller.account,
        url: &wanted.url,
        description: &wanted.description,
        payload: wanted.payload,
        after,
    };
    if !webhook::insert(&api.pool, new, &secret, MOST).await? {
        let detail = format!("the account has {MOST} webhooks already; delete one first");
        return Err(Problem::new(Why::Malformed, detail).into());
    }
    let mut told = shown(&of_id(&api, &caller, new.id).await?);
    told["secret"] = json!(secret.reveal());
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

/// `GET /v1/webhooks/{webhook_id}`.
async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(shown(&found(&api, &caller, &id).await?)))
}

/// What is changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    url: Option<String>,
    description: Option<String>,
    payload: Option<bool>,
    state: Option<WantedState>,
    after: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WantedState {
    Active,
    Disabled,
}

/// `PATCH /v1/webhooks/{webhook_id}`.
async fn change(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, Refusal> {
    let kept = found(&api, &caller, &id).await?;
    let changed: Changed = read(body)?;
    let (url, description) = (changed.url.as_deref(), changed.description.as_deref());
    checked(&api, &caller, url, description, changed.payload == Some(true))?;
    // To whom payloads go is decided by who may read them.
    if url.is_some() && kept.payload && changed.payload != Some(false) {
        caller.may(scope::READ)?;
    }
    if let Some(after) = changed.after.as_deref() {
        let after = place(&api, &caller.account, after).await?;
        webhook::move_to(&api.pool, kept.id, after).await?;
    }
    let active = changed.state.map(|state| state == WantedState::Active);
    let change = WebhookChange { url, description, payload: changed.payload, active };
    webhook::change(&api.pool, kept.id, change).await?;
    Ok(Json(shown(&of_id(&api, &caller, kept.id).await?)))
}

/// `DELETE /v1/webhooks/{webhook_id}`.
async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let kept = found(&api, &caller, &id).await?;
    if webhook::delete(&api.pool, &caller.account, kept.id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found("webhook"))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotated {
    overlap_seconds: Option<u32>,
}

/// `POST /v1/webhooks/{webhook_id}/rotate`: tells the new secret, this once.
async fn rotate(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, Refusal> {
    let kept = found(&api, &caller, &id).await?;
    let Rotated { overlap_seconds } = if body.is_null() { Rotated::default() } else { read(body)? };
    let overlap = overlap_seconds.unwrap_or(OVERLAP);
    if overlap > LONGEST_OVERLAP {
        let detail = format!("it must be from 0 to {LONGEST_OVERLAP}");
        return Err(Problem::new(Why::Malformed, detail).at("/overlap_seconds").into());
    }
    let secret = new_secret()?;
    webhook::rotate(&api.pool, kept.id, &secret, overlap).await?;
    let mut told = shown(&of_id(&api, &caller, kept.id).await?);
    told["secret"] = json!(secret.reveal());
    Ok(Json(told))
}

/// `POST /v1/webhooks/{webhook_id}/test`: answers with the attempt.
async fn test(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let kept = found(&api, &caller, &id).await?;
    let _open = api.limits.open(&caller.account)?;
    let attempt = api.webhooks.test(&kept).await?;
    attempt.map(|attempt| Json(json!(attempt))).ok_or_else(|| not_found("webhook"))
}

/// `POST /v1/webhooks/{webhook_id}/resend`.
async fn resend(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refusal> {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Again {
        message_id: Option<String>,
        since: Option<DateTime<Utc>>,
        #[serde(default)]
        failed: bool,
    }
    let kept = found(&api, &caller, &id).await?;
    let again: Again = read(body)?;
    let wanted = match (&again.message_id, again.since, again.failed) {
        (Some(id), None, false) => Resend::One(id),
        (None, Some(since), false) => Resend::Since(since),
        (None, None, true) => Resend::Failed,
        _ => {
            let detail = "one of message_id, since (a time) and failed (true) is expected";
            return Err(Problem::new(Why::Malformed, detail).into());
        }
    };
    let queued = webhook::resend(&api.pool, &kept, wanted).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "queued": queued }))).into_response())
}

/// `GET /v1/webhooks/{webhook_id}/attempts`: the newest first.
async fn attempts(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    CheckedQuery(paged): CheckedQuery<Paged>,
) -> Result<Json<Value>, Refusal> {
    let kept = found(&api, &caller, &id).await?;
    let before = paged.after.as_deref().filter(|after| !after.is_empty());
    let before = before.map(str::parse).transpose().map_err(|_| {
        Problem::new(Why::Malformed, "after: take it from an answer's next, or leave it out")
    })?;
    let limit = paged.limit();
    let found = webhook::attempts(&api.pool, kept.id, before, limit).await?;
    let is_full = usize::try_from(limit).is_ok_and(|limit| found.len() >= limit);
    let next = found.last().filter(|_| is_full).map(|attempt| attempt.id.to_string());
    Ok(Json(json!({ "attempts": found, "next": next })))
}

/// The webhook, if the token may keep webhooks and it is its account's.
async fn found(api: &Api, caller: &Caller, id: &str) -> Result<WebhookRow, Refusal> {
    caller.may(scope::WEBHOOKS)?;
    let id = Uuid::try_parse(id).map_err(|_| not_found("webhook"))?;
    of_id(api, caller, id).await
}

async fn of_id(api: &Api, caller: &Caller, id: Uuid) -> Result<WebhookRow, Refusal> {
    let found = webhook::find(&api.pool, &caller.account, id).await?;
    found.ok_or_else(|| not_found("webhook"))
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(|error| {
        let detail = format!("the body is not as it must be: {error}; see /v1/openapi.json");
        Refusal(Problem::new(Why::Malformed, detail))
    })
}

/// What may be kept: an endpoint that may be called, a short description, and payloads only for who
/// may read deliveries.
fn checked(
    api: &Api,
    caller: &Caller,
    url: Option<&str>,
    description: Option<&str>,
    payload: bool,
) -> Result<(), Refusal> {
    if payload {
        caller.may(scope::READ)?;
    }
    if let Some(Err(error)) = url.map(|url| api.webhooks.egress.check(url)) {
        return Err(Problem::new(Why::Malformed, error.to_string()).at("/url").into());
    }
    let fits = description
        .is_none_or(|text| text.chars().count() <= LONGEST_DESCRIPTION && !text.contains('\0'));
    if !fits {
        let detail = format!("it has {LONGEST_DESCRIPTION} characters at most, and no NUL");
        return Err(Problem::new(Why::Malformed, detail).at("/description").into());
    }
    Ok(())
}

fn new_secret() -> Result<SigningSecret, Refusal> {
    let mut chance = [0; SECRET_BYTES];
    getrandom::fill(&mut chance).map_err(|_| {
        Problem::new(Why::NotStored, "the system gave no random numbers; try again")
    })?;
    Ok(SigningSecret::of(chance))
}

fn shown(row: &WebhookRow) -> Value {
    let now = now().utc();
    let old = row.old_secret_until.filter(|until| *until > now);
    let public_keys: Vec<String> =
        row.secrets(now).iter().filter_map(SigningSecret::public_key).collect();
    json!({
        "webhook_id": row.id,
        "url": row.url,
        "description": row.description,
        "payload": row.payload,
        "state": row.state,
        "reason": row.reason,
        "cursor": row.cursor().to_string(),
        "waiting": row.waiting,
        "failures": row.failures,
        "failing_since": row.failing_since,
        "next_attempt_at": (row.failures > 0 && row.state == "active").then_some(row.due_at),
        "old_secret_until": old,
        "public_keys": public_keys,
        "created_at": row.created_at,
    })
}
