//! Faults of queues, and messages that should not be in them.

use std::time::Duration;

use anyhow::{Context, Result};
use contracts::topology::Service;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};

use testkit::until;

use crate::site::{PATIENCE, Site};
use crate::traffic::Traffic;

/// How long a deleted queue is missed.
const MISSED: Duration = Duration::from_secs(2);
/// Behind the entry, where only services write.
const BEHIND: [Service; 3] = [Service::CommentSync, Service::FieldSync, Service::Notifier];

/// Deletes a work queue under its consumers, as by mistake; an operator then installs the definitions again.
pub(super) async fn deleted(site: &Site, service: Service) -> Result<()> {
    site.ask_broker(move |installation| installation.broker().delete_queue(installation.vhost(), service.name())).await?;
    tokio::time::sleep(MISSED).await;
    site.ask_broker(local::Installation::install_topology).await
}

/// A message that cannot be read into each queue behind the entry, in the name of a service: as a broken release would send it.
pub(super) async fn poison(site: &Site, traffic: &Traffic) -> Result<()> {
    let url = site.installation.service_url(Service::CommentSync)?;
    let connection = until("a connection to poison through", PATIENCE, async || {
        Connection::connect(&url, ConnectionProperties::default()).await.map_err(|refused| refused.to_string())
    })
    .await;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    for service in BEHIND.into_iter().filter(|service| *service != Service::CommentSync) {
        for body in [&b"{ no JSON"[..], b"{}"] {
            let number = traffic.ledger.number();
            let stem = if service == Service::Notifier { "notice" } else { "transfer" };
            let properties = BasicProperties::default()
                .with_message_id(format!("poison-{number}").into())
                .with_type(format!("{stem}.v1").into())
                .with_content_type("application/json".into())
                .with_delivery_mode(2);
            let key = format!("{}.{stem}", service.name());
            #[expect(clippy::disallowed_methods, reason = "poison is published past the runtime")]
            let confirm = channel
                .basic_publish("sync".into(), key.as_str().into(), BasicPublishOptions::default(), body, properties)
                .await?;
            confirm.await.context("the broker takes poison")?;
            traffic.ledger.book().poisoned += 1;
        }
    }
    connection.close(200, "done".into()).await.context("logging out")
}
