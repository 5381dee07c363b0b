//! From configuration to a running help desk.

use std::sync::Arc;

use anyhow::Context as _;
use bootstrap::{Context, serve};
use contracts::topology::Service;
use desk::log::Heads;
use desk::log::follow;
use desk::store::account::{self, KeptAccount};
use desk::{Edge, Session, outbox};
use egress::Egress;
use files::{Files, sweep};
use mail::{MailLoop, Server, ServerAddress};
use tokio::sync::Notify;
use web::{Bridge, Oidc};

use crate::clock::now;
use crate::config::Config;
use crate::edge::Helpdesk;
use crate::mails::EndUserMails;
use crate::operator_api::OperatorApi;
use crate::pages::Pages;
use crate::work::automations;
use crate::work::changes::Changes;
use crate::work::follow::IntoTickets;

/// Serves pages, sends what people ask for and takes what accounts are told, until the process is
/// asked to stop.
///
/// # Errors
/// What the configuration names cannot be used, or the runtime gave up.
pub async fn start(context: Context<Config>) -> anyhow::Result<()> {
    let Config { pages, operator, files: stored, limits, smtp, egress, bridge, keys } =
        context.config.clone();
    let (pool, shutdown) = (context.pool.clone(), context.shutdown.clone());
    let name = Service::Helpdesk.name();
    // The edge is told the receipts of its accounts' registrations.
    let own = KeptAccount {
        account: name.to_owned(),
        address: name.to_owned(),
        display_name: "Deskmesh help desk".to_owned(),
    };
    account::keep(&pool, &own).await?;

    let (heads, new_command) = (Arc::new(Heads::default()), Arc::new(Notify::new()));
    let changes = Arc::new(Changes::default());
    context.tasks.spawn("log heads", Arc::clone(&heads).run(pool.clone(), shutdown.clone()));
    context.tasks.spawn("changes", Arc::clone(&changes).run(pool.clone(), shutdown.clone()));
    let sending = outbox::run(
        pool.clone(),
        context.command_sender(Helpdesk::SERVICE),
        outbox::OutboxSettings {
            again_after: limits.send_again_seconds.seconds(),
            answer_timeout: context.answer_timeout(),
        },
        Arc::clone(&new_command),
        shutdown.clone(),
    );
    context.tasks.spawn("outbox", sending);
    let following =
        follow::run(IntoTickets, pool.clone(), Arc::clone(&new_command), shutdown.clone());
    context.tasks.spawn("follow", following);
    let hourly = automations::run(pool.clone(), Arc::clone(&new_command), shutdown.clone());
    context.tasks.spawn("automations", hourly);

    let address = ServerAddress::read(smtp.url.reveal()).context("`smtp.url` cannot be used")?;
    let table = EndUserMails {
        pool: pool.clone(),
        server: Server::new(address, smtp.timeout_ms.milliseconds()),
        from: smtp.from.parse().context("`smtp.from` cannot be used")?,
        public_url: pages.public_url.clone(),
    };
    let mails = MailLoop::new(table, context.answer_timeout(), now);
    context.tasks.spawn("mail-loop", mails.run(shutdown.clone()));

    let desk = web::EdgeDesk {
        pool: pool.clone(),
        heads,
        new_command: Arc::clone(&new_command),
        shutdown: shutdown.clone(),
    };
    let settings = stored.settings("pages.public_url", &pages.public_url)?;
    let files = Files::open(pool.clone(), settings).await?;
    context.tasks.spawn("files sweep", sweep(files.clone(), shutdown.clone()));
    let egress = Egress::new(egress).context("egress")?;
    let served = Pages::new(desk, changes, files.clone(), pages.public_url.clone())
        .with_bridge(Bridge::open(&bridge).context("bridge")?)
        .with_oidc(Oidc::open(&keys.secret, egress, &pages.public_url));
    let tls = pages.tls();
    let serving = serve("pages", pages.listen, tls.clone(), served.router(), shutdown.clone());
    context.tasks.spawn("pages", serving);
    let serving = serve("files", stored.listen, tls, files.router(), shutdown.clone());
    context.tasks.spawn("files", serving);
    if !operator.secret.reveal().is_empty() {
        let public_url = pages.public_url;
        let api = OperatorApi { pool, new_command, secret: operator.secret, public_url };
        let serving = serve("operator", operator.listen, None, api.router(), shutdown);
        context.tasks.spawn("operator api", serving);
    }
    context.run(Session::<Helpdesk>::default()).await
}
