//! Has a service replay or discard, follows how far it is, and cancels.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use timeline::harmless;
use web_base::{Html, parts};

use super::choice::{self, Choice};
use super::door::ParkedDoor;
use super::group;
use super::runs::{ParkedRun, RunAsked, RunEnd, Runs};
use super::told::{OrderLine, ParkedOrder, Verb};
use crate::console::form::{Fields, FormError};
use crate::console::{Console, frame, now, say};

/// How far an action is; while it runs it renews itself.
#[derive(Template)]
#[template(path = "parked_run.html")]
struct Step<'a> {
    run: &'a ParkedRun,
}

/// A page of its own about one action.
#[derive(Template)]
#[template(path = "parked_action.html")]
struct Content<'a> {
    run: &'a ParkedRun,
    step: Html,
}

/// The part of a page that shows how far an action is.
pub fn step(run: &ParkedRun) -> Html {
    frame::html(&Step { run })
}

/// `POST /parked/comment-sync/poison`.
pub async fn begin(
    State(console): State<Console>,
    Path((service, reason)): Path<(String, String)>,
    body: String,
) -> Response {
    let fields = Fields::of(&body);
    let (Some(key), Some(door)) = (choice::key(&service, reason, &fields), console.door.clone())
    else {
        return frame::not_found().await;
    };
    let asked = Choice::of(&key, &fields).and_then(|choice| {
        let none = || FormError("Choose whether to replay or to discard.".to_owned());
        let choice = choice.ok_or_else(none)?;
        Ok((choice.order(&key, &fields)?, choice))
    });
    let (order, choice) = match asked {
        Ok(asked) => asked,
        Err(FormError(wrong)) => {
            return group::shown(&console, key, &fields, Some((FormError::STATUS, wrong))).await;
        }
    };
    let asked = RunAsked {
        key: key.clone(),
        verb: choice.verb,
        title: choice.title(),
        which: choice.of_which(),
        by: order.by.clone(),
        begun: now(),
        planned: order.question.limit.unwrap_or_default(),
    };
    match console.runs.begin(asked) {
        Ok(run) => {
            let path = run.path();
            say(&format!("{} began: {}", said(&run), run.sentence()));
            tokio::spawn(carried_out(console, door, run, order));
            frame::see_other(&path)
        }
        Err(sentence) => {
            let wrong = Some((StatusCode::CONFLICT, sentence));
            group::shown(&console, key, &fields, wrong).await
        }
    }
}

/// `/parked/actions/7`.
pub async fn page(State(console): State<Console>, Path(number): Path<u64>) -> Response {
    let Some(run) = console.runs.run(number) else { return gone() };
    let content = frame::html(&Content { run: &run, step: step(&run) });
    let page = frame::Page {
        title: &run.asked.title,
        section: "parked",
        asked: "",
        can_sign_out: console.can_sign_out(),
        content,
    };
    frame::page(StatusCode::OK, &page)
}

/// `POST /parked/actions/7/cancel`.
pub async fn cancel(State(console): State<Console>, Path(number): Path<u64>) -> Response {
    let Some(run) = console.runs.run(number) else { return gone() };
    console.runs.cancel(number);
    frame::see_other(&run.path())
}

fn gone() -> Response {
    let why = "This console knows no such action: it keeps those that run and the last 20 that \
        ended. What the services wrote down is on /parked";
    frame::failure(StatusCode::NOT_FOUND, why)
}

/// How an action is named in the log.
fn said(run: &ParkedRun) -> String {
    let RunAsked { key, verb, which, by, .. } = &run.asked;
    let verb = match verb {
        Verb::Replay => "replay",
        Verb::Discard => "discard",
    };
    // Types and accounts are what somebody sent.
    harmless(&format!("{verb} of {}, {which}, by {by}", key.name()))
}

async fn carried_out(console: Console, door: ParkedDoor, run: ParkedRun, order: ParkedOrder) {
    // Either way what is left of the connection is dropped: the service stops then.
    let end = tokio::select! {
        () = run.cancelled() => RunEnd::Cancelled,
        end = followed(&console.runs, &door, &run, &order) => end,
    };
    console.runs.end(run.number, end);
    if let Some(ended) = console.runs.run(run.number) {
        say(&format!("{}: {}", said(&ended), ended.sentence()));
    }
}

async fn followed(runs: &Runs, door: &ParkedDoor, run: &ParkedRun, order: &ParkedOrder) -> RunEnd {
    let mut told = match door.carry_out(run.asked.key.service, order).await {
        Ok(told) => told,
        Err(sentence) => return RunEnd::Failed(sentence),
    };
    loop {
        let lines = match told.next().await {
            Ok(Some(lines)) => lines,
            Ok(None) => {
                let why = "the service closed the connection before it told what came of it; what \
                    it did is under Who did what";
                return RunEnd::Failed(why.to_owned());
            }
            Err(cause) => return RunEnd::Failed(cause),
        };
        for line in lines {
            match line {
                OrderLine::Behind { behind, total } => runs.progress(run.number, behind, total),
                OrderLine::Ended(outcome) => return RunEnd::Done(outcome),
            }
        }
    }
}
