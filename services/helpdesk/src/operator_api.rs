//! What the operator speaks to: accounts, and how their first admin signs in. Its own port, its own
//! secret.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bootstrap::Secret;
use contracts::command::{AccountKind, AccountRegister, Admin};
use contracts::topology::Service;
use contracts::{AccountName, Message, Reason, Receipt, ReceiptOutcome};
use desk::outbox::ask;
use desk::store::account::{self, KeptAccount};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::Notify;
use web::people::{self, NewPerson};
use web::{Failure, StaffRole};

use crate::clock::new_id;

/// How long a registration may take.
const REGISTRATION: Duration = Duration::from_secs(30);

/// What requests are answered from.
#[derive(Clone)]
pub struct OperatorApi {
    /// The service's schema.
    pub pool: PgPool,
    /// Told when there is a new command.
    pub new_command: Arc<Notify>,
    /// What must be shown.
    pub secret: Secret,
    /// What sign-in links begin with.
    pub public_url: String,
}

/// Why nothing was done: status and a sentence.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, detail) = self;
        (status, Json(json!({ "status": status.as_u16(), "detail": detail }))).into_response()
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(cause = messaging::cause(&error), "the operator got no answer");
        let detail = "the database does not answer, and nothing was done; ask again";
        Self(StatusCode::SERVICE_UNAVAILABLE, detail.to_owned())
    }
}

impl From<Failure> for Refusal {
    fn from(_: Failure) -> Self {
        let detail = "the sign-in link could not be made; ask again";
        Self(StatusCode::SERVICE_UNAVAILABLE, detail.to_owned())
    }
}

impl OperatorApi {
    /// Every route.
    pub fn router(self) -> Router {
        Router::new()
            .route("/operator/accounts", post(add))
            .layer(from_fn_with_state(self.clone(), only_the_operator))
            .with_state(self)
    }
}

async fn only_the_operator(
    State(api): State<OperatorApi>,
    request: HttpRequest,
    next: Next,
) -> Response {
    if api.secret.is_shown_in(request.headers()) {
        return next.run(request).await;
    }
    let detail = "send Authorization: Bearer and the secret of `operator.secret_file`";
    Refusal(StatusCode::UNAUTHORIZED, detail.to_owned()).into_response()
}

/// An account to be kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    /// `helpdesk-acme`.
    account: String,
    /// What partners invite: `acme`.
    address: String,
    display_name: Option<String>,
    /// The first of them signs in by a link.
    admins: Vec<Admin>,
}

/// Registers an account, adds its admins and makes a sign-in link for the first; again: a new link.
async fn add(State(api): State<OperatorApi>, Json(new): Json<New>) -> Result<Response, Refusal> {
    let edge = AccountName::new(Service::Helpdesk.name())
        .map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let name = AccountName::new(new.account.as_str()).ok().filter(|name| name.is_under(&edge));
    let name = name.ok_or_else(|| {
        let detail = format!("account: a name that begins with {edge}- is expected");
        Refusal(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })?;
    let Some(first) = new.admins.first().cloned() else {
        let detail = "admins: somebody has to sign in first; give a name and an address";
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, detail.to_owned()));
    };
    let display_name = new.display_name.unwrap_or_else(|| new.address.clone());
    let kept = KeptAccount {
        account: name.to_string(),
        address: new.address.clone(),
        display_name: display_name.clone(),
    };
    // Before it is registered: what it is told first must find it.
    account::keep(&api.pool, &kept).await?;
    let registration = AccountRegister {
        account: name.to_string(),
        address: Some(new.address.clone()),
        display_name,
        kind: AccountKind::Hosted,
        operated_by: Some(edge.clone()),
        may_operate: false,
        third_parties: false,
        sharing_url: None,
        admins: new.admins.clone(),
    };
    let receipt = register(&api, &edge, json!(registration)).await?;
    let known = receipt.reason == Some(Reason::AccountExists);
    if receipt.outcome == ReceiptOutcome::Rejected && !known {
        let reason = receipt.reason.map_or("rejected", Reason::code);
        let detail = receipt.detail.unwrap_or_default();
        let refused = format!("{reason}: {detail}");
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, refused));
    }
    for admin in &new.admins {
        let new = NewPerson {
            account: name.as_str(),
            email: &admin.email,
            name: &admin.name,
            role: StaffRole::Admin,
        };
        people::add(&api.pool, new).await?;
    }
    let link = sign_in_link(&api, name.as_str(), &first.email).await?;
    let answer = json!({ "account": name, "address": new.address, "registered_already": known,
        "sign_in": link });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn sign_in_link(api: &OperatorApi, account: &str, email: &str) -> Result<String, Refusal> {
    let found = people::by_email(&api.pool, account, email).await?;
    let Some(person) = found.filter(|person| person.disabled_at.is_none()) else {
        let detail = format!("{email} may not sign in to {account}");
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, detail));
    };
    let path = people::make_link(&api.pool, person.id).await?;
    Ok(format!("{}{path}", api.public_url))
}

/// Sends the registration as the edge and waits for its receipt. It is a command like any other,
/// with a key of its own: a name that was taken then may be free now.
async fn register(
    api: &OperatorApi,
    edge: &AccountName,
    registration: Value,
) -> Result<Receipt, Refusal> {
    let command = (AccountRegister::NAME, registration);
    let key = new_id().to_string();
    let receipt = ask(&api.pool, &api.new_command, edge, key, command, REGISTRATION).await?;
    receipt.ok_or_else(|| {
        let detail = "the registration is kept and has no receipt yet; ask again";
        Refusal(StatusCode::SERVICE_UNAVAILABLE, detail.to_owned())
    })
}
