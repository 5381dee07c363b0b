//! Who is let in, and how each stands, as the broker tells; nothing is changed from here.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use operator::account::{AccountAdmin, AccountStanding, account_name};
use operator::broker::QueueReading;
use operator::{Broker, Deployment, Error, address};
use web_base::parts;

use super::{Console, frame};

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

/// `/accounts`.
pub async fn list(State(console): State<Console>) -> Response {
    let can_sign_out = console.can_sign_out();
    let (accounts, wrong) = match console.broker {
        None => (None, None),
        Some(broker) => match asked(move || names(&admin(broker, &console.vhost))).await {
            Ok(accounts) => (Some(accounts), None),
            Err((_, cause)) => (Some(Vec::new()), Some(cause)),
        },
    };
    let content = frame::html(&List { accounts, wrong });
    let (title, section) = ("Accounts", "accounts");
    let page = frame::Page { title, section, asked: "", can_sign_out, content };
    frame::page(StatusCode::OK, &page)
}

/// `/accounts/acme`.
pub async fn show(State(console): State<Console>, Path(name): Path<String>) -> Response {
    let can_sign_out = console.can_sign_out();
    let Some(broker) = console.broker else { return frame::not_found().await };
    let wanted = name.clone();
    let asked = asked(move || admin(broker, &console.vhost).show(&account_name(&wanted)?)).await;
    let (status, standing, wrong) = match asked {
        Ok(standing) => (StatusCode::OK, Some(standing), None),
        Err((status, cause)) => (status, None, Some(cause)),
    };
    let content = frame::html(&Show { name: &name, standing, wrong });
    let section = "accounts";
    frame::page(status, &frame::Page { title: &name, section, asked: "", can_sign_out, content })
}

fn names(admin: &AccountAdmin) -> operator::Result<Vec<(String, Option<QueueReading>)>> {
    let deployment = &admin.deployment;
    let mut queues = deployment.broker().reading(deployment.vhost())?;
    let accounts = admin.list()?.into_iter().map(|account| {
        let name = contracts::topology::desk_queue(&account);
        let at = queues.iter().position(|queue| queue.name == name);
        (account.to_string(), at.map(|at| queues.swap_remove(at)))
    });
    Ok(accounts.collect())
}

/// What only looks needs no address to give commands at.
fn admin(broker: Broker, vhost: &str) -> AccountAdmin {
    AccountAdmin { deployment: Deployment::new(broker, vhost), operator_url: String::new() }
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
            Err((status, error.to_string()))
        }
        Err(_) => Err((StatusCode::INTERNAL_SERVER_ERROR, "it could not be asked".to_owned())),
    }
}
