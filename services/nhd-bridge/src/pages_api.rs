//! What the pages of an account ask for: how its partner is called, and what its admins do about
//! it. The edges that serve the pages show a secret of their own, which opens nothing else.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bootstrap::Secret;
use desk::calls::{CallAct, CallHealth, PausedBy};
use sqlx::PgPool;

use crate::operator_api::{Failed, UNKNOWN};
use crate::store::health;

/// What requests are answered from.
#[derive(Clone, Debug)]
pub(crate) struct PagesApi {
    pub pool: PgPool,
    /// What must be shown.
    pub secret: Secret,
}

impl PagesApi {
    /// Every route.
    pub fn router(self) -> Router {
        Router::new()
            .route("/pages/{address}/agreements/{id}", get(show))
            .route("/pages/{address}/agreements/{id}/{act}", post(act))
            .layer(from_fn_with_state(self.clone(), only_edges))
            .with_state(self)
    }
}

async fn only_edges(State(api): State<PagesApi>, request: Request, next: Next) -> Response {
    if api.secret.is_shown_in(request.headers()) {
        return next.run(request).await;
    }
    let detail = "send Authorization: Bearer and the secret of `pages.secret_file`";
    Failed(StatusCode::UNAUTHORIZED, detail).into_response()
}

async fn show(
    State(api): State<PagesApi>,
    Path((address, id)): Path<(String, String)>,
) -> Result<Json<CallHealth>, Failed> {
    let found = health::of_agreement(&api.pool, &address, &id).await?;
    found.map(Json).ok_or(UNKNOWN)
}

async fn act(
    State(api): State<PagesApi>,
    Path((address, id, act)): Path<(String, String, CallAct)>,
) -> Result<StatusCode, Failed> {
    if health::of_agreement(&api.pool, &address, &id).await?.is_none() {
        return Err(UNKNOWN);
    }
    match act {
        CallAct::Retry => {
            health::retry(&api.pool, &id).await?;
        }
        CallAct::Pause => {
            health::pause(&api.pool, &id, PausedBy::Account).await?;
        }
        CallAct::Resume => {
            health::resume(&api.pool, &id, PausedBy::Account).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
