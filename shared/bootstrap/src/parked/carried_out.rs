//! `POST /parked/actions`: an action is carried out while its answer is read, a line a second. Who
//! no longer reads stops it: then what is at hand is finished.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use messaging::Sending;
use messaging::parked::{self, ActionOutcome, ActionPlan};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{ParkedAnswers, Refused, wanted};

/// How often it is told how far it is.
const PROGRESS: Duration = Duration::from_secs(1);

pub(super) async fn answer(
    State(answers): State<ParkedAnswers>,
    body: Bytes,
) -> Result<Response, Refused> {
    let (wanted, how) = wanted::carried_out(&body).map_err(Refused::Question)?;
    let turn = answers.turns.clone().try_acquire_owned().map_err(|_| {
        Refused::NotPossible("four actions are carried out here; wait until one ends".to_owned())
    })?;
    let plan = answers.plan(&wanted).await?;
    let sending = Sending {
        broker_url: answers.broker.now().reveal().to_owned(),
        confirm_timeout: answers.confirm_timeout,
        rate: how.rate,
        by: how.by,
    };
    let (lines, read) = mpsc::channel(8);
    let stop = answers.shutdown.child_token();
    let guard = stop.clone().drop_guard();
    let work = Work { answers, plan, sending, stop, _turn: turn };
    tokio::spawn(work.carry_out(lines));
    let body = Body::from_stream(futures_util::stream::unfold((read, guard), next));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

type Reading = (Receiver<Value>, DropGuard);

async fn next((mut read, guard): Reading) -> Option<(Result<String, Infallible>, Reading)> {
    let line = read.recv().await?;
    Some((Ok(format!("{line}\n")), (read, guard)))
}

struct Work {
    answers: ParkedAnswers,
    plan: ActionPlan,
    sending: Sending,
    stop: CancellationToken,
    _turn: OwnedSemaphorePermit,
}

impl Work {
    async fn carry_out(self, lines: Sender<Value>) {
        let total = self.plan.total();
        let mut told = Instant::now();
        let progress = |behind: usize| {
            // A reader that is slow misses a line, and gets the next.
            if told.elapsed() >= PROGRESS
                && lines.try_send(json!({ "behind": behind, "total": total })).is_ok()
            {
                told = Instant::now();
            }
        };
        let Self { answers, plan, sending, stop, .. } = &self;
        let outcome = match parked::carry_out(&answers.pool, plan, sending, stop, progress).await {
            Ok(outcome) => outcome,
            Err(fault) => ActionOutcome { fault: Some(fault), ..ActionOutcome::default() },
        };
        let fault = outcome.fault.as_ref().map(|fault| messaging::cause(fault));
        tracing::info!(
            by = sending.by,
            done = outcome.done,
            total,
            stopped = outcome.stopped,
            fault,
            "an operator's action on parked messages ended"
        );
        // Who does not read any more stopped it.
        drop(lines.send(ended(total, &outcome, fault.as_deref())).await);
    }
}

fn ended(total: usize, outcome: &ActionOutcome, fault: Option<&str>) -> Value {
    json!({ "done": outcome.done, "total": total, "back": outcome.back,
        "refused": outcome.refused, "left": outcome.left, "stopped": outcome.stopped,
        "fault": fault })
}
