//! Commands in, receipts out.

use std::fmt::Write as _;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, RawPathParams, State};
use axum::http::header::{HeaderName, HeaderValue, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use contracts::{AccountName, Decision};
use desk::outbox::{self, Accepted, Request, RequestError, entity_of};
use desk::store::read::{self, CommandRow};
use files::accept;
use files::rules::foreign::foreign;
use files::store::copy::{self, CopyState};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::body::CommandBody;
use super::problem::{Refusal, not_found};
use super::query::{self, Between, CheckedQuery as Queried};
use super::{Api, LONGEST_WAIT};
use crate::clock::{new_id, now};
use crate::rules::built::{self, CommandRequest};
use crate::rules::problem::{Problem, Why};
use crate::rules::route::CommandRoute;
use crate::rules::scope;
use crate::rules::timeline::state_of;

const KEY: &str = "idempotency-key";
const PREFER: &str = "prefer";

/// The contract's envelope.
#[derive(Debug, Deserialize)]
struct Envelope {
    r#type: String,
    message_id: Option<String>,
    #[serde(default)]
    payload: Value,
}

/// `POST /v1/commands`.
pub(crate) async fn any(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    CommandBody { content, mended }: CommandBody,
) -> Result<Response, Refusal> {
    let envelope: Envelope = serde_json::from_value(content).map_err(|error| {
        let detail = format!("an object with type, message_id and payload is expected: {error}");
        Refusal(Problem::new(Why::Malformed, detail))
    })?;
    let key = match (key(&headers)?, envelope.message_id) {
        (Some(key), Some(id)) if key != id => {
            let detail = "it must be the same as the header Idempotency-Key, or left out";
            return Err(Problem::new(Why::Malformed, detail).at("/message_id").into());
        }
        (Some(key), _) | (None, Some(key)) => key,
        (None, None) => new_id().to_string(),
    };
    let requested =
        RequestedCommand { command_type: envelope.r#type, key, body: envelope.payload, mended };
    send(&api, &caller, &headers, requested).await
}

/// One of the routes of `COMMAND_ROUTES`.
pub(crate) async fn of_route(
    route: &'static CommandRoute,
    State(api): State<Api>,
    caller: Caller,
    parameters: RawPathParams,
    headers: HeaderMap,
    CommandBody { content, mended }: CommandBody,
) -> Result<Response, Refusal> {
    let parameters: Vec<(&str, &str)> = parameters.iter().collect();
    let body = built::asked(route, &parameters, content)?;
    let key = key(&headers)?.unwrap_or_else(|| new_id().to_string());
    let requested = RequestedCommand { command_type: route.command.to_owned(), key, body, mended };
    send(&api, &caller, &headers, requested).await
}

/// A command as it was asked for.
struct RequestedCommand {
    command_type: String,
    key: String,
    body: Value,
    mended: Vec<Decision>,
}

async fn send(
    api: &Api,
    caller: &Caller,
    headers: &HeaderMap,
    requested: RequestedCommand,
) -> Result<Response, Refusal> {
    let RequestedCommand { command_type, key, body, mended } = requested;
    caller.may(scope::of_command(&command_type))?;
    let account = AccountName::new(caller.account.as_str()).map_err(|_| not_found("account"))?;
    let hash = Request::hash_of(&command_type, &body);
    let asked = CommandRequest {
        account: &caller.account,
        key: &key,
        actor: &caller.display_name,
        now: now(),
        body,
    };
    let content = built::content(&command_type, &asked);
    let request = Request { account, key, command_type, content, hash };
    request.check().map_err(|error| refused(&error))?;
    let origin = api.files.settings().origin.as_str();
    match accept(&api.pool, &request, origin).await? {
        Accepted::New => api.new_command.notify_one(),
        Accepted::Repeat(_) => {}
        Accepted::KeyReused => {
            let detail = "another request was made with this key; use a new one for a new request";
            return Err(Problem::new(Why::MessageIdReused, detail).into());
        }
        Accepted::NoSuchAccount => return Err(not_found("account")),
    }
    metrics::counter!("deskmesh_gateway_commands_total", "type" => request.command_type.clone())
        .increment(1);
    let entity = entity_of(&request.command_type).to_owned();
    let (name, wait) = ((entity.as_str(), request.key.as_str()), preferred_wait(headers));
    let answered = wait_for_receipt(api, &caller.account, name, wait).await?;
    let location = format!("/v1/receipts/{entity}/{}", encoded(&request.key));
    let row = answered.ok_or_else(|| not_found("command"))?;
    let has_files = !foreign(&request.command_type, &request.content, origin).is_empty();
    let files = if has_files { files_of(api, &caller.account, name).await? } else { Vec::new() };
    let has_receipt = row.receipt.is_some();
    let status =
        if has_receipt && wants_receipt(headers) { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut body = shown(&row, &files);
    if !mended.is_empty() {
        body["mended"] = json!(mended);
    }
    let mut response = (status, Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    if wants_receipt(headers) {
        let applied = HeaderName::from_static("preference-applied");
        response.headers_mut().insert(applied, HeaderValue::from_static("wait"));
    }
    Ok(response)
}

fn refused(error: &RequestError) -> Refusal {
    let why = match error {
        RequestError::UnknownType(_) => Why::UnknownType,
        RequestError::Key | RequestError::Nul(_) => Why::Malformed,
        RequestError::TooLarge(_) => Why::TooLarge,
    };
    Refusal(Problem::new(why, error.to_string()))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wait {
    /// Seconds.
    wait: Option<Between<0, { query::LONGEST_WAIT }>>,
}

/// `GET /v1/receipts/{entity}/{key}`.
pub(crate) async fn receipt(
    State(api): State<Api>,
    caller: Caller,
    Path((entity, key)): Path<(String, String)>,
    Queried(Wait { wait }): Queried<Wait>,
) -> Result<Response, Refusal> {
    caller.may(scope::READ)?;
    let wait = Duration::from_secs(wait.map_or(0, Between::get));
    let name = (entity.as_str(), key.as_str());
    let row = wait_for_receipt(&api, &caller.account, name, wait).await?;
    let row = row.ok_or_else(|| not_found("command"))?;
    let files = files_of(&api, &caller.account, name).await?;
    Ok(Json(shown(&row, &files)).into_response())
}

/// The command, as soon as it has its receipt, or else when the time is up.
async fn wait_for_receipt(
    api: &Api,
    account: &str,
    (entity, key): (&str, &str),
    wait: Duration,
) -> Result<Option<CommandRow>, Refusal> {
    if wait.is_zero() {
        return Ok(read::command(&api.pool, account, entity, key).await?);
    }
    let _open = api.limits.open(account)?;
    let until = tokio::time::Instant::now() + wait;
    let waited = outbox::with_receipt(&api.pool, &api.heads, account, (entity, key), until);
    match api.shutdown.run_until_cancelled(waited).await {
        Some(row) => Ok(row?),
        None => Ok(read::command(&api.pool, account, entity, key).await?),
    }
}

/// What became of the files that a command names and that lie elsewhere. Only what carries comments
/// has any.
async fn files_of(
    api: &Api,
    account: &str,
    (entity, key): (&str, &str),
) -> Result<Vec<CopyState>, Refusal> {
    if entity == "ticket" {
        Ok(copy::states(&api.pool, account, entity, key).await?)
    } else {
        Ok(Vec::new())
    }
}

/// A command and where it is; its receipt, when it is there, and its files that lie elsewhere.
fn shown(row: &CommandRow, files: &[CopyState]) -> Value {
    let receipt: Option<Value> =
        row.receipt.as_deref().and_then(|receipt| serde_json::from_str(receipt).ok());
    let mut told = json!({
        "message_id": row.key,
        "type": row.command_type,
        "state": state_of(row.sent_at.as_deref(), receipt.is_some()),
        "accepted_at": row.accepted_at,
        "receipt": receipt,
    });
    if !files.is_empty() {
        told["files"] = files.iter().map(shown_file).collect();
    }
    told
}

fn shown_file(file: &CopyState) -> Value {
    let mut told = json!({
        "comment_id": file.comment,
        "attachment_id": file.attachment,
        "state": file.state,
    });
    if let Some((reason, detail)) = file.failure.as_ref().zip(file.detail.as_ref()) {
        told["reason"] = json!(reason);
        told["detail"] = json!(detail);
    }
    told
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(given) = headers.get(KEY) else { return Ok(None) };
    let key = given.to_str().ok().filter(|key| (1..=128).contains(&key.len()));
    let detail = "Idempotency-Key must be 1 to 128 printable ASCII characters";
    let key = key.ok_or_else(|| Problem::new(Why::Malformed, detail))?;
    Ok(Some(key.to_owned()))
}

fn preference(headers: &HeaderMap) -> Option<u64> {
    let prefer = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut words = prefer.flat_map(|value| value.split([',', ';']));
    words.find_map(|word| word.trim().strip_prefix("wait=")?.trim().parse().ok())
}

fn wants_receipt(headers: &HeaderMap) -> bool {
    preference(headers).is_some()
}

/// How long the request would wait for its receipt (RFC 7240).
fn preferred_wait(headers: &HeaderMap) -> Duration {
    Duration::from_secs(preference(headers).unwrap_or_default()).min(LONGEST_WAIT)
}

/// A key as one segment of a path.
fn encoded(key: &str) -> String {
    let mut text = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").ok();
        }
    }
    text
}
