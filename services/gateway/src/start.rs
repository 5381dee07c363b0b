//! From configuration to a running gateway.

use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::Context as _;
use bootstrap::{Context, serve};
use contracts::topology::Service;
use desk::log::Heads;
use desk::outbox;
use desk::store::account::{self, KeptAccount};
use desk::{Edge, Session};
use egress::{Egress, RetrySchedule};
use files::{Files, copy, sweep};
use tokio::sync::Notify;
use web::{Bridge, Oidc};

use crate::config::Config;
use crate::edge::Gateway;
use crate::http::{AccountLimiter, Api, with_pages};
use crate::operator_api::OperatorApi;
use crate::pages::{self, Others};
use crate::webhooks::{self, Webhooks};

/// Serves the API, sends what accounts ask for and takes what they are told, until the process is
/// asked to stop.
///
/// # Errors
/// What the configuration names cannot be used, or the runtime gave up.
pub async fn start(context: Context<Config>) -> anyhow::Result<()> {
    let Config { api: wanted, operator, files: stored, limits, webhooks, egress, bridge, keys } =
        context.config.clone();
    let (pool, shutdown) = (context.pool.clone(), context.shutdown.clone());
    let name = Service::Gateway.name();
    // The edge is told the receipts of its accounts' registrations.
    let own = KeptAccount {
        account: name.to_owned(),
        address: name.to_owned(),
        display_name: "Deskmesh gateway".to_owned(),
    };
    account::keep(&pool, &own).await?;

    let (heads, new_command) = (Arc::new(Heads::default()), Arc::new(Notify::new()));
    context.tasks.spawn("log heads", Arc::clone(&heads).run(pool.clone(), shutdown.clone()));
    let sending = outbox::run(
        pool.clone(),
        context.command_sender(Gateway::SERVICE),
        outbox::OutboxSettings {
            again_after: limits.send_again_seconds.seconds(),
            answer_timeout: context.answer_timeout(),
        },
        Arc::clone(&new_command),
        shutdown.clone(),
    );
    context.tasks.spawn("outbox", sending);

    let settings = stored.settings("api.public_url", &wanted.public_url)?;
    let files = Files::open(pool.clone(), settings).await?;
    context.tasks.spawn("files sweep", sweep(files.clone(), shutdown.clone()));
    let egress = Egress::new(egress).context("egress")?;
    let copying = copy(files.clone(), egress.clone(), Arc::clone(&new_command), shutdown.clone());
    context.tasks.spawn("files copied", copying);
    let calling = webhooks::Settings {
        schedule: RetrySchedule { first: webhooks.first_retry_ms.milliseconds() },
        timeout: webhooks.timeout_ms.milliseconds(),
        at_once: webhooks.at_once.size(),
    };
    let webhooks = Webhooks::new(pool.clone(), egress.clone(), calling);
    context.tasks.spawn("webhooks", webhooks.clone().run(shutdown.clone()));

    let desk = web::EdgeDesk {
        pool: pool.clone(),
        heads: Arc::clone(&heads),
        new_command: Arc::clone(&new_command),
        shutdown: shutdown.clone(),
    };
    let others = Others {
        bridge: Bridge::open(&bridge).context("bridge")?,
        oidc: Oidc::open(&keys.secret, egress, &wanted.public_url),
    };
    let pages = pages::router(desk, &wanted.public_url, others);
    let requests = NonZeroU32::new(limits.requests_per_second.get()).unwrap_or(NonZeroU32::MIN);
    let api = Api::new(
        pool.clone(),
        heads,
        Arc::clone(&new_command),
        AccountLimiter::new(requests, limits.open_streams.size()),
        files.clone(),
        webhooks,
        shutdown.clone(),
    );
    let tls = wanted.tls();
    let router = with_pages(api.router(), pages);
    let serving = serve("api", wanted.listen, tls.clone(), router, shutdown.clone());
    context.tasks.spawn("api", serving);
    let serving = serve("files", stored.listen, tls, files.router(), shutdown.clone());
    context.tasks.spawn("files", serving);
    if !operator.secret.reveal().is_empty() {
        let public_url = wanted.public_url;
        let api = OperatorApi { pool, new_command, secret: operator.secret, public_url };
        let serving = serve("operator", operator.listen, None, api.router(), shutdown);
        context.tasks.spawn("operator api", serving);
    }
    context.run(Session::<Gateway>::default()).await
}
