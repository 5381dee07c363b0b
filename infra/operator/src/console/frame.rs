//! What stands around a page's content.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use web_base::{Html, assets, parts};

/// A page of the console.
#[derive(Template)]
#[template(path = "frame.html")]
pub struct Page<'a> {
    pub title: &'a str,
    /// Which entry of the navigation is this page's.
    pub section: &'a str,
    /// What is in the search field.
    pub asked: &'a str,
    /// Whether there is anything to sign out of.
    pub can_sign_out: bool,
    pub content: Html,
}

/// A page for whoever is not signed in.
#[derive(Template)]
#[template(path = "bare.html")]
pub struct Bare<'a> {
    pub title: &'a str,
    pub content: Html,
}

/// Path, section, icon and label.
const SECTIONS: [(&str, &str, &str, &str); 5] = [
    ("/", "flow", "flow", "Flow"),
    ("/timeline", "timeline", "pulse", "Timeline"),
    ("/parked", "parked", "parked", "Parked"),
    ("/accounts", "accounts", "key", "Accounts"),
    ("/canary", "canary", "check", "Canary"),
];

/// The content of a page, or of a part of it.
pub fn html(template: &impl Template) -> Html {
    template.render().map_or_else(
        |error| {
            super::say(&format!("a page could not be made: {error}"));
            Html::text("This part of the page could not be made.")
        },
        Html::trusted,
    )
}

/// A whole page.
pub fn page(status: StatusCode, page: &Page<'_>) -> Response {
    answer(status, &html(page))
}

/// A whole page for whoever is not signed in.
pub fn bare(status: StatusCode, page: &Bare<'_>) -> Response {
    answer(status, &html(page))
}

/// Why there is no page, as one.
pub fn failure(status: StatusCode, why: &str) -> Response {
    let content = format!(
        "<main class=\"main\" id=\"main\"><div class=\"page-head\"><div><h1>{}</h1></div></div>\
         <p>{}</p></main>",
        Html::text(status.canonical_reason().unwrap_or("Not possible")),
        Html::text(why)
    );
    bare(status, &Bare { title: "Not possible", content: Html::trusted(content) })
}

pub async fn not_found() -> Response {
    failure(StatusCode::NOT_FOUND, "There is no such page here: the console begins at /")
}

/// After a form.
pub fn see_other(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path.to_owned())]).into_response()
}

fn answer(status: StatusCode, html: &Html) -> Response {
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html.as_str().to_owned()).into_response()
}
