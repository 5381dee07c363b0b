//! All agreements, in every status and both directions.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use contracts::address::Party;
use contracts::delivery::{AgreementState, Side};
use contracts::sharing_url::host_of;
use serde::Deserialize;

use super::rules::group::{AgreementGroup, group, may_invite_again};
use super::rules::health::{AgreementHealth, Traffic, health};
use super::rules::terms::in_short;
use super::settings::{self, Settings};
use super::{SharingEdge, framed, store};
use crate::failure::Failure;
use crate::html::Html;
use crate::role::StaffRole;
use crate::viewer::Viewer;
use crate::views;

#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    show: String,
}

struct Row {
    id: String,
    group: AgreementGroup,
    partner: String,
    address: String,
    name: String,
    direction: Html,
    terms: String,
    health: Html,
    health_more: Html,
    last_at: Html,
    again: bool,
}

struct Section {
    group: AgreementGroup,
    title: String,
    rows: Vec<Row>,
}

struct Filter {
    word: &'static str,
    label: String,
    count: usize,
}

#[derive(Template)]
#[template(path = "sharing/list.html")]
struct List<'a> {
    viewer: &'a Viewer,
    filters: Vec<Filter>,
    show: &'a str,
    sections: Vec<Section>,
    invites: Vec<Row>,
    is_empty: bool,
    settings: Settings,
}

/// The other side of an agreement.
pub(super) fn partner(state: &AgreementState) -> &Party {
    match state.side {
        Side::Sender => &state.receiver,
        Side::Receiver => &state.sender,
    }
}

/// By what people know whom they deal with: the address, of a third-party system its host.
pub(super) fn reached_at(partner: &Party) -> &str {
    partner.sharing_url.as_deref().map_or(partner.address.as_str(), host_of)
}

/// Its name, or where it has none the partner's.
pub(super) fn name(state: &AgreementState) -> &str {
    state.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&partner(state).display_name)
}

pub(super) fn direction(viewer: &Viewer, side: Side) -> Html {
    match side {
        Side::Sender => views::badge("out", "out", &viewer.say("sharing.we_share")),
        Side::Receiver => views::badge("in", "in", &viewer.say("sharing.they_share")),
    }
}

/// How an agreement does, and since when.
pub(super) fn shown_health(
    viewer: &Viewer,
    state: &AgreementState,
    health: AgreementHealth,
) -> (Html, Html) {
    let n: i64 = match health {
        AgreementHealth::Waits(n, _)
        | AgreementHealth::NotTakenOver(n, _)
        | AgreementHealth::WithoutNumber(n, _) => n,
        AgreementHealth::Stays(n) => i64::try_from(n).unwrap_or(i64::MAX),
        _ => 0,
    };
    let key = match health {
        AgreementHealth::NotDecided => "health.not_decided",
        AgreementHealth::NotAnswered => "health.not_answered",
        AgreementHealth::Ended(ending) => &format!("health.{}", ending.word()),
        AgreementHealth::Waits(..) => "health.waits",
        AgreementHealth::NotTakenOver(..) => "health.not_taken_over",
        AgreementHealth::WithoutNumber(..) => "health.without_number",
        AgreementHealth::Stays(_) => "health.stays",
        AgreementHealth::Unused => "health.unused",
        AgreementHealth::InStep => "health.in_step",
    };
    let shown = views::health(health.level(), health.icon(), &viewer.say_with(key, &[("n", &n)]));
    let more = match health {
        AgreementHealth::NotDecided => viewer.html("health.received").then(&viewer.time(state.at)),
        AgreementHealth::NotAnswered => viewer.html("health.sent").then(&viewer.time(state.at)),
        AgreementHealth::Ended(_) => {
            Html::text(&format!("{}, ", state.by.name)).then(&viewer.date(state.at))
        }
        AgreementHealth::Stays(_) => {
            let path = format!("/sharing/agreements/{}#withheld", state.agreement_id);
            let text = Html::text(&viewer.say("health.stays.why"));
            Html::trusted(format!("<a class=\"link\" href=\"{}\">{text}</a>", Html::text(&path)))
        }
        _ => match health.since() {
            Some(since) => viewer.html("health.since").then(&viewer.time(since)),
            None => Html::default(),
        },
    };
    (shown, more)
}

fn row(viewer: &Viewer, state: &AgreementState, traffic: &Traffic) -> Row {
    let partner = partner(state);
    let [comments, synced] = in_short(&state.terms, state.side).map(|key| viewer.say(key));
    let (health, health_more) = shown_health(viewer, state, health(state, traffic));
    Row {
        id: state.agreement_id.to_string(),
        group: group(state),
        partner: partner.display_name.clone(),
        address: reached_at(partner).to_owned(),
        name: state.name.clone().unwrap_or_default(),
        direction: direction(viewer, state.side),
        terms: format!("{comments} {synced}"),
        health,
        health_more,
        last_at: traffic.last_at.map_or_else(|| Html::text("–"), |at| viewer.time(at)),
        again: may_invite_again(state),
    }
}

pub(super) async fn page<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Query(shown): Query<Shown>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let pool = &edge.desk().pool;
    let agreements = store::agreements(pool, &viewer.account).await?;
    let receipts = store::receipts(pool, &viewer.account).await?;
    let traffic = store::traffic(pool, &viewer.account, &receipts).await?;
    let none = Traffic::default();
    let rows = |wanted: AgreementGroup| {
        let of_group = agreements.iter().filter(move |state| group(state) == wanted);
        of_group
            .map(|state| {
                let id = state.agreement_id.to_string();
                row(&viewer, state, traffic.get(&id).unwrap_or(&none))
            })
            .collect::<Vec<_>>()
    };
    let show = AgreementGroup::ALL.into_iter().find(|it| it.word() == shown.show);
    let label = |word: &str| viewer.say(&format!("sharing.group.{word}")).into_owned();
    let mut filters = vec![Filter { word: "all", label: label("all"), count: agreements.len() }];
    filters.extend(AgreementGroup::ALL.map(|it| Filter {
        word: it.word(),
        label: label(it.word()),
        count: agreements.iter().filter(|state| group(state) == it).count(),
    }));
    let sections = AgreementGroup::ALL
        .into_iter()
        .filter(|it| show.is_none_or(|show| show == *it))
        .map(|it| Section { group: it, title: label(it.word()), rows: rows(it) })
        .filter(|section| !section.rows.is_empty());
    let content = List {
        filters,
        show: show.map_or("all", AgreementGroup::word),
        sections: sections.collect(),
        invites: rows(AgreementGroup::ForMe),
        is_empty: agreements.is_empty(),
        settings: settings::known(&edge, &viewer).await?,
        viewer: &viewer,
    };
    let here = format!("/sharing?show={}", content.show);
    framed(&edge, &viewer, viewer.say("sharing.title"))
        .renews(here, &["#agreements"])
        .body(&content)
}
