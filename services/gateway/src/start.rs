//! From configuration to a running gateway.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use bootstrap::Context;
use contracts::topology::Service;
use desk::log::Heads;
use desk::outbox;
use desk::store::account::{self, KeptAccount};
use desk::{Edge, Session};
use tokio::sync::Notify;

use crate::config::Config;
use crate::edge::Gateway;
use crate::http::{Api, Limits, Tls, serve};
use crate::operator_api::OperatorApi;

/// Serves the API, sends what accounts ask for and takes what they are told, until the process is
/// asked to stop.
///
/// # Errors
/// What the configuration names cannot be used, or the runtime gave up.
pub async fn start(context: Context<Config>) -> anyhow::Result<()> {
    let Config { api: wanted, operator, limits } = context.config.clone();
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
        outbox::Settings {
            again_after: limits.send_again_seconds.seconds(),
            answer_timeout: context.answer_timeout(),
        },
        Arc::clone(&new_command),
        shutdown.clone(),
    );
    context.tasks.spawn("outbox", sending);

    let requests = NonZeroU32::new(limits.requests_per_second.get()).unwrap_or(NonZeroU32::MIN);
    let api = Api::new(
        pool.clone(),
        heads,
        Arc::clone(&new_command),
        Limits::new(requests, limits.open_streams.size()),
        shutdown.clone(),
    );
    let tls = (!wanted.certificate_file.is_empty()).then(|| Tls {
        certificate: PathBuf::from(&wanted.certificate_file),
        key: PathBuf::from(&wanted.key_file),
    });
    let serving = serve("api", wanted.listen, tls, api.router(), shutdown.clone());
    context.tasks.spawn("api", serving);
    if !operator.secret.reveal().is_empty() {
        let api = OperatorApi { pool, new_command, secret: operator.secret };
        let serving = serve("operator", operator.listen, None, api.router(), shutdown);
        context.tasks.spawn("operator api", serving);
    }
    context.run(Session::<Gateway>::default()).await
}
