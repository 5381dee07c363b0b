//! From configuration to a running bridge.

use std::sync::Arc;

use anyhow::Context as _;
use bootstrap::{Context, serve};
use contracts::topology::Service;
use desk::log::Heads;
use desk::log::follow;
use desk::store::account::{self, KeptAccount};
use desk::{Edge, Session, outbox};
use egress::{Egress, RetrySchedule};
use files::{Files, copy, sweep as sweep_files};
use tokio::sync::Notify;

use crate::calls::{self, Calls};
use crate::config::{Config, Limits};
use crate::edge::NhdBridge;
use crate::follow::ToCalls;
use crate::http::{Bounds, Bridge};
use crate::keys::AccessKeys;
use crate::operator_api::OperatorApi;
use crate::pages_api::PagesApi;
use crate::sweep;

/// Answers partners, calls them and takes what their accounts are told, until the process is asked
/// to stop.
///
/// # Errors
/// What the configuration names cannot be used, or the runtime gave up.
pub async fn start(context: Context<Config>) -> anyhow::Result<()> {
    let Config { sharing, operator, pages, keys, limits, calls, egress, .. } =
        context.config.clone();
    anyhow::ensure!(
        !keys.secret.reveal().is_empty(),
        "`keys.secret` is empty: access keys of agreements must not be kept in the clear; give \
         `keys.secret_file` 32 random characters, the same for all replicas"
    );
    let (pool, shutdown) = (context.pool.clone(), context.shutdown.clone());
    // The edge is told the receipts of its accounts' registrations.
    let own = KeptAccount {
        account: Service::NhdBridge.name().to_owned(),
        address: Service::NhdBridge.name().to_owned(),
        display_name: "Deskmesh Networked Help Desk bridge".to_owned(),
    };
    account::keep(&pool, &own).await?;
    let keys = Arc::new(AccessKeys::new(keys.secret.reveal())?);
    let egress = Egress::new(egress).context("egress")?;
    let public_url: Arc<str> = Arc::from(sharing.public_url.as_str());

    let (heads, new_command) = (Arc::new(Heads::default()), Arc::new(Notify::new()));
    context.tasks.spawn("log heads", Arc::clone(&heads).run(pool.clone(), shutdown.clone()));
    let sending = outbox::run(
        pool.clone(),
        context.command_sender(NhdBridge::SERVICE),
        outbox::OutboxSettings {
            again_after: limits.send_again_seconds.seconds(),
            answer_timeout: context.answer_timeout(),
        },
        Arc::clone(&new_command),
        shutdown.clone(),
    );
    context.tasks.spawn("outbox", sending);
    let calls_of = ToCalls { keys: Arc::clone(&keys), public_url: Arc::clone(&public_url) };
    let following = follow::run(calls_of, pool.clone(), Arc::clone(&new_command), shutdown.clone());
    context.tasks.spawn("follow", following);
    let calling = Calls {
        pool: pool.clone(),
        egress: egress.clone(),
        keys: Arc::clone(&keys),
        new_command: Arc::clone(&new_command),
        public_url: Arc::clone(&public_url),
        settings: calls::Settings {
            schedule: RetrySchedule { first: calls.first_retry_ms.milliseconds() },
            timeout: calls.timeout_ms.milliseconds(),
            at_once: calls.at_once.size(),
        },
    };
    context.tasks.spawn("calls", calling.run(shutdown.clone()));
    let days = i32::try_from(limits.unproven_days.get()).unwrap_or(i32::MAX);
    context.tasks.spawn("old invites", sweep::run(pool.clone(), days, shutdown.clone()));

    let files = files(&context, &egress, &new_command).await?;
    let parts = (pool.clone(), heads, new_command);
    let bridge = Bridge::new(parts, keys, egress, &public_url, bounds(limits)).keeping_files(files);
    let (listen, tls) = (sharing.listen, sharing.tls());
    let serving = serve("sharing", listen, tls, bridge.router(), shutdown.clone());
    context.tasks.spawn("sharing", serving);
    if !pages.secret.is_empty() {
        let api = PagesApi { pool: pool.clone(), secret: pages.secret };
        let serving = serve("pages", pages.listen, None, api.router(), shutdown.clone());
        context.tasks.spawn("pages api", serving);
    }
    if !operator.secret.is_empty() {
        let api = OperatorApi { pool, secret: operator.secret };
        let serving = serve("operator", operator.listen, None, api.router(), shutdown);
        context.tasks.spawn("operator api", serving);
    }
    context.run(Session::<NhdBridge>::default()).await
}

/// Keeps copies of partners' files, if there is a place for them; what links to them begin with.
async fn files(
    context: &Context<Config>,
    egress: &Egress,
    new_command: &Arc<Notify>,
) -> anyhow::Result<Option<Arc<str>>> {
    let Config { sharing, files: stored, .. } = &context.config;
    let settings = stored.settings_if_any("sharing.public_url", &sharing.public_url)?;
    let Some(settings) = settings else { return Ok(None) };
    let origin = Arc::from(settings.origin.as_str());
    let (stop, new_command) = (context.shutdown.clone(), Arc::clone(new_command));
    let files = Files::open(context.pool.clone(), settings).await?;
    context.tasks.spawn("files sweep", sweep_files(files.clone(), stop.clone()));
    let copying = copy(files.clone(), egress.clone(), new_command, stop.clone());
    context.tasks.spawn("files copied", copying);
    let serving = serve("files", stored.listen, sharing.tls(), files.router(), stop);
    context.tasks.spawn("files", serving);
    Ok(Some(origin))
}

fn bounds(limits: Limits) -> Bounds {
    let count = |given: u32| i64::from(given);
    Bounds {
        body: limits.body_kib.size() * 1024,
        open: limits.open_requests.size(),
        answer: limits.answer_ms.milliseconds(),
        arrival: limits.arrival_ms.milliseconds(),
        invites: (
            count(limits.invites_of_address.get()),
            count(limits.invites_of_source.get()),
            count(limits.invites_of_day.get()),
        ),
    }
}
