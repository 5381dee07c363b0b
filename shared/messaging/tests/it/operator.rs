//! What an operator does, on the stage.

use std::num::NonZeroU32;
use std::time::Duration;

use contracts::topology::Service;
use lapin::options::{BasicGetOptions, BasicRejectOptions};
use lapin::types::ShortString;
use lapin::{Connection, ConnectionProperties};
use messaging::Sending;
use messaging::parked::{self, ActionOutcome, ParkedAction, ParkedFilter};
use testkit::desk::PATIENCE;
use testkit::until;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::harness::ServiceHarness;

/// Of a row of the parking table, what tests look at.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    pub id: Uuid,
    pub state: String,
    pub times: i32,
    pub reason: String,
    pub exchange: String,
    pub routing_key: String,
    pub publisher: Option<String>,
    pub first_arrived_at: chrono::DateTime<chrono::Utc>,
}

/// A delivery fetched from a desk's queue.
#[derive(Debug, PartialEq, Eq)]
pub struct Fetched {
    pub id: String,
    pub correlation_id: Option<String>,
    pub body: Vec<u8>,
    pub headers: Vec<String>,
}

impl ServiceHarness {
    pub fn sending(&self) -> Sending {
        Sending {
            broker_url: self
                .world
                .installation
                .service_url(Service::ShareDispatcher)
                .expect("an address"),
            confirm_timeout: Duration::from_mins(1),
            rate: NonZeroU32::new(500).expect("not zero"),
            by: "anna".to_owned(),
        }
    }

    pub async fn act(&self, action: ParkedAction, filter: &ParkedFilter) -> ActionOutcome {
        let plan = parked::plan(&self.pool, Service::ShareDispatcher, action, filter)
            .await
            .expect("a plan");
        let outcome = parked::carry_out(
            &self.pool,
            &plan,
            &self.sending(),
            &CancellationToken::new(),
            |_| {},
        )
        .await;
        let outcome = outcome.expect("the broker lets it in");
        assert!(outcome.fault.is_none(), "{outcome:?}");
        outcome
    }

    pub async fn replay_all(&self) -> ActionOutcome {
        self.act(ParkedAction::Replay, &ParkedFilter::default()).await
    }

    /// Waits until the message with this id is in the parking table, in this state, parked so
    /// often.
    pub async fn parked_as(&self, message_id: &str, state: &str, times: i32) -> Row {
        until(&format!("{message_id} to be {state}, {times} times"), PATIENCE, async || {
            let rows: Vec<Row> = sqlx::query_as(
                "select id, state, times, reason, exchange, routing_key, publisher, \
                 first_arrived_at from parked where message_id = $1",
            )
            .bind(message_id)
            .fetch_all(&self.pool)
            .await
            .map_err(|error| error.to_string())?;
            match rows.as_slice() {
                [row] if row.state == state && row.times == times => Ok(row.clone()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// What happened to a parked message: by whom, and what.
    pub async fn history(&self, id: Uuid) -> Vec<(String, String)> {
        let details =
            parked::show(&self.pool, id, false).await.expect("rows").expect("it is there");
        details.history.into_iter().map(|line| (line.by, line.action)).collect()
    }
}

pub fn line(by: &str, action: &str) -> (String, String) {
    (by.to_owned(), action.to_owned())
}

/// Fetches one delivery from a desk's queue, and takes it or rejects it.
pub async fn fetch(url: &str, queue: &str, reject: bool) -> Fetched {
    let connection = Connection::connect(url, ConnectionProperties::default())
        .await
        .expect("the broker lets it in");
    let channel = connection.create_channel().await.expect("a channel");
    let message = until("a delivery", PATIENCE, async || {
        let got = channel.basic_get(ShortString::from(queue), BasicGetOptions::default()).await;
        got.map_err(|error| error.to_string())?.ok_or_else(|| "an empty queue".to_owned())
    })
    .await;
    let delivery = &message.delivery;
    let done = if reject {
        delivery.reject(BasicRejectOptions { requeue: false }).await
    } else {
        delivery.ack(lapin::options::BasicAckOptions::default()).await
    };
    done.expect("the broker takes the answer");
    let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
    let names = delivery.properties.headers().clone().unwrap_or_default();
    let fetched = Fetched {
        id: text(delivery.properties.message_id()).unwrap_or_default(),
        correlation_id: text(delivery.properties.correlation_id()),
        body: delivery.data.clone(),
        headers: names.inner().keys().map(ToString::to_string).collect(),
    };
    connection.close(200, ShortString::from("done")).await.expect("it closes");
    fetched
}
