//! Lets an account in.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use contracts::AccountName;
use contracts::command::{AccountKind, AccountRegister, Admin};
use operator::account::{AccountAdmin, Added, Handover, account_name, operator_of};

use tokio::runtime::Handle;
use web_base::parts;

use super::{Done, acted, admin, shown, told};
use crate::console::Console;
use crate::console::form::{Fields, FormError, one_line};

/// Characters of a field, at most; the services have limits of their own.
const MOST: usize = 200;
const TITLE: &str = "Add an account";

#[derive(Template)]
#[template(path = "account_add.html")]
struct Form<'a> {
    fields: &'a Fields,
    wrong: Option<String>,
    /// Whether the addresses are given that adding needs.
    is_possible: bool,
}

/// `/add-account`.
pub async fn form(State(console): State<Console>) -> Response {
    again(&console, StatusCode::OK, &Fields::default(), None)
}

/// `POST /add-account`.
pub async fn add(State(console): State<Console>, body: String) -> Response {
    let fields = Fields::of(&body);
    let (Some(admin), true) = (admin(&console), is_possible(&console)) else {
        return again(&console, StatusCode::CONFLICT, &fields, None);
    };
    let asked = fields.person().and_then(|by| Ok((by, registration(&fields)?)));
    let (by, (account, registration)) = match asked {
        Ok(asked) => asked,
        Err(FormError(wrong)) => {
            return again(&console, FormError::STATUS, &fields, Some(wrong));
        }
    };
    let operated = registration.operated_by.clone();
    // It waits for a receipt, and asks the broker in between: on a thread that may wait.
    let runtime = Handle::current();
    let added = acted("added", &account, &by, move || {
        let password = admin.new_user_password(&registration)?;
        let added = runtime.block_on(admin.add(&registration, password.as_deref()))?;
        Ok((admin, added, password))
    });
    match added.await {
        Ok((admin, added, password)) => {
            let handover = handover(&admin, &account, operated.as_ref(), password);
            let lines = lines(&account, &added, operated.is_some());
            let (title, account, password) = ("Added", &account, None);
            let is_there = operated.is_none();
            told(&console, &Done { title, account, lines, handover, password, is_there })
        }
        Err((status, cause)) => again(&console, status, &fields, Some(cause)),
    }
}

fn is_possible(console: &Console) -> bool {
    console.broker.is_some() && console.operator_url.is_some()
}

fn again(
    console: &Console,
    status: StatusCode,
    fields: &Fields,
    wrong: Option<String>,
) -> Response {
    let content = Form { fields, wrong, is_possible: is_possible(console) };
    shown(console, TITLE, status, &content)
}

fn handover(
    admin: &AccountAdmin,
    account: &AccountName,
    operated_by: Option<&AccountName>,
    password: Option<String>,
) -> Option<Handover> {
    let address = admin.public_url().ok()?;
    Some(Handover::new(account, operated_by.unwrap_or(account), address, password))
}

/// The registration that a form asks for.
fn registration(fields: &Fields) -> Result<(AccountName, AccountRegister), FormError> {
    let wrong = |error: operator::Error| FormError(error.to_string());
    let account = account_name(fields.text("name")).map_err(wrong)?;
    let operated_by = fields.given("operated_by");
    let operated_by = operated_by.map(|it| operator_of(&account, it)).transpose().map_err(wrong)?;
    let text = |what, name| one_line(what, fields.text(name), MOST);
    let display_name = text("The display name", "display_name")?;
    let address = text("The address", "address")?;
    let registration = AccountRegister {
        account: account.to_string(),
        address: Some(address).filter(|it| !it.is_empty()),
        display_name: if display_name.is_empty() { account.to_string() } else { display_name },
        kind: AccountKind::Connected,
        operated_by,
        may_operate: false,
        third_parties: false,
        sharing_url: None,
        admins: admins(
            &text("The admin’s name", "admin")?,
            &text("The admin’s address", "email")?,
        )?,
    };
    Ok((account, registration))
}

fn admins(name: &str, email: &str) -> Result<Vec<Admin>, FormError> {
    match (name.is_empty(), email.is_empty()) {
        (true, true) => Ok(Vec::new()),
        (false, false) if email.contains('@') => {
            Ok(vec![Admin { name: name.to_owned(), email: email.to_owned() }])
        }
        (false, false) => Err(FormError("The admin’s address has no @.".to_owned())),
        _ => Err(FormError("An admin needs a name and an address, or neither.".to_owned())),
    }
}

fn lines(account: &AccountName, added: &Added, operated: bool) -> Vec<String> {
    let mut lines =
        vec![format!("{account} is registered{}.", if added.known { " already" } else { "" })];
    let repaired = added.let_in.repaired.iter();
    lines.extend(
        repaired.map(|it| format!("Put right: {it}. That is taken away; find out who gave it.")),
    );
    let refused = added.refused.iter();
    lines.extend(
        refused.map(|it| format!("Tried as {account}, and refused as it must be: {}.", it.what)),
    );
    if added.refused.is_empty() && !operated {
        lines.push("Not tried what must be refused: its password stays, and is not known.".into());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<AccountRegister, String> {
        let read = registration(&Fields::of(form));
        read.map(|(_, registration)| registration).map_err(|FormError(sentence)| sentence)
    }

    #[test]
    fn a_form_is_a_registration() {
        let plain = read("name=acme&display_name=&address=&operated_by=&admin=&email=").unwrap();
        assert_eq!((plain.account.as_str(), plain.display_name.as_str()), ("acme", "acme"));
        assert!(plain.address.is_none() && plain.operated_by.is_none() && plain.admins.is_empty());
        let form = "name=gateway-acme&display_name=Acme+Inc&address=acme&operated_by=gateway\
            &admin=Ada&email=ada%40acme.example";
        let full = read(form).unwrap();
        assert_eq!(full.display_name, "Acme Inc");
        assert_eq!(full.address.as_deref(), Some("acme"));
        assert_eq!(full.operated_by.unwrap().as_str(), "gateway");
        assert_eq!(full.admins[0].email, "ada@acme.example");
    }

    #[test]
    fn what_cannot_be_registered_is_refused() {
        for form in [
            "name=",
            "name=operator",
            "name=A",
            "name=acme&operated_by=gateway",
            "name=acme&admin=Ada",
            "name=acme&email=ada%40acme.example",
            "name=acme&admin=Ada&email=ada",
            "name=acme&display_name=two%0Alines",
        ] {
            assert!(read(form).is_err(), "{form}");
        }
    }
}
