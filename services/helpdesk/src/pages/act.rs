//! What agents do on a ticket's page.

use std::collections::BTreeSet;

use axum::extract::{Request, State};
use axum::response::Response;
use contracts::comment::Call;
use contracts::fields::TicketField;
use serde_json::Value;
use uuid::Uuid;
use web::{Failure, StaffRole, Viewer, see_other};

use super::confirm::{self, Question};
use super::form::Sent;
use super::new::{is_address, values};
use super::upload::{self, Submitted};
use super::{Number, Pages, Team, by, done, failure, settle_failure, ticket};
use crate::clock::new_id;
use crate::rules::custom_status::TicketStatus;
use crate::rules::field;
use crate::rules::sharing::may_unshare;
use crate::rules::ticket::tags_of;
use crate::store::{field as field_store, sharing, ticket as ticket_store};
use crate::work::agent::{self, Edit, EditError, Edited, Written};
use crate::work::merge::{self, MergeError, Notes};

/// Saves a reply, a note, or fields.
pub(super) async fn save(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    request: Request,
) -> Result<Response, Failure> {
    // No file is kept for a ticket that is not there.
    must_be_there(&pages, &viewer, number).await?;
    let Submitted { sent, files } = upload::read(&pages, &viewer, request).await?;
    let typed = ticket::Typed { sent: &sent, files: &files };
    match sent.one("do") {
        Some("sees") => return ticket::with_sees(&pages, &viewer, number, &typed).await,
        Some("back") => return ticket::as_typed(&pages, &viewer, number, &typed).await,
        _ => {}
    }
    let mut connection = pages.pool().acquire().await?;
    let fields = field_store::list(&mut connection, &viewer.account).await?;
    let team = Team::of(&mut connection, &viewer.account).await?;
    drop(connection);
    let (mut edit, wrong) = edit_of(&fields, &sent);
    if let Some(comment) = &mut edit.comment {
        comment.attachments.clone_from(&files);
    } else if !files.is_empty() {
        return Err(Failure::Invalid(viewer.say("files.no_text").into_owned()));
    }
    if !is_of_team(&edit, &team) {
        return Err(Failure::NotFound);
    }
    if !wrong.is_empty() {
        return ticket::again(&pages, &viewer, number, &typed, ticket::Trouble::Wrong(wrong)).await;
    }
    // Light agents write internal notes and nothing else.
    let only_note = edit.comment.as_ref().is_some_and(|it| !it.public) && is_only_comment(&edit);
    viewer.must_be(if only_note { StaffRole::LightAgent } else { StaffRole::Agent })?;
    let closes = edit.status.as_ref().is_some_and(Edited::closes);
    if closes && !confirm::is_sure(&sent) {
        let action = format!("/tickets/{number}");
        let question = Question::of(&viewer, "close", &number.to_string(), action);
        // Files are kept for now, as with a form that is shown again.
        let kept = files.iter().filter_map(|file| file["url"].as_str());
        let sent = sent.with_each("kept", kept);
        return confirm::ask(&viewer, &sent, &question);
    }
    match agent::edit(pages.pool(), &by(&viewer)?, number, edit).await {
        Ok(()) => {
            pages.sent();
            Ok(see_other(&format!("/tickets/{number}")))
        }
        Err(EditError::Conflict(names)) => {
            let trouble = ticket::Trouble::Conflict(names);
            ticket::again(&pages, &viewer, number, &typed, trouble).await
        }
        Err(EditError::Closed) => {
            ticket::again(&pages, &viewer, number, &typed, ticket::Trouble::Closed).await
        }
        Err(error) => Err(failure(&viewer, error)),
    }
}

/// Nothing is asked about what is not there, or is another account's.
async fn must_be_there(pages: &Pages, viewer: &Viewer, number: i64) -> Result<(), Failure> {
    let mut connection = pages.pool().acquire().await?;
    let kept = ticket_store::find(&mut connection, &viewer.account, number).await?;
    kept.map(drop).ok_or(Failure::NotFound)
}

/// What is asked before something is done to a ticket that cannot be undone. `name` is whom or what
/// the text names.
fn question(viewer: &Viewer, what: &str, number: i64, name: &str) -> Question {
    let action = format!("/tickets/{number}/{what}");
    Question::of(viewer, what, name, action).back_to(format!("/tickets/{number}"))
}

/// Whether whom it is given to is there to take it.
fn is_of_team(edit: &Edit, team: &Team) -> bool {
    let group = edit.group.as_ref().filter(|it| it.was != it.wanted).and_then(|it| it.wanted);
    let agent = edit.assignee.as_ref().filter(|it| it.was != it.wanted).and_then(|it| it.wanted);
    group.is_none_or(|id| team.group(id).is_some())
        && agent.is_none_or(|id| team.assignable().any(|agent| agent.id == id))
}

fn is_only_comment(edit: &Edit) -> bool {
    let Edit { comment: _, status, tags, group, assignee, fields, requester } = edit;
    let unchanged =
        |edited: &Edited<Option<Value>>| field::same(edited.was.as_ref(), edited.wanted.as_ref());
    status.as_ref().is_none_or(|it| it.was == it.wanted)
        && tags.as_ref().is_none_or(|it| it.was == it.wanted)
        && group.as_ref().is_none_or(|it| it.was == it.wanted)
        && assignee.as_ref().is_none_or(|it| it.was == it.wanted)
        && fields.values().all(unchanged)
        && requester.is_none()
}

/// The call that a comment is about, where the form names one.
fn call_of(sent: &Sent) -> Option<Call> {
    let text = |name: &str| sent.text(name).map(str::to_owned);
    let call = Call {
        recording_url: text("recording").filter(|url| url.starts_with("https://")),
        transcript: text("transcript"),
        duration_s: None,
    };
    (call != Call::default()).then_some(call)
}

/// What a form says: each field is there twice, as it was when it was shown (`was:…`) and now.
fn edit_of(
    fields: &[TicketField],
    sent: &Sent,
) -> (Edit, std::collections::BTreeMap<String, &'static str>) {
    let comment = sent.text("body").map(|body| Written {
        id: sent.id("key").unwrap_or_else(new_id),
        body: body.to_owned(),
        public: sent.one("mode") == Some("public"),
        call: call_of(sent),
        attachments: Vec::new(),
    });
    let status = sent.one("status").and_then(TicketStatus::read);
    let status = status.map(|wanted| Edited {
        was: sent.one("was:status").and_then(TicketStatus::read).unwrap_or_else(|| wanted.clone()),
        wanted,
    });
    let tags = sent.one("tags").map(|wanted| Edited {
        was: sent.one("was:tags").map(tags_of).unwrap_or_default(),
        wanted: tags_of(wanted).into_iter().collect::<BTreeSet<_>>(),
    });
    let id = |name: &str| -> Option<Edited<Option<Uuid>>> {
        sent.one(name)
            .map(|_| Edited { was: sent.id(&format!("was:{name}")), wanted: sent.id(name) })
    };
    // A box that is not ticked is not sent: what was shown says which fields the form has.
    let shown: Vec<TicketField> = fields
        .iter()
        .filter(|field| sent.one(&format!("was:field:{}", field.key)).is_some())
        .cloned()
        .collect();
    let (values, wrong) = values(&shown, sent);
    let edited = values.into_iter().map(|(key, wanted)| {
        let was = sent.one(&format!("was:field:{key}")).filter(|was| !was.is_empty());
        let edited = Edited { was: was.map(Value::from), wanted: Some(wanted) };
        (key, edited)
    });
    let edit = Edit {
        comment,
        status,
        tags,
        group: id("group"),
        assignee: id("assignee"),
        fields: edited.collect(),
        requester: None,
    };
    (edit, wrong)
}

pub(super) async fn share(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let agreement = sent.text("share_with").unwrap_or_default();
    agent::share(pages.pool(), &by(&viewer)?, number, agreement)
        .await
        .map_err(|error| failure(&viewer, error))?;
    Ok(done(&pages, number, "said.shared"))
}

pub(super) async fn unshare(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let share = sent.text("share").unwrap_or_default();
    if !confirm::is_sure(&sent) {
        let mut connection = pages.pool().acquire().await?;
        let shares = sharing::of_ticket(&mut connection, &viewer.account, number).await?;
        let found = shares.iter().find(|it| it.id == share && may_unshare(it));
        let partner = &found.ok_or(Failure::NotFound)?.partner_name;
        return confirm::ask(&viewer, &sent, &question(&viewer, "unshare", number, partner));
    }
    agent::unshare(pages.pool(), &by(&viewer)?, number, share)
        .await
        .map_err(|error| failure(&viewer, error))?;
    Ok(done(&pages, number, "said.unshared"))
}

/// Puts somebody else in the requester's place.
pub(super) async fn requester(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let named = sent.name("name").zip(sent.text("email").filter(|email| is_address(email)));
    let Some((name, email)) = named else {
        let trouble = ticket::Trouble::Requester("new.error.requester_email");
        return ticket::again(&pages, &viewer, number, &ticket::Typed::of(&sent), trouble).await;
    };
    let requester = Some((name.to_owned(), email.to_owned()));
    let edit = Edit { requester, ..Edit::default() };
    agent::edit(pages.pool(), &by(&viewer)?, number, edit)
        .await
        .map_err(|error| failure(&viewer, error))?;
    Ok(done(&pages, number, "said.saved"))
}

/// Makes a ticket part of another.
pub(super) async fn merge(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let into = sent.text("into").map(|text| text.trim_start_matches('#'));
    let again = async |why: &'static str| {
        let typed = ticket::Typed::of(&sent);
        ticket::again(&pages, &viewer, number, &typed, ticket::Trouble::Merge(why)).await
    };
    let Some(into) = into.and_then(|text| text.parse::<i64>().ok()) else {
        return again("merge.no_such").await;
    };
    if !confirm::is_sure(&sent) {
        must_be_there(&pages, &viewer, number).await?;
        let name = into.to_string();
        return confirm::ask(&viewer, &sent, &question(&viewer, "merge", number, &name));
    }
    let note = |key, number: i64| viewer.say_with(key, &[("number", &number)]).into_owned();
    let notes = Notes {
        on_source: note("merge.on_source", into),
        on_target: note("merge.on_target", number),
    };
    match merge::merge(pages.pool(), &by(&viewer)?, (number, into), notes).await {
        Ok(()) => Ok(done(&pages, into, "said.merged")),
        Err(MergeError::NotFound) => again("merge.no_such").await,
        Err(MergeError::Closed) => again("merge.closed").await,
        Err(MergeError::InLiveShare(_)) => again("merge.shared").await,
        Err(MergeError::Settle(error)) => Err(settle_failure(&viewer, error)),
    }
}

/// Blanks a comment that was written here, or takes a file from it, everywhere.
pub(super) async fn redact(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let comment = sent.text("comment").unwrap_or_default();
    agent::redact(pages.pool(), &by(&viewer)?, number, (comment, sent.text("attachment")))
        .await
        .map_err(|error| failure(&viewer, error))?;
    Ok(done(&pages, number, "said.redacted"))
}
