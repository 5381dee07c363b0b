//! How many statements a page takes does not depend on how much it shows.

use std::sync::{Arc, Mutex, Once};

use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, TimeDelta};
use helpdesk::rules::ticket::Ticket;
use helpdesk::store::comment::{self, Comment};
use helpdesk::store::ticket::{Kept, insert};
use serde_json::json;
use sqlx::types::Json;
use tower_service::Service;
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness, Somebody, created, id};

/// Hears of every statement that is asked while a future runs: sqlx says each, as long as somebody
/// in the process may want to hear it.
#[derive(Clone, Default)]
struct Statements(Option<Arc<Mutex<Vec<String>>>>);

impl Statements {
    fn listen() -> Self {
        // One that hears nothing stays for all: what was said to nobody once is not said again.
        static FOR_ALL: Once = Once::new();
        FOR_ALL.call_once(|| {
            let set = tracing::subscriber::set_global_default(Self::default());
            set.expect("no other test listens to all");
        });
        Self(Some(Arc::default()))
    }

    fn heard(&self) -> Vec<String> {
        let heard = self.0.as_ref().map(|heard| heard.lock().expect("nobody panicked").clone());
        heard.unwrap_or_default()
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let Some(heard) = &self.0 else { return };
        let mut summary = Summary::default();
        event.record(&mut summary);
        heard.lock().expect("nobody panicked").push(summary.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// How a statement begins.
#[derive(Default)]
struct Summary(String);

impl Visit for Summary {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}

/// What a page takes, and the page.
async fn asked(harness: &HelpdeskHarness, who: &Somebody, path: &str) -> (Vec<String>, String) {
    let statements = Statements::listen();
    let request = Request::get(path).header("cookie", who.cookie());
    let request = request.body(Body::empty()).expect("a request");
    let answering = async {
        let answer = harness.router.clone().call(request).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a page")
    };
    let page = answering.with_subscriber(statements.clone()).await;
    (statements.heard(), String::from_utf8(page.to_vec()).expect("text"))
}

fn said(number: i64) -> Comment {
    Comment {
        id: format!("said {number}"),
        author_id: "robin".to_owned(),
        author_name: "Robin Vale".to_owned(),
        author_role: "end_user".to_owned(),
        received_from: None,
        public: true,
        body: "It drips.".to_owned(),
        html_body: None,
        attachments: Json(vec![
            json!({ "id": "1", "file_name": "a.png", "url": "https://a.example" }),
        ]),
        call: None,
        redacted: false,
        at: DateTime::UNIX_EPOCH + TimeDelta::minutes(number),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_fifty_tickets_takes_as_many_statements_as_one_of_five() {
    let harness = HelpdeskHarness::set("helpdesk-view-statements").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let mut taken = Vec::new();
    for (first, last) in [(1, 5), (6, 50)] {
        let mut connection = harness.pool.acquire().await.expect("a connection");
        for number in first..=last {
            let kept = Kept {
                ticket: Ticket::new(number, format!("Pump {number}"), "p"),
                requester_name: "Robin".to_owned(),
                created_at: DateTime::UNIX_EPOCH,
                updated_at: DateTime::UNIX_EPOCH,
            };
            insert(&mut connection, ACME, &kept).await.expect("it is kept");
        }
        drop(connection);
        let (statements, page) = asked(&harness, &sam, "/tickets?view=unsolved").await;
        let rows = i64::try_from(page.matches("<a class=\"subject\"").count()).expect("few");
        assert_eq!(rows, last, "{page}");
        taken.push(statements);
    }
    assert!(taken[0].len() > 5, "statements are heard of: {taken:?}");
    // What was counted a moment ago may not be counted again.
    assert!(taken[1].len() <= taken[0].len(), "{taken:#?}");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_with_fifty_comments_takes_as_many_statements_as_one_with_five() {
    let harness = HelpdeskHarness::set("helpdesk-ticket-statements").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    let told = created(&id(2), &id(1), "globex", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.follows(ACME).await;
    let mut taken = Vec::new();
    for (first, last) in [(2, 5), (6, 50)] {
        let mut connection = harness.pool.acquire().await.expect("a connection");
        let comments: Vec<Comment> = (first..=last).map(said).collect();
        comment::insert(&mut connection, ACME, 1, &comments).await.expect("they are kept");
        drop(connection);
        let (statements, page) = asked(&harness, &sam, "/tickets/1").await;
        let shown = i64::try_from(page.matches("<article class=\"comment").count()).expect("few");
        assert_eq!(shown, last, "{page}");
        taken.push(statements);
    }
    assert!(taken[0].len() > 5, "statements are heard of: {taken:?}");
    assert_eq!(taken[0].len(), taken[1].len(), "{taken:#?}");
    harness.remove().await;
}
