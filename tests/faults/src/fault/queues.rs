//! Faults of queues, and messages that should not be in them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use contracts::topology::Service;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};

use testkit::until;
use tokio::time::timeout;

use crate::site::{PATIENCE, Site};
use crate::traffic::Traffic;

/// How long a deleted queue is missed.
const MISSED: Duration = Duration::from_secs(2);
/// How long one publish may take: what waits on a connection that is cut may wait for ever.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Deletes a work queue under its consumers, as by mistake; an operator then installs the
/// definitions again.
pub(super) async fn deleted(site: &Site, service: Service) -> Result<()> {
    site.ask_broker(move |installation| {
        installation.broker().delete_queue(installation.vhost(), service.name())
    })
    .await?;
    tokio::time::sleep(MISSED).await;
    site.ask_broker(local::Installation::install_topology).await
}

/// Messages that cannot be read into queues behind the entry, in the name of a service: as a broken
/// release would send them.
pub(super) async fn poison(site: &Site, traffic: &Traffic) -> Result<()> {
    let url = site.installation.service_url(Service::CommentSync)?;
    for service in [Service::FieldSync, Service::Notifier] {
        for body in [&b"{ no JSON"[..], b"{}"] {
            let id = format!("poison-{}", traffic.ledger.number());
            // Other faults may strike meanwhile. Published twice it is parked once.
            until("poison to be published", PATIENCE, async || {
                let published = timeout(ATTEMPT, publish(&url, service, &id, body)).await;
                let published = published.context("no answer, as of a connection that was cut");
                published.and_then(|it| it).map_err(|failed| format!("{failed:#}"))
            })
            .await;
            traffic.ledger.book().poisoned += 1;
        }
    }
    Ok(())
}

async fn publish(url: &str, service: Service, id: &str, body: &[u8]) -> Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default())
        .await
        .context("logging in as comment-sync")?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let stem = if service == Service::Notifier { "notice" } else { "transfer" };
    let properties = BasicProperties::default()
        .with_message_id(id.into())
        .with_type(format!("{stem}.v1").into())
        .with_content_type("application/json".into())
        .with_delivery_mode(2);
    let key = format!("{}.{stem}", service.name());
    #[expect(clippy::disallowed_methods, reason = "poison is published past the runtime")]
    let confirm = channel
        .basic_publish(
            "sync".into(),
            key.as_str().into(),
            BasicPublishOptions::default(),
            body,
            properties,
        )
        .await?;
    ensure!(confirm.await?.is_ack(), "the broker takes no poison");
    Ok(())
}
