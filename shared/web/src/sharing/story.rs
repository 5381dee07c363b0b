//! Why something of a ticket did not cross: what this account sent under a share, what the line
//! said, and what it was told.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use contracts::{Decision, Item, ItemOutcome, ReceiptOutcome};
use desk::store::read;
use serde::Deserialize;

use super::list::{name, partner};
use super::rules::story::{Step, Tone, What, in_order, stays, verdict};
use super::rules::withheld::is_mendable;
use super::shares::{agreement_of, numbered, state};
use super::store::Wanted;
use super::{SharingEdge, framed, store};
use crate::failure::Failure;
use crate::html::Html;
use crate::role::StaffRole;
use crate::viewer::Viewer;
use crate::views;

/// Commands and deliveries that a story goes back.
const STEPS: i64 = 200;

#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    only: String,
}

struct ShownStep {
    at: Html,
    title: String,
    health: Html,
    answer: Option<String>,
    items: Vec<ShownItem>,
}

struct ShownItem {
    class: &'static str,
    icon: &'static str,
    item: String,
    text: String,
    what_to_do: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "sharing/story.html")]
struct Story<'a> {
    viewer: &'a Viewer,
    here: String,
    heading: String,
    partner: String,
    partner_number: String,
    agreement: Option<(String, String)>,
    ticket: Option<(String, String)>,
    state: Html,
    verdict: Option<(String, String)>,
    only: bool,
    all_path: String,
    only_path: String,
    steps: Vec<ShownStep>,
}

pub(super) async fn page<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Path(share): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let (pool, account) = (&edge.desk().pool, viewer.account.as_str());
    let share = share.to_lowercase();
    let wanted = Wanted {
        side: None,
        stuck: false,
        agreement: None,
        after: None,
        share: Some(&share),
        limit: 1,
    };
    let row = store::shared(pool, account, wanted).await?.pop().ok_or(Failure::NotFound)?;
    let shares = [share.clone()];
    let number = row.number.as_deref();
    let sent = read::commands_about(pool, account, number, &shares, STEPS).await?;
    let told = desk::log::about(pool, account, &shares, STEPS).await?;
    let sent = sent.into_iter().map(|it| {
        let receipt = it.receipt.as_deref().and_then(|text| serde_json::from_str(text).ok());
        Step::sent(it.accepted_at, it.command_type, receipt, &share)
    });
    let told = told
        .into_iter()
        .map(|it| Step { at: it.told_at, what: What::Told { message_type: it.message_type } });
    let steps = in_order(sent.chain(told).collect());
    let only = shown.only == "stayed";
    let agreement = agreement_of(&row);
    let partner = agreement.as_ref().map(|it| partner(it).display_name.clone());
    let partner = partner.unwrap_or_default();
    let here = format!("/sharing/tickets/{share}");
    let stayed = |step: &&Step| !only || step.is_about_what_stayed();
    let content = Story {
        heading: row.subject.clone().unwrap_or_else(|| viewer.say("share.no_subject").into_owned()),
        partner_number: numbered(row.partner_ticket_id.as_deref()),
        agreement: agreement.map(|it| (it.agreement_id.to_string(), name(&it).to_owned())),
        ticket: row.number.clone().map(|number| {
            let path = edge.ticket_path(&number).unwrap_or_default();
            (number, path)
        }),
        state: state(&viewer, &row),
        verdict: verdict(&steps).map(|(reason, items)| {
            let said = viewer.reason(reason);
            let text = viewer.say_with("story.verdict", &[("n", &items), ("why", &said)]);
            (text.into_owned(), viewer.what_to_do(reason).into_owned())
        }),
        steps: steps
            .iter()
            .filter(stayed)
            .map(|step| shown_step(&viewer, step, &partner))
            .collect(),
        only,
        only_path: format!("{here}?only=stayed"),
        all_path: here.clone(),
        here: if only { format!("{here}?only=stayed") } else { here },
        partner,
        viewer: &viewer,
    };
    framed(&edge, &viewer, viewer.say("story.title"))
        .crumb("/sharing", viewer.say("sharing.title"))
        .crumb("/sharing/tickets", viewer.say("tickets.title"))
        .renews(content.here.clone(), &["#story-head", "#story"])
        .body(&content)
}

fn shown_step(viewer: &Viewer, step: &Step, partner: &str) -> ShownStep {
    let at = viewer.time(&step.at);
    let kind = |of: &str, name: &str| {
        let key = format!("{of}.{}", name.trim_end_matches(".v1"));
        if viewer.has(&key) { viewer.say(&key).into_owned() } else { name.to_owned() }
    };
    match &step.what {
        What::Told { message_type } => ShownStep {
            at,
            title: kind("told", message_type),
            health: views::health("off", "in", &viewer.say_of("story.told_by", "partner", partner)),
            answer: None,
            items: Vec::new(),
        },
        What::Sent { command_type, receipt, decisions } => {
            let (level, icon, key) = match step.tone() {
                Tone::Fine => ("ok", "check", "story.fine"),
                Tone::Kept => ("off", "stay", "story.kept"),
                Tone::Bad => ("bad", "alert", "story.bad"),
                Tone::Waits => ("warn", "clock", "story.waits"),
            };
            let refused = receipt.as_ref().filter(|it| it.outcome == ReceiptOutcome::Rejected);
            let answer = refused
                .and_then(|it| it.reason)
                .map(|reason| format!("{}. {}", viewer.reason(reason), viewer.what_to_do(reason)));
            ShownStep {
                at,
                title: kind("sent", command_type),
                health: views::health(level, icon, &viewer.say(key)),
                answer,
                items: decisions.iter().map(|it| shown_item(viewer, it)).collect(),
            }
        }
    }
}

fn shown_item(viewer: &Viewer, decision: &Decision) -> ShownItem {
    let named = |key: &str, name: &str| viewer.say_of(key, "name", name).into_owned();
    let item = match &decision.item {
        Item::Status => viewer.say("item.status").into_owned(),
        Item::Tag(name) => named("item.tag", name),
        Item::CustomField(key) => named("item.field", key),
        Item::Comment(_) => viewer.say("item.comment").into_owned(),
        Item::Attachment(id) => named("item.attachment", id),
        Item::Recording(_) => viewer.say("item.recording").into_owned(),
        Item::Requester => viewer.say("item.requester").into_owned(),
        Item::Ccs => viewer.say("item.ccs").into_owned(),
        Item::Member(pointer) => named("item.member", pointer),
    };
    let mendable = decision.reason.is_some_and(is_mendable);
    let (class, icon, outcome) = match decision.outcome {
        ItemOutcome::Transferred => ("ok", "check", "outcome.transferred"),
        ItemOutcome::Unchanged => ("ok", "check", "outcome.unchanged"),
        ItemOutcome::Mapped => ("map", "map", "outcome.mapped"),
        ItemOutcome::Superseded => ("kept", "stay", "outcome.superseded"),
        ItemOutcome::Withheld if mendable => ("no", "alert", "outcome.withheld"),
        ItemOutcome::Withheld => ("kept", "stay", "outcome.withheld"),
    };
    let outcome = viewer.say(outcome);
    ShownItem {
        class,
        icon,
        item,
        text: match decision.reason {
            Some(reason) => format!("{outcome}: {}", viewer.reason(reason)),
            None => outcome.into_owned(),
        },
        what_to_do: match decision.reason {
            Some(reason) if stays(decision) => viewer.what_to_do(reason).into_owned(),
            _ => String::new(),
        },
        detail: decision.detail.clone().filter(|_| mendable).unwrap_or_default(),
    }
}
