//! What the broker itself dead-lettered goes into the parking table, where a person finds it.

use std::sync::Arc;

use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::cause::cause;
use crate::clock::now;
use crate::decide::parking::{Parking, park};
use crate::failure::Fault;
use crate::message::envelope::Envelope;
use crate::park_reason::ParkReason;
use crate::run::connection::{Connections, Consuming};
use crate::run::lane::Lane;
use crate::run::runtime::{Shared, backoff, pause};
use crate::service::Service;
use crate::timeout;

/// Empties one dead-letter queue until it is told to stop.
pub(crate) async fn run<S: Service>(
    shared: Arc<Shared<S>>,
    connections: Arc<Connections>,
    queue: String,
    stop: CancellationToken,
) -> Result<(), Fault> {
    let Consuming { connection, budget } = connections.consuming(Lane::Work);
    let channel = timeout::broker("open a consuming channel", connection.create_channel()).await?;
    timeout::broker("set the prefetch", channel.basic_qos(20, BasicQosOptions::default())).await?;
    let (name, tag) = (ShortString::from(queue.as_str()), ShortString::from("dead-letters"));
    let consume =
        channel.basic_consume(name, tag, BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = timeout::broker("consume", consume).await?;
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            next = consumer.next() => next,
        };
        let delivery = match next {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => return Err(Fault::broker("receive a message")(error)),
            None => return Err(Fault::ConsumerCancelled(queue)),
        };
        let (tag, bytes) = (delivery.delivery_tag, delivery.data.len());
        let _held = budget.hold();
        let envelope = Envelope::read_dead_letter(S::SERVICE, &queue, delivery, now());
        let mut delays = backoff();
        loop {
            let detail = format!("the broker dead-lettered it into {queue}");
            let parked = timeout::database(
                shared.settings.answer_timeout,
                keep(&shared.pool, &queue, &envelope, &detail),
            )
            .await;
            let Err(error) = parked else { break };
            tracing::warn!(
                queue,
                message_id = envelope.message_id,
                message_type = envelope.message_type,
                trace_id = envelope.trace.trace_id(),
                cause = cause(&error),
                "the database does not answer; a dead letter is held"
            );
            if !pause(delays.next(), &stop, &shared.health).await {
                return Ok(());
            }
        }
        timeout::broker("ack a message", channel.basic_ack(tag, BasicAckOptions::default()))
            .await?;
        budget.give_back(bytes);
    }
}

async fn keep(pool: &PgPool, queue: &str, envelope: &Envelope, detail: &str) -> sqlx::Result<()> {
    let mut connection = pool.acquire().await?;
    park(
        &mut connection,
        &Parking::of_envelope(queue, envelope, &envelope.trace, None),
        ParkReason::DeadLettered,
        detail,
        now(),
    )
    .await
}
