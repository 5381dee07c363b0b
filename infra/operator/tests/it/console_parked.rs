//! `/parked` with the operator's secret: groups, plans, replays and discards.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use contracts::ReceiptOutcome;
use futures_util::stream::unfold;
use operator::secret;
use serde_json::{Value, json};
use testkit::{Desk, until};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::spawn_blocking;

use crate::console::{Console, Page, program};
use crate::site::Site;

const SECRET: &str = "a secret for whoever operates it";
const ID: &str = "0193a1f2-0000-7000-8000-000000000001";
const GROUP: &str = "/parked/share-dispatcher/poison";
const TYPE: &str = "type=ticket.update.v1";
/// What an account is parked for that publishes before it is registered.
const UNKNOWN: &str = "/parked/agreement-service/unknown_account";
const LIST: &str = "type=agreement.list.v1";
const PATIENCE: Duration = Duration::from_mins(1);

/// A file with a secret, under a name of its own.
fn secret_file(test: &str, secret: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("operator-secret-{test}"));
    std::fs::write(&file, secret).unwrap();
    file
}

fn console(test: &str, services: &str, secret: &str) -> Console {
    let mut command = program(services);
    command.env("DESKMESH_OPERATOR_SECRET_FILE", secret_file(test, secret));
    Console::start(command)
}

/// A service that tells what a test has it tell, and holds what it was asked for.
#[derive(Clone, Default)]
struct Played {
    asked: Arc<Mutex<Vec<Value>>>,
    /// Where the lines of the action come from that is carried out.
    lines: Arc<Mutex<Option<UnboundedSender<String>>>>,
}

impl Played {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/parked", get(standing))
            .route("/parked/messages", get(messages))
            .route("/parked/plan", post(plan))
            .route("/parked/actions", post(carried_out))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn last_asked(&self) -> Value {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).last().unwrap().clone()
    }

    fn count_asked(&self) -> usize {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn lines(&self) -> UnboundedSender<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap()
    }
}

fn refused(headers: &HeaderMap) -> Option<Response> {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    (shown != Some(&format!("Bearer {SECRET}")))
        .then(|| (StatusCode::UNAUTHORIZED, "show the secret\n").into_response())
}

async fn standing(headers: HeaderMap) -> Response {
    let told = json!({
        "piles": [{ "reason": "poison", "message_type": "ticket.update.v1", "account": "acme",
            "count": 212, "again": 3, "oldest": "2026-11-26T17:20:00Z",
            "newest": "2026-11-26T18:05:00Z" }],
        "waiting": [{ "account": "globex", "count": 4, "since": "2026-11-27T10:00:00Z" }],
        "audit": [{ "at": "2026-11-24T14:11:09Z", "by": "Max <b>Duval</b>", "action": "discarded",
            "because": "sent by mistake", "count": 2 }],
    });
    refused(&headers).unwrap_or_else(|| told.to_string().into_response())
}

async fn messages(headers: HeaderMap) -> Response {
    let told = json!({ "total": 212, "messages": [{ "id": ID, "state": "parked",
        "reason": "poison", "detail": "no <rule> for it", "account": "acme",
        "message_type": "ticket.update.v1", "message_id": "t-1899", "queue": "share-dispatcher",
        "exchange": "share", "routing_key": "acme.ticket.update", "publisher": "acme",
        "first_arrived_at": "2026-11-26T17:20:00Z", "parked_at": "2026-11-26T17:20:01Z",
        "times": 1 }] });
    refused(&headers).unwrap_or_else(|| told.to_string().into_response())
}

async fn plan(State(played): State<Played>, headers: HeaderMap, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    played.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    let told = json!({ "total": 212, "missing": [], "lines": [
        { "what": "decided again, as if it arrived when it first did", "count": 210 },
        { "what": "stays parked: nobody is known who published it", "count": 2 }] });
    refused(&headers).unwrap_or_else(|| told.to_string().into_response())
}

async fn carried_out(State(played): State<Played>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refused) = refused(&headers) {
        return refused;
    }
    let asked: Value = serde_json::from_slice(&body).unwrap();
    played.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    let (lines, read) = mpsc::unbounded_channel();
    *played.lines.lock().unwrap_or_else(PoisonError::into_inner) = Some(lines);
    let stream = unfold(read, async |mut read: mpsc::UnboundedReceiver<String>| {
        let line = read.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), read))
    });
    Body::from_stream(stream).into_response()
}

fn replay(console: &Console) -> Page {
    console.submit(GROUP, &format!("do=replay&which=all&rate=20&limit=212&by=Dana+Weber&{TYPE}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_looked_at_planned_replayed_watched_and_cancelled() {
    let played = Played::default();
    let services = format!("share-dispatcher=http://{}", played.start().await);
    let held = played.clone();
    let looked = spawn_blocking(move || {
        let console = console("played", &services, SECRET);
        let parked = console.get("/parked", &[]).text;
        for told in [
            "/parked/share-dispatcher/poison?type=ticket.update.v1",
            ">212<",
            "<strong>globex</strong>: 4 deliveries",
            "Max &#60;b&#62;Duval",
            "sent by mistake",
            "notifier does not tell what is parked: its address is not given",
        ] {
            assert!(parked.contains(told), "{told} is not in {parked}");
        }
        assert!(!console.get("/parked?account=globex", &[]).text.contains("?type=ticket"));
        assert_eq!(console.get("/parked/nobody/poison", &[]).status, 404);

        let group = console.get(&format!("{GROUP}?{TYPE}"), &[]);
        assert!(group.text.contains("/timeline?of=message%20acme%2Ft-1899"), "{}", group.text);
        assert!(group.text.contains("no &#60;rule&#62; for it"), "{}", group.text);
        assert_eq!(held.count_asked(), 0, "who only looks plans nothing");

        let planned = console.get(&format!("{GROUP}?{TYPE}&do=replay&which=new&rate=20"), &[]);
        assert!(planned.text.contains("Replay 212"), "{}", planned.text);
        assert!(planned.text.contains("stays parked: nobody is known"), "{}", planned.text);
        let asked = json!({ "action": "replay", "reason": "poison", "newer_than_seconds": 3_600,
            "message_type": "ticket.update.v1" });
        assert_eq!(held.last_asked(), asked);
        let wrong = console.get(&format!("{GROUP}?{TYPE}&do=discard&which=all"), &[]);
        assert!(wrong.status == 422 && wrong.text.contains("A reason is missing"));

        let nobody = console.submit(GROUP, &format!("do=replay&which=all&limit=212&{TYPE}"));
        assert!(nobody.status == 422 && nobody.text.contains("Your name is missing"));
        let begun = replay(&console);
        assert_eq!((begun.status, begun.header("location")), (303, "/parked/actions/1"));
        (console, held)
    });
    let (console, held) = looked.await.unwrap();
    until("the action", PATIENCE, async || match held.last_asked() {
        asked if asked["by"] == "Dana Weber" => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
    let order = json!({ "action": "replay", "reason": "poison", "limit": 212, "rate": 20,
        "message_type": "ticket.update.v1", "by": "Dana Weber" });
    assert_eq!(held.last_asked(), order);
    let lines = until("the lines", PATIENCE, async || {
        held.lines.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(String::new)
    })
    .await;
    // A line comes in pieces.
    lines.send("{\"behind\":148,".to_owned()).unwrap();
    lines.send("\"total\":212}\n".to_owned()).unwrap();
    let watched = spawn_blocking(move || {
        let page = console.until("/parked/actions/1", "148 of 212", true);
        assert!(page.text.contains("every 2s") && page.text.contains("Look again"));
        let second = replay(&console);
        assert_eq!(second.status, 409, "{}", second.text);
        assert!(second.text.contains("Dana Weber runs an action on poison"), "{}", second.text);
        assert_eq!(console.submit("/parked/actions/1/cancel", "").status, 303);
        let page = console.until("/parked/actions/1", "cancelled at 148 of 212", true);
        assert!(!page.text.contains("every 2s"), "{}", page.text);
        console
    });
    let console = watched.await.unwrap();
    tokio::time::timeout(PATIENCE, lines.closed()).await.expect("the connection is dropped");
    let begun = spawn_blocking(move || {
        assert_eq!(replay(&console).header("location"), "/parked/actions/2");
        console
    });
    let console = begun.await.unwrap();
    until("the second action", PATIENCE, async || {
        if held.lines().same_channel(&lines) { Err("the first".to_owned()) } else { Ok(()) }
    })
    .await;
    let told = "{\"done\":208,\"total\":212,\"back\":2,\"refused\":1,\"left\":1,\"stopped\":false,\
        \"fault\":null}\n";
    let second = held.lines();
    second.send(told.to_owned()).unwrap();
    let ended = spawn_blocking(move || {
        console.until("/parked/actions/2", "208 of 212 replayed; 2 parked again already", true);
        let parked = console.get("/parked", &[]).text;
        assert!(parked.contains("cancelled at 148") && parked.contains("208 of 212"), "{parked}");
        // A stream that breaks off is an end, too.
        assert_eq!(replay(&console).status, 303);
        console
    });
    let console = ended.await.unwrap();
    until("the third action", PATIENCE, async || {
        let third = held.lines();
        if third.same_channel(&second) { Err("the second".to_owned()) } else { Ok(()) }
    })
    .await;
    *held.lines.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let broken = spawn_blocking(move || {
        console.until("/parked/actions/3", "closed the connection before it told", true);
    });
    broken.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_theirs_is_a_gap() {
    let services = format!("share-dispatcher=http://{}", Played::default().start().await);
    let looked = spawn_blocking(move || {
        let console = console("other", &services, "another secret");
        let parked = console.get("/parked", &[]);
        assert_eq!(parked.status, 200);
        assert!(parked.text.contains("401 Unauthorized: show the secret"), "{}", parked.text);
        assert_eq!(replay(&console).status, 303);
        console.until("/parked/actions/1", "ended at 0 of 212: 127.0.0.1", true);
    });
    looked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn services_replay_and_discard_what_they_parked() {
    let secret_of_services = [("DESKMESH__HTTP__OPERATOR_SECRET", SECRET)];
    let mut site = Site::open_with("console-parked", &secret_of_services).await;
    let (account, password) = (site.name("late"), secret::new_password());
    // A user before its registration: what it publishes is parked.
    site.deployment().let_in(&account, Some(&password)).unwrap();
    let url = site.doors.url_of(account.as_str(), &password).unwrap();
    let desk = Desk::open(&url, account.as_str());
    let ids = [desk.next_id(), desk.next_id()];
    for id in &ids {
        desk.send_json(id, "agreement.list.v1", &json!({})).await.unwrap();
    }
    let services = site.addresses();
    let looked = spawn_blocking(move || {
        let console = console("real", &services, SECRET);
        console.until(&format!("{UNKNOWN}?{LIST}"), ": 2 messages", true);
        let parked = console.get("/parked", &[]).text;
        assert!(!parked.contains("id=\"gaps\""), "{parked}");
        let one = console.get(&format!("{UNKNOWN}?{LIST}"), &[]).text;
        let one = one.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap();
        let chosen = format!("{LIST}&do=discard&which=one&id={one}&because=sent+twice");
        let plan = console.get(&format!("{UNKNOWN}?{chosen}"), &[]).text;
        assert!(plan.contains("Discard 1"), "{plan}");
        let begun = console.submit(UNKNOWN, &format!("{chosen}&limit=1&by=Dana+Weber"));
        assert_eq!(begun.header("location"), "/parked/actions/1", "{}", begun.text);
        console.until("/parked/actions/1", "1 of 1 discarded", true);
        console
    });
    let console = looked.await.unwrap();
    let added = site.add_with(&account, Some(&password)).await.unwrap();
    assert!(!added.known, "{added:?}");
    let refused = until("the receipt of the discard", PATIENCE, async || {
        let found = ids.iter().find_map(|id| desk.answer(id));
        found.map(|(receipt, _)| receipt).ok_or_else(|| "none".to_owned())
    })
    .await;
    assert_eq!(refused.outcome, ReceiptOutcome::Rejected, "{refused:?}");
    assert_eq!(refused.detail.as_deref(), Some("sent twice"), "{refused:?}");
    let replayed = spawn_blocking(move || {
        let chosen = format!("{LIST}&do=replay&which=all&rate=50");
        let plan = console.get(&format!("{UNKNOWN}?{chosen}"), &[]).text;
        assert!(plan.contains("decided again, as if it arrived when it first did"), "{plan}");
        let begun = console.submit(UNKNOWN, &format!("{chosen}&limit=1&by=Dana+Weber"));
        assert_eq!(begun.header("location"), "/parked/actions/2", "{}", begun.text);
        console.until("/parked/actions/2", "1 of 1 replayed", true);
        let parked = console.until("/parked", "Nothing is parked.", true).text;
        for told in ["Dana Weber", "Discarded: “sent twice”", "Replayed"] {
            assert!(parked.contains(told), "{told} is not in {parked}");
        }
        let behind = console.get(
            "/parked/comment-sync/poison?type=transfer.v1&do=discard&which=all&because=why",
            &[],
        );
        assert_eq!(behind.status, 422, "{}", behind.text);
    });
    replayed.await.unwrap();
    until("both receipts", PATIENCE, async || {
        let applied = |id: &String| {
            desk.answer(id).is_some_and(|(it, _)| it.outcome == ReceiptOutcome::Applied)
        };
        if ids.iter().any(applied) { Ok(()) } else { Err("none is applied".to_owned()) }
    })
    .await;
    site.remove().await;
}
