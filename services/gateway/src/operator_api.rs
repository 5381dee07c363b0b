//! What the operator speaks to: accounts and tokens. Its own port, its own secret.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
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
use uuid::Uuid;
use web::StaffRole;
use web::people::{self, NewPerson};

use crate::clock::new_id;
use crate::http::{Refusal, not_found};
use crate::rules::problem::{Problem, Why};
use crate::store::token;
use crate::tokens::{self, NotMade, Wanted};

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
    /// What pages are reached by: sign-in links begin with it.
    pub public_url: String,
}

impl OperatorApi {
    /// Every route.
    pub fn router(self) -> Router {
        Router::new()
            .route("/operator/accounts", post(add))
            .route("/operator/accounts/{account}", get(show))
            .route("/operator/accounts/{account}/tokens", post(add_token))
            .route("/operator/accounts/{account}/tokens/{id}", delete(revoke))
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
    Refusal(Problem::new(Why::NoToken, detail)).into_response()
}

/// An account to be kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    /// `gateway-acme`.
    account: String,
    /// What partners invite: `acme`.
    address: String,
    display_name: Option<String>,
    #[serde(default)]
    admins: Vec<Admin>,
    /// What the first token is called.
    token_name: Option<String>,
}

/// Registers an account, makes its first token and a link by which its first admin signs in; again:
/// makes a further token, and another link for that admin.
async fn add(State(api): State<OperatorApi>, Json(new): Json<New>) -> Result<Response, Refusal> {
    let edge = AccountName::new(Service::Gateway.name()).map_err(|_| not_found("account"))?;
    let name = AccountName::new(new.account.as_str()).ok().filter(|name| name.is_under(&edge));
    let Some(name) = name else {
        let detail = format!("account: a name that begins with {edge}- is expected");
        return Err(Problem::new(Why::Malformed, detail).at("/account").into());
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
        kind: AccountKind::Connected,
        operated_by: Some(edge.clone()),
        may_operate: false,
        third_parties: false,
        sharing_url: None,
        admins: new.admins.clone(),
    };
    let admins = new.admins;
    let receipt = register(&api, &edge, json!(registration)).await?;
    let known = receipt.reason == Some(Reason::AccountExists);
    if receipt.outcome == ReceiptOutcome::Rejected && !known {
        let reason = receipt.reason.map_or("rejected", Reason::code);
        let detail = receipt.detail.unwrap_or_default();
        return Err(Problem::new(Why::Malformed, format!("{reason}: {detail}")).into());
    }
    let made = Wanted {
        name: new.token_name.unwrap_or_else(|| "first".to_owned()),
        scopes: None,
        expires_at: None,
    };
    let told = make_token(&api.pool, name.as_str(), made).await?;
    let sign_in = match admins.first() {
        Some(admin) => Some(sign_in_link(&api, name.as_str(), admin).await?),
        None => None,
    };
    let answer = json!({ "account": name, "address": new.address, "registered_already": known,
        "token": told, "sign_in": sign_in });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// The first admin as a person who signs in on the pages, and a link for the first time.
async fn sign_in_link(api: &OperatorApi, account: &str, admin: &Admin) -> Result<Value, Refusal> {
    let (name, email) = (admin.name.as_str(), admin.email.as_str());
    let new = NewPerson { account, email, name, role: StaffRole::Admin };
    let person = match people::add(&api.pool, new).await? {
        Some(person) => Some(person),
        None => people::by_email(&api.pool, account, email).await?.map(|person| person.id),
    };
    let person = person.ok_or_else(|| not_found("person"))?;
    let path = people::make_link(&api.pool, person).await.map_err(|_| {
        Refusal(Problem::new(Why::NotStored, "no sign-in link could be made; try again"))
    })?;
    Ok(json!({ "email": email, "link": format!("{}{path}", api.public_url) }))
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
        Problem::new(Why::NotStored, detail).after(5).into()
    })
}

async fn show(
    State(api): State<OperatorApi>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let kept = account::find(&api.pool, &name).await?.ok_or_else(|| not_found("account"))?;
    let tokens = token::of_account(&api.pool, &name).await?;
    Ok(Json(json!({ "account": kept.account, "address": kept.address,
        "display_name": kept.display_name, "tokens": tokens })))
}

async fn add_token(
    State(api): State<OperatorApi>,
    Path(name): Path<String>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Refusal> {
    account::find(&api.pool, &name).await?.ok_or_else(|| not_found("account"))?;
    let told = make_token(&api.pool, &name, wanted).await?;
    Ok((StatusCode::CREATED, Json(json!({ "account": name, "token": told }))).into_response())
}

/// A token as it is told, this once.
async fn make_token(pool: &PgPool, account: &str, wanted: Wanted) -> Result<Value, Refusal> {
    let (row, token) = tokens::make(pool, account, wanted).await.map_err(|error| match error {
        NotMade::Scope(_) => Problem::new(Why::Malformed, error.to_string()).at("/scopes").into(),
        NotMade::Chance => Refusal(Problem::new(Why::NotStored, error.to_string())),
        NotMade::Database(error) => error.into(),
    })?;
    let mut told = json!(row);
    told["secret"] = json!(token.reveal());
    Ok(told)
}

async fn revoke(
    State(api): State<OperatorApi>,
    Path((name, id)): Path<(String, Uuid)>,
) -> Result<StatusCode, Refusal> {
    if token::revoke(&api.pool, &name, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found("token"))
    }
}
