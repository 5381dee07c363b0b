//! What the operator asks for: how partners do. Its own port, its own secret.

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bootstrap::Secret;
use desk::calls::PausedBy;
use messaging::cause;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::store::health;

/// Agreements, or attempts, in one answer.
const PAGE: i64 = 100;

/// What requests are answered from.
#[derive(Clone, Debug)]
pub(crate) struct OperatorApi {
    pub pool: PgPool,
    /// What must be shown.
    pub secret: Secret,
}

impl OperatorApi {
    /// Every route.
    pub fn router(self) -> Router {
        Router::new()
            .route("/operator/agreements", get(list))
            .route("/operator/agreements/{id}/attempts", get(attempts))
            .route("/operator/agreements/{id}/pause", post(pause))
            .route("/operator/agreements/{id}/resume", post(resume))
            .route("/operator/agreements/{id}/retry", post(retry))
            .layer(from_fn_with_state(self.clone(), only_the_operator))
            .with_state(self)
    }
}

/// What is answered when nothing can be.
pub(crate) struct Failed(pub StatusCode, pub &'static str);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "status": self.0.as_u16(), "detail": self.1 }))).into_response()
    }
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(cause = cause(&error), "how partners do could not be answered");
        Self(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; ask again")
    }
}

pub(crate) const UNKNOWN: Failed =
    Failed(StatusCode::NOT_FOUND, "there is no agreement of this id");

async fn only_the_operator(
    State(api): State<OperatorApi>,
    request: Request,
    next: Next,
) -> Response {
    if api.secret.is_shown_in(request.headers()) {
        return next.run(request).await;
    }
    let detail = "send Authorization: Bearer and the secret of `operator.secret_file`";
    Failed(StatusCode::UNAUTHORIZED, detail).into_response()
}

#[derive(Debug, Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

async fn list(
    State(api): State<OperatorApi>,
    Query(After { after }): Query<After>,
) -> Result<Json<Value>, Failed> {
    let rows = health::list(&api.pool, &after, PAGE).await?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
    let next = rows.last().filter(|_| full).map(|row| row.id.clone());
    Ok(Json(json!({ "agreements": rows, "next": next })))
}

async fn attempts(
    State(api): State<OperatorApi>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failed> {
    Ok(Json(json!({ "attempts": health::attempts(&api.pool, &id, PAGE).await? })))
}

async fn pause(
    State(api): State<OperatorApi>,
    Path(id): Path<String>,
) -> Result<StatusCode, Failed> {
    let found = health::pause(&api.pool, &id, PausedBy::Operator).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(UNKNOWN) }
}

async fn resume(
    State(api): State<OperatorApi>,
    Path(id): Path<String>,
) -> Result<StatusCode, Failed> {
    let found = health::resume(&api.pool, &id, PausedBy::Operator).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(UNKNOWN) }
}

async fn retry(
    State(api): State<OperatorApi>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failed> {
    Ok(Json(json!({ "calls": health::retry(&api.pool, &id).await? })))
}
