//! Files in; links out.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use files::rules::name;
use files::store::{self, FileRow};
use files::{KeepError, Upload, hex};
use messaging::cause;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Api;
use super::auth::Caller;
use super::problem::{Refusal, not_found};
use super::query::{CheckedQuery, Paged};
use crate::rules::problem::{Problem, Why};
use crate::rules::scope;

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    filename: String,
}

/// `POST /v1/files`.
pub(crate) async fn upload(
    State(api): State<Api>,
    caller: Caller,
    CheckedQuery(Named { filename }): CheckedQuery<Named>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    caller.may(scope::FILES)?;
    if filename.is_empty() {
        let detail = "filename: say what the file is called, with its ending";
        return Err(Problem::new(Why::Malformed, detail).into());
    }
    let _open = api.limits.open(&caller.account)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    let upload = Upload {
        account: caller.account,
        filename: name::cleaned(&filename),
        content_type: name::content_type(headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes)),
        announced,
        body,
    };
    let kept = api.files.keep(upload).await.map_err(|error| refused(&api, &error))?;
    let answer = json!({
        "id": kept.file.id,
        "filename": kept.file.filename,
        "content_type": kept.file.content_type,
        "size": kept.size,
        "sha256": hex(&kept.sha256),
        "url": kept.url,
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

fn refused(api: &Api, error: &KeepError) -> Refusal {
    let settings = &api.files.settings();
    Refusal(match error {
        KeepError::TooLarge => {
            let detail = format!("a file may have {} bytes", settings.file_bytes);
            Problem::new(Why::TooLarge, detail)
        }
        // 413 and not 507: it is the account's own matter and stays so if it is asked again, while
        // clients and proxies repeat a 5xx, and operators are alarmed by it.
        KeepError::Quota => {
            let most = settings.account_bytes;
            let detail = format!(
                "the account's files may take {most} bytes; delete some (GET /v1/files lists them)"
            );
            Problem::new(Why::QuotaExceeded, detail)
        }
        KeepError::BrokeOff => {
            Problem::new(Why::Malformed, "the file did not arrive whole; send it again")
        }
        KeepError::Busy | KeepError::Chance | KeepError::Store(_) | KeepError::Database(_) => {
            tracing::warn!(cause = cause(error), "a file was not kept");
            Problem::new(Why::NotStored, "the file cannot be kept now; try again").after(1)
        }
    })
}

/// `GET /v1/files`.
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    CheckedQuery(paged): CheckedQuery<Paged>,
) -> Result<Json<Value>, Refusal> {
    caller.may(scope::FILES)?;
    let limit = paged.limit();
    let before = paged.after.map(|after| read_place(&after)).transpose()?;
    let used = store::usage(&api.pool, &caller.account).await?;
    let rows = store::list(&api.pool, &caller.account, before, limit).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
    let next = rows.last().filter(|_| is_full).map(place);
    let files: Vec<Value> = rows.iter().map(shown).collect();
    let quota = json!({ "used": used, "bytes": api.files.settings().account_bytes });
    Ok(Json(json!({ "files": files, "next": next, "quota": quota })))
}

fn shown(row: &FileRow) -> Value {
    json!({
        "id": row.id,
        "filename": row.filename,
        "content_type": row.content_type,
        "size": row.size,
        "sha256": hex(&row.sha256),
        "linked": row.linked,
        "created_at": row.created_at,
    })
}

/// Where the next page begins.
fn place(row: &FileRow) -> String {
    format!("{}.{}", row.created_at.timestamp_micros(), row.id)
}

fn read_place(text: &str) -> Result<(DateTime<Utc>, Uuid), Problem> {
    let place = text.split_once('.').and_then(|(at, id)| {
        Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, Uuid::parse_str(id).ok()?))
    });
    place.ok_or_else(|| Problem::new(Why::Malformed, "after: give `next` of the page before"))
}

/// `DELETE /v1/files/{id}`.
pub(crate) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    caller.may(scope::FILES)?;
    let id = Uuid::parse_str(&id).map_err(|_| not_found("file"))?;
    if store::take_away(&api.pool, &caller.account, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found("file"))
    }
}
