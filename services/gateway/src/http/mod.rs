//! The API: what programs speak to.

mod auth;
mod body;
mod commands;
pub(crate) mod deliveries;
mod export;
mod files;
mod limits;
mod pages;
mod problem;
pub(crate) mod query;
mod state;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use ::files::Files;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{MethodFilter, delete, get, on, post};
use contracts::limits::BODY_BYTES;
use desk::log::Heads;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::rules::route::COMMAND_ROUTES;
use crate::webhooks::Webhooks;

pub use limits::AccountLimiter;
pub use pages::with_pages;
pub(crate) use problem::{Refusal, not_found};

use auth::Tokens;

/// What every request is answered from.
#[derive(Clone)]
pub struct Api {
    /// The service's schema.
    pub pool: PgPool,
    /// Whoever waits for deliveries.
    pub heads: Arc<Heads>,
    /// Told when there is a new command.
    pub new_command: Arc<Notify>,
    /// What accounts may take.
    pub limits: Arc<AccountLimiter>,
    /// What accounts uploaded.
    pub files: Files,
    /// What calls accounts' endpoints.
    pub webhooks: Webhooks,
    /// Cancelled when the process stops: who waits is answered.
    pub shutdown: CancellationToken,
    tokens: Arc<Tokens>,
}

/// The longest that a request may ask to wait.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(query::LONGEST_WAIT);

impl Api {
    /// Answers from these.
    #[must_use]
    pub fn new(
        pool: PgPool,
        heads: Arc<Heads>,
        new_command: Arc<Notify>,
        limits: AccountLimiter,
        files: Files,
        webhooks: Webhooks,
        shutdown: CancellationToken,
    ) -> Self {
        let (tokens, limits) = (Arc::new(Tokens::new()), Arc::new(limits));
        Self { pool, heads, new_command, limits, files, webhooks, shutdown, tokens }
    }

    /// Every route.
    pub fn router(self) -> Router {
        let mut router = Router::new()
            .route("/v1/commands", post(commands::any))
            .route("/v1/receipts/{entity}/{key}", get(commands::receipt))
            .route("/v1/openapi.json", get(state::openapi))
            .route("/v1/deliveries", get(deliveries::poll))
            .route("/v1/deliveries/stream", get(deliveries::stream))
            .route("/v1/export", get(export::export))
            .route("/v1/files", get(files::list).post(files::upload))
            .route("/v1/files/{id}", delete(files::delete))
            .route("/v1/account", get(state::account))
            .route("/v1/agreements", get(state::agreements))
            .route("/v1/agreements/{agreement_id}", get(state::agreement))
            .route("/v1/shares", get(state::shares))
            .route("/v1/shares/{share_id}", get(state::share))
            .route("/v1/shares/{share_id}/ticket", get(state::ticket_of_share))
            .route("/v1/tickets", get(state::tickets))
            .route("/v1/tickets/{number}", get(state::ticket))
            .route("/v1/tickets/{number}/timeline", get(state::timeline))
            .merge(webhooks::routes());
        for route in COMMAND_ROUTES {
            let method = match route.method {
                "POST" => MethodFilter::POST,
                "PUT" => MethodFilter::PUT,
                "PATCH" => MethodFilter::PATCH,
                _ => MethodFilter::DELETE,
            };
            let send = move |api, caller, parameters, headers, body| {
                commands::of_route(route, api, caller, parameters, headers, body)
            };
            router = router.route(route.path, on(method, send));
        }
        router
            .layer(from_fn(problem::no_nul))
            .fallback(problem::no_such_path)
            .method_not_allowed_fallback(problem::no_such_method)
            // A command with what the envelope adds to it.
            .layer(DefaultBodyLimit::max(BODY_BYTES + 64 * 1024))
            .with_state(self)
    }
}
