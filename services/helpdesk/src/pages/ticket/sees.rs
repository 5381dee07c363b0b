//! Who will see a comment, before it is sent: by the terms of the neighbours at once, and along the
//! whole chain when the line is asked what would become of it.

use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use contracts::{Receipt, ReceiptOutcome};
use serde::Deserialize;
use serde_json::json;
use web::{Failure, Reader, StaffRole, Viewer};

use super::super::{Number, Pages, by};
use crate::clock::new_id;
use crate::rules::sees::{Answered, AudienceHop, Sees, answered, who_sees};
use crate::rules::sharing::Share;
use crate::store::{person, sharing, ticket};
use crate::work::would;

/// How long a page waits for the line.
const WAIT: Duration = Duration::from_secs(5);

/// What the part is made from.
pub(super) struct Around<'a> {
    pub viewer: &'a Viewer,
    pub number: i64,
    pub shares: &'a [Share],
    pub requester_is_here: bool,
}

/// What the line said when it was asked.
pub(super) enum Asked {
    /// It was not.
    Not,
    /// There is no answer yet.
    Waits,
    /// What would become of a public reply, and of a note.
    Told(Box<[Answered; 2]>),
}

#[derive(Template)]
#[template(path = "sees.html")]
pub(super) struct SeesPart<'a> {
    t: &'a Reader,
    number: i64,
    may_work: bool,
    public: Vec<HopLine>,
    note: Vec<HopLine>,
    may_ask: bool,
    asked: &'static str,
    /// The live shares that the answer is about.
    known: String,
}

/// One organisation that will or will not see a comment.
struct HopLine {
    class: &'static str,
    icon: &'static str,
    name: String,
    text: String,
}

/// The part of the page.
pub(super) fn part<'a>(around: &Around<'a>, asked: &Asked) -> SeesPart<'a> {
    let lines = |public: bool| {
        let hops = who_sees(public, around.shares, around.requester_is_here);
        let hops = match asked {
            Asked::Told(told) => told[usize::from(!public)].over(hops),
            Asked::Not | Asked::Waits => hops,
        };
        hops.iter().map(|hop| hop_line(around.viewer, hop)).collect()
    };
    SeesPart {
        t: around.viewer,
        number: around.number,
        may_work: around.viewer.role >= StaffRole::Agent,
        public: lines(true),
        note: lines(false),
        may_ask: around.shares.iter().any(|share| share.live),
        asked: match asked {
            Asked::Not => "",
            Asked::Waits => "sees.waits",
            Asked::Told(_) => "sees.told",
        },
        known: known(around.shares),
    }
}

fn known(shares: &[Share]) -> String {
    let live = shares.iter().filter(|share| share.live).map(|share| share.id.as_str());
    live.collect::<Vec<_>>().join(".")
}

/// Asks the line what would become of a reply and of a note. Nothing is done.
pub(super) async fn ask(
    pages: &Pages,
    viewer: &Viewer,
    number: i64,
    shares: &[Share],
) -> Result<Asked, Failure> {
    if !shares.iter().any(|share| share.live) {
        return Ok(Asked::Not);
    }
    let [reply, note] = [new_id().to_string(), new_id().to_string()];
    let comment = |id: &str, public: bool| json!({ "id": id, "body": "?", "public": public });
    let comments = [comment(&reply, true), comment(&note, false)];
    let content = would::update(number, shares, &comments, &by(viewer)?);
    let key = new_id().to_string();
    let receipt = pages.desk.send(viewer, "ticket.update.v1", &key, content, WAIT).await?;
    let told = |receipt: &Receipt| [answered(receipt, &reply), answered(receipt, &note)];
    // What was refused as a whole says nothing of comments.
    let receipt = receipt.filter(|receipt| receipt.outcome != ReceiptOutcome::Rejected);
    Ok(receipt.map_or(Asked::Waits, |receipt| Asked::Told(Box::new(told(&receipt)))))
}

#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Known {
    /// The live shares that the part is about already.
    known: Option<String>,
}

/// `POST /tickets/{number}/sees`: the part, when the line was asked; nothing where it was asked
/// about the same shares before.
pub(in crate::pages) async fn look(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    Query(before): Query<Known>,
) -> Result<Response, Failure> {
    let account = viewer.account.as_str();
    let mut connection = pages.pool().acquire().await?;
    let kept = ticket::find(&mut connection, account, number).await?.ok_or(Failure::NotFound)?;
    let shares = sharing::of_ticket(&mut connection, account, number).await?;
    if before.known == Some(known(&shares)) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let asker = person::find(&mut connection, account, &kept.ticket.requester).await?;
    drop(connection);
    let told = ask(&pages, &viewer, number, &shares).await?;
    let around = Around {
        viewer: &viewer,
        number,
        shares: &shares,
        requester_is_here: asker.is_none_or(|asker| !asker.is_placeholder()),
    };
    let markup = part(&around, &told).render().map_err(|error| Failure::internal(&error))?;
    Ok(Html(markup).into_response())
}

fn hop_line(viewer: &Viewer, hop: &AudienceHop) -> HopLine {
    let here = hop.share.is_none() && hop.name.is_none() && !hop.is_further;
    let (class, icon, text) = match &hop.sees {
        Sees::PrivateOnly => ("hop--no", "eye-off", viewer.say("sees.private_only").into_owned()),
        Sees::Stays(reason) => {
            let why = reason.map_or_else(Default::default, |reason| viewer.reason(reason));
            ("hop--no", "eye-off", viewer.say_with("sees.stays", &[("why", &why)]).into_owned())
        }
        Sees::Agents | Sees::AgentsAndRequester if here => {
            ("hop--here", "eye", viewer.say("sees.your_agents").into_owned())
        }
        Sees::Agents => ("hop--yes", "eye", viewer.say("sees.agents").into_owned()),
        Sees::AgentsAndRequester => {
            ("hop--yes", "eye", viewer.say("sees.agents_and_requester").into_owned())
        }
    };
    let name = match &hop.name {
        Some(name) => name.clone(),
        None if hop.is_further => viewer.say("sees.further").into_owned(),
        None => viewer.organisation.clone(),
    };
    HopLine { class, icon, name, text }
}
