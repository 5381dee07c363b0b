//! `canary`: one round.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use operator::canary::{self, Steps};

use super::reach::needed;

/// Who plays it, and how long it may take.
#[derive(Args)]
pub struct CanaryArgs {
    #[command(flatten)]
    accounts: CanaryAccounts,
    /// How many seconds the whole round may take
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    limit: u64,
    /// Write the durations into this file, for Prometheus
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
}

/// The two accounts that play.
#[derive(Args)]
#[expect(clippy::struct_field_names, reason = "each is the name of an option")]
pub struct CanaryAccounts {
    /// The broker's address with the first account: `amqps://canary-a:…@host/deskmesh`
    #[arg(long, env = "DESKMESH_CANARY_A_URL", hide_env_values = true, value_name = "URL")]
    canary_a_url: Option<String>,
    /// A file with that address
    #[arg(
        long,
        env = "DESKMESH_CANARY_A_URL_FILE",
        value_name = "FILE",
        conflicts_with = "canary_a_url"
    )]
    canary_a_url_file: Option<PathBuf>,
    /// The broker's address with the second account: `amqps://canary-b:…@host/deskmesh`
    #[arg(long, env = "DESKMESH_CANARY_B_URL", hide_env_values = true, value_name = "URL")]
    canary_b_url: Option<String>,
    /// A file with that address
    #[arg(
        long,
        env = "DESKMESH_CANARY_B_URL_FILE",
        value_name = "FILE",
        conflicts_with = "canary_b_url"
    )]
    canary_b_url_file: Option<PathBuf>,
}

impl CanaryAccounts {
    /// Both addresses.
    fn needed(&self) -> Result<(String, String)> {
        Ok((
            needed("canary-a-url", self.canary_a_url.as_ref(), self.canary_a_url_file.as_ref())?,
            needed("canary-b-url", self.canary_b_url.as_ref(), self.canary_b_url_file.as_ref())?,
        ))
    }

    /// Both addresses, where any is given.
    pub fn given(&self) -> Result<Option<(String, String)>> {
        let urls = self.canary_a_url.is_some() || self.canary_b_url.is_some();
        let files = self.canary_a_url_file.is_some() || self.canary_b_url_file.is_some();
        if urls || files { self.needed().map(Some) } else { Ok(None) }
    }
}

/// Plays it, and says in one line how it went.
pub async fn carry_out(given: &CanaryArgs) -> Result<ExitCode> {
    let (first, second) = given.accounts.needed()?;
    let mut steps = Steps::default();
    let played = canary::round(&first, &second, Duration::from_secs(given.limit), &mut steps).await;
    if let Some(file) = &given.metrics_file {
        canary::write_metrics(file, &steps, played.is_ok())?;
    }
    match played {
        Ok(()) => {
            println!("green: {steps}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("red: {:#} ({steps})", anyhow::Error::from(error));
            Ok(ExitCode::FAILURE)
        }
    }
}
