//! What a panicking rule says of its message: kept for who asks for it, and in no log line.

use std::io;
use std::sync::{Arc, Mutex};

use contracts::topology::Service;
use messaging::parked::{self, ParkedFilter};
use serde_json::Value;
use sqlx::types::Uuid;
use testkit::desk::PATIENCE;
use testkit::until;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use crate::harness::ServiceHarness;
use crate::tally::{Count, Treat};

const SECRET: &str = "The pump leaks";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics with it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_panicking_rule_says_is_kept_and_not_logged() {
    let written = Written::default();
    let target = written.clone();
    let lines = tracing_subscriber::fmt::layer().json().with_writer(move || target.clone());
    let subscriber = tracing_subscriber::registry()
        .with(lines)
        // What libraries say is bootstrap's concern.
        .with(Targets::new().with_target("messaging", tracing::Level::TRACE));
    // For the whole process: no other test here looks at lines.
    tracing::subscriber::set_global_default(subscriber).expect("the only one");

    let stage = ServiceHarness::set("secrets-panic").await;
    let count = Count { what: SECRET.to_owned(), treat: Treat::Panic };
    stage.desk.send_as("panics", &count).await.expect("the broker takes it");
    let replica = stage.replica();
    stage.counts("it to be parked", "select count(*) from parked", 1).await;
    let line = until("a line about it", PATIENCE, async || {
        let text = written.0.lock().expect("nobody panics with it").clone();
        let text = String::from_utf8(text).map_err(|error| error.to_string())?;
        let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines
            .find(|line| line["fields"]["message_id"] == "panics")
            .ok_or_else(|| format!("{} lines", text.lines().count()))
    })
    .await;
    let fields = &line["fields"];
    assert_eq!(
        (&fields["reason"], &fields["account"], &fields["message_type"], &fields["queue"]),
        (
            &"poison".into(),
            &"acme".into(),
            &"ticket.count.v1".into(),
            &Service::ShareDispatcher.name().into()
        ),
        "{line}"
    );
    replica.stop().await;
    let all = String::from_utf8(written.0.lock().expect("nobody panics with it").clone())
        .expect("lines are text");
    // Other tests of this process may be at work, with other messages.
    assert!(!all.contains(SECRET), "{all}");

    let (id, detail): (Uuid, String) = sqlx::query_as("select id, detail from parked")
        .fetch_one(&stage.pool)
        .await
        .expect("a row");
    assert!(detail.contains(SECRET), "{detail}");
    let listed = parked::list(&stage.pool, &ParkedFilter::default()).await.expect("it is listed");
    let audit = parked::audit(&stage.pool, None).await.expect("it is told");
    let shown = async |body| format!("{:?}", parked::show(&stage.pool, id, body).await);
    for told in [format!("{listed:?}"), format!("{audit:?}"), shown(false).await] {
        assert!(told.contains("it may quote the message") && !told.contains(SECRET), "{told}");
    }
    assert!(shown(true).await.contains(&format!("a rule panicked: asked to by {SECRET}")));
    stage.world.remove().await;
}
