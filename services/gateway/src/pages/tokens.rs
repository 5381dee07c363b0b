//! Tokens of the account: made here and shown once, revoked here.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Days, Utc};
use serde::Deserialize;
use uuid::Uuid;
use web::{Failure, Html, Page, StaffRole, Viewer, see_other_said};

use super::Pages;
use crate::clock::now;
use crate::rules::scope;
use crate::store::token::{self, TokenRow};
use crate::tokens::{Wanted, make as make_token};

/// What a token may do, as the form offers it.
const KINDS: [(&str, &[&str]); 3] = [
    ("all", &[scope::ALL]),
    ("desk", &[scope::READ, scope::FILES, scope::WEBHOOKS, "ticket.*", "share.*"]),
    ("read", &[scope::READ]),
];
/// Days that a token is valid, as the form offers them; 0 is for ever.
const DAYS: [u64; 4] = [30, 90, 365, 0];

struct Row {
    id: Uuid,
    name: String,
    may: String,
    made: Html,
    used: Html,
    expires: Html,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens<'a> {
    viewer: &'a Viewer,
    rows: Vec<Row>,
    kinds: [&'static str; 3],
    days: [u64; 4],
    made: Option<String>,
    error: Option<String>,
}

fn row(viewer: &Viewer, row: &TokenRow) -> Row {
    let never = || Html::text(&viewer.say("tokens.never"));
    let expires = |at: DateTime<Utc>| viewer.date(at);
    Row {
        id: row.id,
        name: row.name.clone(),
        may: row.scopes.join(", "),
        made: viewer.date(row.created_at),
        used: row.last_used_at.map_or_else(never, |at| viewer.time(at)),
        expires: row.expires_at.map_or_else(never, expires),
    }
}

async fn shown(
    pages: &Pages,
    viewer: &Viewer,
    made: Option<String>,
    error: Option<String>,
) -> Result<Response, Failure> {
    let rows = token::of_account(&pages.pool, &viewer.account).await?;
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let content = Tokens {
        viewer,
        rows: rows.iter().rev().map(|it| row(viewer, it)).collect(),
        kinds: KINDS.map(|(kind, _)| kind),
        days: DAYS,
        made,
        error,
    };
    Page::new(viewer, viewer.say("nav.tokens"))
        .section("tokens")
        .class("main--form")
        .status(status)
        .body(&content)
}

pub(super) async fn page(State(pages): State<Pages>, viewer: Viewer) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    shown(&pages, &viewer, None, None).await
}

#[derive(Deserialize)]
pub(super) struct New {
    name: String,
    kind: String,
    days: u64,
}

pub(super) async fn make(
    State(pages): State<Pages>,
    viewer: Viewer,
    Form(new): Form<New>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.contains('\0') {
        let error = viewer.say("tokens.wrong_name").into_owned();
        return shown(&pages, &viewer, None, Some(error)).await;
    }
    let kind = KINDS.iter().find(|(kind, _)| *kind == new.kind);
    let (_, scopes) = kind.ok_or_else(|| Failure::Invalid(String::new()))?;
    let days = DAYS.contains(&new.days).then_some(new.days);
    let days = days.ok_or_else(|| Failure::Invalid(String::new()))?;
    let wanted = Wanted {
        name: name.to_owned(),
        scopes: Some(scopes.iter().map(|&scope| scope.to_owned()).collect()),
        expires_at: (days > 0).then(|| now().utc() + Days::new(days)),
    };
    let (_, token) = make_token(&pages.pool, &viewer.account, wanted)
        .await
        .map_err(|error| Failure::internal(&error))?;
    shown(&pages, &viewer, Some(token.reveal().to_owned()), None).await
}

pub(super) async fn revoke(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    if !token::revoke(&pages.pool, &viewer.account, id).await? {
        return Err(Failure::NotFound);
    }
    Ok(see_other_said("/tokens", "said.revoked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_form_offers_are_scopes() {
        for (kind, scopes) in KINDS {
            for word in scopes {
                assert!(scope::is_scope(word), "{kind}: {word}");
            }
        }
    }
}
