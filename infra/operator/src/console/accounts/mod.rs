//! Who is let in, how each stands, and what is done to them.

mod add;
mod change;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::Response;
use axum::routing::{get, post};
use contracts::AccountName;
use contracts::topology::{ACCOUNT_CHANNELS, ACCOUNT_CONNECTIONS, desk_queue};
use operator::account::{AccountAdmin, AccountStanding, Handover, account_name};
use operator::broker::QueueReading;
use operator::{Deployment, Error, address};

use web_base::parts;

use super::{Console, frame, say};

#[derive(Template)]
#[template(path = "accounts.html")]
struct List {
    /// Account, and its queue; none where there is no broker to ask.
    accounts: Option<Vec<(String, Option<QueueReading>)>>,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Show<'a> {
    name: &'a str,
    standing: Option<AccountStanding>,
    wrong: Option<String>,
}

impl Show<'_> {
    /// A limit that the account has, or the usual one.
    fn limit(&self, name: &str, usual: u32) -> u64 {
        let limits = self.standing.iter().flat_map(|it| &it.limits);
        let found = limits.into_iter().find(|(known, _)| known == name);
        found.map_or_else(|| usual.into(), |(_, value)| *value)
    }
}

/// What was done to an account, with what is told once.
#[derive(Template)]
#[template(path = "account_done.html")]
struct Done<'a> {
    title: &'a str,
    account: &'a AccountName,
    lines: Vec<String>,
    /// What to hand over, where the broker's address is known here.
    handover: Option<Handover>,
    password: Option<String>,
    /// Whether the account still has a page.
    is_there: bool,
}

/// Pages about accounts.
pub fn router() -> Router<Console> {
    Router::new()
        .route("/accounts", get(list))
        .route("/accounts/{name}", get(page))
        .route("/accounts/{name}/rotate", post(change::rotate))
        .route("/accounts/{name}/limits", post(change::limit))
        .route("/accounts/{name}/revoke", get(change::ask_to_revoke).post(change::revoke))
        // No account's own address: every name may be an account's.
        .route("/add-account", get(add::form).post(add::add))
}

async fn list(State(console): State<Console>) -> Response {
    let (accounts, wrong) = match admin(&console) {
        None => (None, None),
        Some(admin) => match asked(move || names(&admin)).await {
            Ok(accounts) => (Some(accounts), None),
            Err((_, cause)) => (Some(Vec::new()), Some(cause)),
        },
    };
    let content = List { accounts, wrong };
    shown(&console, "Accounts", StatusCode::OK, &content)
}

async fn page(State(console): State<Console>, Path(name): Path<String>) -> Response {
    show(&console, &name, None).await
}

/// An account's page, with what was wrong with a form that was sent from it.
async fn show(console: &Console, name: &str, wrong: Option<(StatusCode, String)>) -> Response {
    let Some(admin) = admin(console) else { return frame::not_found().await };
    let wanted = name.to_owned();
    let asked = asked(move || admin.show(&account_name(&wanted)?)).await;
    let (status, standing, wrong) = match (asked, wrong) {
        (Ok(standing), None) => (StatusCode::OK, Some(standing), None),
        (Ok(standing), Some((status, wrong))) => (status, Some(standing), Some(wrong)),
        (Err((status, cause)), _) => (status, None, Some(cause)),
    };
    shown(console, name, status, &Show { name, standing, wrong })
}

fn names(admin: &AccountAdmin) -> operator::Result<Vec<(String, Option<QueueReading>)>> {
    let deployment = &admin.deployment;
    let mut queues = deployment.broker().reading(deployment.vhost())?;
    let accounts = admin.list()?.into_iter().map(|account| {
        let name = desk_queue(&account);
        let at = queues.iter().position(|queue| queue.name == name);
        (account.to_string(), at.map(|at| queues.swap_remove(at)))
    });
    Ok(accounts.collect())
}

/// The broker's doors, where the management API's address is given. Only adding needs the other
/// one.
fn admin(console: &Console) -> Option<AccountAdmin> {
    let deployment = Deployment::new(console.broker.clone()?, &console.vhost);
    let operator_url = console.operator_url.as_deref().unwrap_or_default().to_owned();
    Some(AccountAdmin { deployment, operator_url })
}

async fn asked<T: Send + 'static>(
    ask: impl FnOnce() -> operator::Result<T> + Send + 'static,
) -> Result<T, (StatusCode, String)> {
    match tokio::task::spawn_blocking(ask).await {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(error)) => {
            let status = match error {
                Error::NoUser { .. } | Error::AccountName(_) => StatusCode::NOT_FOUND,
                _ => StatusCode::BAD_GATEWAY,
            };
            Err((status, format!("{:#}", anyhow::Error::from(error))))
        }
        Err(_) => Err((StatusCode::INTERNAL_SERVER_ERROR, "it could not be asked".to_owned())),
    }
}

/// Does something with an account, and writes down who did it.
async fn acted<T: Send + 'static>(
    what: &str,
    account: &AccountName,
    by: &str,
    act: impl FnOnce() -> operator::Result<T> + Send + 'static,
) -> Result<T, (StatusCode, String)> {
    let acted = asked(act).await;
    match &acted {
        Ok(_) => say(&format!("account {account}: {what}, by {by}")),
        Err((_, cause)) => say(&format!("account {account}: not {what}, by {by}: {cause}")),
    }
    acted
}

fn shown(console: &Console, title: &str, status: StatusCode, content: &impl Template) -> Response {
    let (section, can_sign_out) = ("accounts", console.can_sign_out());
    let content = frame::html(content);
    frame::page(status, &frame::Page { title, section, asked: "", can_sign_out, content })
}

/// What was done. No cache keeps it: a password may stand in it.
fn told(console: &Console, done: &Done<'_>) -> Response {
    let mut response = shown(console, done.title, StatusCode::OK, done);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
