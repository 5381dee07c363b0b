//! What admins changed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use web::{Failure, Html, Page, Reader, StaffRole, Viewer};

use super::side;
use crate::pages::Pages;
use crate::store::audit;

#[derive(Template)]
#[template(path = "audit.html")]
struct List<'a> {
    t: &'a Reader,
    lines: Vec<Row>,
}

struct Row {
    time: Html,
    who: String,
    what: String,
    subject: String,
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let mut connection = pages.pool().acquire().await?;
    let lines = audit::newest(&mut connection, &viewer.account, 200).await?;
    let row = |line: audit::AuditRecord| Row {
        time: viewer.time(line.at),
        who: line.who,
        what: viewer.say(&line.what).into_owned(),
        subject: line.subject,
    };
    let lines = lines.into_iter().map(row).collect();
    Page::new(&viewer, viewer.say("settings.audit"))
        .section("settings")
        .side(side(&viewer, "/settings/audit"))
        .body(&List { t: &viewer, lines })
}
