//! One agreement: an invite to be decided, or what became of it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use contracts::address::Party;
use contracts::delivery::{AgreementState, Side};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::calls::{self, Calls};
use super::doctor::{self, Answer, Doctor};
use super::list::{direction, name, partner, reached_at, shown_health};
use super::rehearsal::{self, Rehearsal};
use super::rules::group::{AgreementGroup, Ending, ending, group, may_invite_again};
use super::rules::health::{AgreementHealth, Traffic, health};
use super::rules::look_alike::{KnownAccount, look_alike};
use super::rules::terms::{TermsSentence, for_receiver, for_sender};
use super::rules::withheld::by_reason;
use super::{SharingEdge, framed, store};
use crate::bridge::Said;
use crate::clock::new_id;
use crate::failure::Failure;
use crate::html::Html;
use crate::role::StaffRole;
use crate::viewer::Viewer;
use crate::views;

struct Sentence {
    line: TermsSentence,
    text: Html,
}

fn sentences(viewer: &Viewer, state: &AgreementState, lines: Vec<TermsSentence>) -> Vec<Sentence> {
    let partner = &partner(state).display_name;
    let text = |line: &TermsSentence| viewer.html_of(line.key, "partner", partner);
    lines.into_iter().map(|line| Sentence { text: text(&line), line }).collect()
}

#[derive(Template)]
#[template(path = "sharing/invitation.html")]
struct Invitation<'a> {
    viewer: &'a Viewer,
    id: String,
    key: String,
    partner: &'a str,
    address: &'a str,
    name: &'a str,
    by: &'a str,
    sent_at: Html,
    terms: Vec<Sentence>,
    with_you: String,
    support: &'a [String],
    /// Whether nothing but the sender's own word says whose system it is: none is called before
    /// somebody has decided.
    is_unproven: bool,
    /// Somebody else whose name or address looks like this one's.
    looks_like: Option<Html>,
    doctor: Option<Doctor>,
}

struct Stayed {
    reason: String,
    items: usize,
    latest: String,
    what_to_do: String,
}

struct Happened {
    at: Html,
    text: Html,
}

#[derive(Template)]
#[template(path = "sharing/agreement.html")]
struct Agreement<'a> {
    viewer: &'a Viewer,
    id: String,
    key: String,
    title: &'a str,
    partner: &'a str,
    address: &'a str,
    direction: Html,
    standing: Html,
    health: Html,
    health_more: Html,
    is_over: bool,
    is_pending: bool,
    again: bool,
    side: Side,
    traffic: Traffic,
    day: (i64, i64),
    last_at: Html,
    terms: Vec<Sentence>,
    stayed: Vec<Stayed>,
    history: Vec<Happened>,
    calls: Option<Calls>,
    doctor: Option<Doctor>,
    rehearsal: Option<Rehearsal>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    /// The key of the comparison that is shown.
    #[serde(default)]
    compared: String,
    /// The key of the rehearsal that is shown.
    rehearsed: Option<Uuid>,
}

pub(super) async fn page<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let state = store::agreement(&edge.desk().pool, &viewer.account, &id).await?;
    let state = state.ok_or(Failure::NotFound)?;
    let doctor = doctor::panel(&edge, &viewer, &state, &shown.compared).await?;
    if group(&state) == AgreementGroup::ForMe {
        invitation(&edge, &viewer, &state, doctor).await
    } else {
        let rehearsal = rehearsal::panel(&edge, &viewer, &state, shown.rehearsed).await?;
        decided(&edge, &viewer, &state, (doctor, rehearsal), shown.rehearsed).await
    }
}

async fn invitation<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    state: &AgreementState,
    doctor: Option<Doctor>,
) -> Result<Response, Failure> {
    let all = store::agreements(&edge.desk().pool, &viewer.account).await?;
    let partner = partner(state);
    let with_you = all.iter().filter(|it| super::list::partner(it).account == partner.account);
    let (active, past) = with_you.fold((0, 0), |(active, past), it| match group(it) {
        AgreementGroup::Active => (active + 1, past),
        AgreementGroup::Past => (active, past + 1),
        AgreementGroup::ForMe | AgreementGroup::ForThem => (active, past),
    });
    let values: [(&str, &dyn std::fmt::Display); 2] = [("active", &active), ("past", &past)];
    let content = Invitation {
        viewer,
        id: state.agreement_id.to_string(),
        key: new_id().to_string(),
        partner: &partner.display_name,
        address: reached_at(partner),
        name: name(state),
        by: &state.by.name,
        sent_at: viewer.time(state.at),
        terms: sentences(viewer, state, for_receiver(&state.terms, true)),
        with_you: viewer.say_with("invitation.agreements", &values).into_owned(),
        support: &state.partner_support_addresses,
        is_unproven: partner.sharing_url.is_some(),
        looks_like: looks_like(viewer, partner, &all),
        doctor,
    };
    let title = viewer.say_of("invitation.title", "partner", &partner.display_name);
    framed(edge, viewer, title)
        .crumb("/sharing", viewer.say("sharing.title"))
        .class("main--form")
        .renews(here(state), &PARTS)
        .body(&content)
}

/// Says for whom of its partners, or for the account itself, an inviting account could be taken.
fn looks_like(viewer: &Viewer, partner: &Party, all: &[AgreementState]) -> Option<Html> {
    let partners = all.iter().map(super::list::partner);
    let known = partners
        .map(|it| KnownAccount {
            account: it.account.as_str(),
            name: &it.display_name,
            address: reached_at(it),
        })
        .chain([KnownAccount {
            account: viewer.account.as_str(),
            name: &viewer.organisation,
            address: &viewer.address,
        }]);
    let one = KnownAccount {
        account: partner.account.as_str(),
        name: &partner.display_name,
        address: reached_at(partner),
    };
    let other = look_alike(one, known)?;
    let key = if other.account == viewer.account.as_str() {
        "invitation.looks_like_you"
    } else {
        "invitation.looks_like"
    };
    let known = format!("{} ({})", other.name, other.address);
    let inviting = format!("{} ({})", one.name, one.address);
    Some(viewer.html_of_two(key, &("partner", inviting), &("known", known)))
}

async fn decided<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    state: &AgreementState,
    (doctor, rehearsal): (Option<Doctor>, Option<Rehearsal>),
    rehearsed: Option<Uuid>,
) -> Result<Response, Failure> {
    let (pool, account) = (&edge.desk().pool, viewer.account.as_str());
    let id = state.agreement_id.to_string();
    let receipts = store::receipts(pool, account).await?;
    let traffic = store::traffic(pool, account, &receipts).await?.remove(&id).unwrap_or_default();
    let shares = store::shares_of(pool, account, &id, &receipts).await?;
    let stayed =
        by_reason(&receipts, |share| shares.contains(share)).into_iter().map(|it| Stayed {
            reason: viewer.reason(it.reason).into_owned(),
            items: it.items,
            latest: it.latest,
            what_to_do: viewer.what_to_do(it.reason).into_owned(),
        });
    let told = store::history(pool, account, &id).await?;
    let partner = partner(state);
    let is_past = group(state) == AgreementGroup::Past;
    let lines = match state.side {
        Side::Sender => for_sender(&state.terms),
        Side::Receiver => for_receiver(&state.terms, false),
    };
    let how = health(state, &traffic);
    let (health, health_more) = shown_health(viewer, state, how);
    let content = Agreement {
        viewer,
        key: new_id().to_string(),
        title: name(state),
        partner: &partner.display_name,
        address: reached_at(partner),
        direction: direction(viewer, state.side),
        standing: standing(viewer, state, how),
        health,
        health_more,
        is_over: is_past,
        is_pending: group(state) == AgreementGroup::ForThem,
        again: may_invite_again(state),
        side: state.side,
        day: store::of_a_day(pool, account, &id).await?,
        last_at: traffic.last_at.map_or_else(|| Html::text("–"), |at| viewer.time(at)),
        traffic,
        terms: sentences(viewer, state, lines),
        stayed: stayed.collect(),
        history: history(viewer, state, &told),
        calls: calls::panel(edge, viewer, state).await,
        doctor,
        rehearsal,
        id,
    };
    framed(edge, viewer, name(state))
        .crumb("/sharing", viewer.say("sharing.title"))
        .renews(
            match rehearsed {
                Some(key) => format!("{}?rehearsed={key}", here(state)),
                None => here(state),
            },
            &[&PARTS[..], &[CALLS, "#rehearsal"]].concat(),
        )
        .body(&content)
}

/// Parts of both pages: where it stands, what it is, and what can be done.
const PARTS: [&str; 3] = ["#agreement-head", "#agreement", "#agreement-acts"];
/// How its partner is called.
const CALLS: &str = "#calls";

fn here(state: &AgreementState) -> String {
    format!("/sharing/agreements/{}", state.agreement_id)
}

/// Where it stands, as a badge.
fn standing(viewer: &Viewer, state: &AgreementState, health: AgreementHealth) -> Html {
    match (group(state), health) {
        (AgreementGroup::Active, _) => views::badge("ok", "check", &viewer.say("agreement.active")),
        (AgreementGroup::ForMe | AgreementGroup::ForThem, _) => {
            views::badge("info", "clock", &viewer.say("health.not_answered"))
        }
        (AgreementGroup::Past, AgreementHealth::Ended(ending)) => {
            let key = format!("health.{}", ending.word());
            views::badge("", "stay", &viewer.say(&key))
        }
        (AgreementGroup::Past, _) => views::badge("", "stay", &viewer.say("sharing.group.past")),
    }
}

/// Who did what, of what the account was told, the newest first; where nothing is kept any more,
/// the last of it.
fn history(
    viewer: &Viewer,
    state: &AgreementState,
    told: &[(String, chrono::DateTime<chrono::Utc>, Value)],
) -> Vec<Happened> {
    let mut seen = std::collections::BTreeSet::new();
    let mut happened = Vec::new();
    let states = told
        .iter()
        .filter_map(|(_, _, body)| serde_json::from_value::<AgreementState>(body.clone()).ok());
    for told in states.chain(std::iter::once(state.clone())) {
        if seen.insert(told.version) {
            let key = format!("history.{}", word(&told));
            let party = if told.by.side == Side::Sender { &told.sender } else { &told.receiver };
            let text = viewer.html_of_two(
                &key,
                &("who", &told.by.name),
                &("organisation", &party.display_name),
            );
            happened.push((told.version, Happened { at: viewer.time(told.at), text }));
        }
    }
    happened.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    happened.into_iter().map(|(_, happened)| happened).collect()
}

fn word(state: &AgreementState) -> &'static str {
    use contracts::delivery::AgreementStatus as Status;
    match state.status {
        Status::Pending => "invited",
        Status::Accepted => "accepted",
        Status::Declined => "declined",
        Status::Inactive if ending(state) == Some(Ending::Withdrawn) => "withdrawn",
        Status::Inactive => "ended",
    }
}
