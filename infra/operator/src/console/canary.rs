//! Rounds of the canary, played from here and kept in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use contracts::Timestamp;
use operator::canary::{self, Steps};

use web_base::parts;

use super::{Console, frame, now, say};

/// How long a round may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Rounds that stay visible.
const KEPT: usize = 20;
/// The steps of a round, in their order.
const STEPS: [&str; 4] = ["login", "share", "comment", "unshare"];

/// The two accounts' addresses, and what was played.
pub struct Rounds {
    first: String,
    second: String,
    known: Mutex<KnownRounds>,
}

#[derive(Debug, Default)]
struct KnownRounds {
    is_playing: bool,
    /// Since when one is played.
    since: Option<Timestamp>,
    /// The newest first.
    played: VecDeque<PlayedRound>,
}

/// A round that is over.
#[derive(Clone, Debug)]
struct PlayedRound {
    at: Option<Timestamp>,
    steps: Steps,
    /// What failed, in words.
    failed: Option<String>,
}

impl PlayedRound {
    /// How many seconds a step took.
    fn seconds(&self, step: &str) -> String {
        let took = self.steps.0.iter().find(|(name, _)| *name == step).map(|(_, took)| *took);
        took.map_or_else(|| "–".to_owned(), |took| format!("{:.2}", took.as_secs_f64()))
    }
}

impl Rounds {
    pub fn new(first: String, second: String) -> Self {
        Self { first, second, known: Mutex::default() }
    }

    /// Whether a round may begin now: one at a time, two would take each other's deliveries.
    fn begin(&self, at: Option<Timestamp>) -> bool {
        let mut known = self.known();
        if known.is_playing {
            return false;
        }
        (known.is_playing, known.since) = (true, at);
        true
    }

    fn end(&self, round: PlayedRound) {
        let mut known = self.known();
        (known.is_playing, known.since) = (false, None);
        known.played.push_front(round);
        known.played.truncate(KEPT);
    }

    /// What another request left half done is one round more or less.
    fn known(&self) -> MutexGuard<'_, KnownRounds> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Template)]
#[template(path = "canary.html")]
struct Content {
    /// None where the accounts' addresses are not given.
    shown: Option<Shown>,
    refused: bool,
}

struct Shown {
    is_playing: bool,
    since: Option<Timestamp>,
    rounds: Vec<PlayedRound>,
}

/// `/canary`.
pub async fn page(State(console): State<Console>) -> Response {
    shown(&console, StatusCode::OK)
}

/// `POST /canary`: plays a round.
pub async fn play(State(console): State<Console>) -> Response {
    let Some(rounds) = console.rounds.clone() else {
        return shown(&console, StatusCode::CONFLICT);
    };
    let at = now();
    if !rounds.begin(at) {
        return shown(&console, StatusCode::CONFLICT);
    }
    tokio::spawn(played(rounds, at));
    frame::see_other("/canary")
}

async fn played(rounds: Arc<Rounds>, at: Option<Timestamp>) {
    // A task of its own: should it panic, the round is over all the same.
    let playing = rounds.clone();
    let played = tokio::spawn(async move {
        let mut steps = Steps::default();
        let played = canary::round(&playing.first, &playing.second, LIMIT, &mut steps).await;
        let failed = played.err().map(|error| format!("{:#}", anyhow::Error::from(error)));
        PlayedRound { at, steps, failed }
    });
    let round = played.await.unwrap_or_else(|cause| {
        let failed = Some(format!("it could not be played: {cause}"));
        PlayedRound { at, steps: Steps::default(), failed }
    });
    match &round.failed {
        None => say(&format!("the canary's round is green: {}", round.steps)),
        Some(failed) => say(&format!("the canary's round is red: {failed} ({})", round.steps)),
    }
    rounds.end(round);
}

fn shown(console: &Console, status: StatusCode) -> Response {
    let rounds = console.rounds.as_ref().map(|rounds| {
        let known = rounds.known();
        Shown {
            is_playing: known.is_playing,
            since: known.since,
            rounds: known.played.iter().cloned().collect(),
        }
    });
    let content = Content { shown: rounds, refused: status == StatusCode::CONFLICT };
    let page = frame::Page {
        title: "Canary",
        section: "canary",
        asked: "",
        can_sign_out: console.can_sign_out(),
        content: frame::html(&content),
    };
    frame::page(status, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(failed: Option<&str>) -> PlayedRound {
        let steps = Steps(vec![("login", Duration::from_millis(1_234))]);
        PlayedRound { at: None, steps, failed: failed.map(str::to_owned) }
    }

    #[test]
    fn one_round_is_played_at_a_time_and_the_last_are_kept() {
        let rounds = Rounds::new(String::new(), String::new());
        for number in 0..KEPT + 2 {
            assert!(rounds.begin(None), "{number}");
            assert!(!rounds.begin(None), "{number}: one is played");
            rounds.end(round(Some(&number.to_string())));
        }
        let known = rounds.known();
        assert_eq!(known.played.len(), KEPT);
        assert_eq!(known.played[0].failed.as_deref(), Some("21"), "the newest first");
    }

    #[test]
    fn a_step_that_was_not_reached_has_no_seconds() {
        let round = round(None);
        assert_eq!(STEPS.map(|step| round.seconds(step)), ["1.23", "–", "–", "–"]);
    }
}
