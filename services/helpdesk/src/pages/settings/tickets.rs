//! What is set for tickets and mails: the form to ask, support addresses, secure downloads.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use web::{Failure, Language, Page, Reader, StaffRole, Viewer, see_other_said};

use super::side;
use crate::pages::form::Sent;
use crate::pages::{Choice, Pages, by, settle_failure};
use crate::rules::support_address;
use crate::store::setting::{self, TicketSettings};
use crate::work::settings;

const HERE: &str = "/settings/tickets";

#[derive(Template)]
#[template(path = "ticket_settings.html")]
struct TicketSettingsPage<'a> {
    t: &'a Reader,
    asks: bool,
    form_url: String,
    languages: Vec<Choice>,
    addresses: String,
    secure: bool,
    error: Option<String>,
}

pub(in crate::pages) async fn form(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let mut connection = pages.pool().acquire().await?;
    let known = setting::find(&mut connection, &viewer.account).await?;
    show(&pages, &viewer, &known, known.support_addresses.join("\n"), None)
}

fn show(
    pages: &Pages,
    viewer: &Viewer,
    known: &TicketSettings,
    addresses: String,
    error: Option<String>,
) -> Result<Response, Failure> {
    let choice = |it: Language| Choice::new(it.tag(), it.own_name(), it.tag() == known.language);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let body = TicketSettingsPage {
        t: viewer,
        asks: known.asks,
        form_url: format!("{}/help/{}", pages.public_url, viewer.address),
        languages: Language::ALL.map(choice).into(),
        addresses,
        secure: known.secure_downloads,
        error,
    };
    Page::new(viewer, viewer.say("settings.tickets"))
        .section("settings")
        .side(side(viewer, HERE))
        .class("main--form")
        .status(status)
        .body(&body)
}

pub(in crate::pages) async fn save(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let typed = sent.one("addresses").unwrap_or_default();
    let language = sent.one("language").and_then(Language::of_tag).unwrap_or_default();
    let read = support_address::read(typed);
    let wanted = TicketSettings {
        asks: sent.one("asks").is_some(),
        language: language.tag().to_owned(),
        support_addresses: read.clone().unwrap_or_default(),
        secure_downloads: sent.one("secure").is_some(),
    };
    if let Err(line) = read {
        let error = viewer.say_with("tickets_set.error", &[("line", &line)]).into_owned();
        return show(&pages, &viewer, &wanted, typed.to_owned(), Some(error));
    }
    settings::save_tickets(pages.pool(), &by(&viewer)?, &wanted)
        .await
        .map_err(|error| settle_failure(&viewer, error))?;
    pages.sent();
    Ok(see_other_said(HERE, "said.saved"))
}
