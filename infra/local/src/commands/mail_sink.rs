//! `mail-sink`: a process of its own, so that it outlives `up`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use local::MailSink;

/// Takes mails until it is ended.
pub async fn mail_sink(listen: &str, dir: &Path) -> Result<ExitCode> {
    let sink = MailSink::start_in(listen, dir).await?;
    println!("{} keeps mails in {}", sink.url(), dir.display());
    super::with::end_signal().await?;
    Ok(ExitCode::SUCCESS)
}
