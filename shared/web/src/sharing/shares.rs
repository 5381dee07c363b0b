//! Shared tickets, in and out, with where they stand.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use contracts::delivery::AgreementState;
use serde::Deserialize;

use super::list::{name, partner};
use super::store::{SharedTicket, Wanted};
use super::{SharingEdge, framed, store};
use crate::failure::Failure;
use crate::html::Html;
use crate::role::StaffRole;
use crate::viewer::Viewer;
use crate::views;

/// Rows of a page.
const ROWS: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    show: String,
    agreement: Option<String>,
    after: Option<String>,
}

struct Row {
    share: String,
    subject: String,
    number: String,
    ticket_path: Option<String>,
    status: Html,
    direction: Html,
    partner: String,
    agreement: String,
    partner_number: String,
    state: Html,
    changed_at: Html,
}

struct Filter {
    path: String,
    label: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "sharing/tickets.html")]
struct Tickets<'a> {
    viewer: &'a Viewer,
    here: String,
    filters: Vec<Filter>,
    of: Option<(String, String)>,
    rows: Vec<Row>,
    next: Option<String>,
}

fn path(show: &str, agreement: Option<&str>, after: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("show", show);
    for (name, value) in [("agreement", agreement), ("after", after)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("/sharing/tickets?{}", query.finish())
}

pub(super) fn agreement_of(row: &SharedTicket) -> Option<AgreementState> {
    serde_json::from_value(row.agreement.as_ref()?.0.clone()).ok()
}

/// A ticket's number, where it has one.
pub(super) fn numbered(number: Option<&str>) -> String {
    number.map_or_else(|| "–".to_owned(), |number| format!("#{number}"))
}

/// Where a share stands.
pub(super) fn state(viewer: &Viewer, row: &SharedTicket) -> Html {
    if row.ended {
        return views::health("off", "stay", &viewer.say("share.ended"));
    }
    if row.is_waiting {
        return views::health("bad", "clock", &viewer.say("share.waiting"));
    }
    let is_sent = row.side.as_deref() != Some("receiver");
    let is_bound = if is_sent { row.partner_ticket_id.is_some() } else { row.number.is_some() };
    match (is_bound, row.is_unbound, is_sent) {
        (true, ..) => views::health("ok", "check", &viewer.say("share.live")),
        (false, false, _) => views::health("off", "clock", &viewer.say("share.on_its_way")),
        (false, true, true) => views::health("bad", "clock", &viewer.say("share.not_taken_over")),
        (false, true, false) => views::health("warn", "alert", &viewer.say("share.without_number")),
    }
}

fn row<E: SharingEdge>(edge: &E, viewer: &Viewer, row: SharedTicket) -> Row {
    let agreement = agreement_of(&row);
    let side = agreement.as_ref().map(|it| it.side);
    Row {
        status: row.status.as_deref().map_or_else(Html::default, |status| {
            views::status(viewer, status, row.custom_status.as_deref())
        }),
        direction: side.map_or_else(Html::default, |side| super::list::direction(viewer, side)),
        partner: agreement.as_ref().map(|it| partner(it).display_name.clone()).unwrap_or_default(),
        agreement: agreement.as_ref().map(|it| name(it).to_owned()).unwrap_or_default(),
        state: state(viewer, &row),
        changed_at: viewer.time(row.updated_at.unwrap_or(row.started_at)),
        ticket_path: row.number.as_deref().and_then(|number| edge.ticket_path(number)),
        subject: row.subject.unwrap_or_else(|| viewer.say("share.no_subject").into_owned()),
        number: numbered(row.number.as_deref()),
        partner_number: numbered(row.partner_ticket_id.as_deref()),
        share: row.share_id,
    }
}

pub(super) async fn page<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Query(shown): Query<Shown>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let pool = &edge.desk().pool;
    let show = ["in", "out", "stuck"].into_iter().find(|it| *it == shown.show).unwrap_or("all");
    let agreement = shown.agreement.map(|id| id.to_lowercase());
    let after = shown.after.map(|id| id.to_lowercase());
    let wanted = Wanted {
        side: match show {
            "in" => Some("receiver"),
            "out" => Some("sender"),
            _ => None,
        },
        stuck: show == "stuck",
        agreement: agreement.as_deref(),
        after: after.as_deref(),
        share: None,
        limit: i64::try_from(ROWS + 1).unwrap_or(i64::MAX),
    };
    let mut found = store::shared(pool, &viewer.account, wanted).await?;
    let is_more = found.len() > ROWS;
    found.truncate(ROWS);
    let last = found.last().filter(|_| is_more).map(|row| row.share_id.clone());
    let of = match &agreement {
        Some(id) => store::agreement(pool, &viewer.account, id).await?,
        None => None,
    };
    let filters = ["all", "in", "out", "stuck"].map(|it| Filter {
        path: path(it, agreement.as_deref(), None),
        label: viewer.say(&format!("tickets.show.{it}")).into_owned(),
        is_current: it == show,
    });
    let content = Tickets {
        here: path(show, agreement.as_deref(), after.as_deref()),
        filters: filters.into(),
        of: of.map(|it| (it.agreement_id.to_string(), name(&it).to_owned())),
        next: last.map(|last| path(show, agreement.as_deref(), Some(&last))),
        rows: found.into_iter().map(|it| row(&edge, &viewer, it)).collect(),
        viewer: &viewer,
    };
    framed(&edge, &viewer, viewer.say("tickets.title"))
        .crumb("/sharing", viewer.say("sharing.title"))
        .renews(content.here.clone(), &["#tickets"])
        .body(&content)
}
