//! What is done to an account that is there: another password, other limits, its end.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use contracts::AccountName;
use contracts::topology::desk_queue;
use operator::account::{AccountAdmin, Handover, Revoked, account_name};
use operator::{Error, address, secret};

use web_base::parts;

use super::{Done, acted, admin, show, shown, told};
use crate::console::form::{Fields, FormError};
use crate::console::{Console, frame};

/// Connections or channels that can be asked for, at most: the broker's own limit for channels.
const MOST: u32 = 65_535;

#[derive(Template)]
#[template(path = "account_revoke.html")]
struct Ask<'a> {
    account: &'a AccountName,
    wrong: Option<String>,
}

/// What an account's form needs before anything is done.
struct Asked {
    admin: AccountAdmin,
    account: AccountName,
    fields: Fields,
}

impl Asked {
    /// None where there is no such page.
    fn of(console: &Console, name: &str, body: &str) -> Option<Self> {
        let (admin, account) = (admin(console)?, account_name(name).ok()?);
        Some(Self { admin, account, fields: Fields::of(body) })
    }
}

/// `POST /accounts/acme/rotate`.
pub async fn rotate(
    State(console): State<Console>,
    Path(name): Path<String>,
    body: String,
) -> Response {
    let Some(asked) = Asked::of(&console, &name, &body) else { return frame::not_found().await };
    let Asked { admin, account, fields } = asked;
    let by = match fields.person() {
        Ok(by) => by,
        Err(FormError(wrong)) => {
            return show(&console, &name, Some((FormError::STATUS, wrong))).await;
        }
    };
    let close = fields.has("close");
    let password = secret::new_password();
    let handover = handover(&console, &admin, &account, &password);
    let (user, new) = (account.clone(), password.clone());
    let rotated = acted("given another password", &account, &by, move || {
        is_account(&admin, &user)?;
        admin.rotate(user.as_str(), &new, close)
    });
    match rotated.await {
        Ok(connections) => {
            let standing = if close {
                format!("Its connections are closed: {connections}.")
            } else {
                "Its connections go on; its next login needs the new password.".to_owned()
            };
            let password = handover.is_none().then_some(password);
            let (title, lines) = ("A new password", vec![standing]);
            let account = &account;
            told(&console, &Done { title, account, lines, handover, password, is_there: true })
        }
        Err(wrong) => show(&console, &name, Some(wrong)).await,
    }
}

/// `POST /accounts/acme/limits`.
pub async fn limit(
    State(console): State<Console>,
    Path(name): Path<String>,
    body: String,
) -> Response {
    let Some(asked) = Asked::of(&console, &name, &body) else { return frame::not_found().await };
    let Asked { admin, account, fields } = asked;
    let wanted = fields
        .person()
        .and_then(|by| Ok((by, number(&fields, "connections")?, number(&fields, "channels")?)));
    let (by, connections, channels) = match wanted {
        Ok(wanted) => wanted,
        Err(FormError(wrong)) => {
            return show(&console, &name, Some((FormError::STATUS, wrong))).await;
        }
    };
    let user = account.clone();
    let what = format!("limited to {connections} connections and {channels} channels");
    let limited = acted(&what, &account, &by, move || {
        is_account(&admin, &user)?;
        admin.limit(&user, connections, channels)
    });
    match limited.await {
        Ok(()) => frame::see_other(&page_of(&account)),
        Err(wrong) => show(&console, &name, Some(wrong)).await,
    }
}

/// `/accounts/acme/revoke`: says what it means, and asks.
pub async fn ask_to_revoke(State(console): State<Console>, Path(name): Path<String>) -> Response {
    let Some(asked) = Asked::of(&console, &name, "") else { return frame::not_found().await };
    let account = &asked.account;
    shown(&console, &title(account), StatusCode::OK, &Ask { account, wrong: None })
}

/// `POST /accounts/acme/revoke`.
pub async fn revoke(
    State(console): State<Console>,
    Path(name): Path<String>,
    body: String,
) -> Response {
    let Some(asked) = Asked::of(&console, &name, &body) else { return frame::not_found().await };
    let Asked { admin, account, fields } = asked;
    let again = |status, wrong| {
        let content = Ask { account: &account, wrong: Some(wrong) };
        shown(&console, &title(&account), status, &content)
    };
    let by = match fields.person() {
        Ok(by) => by,
        Err(FormError(wrong)) => return again(FormError::STATUS, wrong),
    };
    let (user, delete_queue) = (account.clone(), fields.text("queue") == "delete");
    let revoked = acted("revoked", &account, &by, move || {
        is_account(&admin, &user)?;
        admin.revoke(&user, delete_queue)
    });
    match revoked.await {
        Ok(revoked) => {
            let (title, lines, account) = ("Revoked", lines(&account, &revoked), &account);
            let (handover, password, is_there) = (None, None, false);
            told(&console, &Done { title, account, lines, handover, password, is_there })
        }
        Err((status, wrong)) => again(status, wrong),
    }
}

fn title(account: &AccountName) -> String {
    format!("Revoke {account}")
}

fn page_of(account: &AccountName) -> String {
    format!("/accounts/{}", address::segment(account.as_str()))
}

/// An administrator's name may be one that an account could have; it has no desk queue.
fn is_account(admin: &AccountAdmin, account: &AccountName) -> operator::Result<()> {
    let deployment = &admin.deployment;
    let queue = deployment.broker().queue_depth(deployment.vhost(), &desk_queue(account))?;
    queue.map(drop).ok_or_else(|| Error::NoUser {
        user: account.to_string(),
        hint: "an account has a desk queue; an account that another one operates has none of its \
            own",
    })
}

/// What to hand over, where the broker's address is known.
fn handover(
    console: &Console,
    admin: &AccountAdmin,
    account: &AccountName,
    password: &str,
) -> Option<Handover> {
    console.operator_url.as_ref()?;
    let address = admin.public_url().ok()?;
    Some(Handover::new(account, account, address, Some(password.to_owned())))
}

fn number(fields: &Fields, name: &str) -> Result<u32, FormError> {
    let found = fields.text(name).parse().ok().filter(|number| (1..=MOST).contains(number));
    found.ok_or_else(|| FormError(format!("The number of {name} has to be 1 to {MOST}.")))
}

fn lines(account: &AccountName, revoked: &Revoked) -> Vec<String> {
    let queue = match revoked.waiting {
        None => "It had no desk queue.".to_owned(),
        Some(waiting) if revoked.queue_deleted => {
            format!("Its desk queue is deleted, with {waiting} deliveries.")
        }
        Some(waiting) => {
            format!("Its desk queue stays, with {waiting} deliveries; more will come.")
        }
    };
    vec![
        format!(
            "{account}’s user is gone; connections that were closed: {}.",
            revoked.connections_closed
        ),
        queue,
        "Its agreements and shares stay: for its partners it is a desk that does not answer. Added \
         again, it is let in with a new password."
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_that_the_broker_takes() {
        let of = |value: &str| number(&Fields::of(&format!("channels={value}")), "channels");
        assert_eq!(of("100"), Ok(100));
        for wrong in ["", "0", "-1", "65536", "many"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
