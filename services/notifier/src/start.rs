//! From configuration to a running service.

use anyhow::Context as _;
use bootstrap::Context;
use contracts::Timestamp;
use mail::{MailLoop, Server, ServerAddress};

use crate::config::Config;
use crate::delivery::{Mailer, Templates};
use crate::service::Notifier;
use crate::store::due::Notices;

/// Runs the mail loop beside the service until the process is asked to stop.
///
/// # Errors
/// What the configuration names cannot be used, or the runtime gave up.
pub async fn start(context: Context<Config>) -> anyhow::Result<()> {
    let smtp = &context.config.smtp;
    let address = ServerAddress::read(smtp.url.reveal()).context("`smtp.url` cannot be used")?;
    let mut templates = Templates::new().context("the templates of the mails cannot be read")?;
    templates.pages = context.config.pages.known();
    let mailer = Mailer {
        server: Server::new(address, smtp.timeout_ms.milliseconds()),
        templates,
        from: smtp.from.parse().context("`smtp.from` cannot be used")?,
    };
    let notices = Notices { pool: context.pool.clone(), mailer };
    let mails = MailLoop::new(notices, context.answer_timeout(), now);
    context.tasks.spawn("mail-loop", mails.run(context.shutdown.clone()));
    context.run(Notifier).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "a mail loop has no message to take the time from; all below is given this clock as a \
        value"
)]
fn now() -> Timestamp {
    chrono::Utc::now().into()
}
