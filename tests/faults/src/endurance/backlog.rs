//! Two hundred thousand commands that wait while the services are away; then they are worked off.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contracts::ids::derive_id;
use futures_util::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::json;
use testkit::Desk;
use testkit::desk::clock;
use tokio_util::sync::CancellationToken;

use super::memory::Memory;
use crate::site::{Deviations, Site};
use crate::traffic::Traffic;

/// Tickets that the commands are about.
const TICKETS: usize = 200;
/// Commands published before their confirms are awaited.
const WINDOW: usize = 1_000;
/// What a process may take to have everything it needs.
const WARM: Duration = Duration::from_secs(20);
/// How long nothing may move before it is given up.
const STALL: Duration = Duration::from_mins(2);
const AGREEMENT: &str = "backlog";

/// Lets `count` updates wait for share-dispatcher, and has them worked off while memory is watched.
/// Whether it stayed flat and every command has its receipt.
///
/// # Errors
/// When the system does not start, or the work stands still.
pub async fn backlog(dir: &Path, count: usize) -> Result<bool> {
    let site = Site::open(dir, &Deviations::default()).await?;
    let traffic = Traffic::open(&site, 1, Duration::from_millis(100)).await?;
    let (sender, receiver) = (traffic.desk("acme"), traffic.desk("gateway-umbrella"));
    share(sender, receiver).await?;
    site.replicas.pause().await?;
    publish(&site.admit("acme").await?, count).await?;
    println!("{count} commands wait in the queue");
    site.replicas.resume().await?;
    let (started, over) = (Instant::now(), CancellationToken::new());
    let work = async {
        let answered = worked_off(&site, sender, count).await;
        over.cancel();
        answered
    };
    let (memory, answered) = tokio::join!(Memory::watch(&site, &over), work);
    let (memory, answered) = (memory?, answered?);
    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    let rate = answered as f64 / started.elapsed().as_secs_f64();
    println!("{answered} receipts of {count} commands, {rate:.0}/s\n\n{}", memory.table(WARM));
    drop(traffic);
    site.close().await?;
    Ok(answered == count && memory.is_flat(WARM))
}

async fn share(sender: &Desk, receiver: &Desk) -> Result<()> {
    let agreement = derive_id(AGREEMENT, &["agreement"]);
    let terms = json!({ "comments": "public_and_private", "tags": true, "custom_fields": true });
    let actor = json!({ "id": "1", "name": "Admin", "role": "admin" });
    let invite = json!({
        "agreement_id": agreement, "receiver": { "address": receiver.account }, "terms": terms,
        "actor": actor,
    });
    sender.ask("agreement.invite.v1", &invite).await;
    receiver
        .ask("agreement.accept.v1", &json!({ "agreement_id": agreement, "actor": actor }))
        .await;
    for index in 0..TICKETS {
        let ticket = json!({ "id": format!("b-{index}"), "subject": "Backlog", "status": "open",
            "requester": actor });
        let share = json!({ "agreement_id": agreement, "ticket": ticket, "actor": actor,
            "occurred_at": clock() });
        let receipt = sender.ask("ticket.share.v1", &share).await;
        ensure!(receipt.share_id.is_some(), "a share was answered with {receipt:?}");
    }
    Ok(())
}

/// Publishes as a desk would that has much to tell, without keeping any of it in memory.
async fn publish(url: &str, count: usize) -> Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default())
        .await
        .context("logging in as acme")?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    for window in (0..count).collect::<Vec<_>>().chunks(WINDOW) {
        let published = window.iter().map(async |index| {
            let body = json!({
                "ticket_id": format!("b-{}", index % TICKETS), "occurred_at": clock(),
                "actor": { "id": "1", "name": "Agent", "role": "agent" },
                "comments": [{ "id": format!("acme/backlog-{index}"), "body": "Worked off." }],
            });
            let properties = BasicProperties::default()
                .with_message_id(format!("backlog-{index}").into())
                .with_type("ticket.update.v1".into())
                .with_user_id("acme".into())
                .with_content_type("application/json".into())
                .with_delivery_mode(2);
            #[expect(clippy::disallowed_methods, reason = "a desk publishes on its own")]
            let confirm = channel
                .basic_publish(
                    "share".into(),
                    "acme.ticket.update".into(),
                    BasicPublishOptions::default(),
                    body.to_string().as_bytes(),
                    properties,
                )
                .await?;
            confirm.await
        });
        for confirmed in join_all(published).await {
            ensure!(confirmed?.is_ack(), "the queue of share-dispatcher takes no more");
        }
    }
    connection.close(200, "done".into()).await.context("logging out")
}

/// Waits until all have their receipts. The queue's length says that work goes on.
async fn worked_off(site: &Site, sender: &Desk, count: usize) -> Result<usize> {
    let url = site.installation.service_url(contracts::topology::Service::ShareDispatcher)?;
    let connection =
        Connection::connect(&url, ConnectionProperties::default()).await.context("logging in")?;
    let channel = connection.create_channel().await?;
    let passive =
        QueueDeclareOptions { passive: true, durable: true, ..QueueDeclareOptions::default() };
    let (mut seen, mut moved) = (0, Instant::now());
    loop {
        let answered = sender.answered_like("backlog-");
        if answered != seen {
            (seen, moved) = (answered, Instant::now());
        }
        if answered == count || moved.elapsed() > STALL {
            let left = channel
                .queue_declare("share-dispatcher".into(), passive, FieldTable::default())
                .await?
                .message_count();
            println!("{answered} receipts; {left} commands left in the queue");
            connection.close(200, "done".into()).await.context("logging out")?;
            return Ok(answered);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
