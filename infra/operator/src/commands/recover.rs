//! `recover`: after the database was restored.

use std::num::NonZeroU32;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use contracts::{Epoch, Timestamp};
use operator::recovery::{epoch_today, recover};

use super::reach::BrokerArgs;

/// Which recovery it is, and how fast desks are told.
#[derive(Args)]
pub struct RecoverArgs {
    /// The moment that the database was restored to, or a little before (RFC 3339): desks send
    /// again what they sent since
    #[arg(long, value_parser = Timestamp::parse, value_name = "TIME")]
    since: Timestamp,
    /// Number of the recovery, higher than any before; the days since 2026-01-01 where none is
    /// given. Where an earlier one had as high a number, give a higher one
    #[arg(long, value_parser = epoch, value_name = "NUMBER")]
    epoch: Option<Epoch>,
    /// Live shares a second, at most, whose desks are told their copies
    #[arg(long, default_value = "100", value_name = "NUMBER")]
    rate: NonZeroU32,
    #[command(flatten)]
    broker: BrokerArgs,
}

fn epoch(text: &str) -> Result<Epoch, String> {
    let number: Option<u16> = text.parse().ok();
    let epoch = number.and_then(|number| Epoch::new(number).ok()).filter(|it| it.number() > 0);
    epoch.ok_or_else(|| format!("{text:?} is no whole number from 1 to {}", Epoch::LAST.number()))
}

/// Does it, and says how far it came.
pub async fn carry_out(given: &RecoverArgs) -> Result<ExitCode> {
    let epoch = given.epoch.unwrap_or_else(epoch_today);
    let operator_url = given.broker.operator_url()?;
    println!("recovery {}: every number rises above all that were given before", epoch.number());
    let done = recover(&operator_url, (epoch, given.since), given.rate, |progress| {
        if (progress.accounts + progress.shares) % 100 == 0 {
            println!("{} pages of accounts, {} of shares", progress.accounts, progress.shares);
        }
    })
    .await?;
    println!(
        "done: {} pages of accounts are in force everywhere; the desks of {} pages of shares are \
         being told,\nwhich is over when the work queues are empty. If it was interrupted, give it \
         again with --epoch {}.",
        done.accounts,
        done.shares,
        epoch.number()
    );
    Ok(ExitCode::SUCCESS)
}
