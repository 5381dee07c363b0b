//! `account`: one help desk's way in and out.

mod add;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum};
use contracts::command::AccountLower;
use contracts::topology::VHOST;
use contracts::{AccountName, ReceiptOutcome};
use operator::account::{AccountAdmin, account_name};

use self::add::{AddArgs, add};
use super::reach::ReachArgs;

/// What is done with an account.
#[derive(Subcommand)]
pub enum AccountCommand {
    /// Let an account in: broker user, rights, limits, desk queue, registration; and try that it
    /// may do no more
    Add(Box<AddArgs>),
    /// Take its user away and close its connections
    Revoke {
        /// The account
        name: String,
        /// What becomes of its desk queue and the deliveries in it
        #[arg(long, value_enum, default_value_t = Queue::Keep)]
        queue: Queue,
        #[command(flatten)]
        reach: ReachArgs,
    },
    /// Give it another password; its connections go on
    Rotate {
        /// The account
        name: String,
        /// Close its connections: whoever has the old password only is out
        #[arg(long)]
        close: bool,
        /// Write the password into this file, readable by its owner alone, and not on the screen
        #[arg(long, value_name = "FILE")]
        secret: Option<PathBuf>,
        #[command(flatten)]
        reach: ReachArgs,
    },
    /// Lower the versions with which settings of an account are held: its next update counts, also
    /// after one with a version far too high
    Lower {
        /// The account
        name: String,
        /// Settings, as `account.state.v1` names them: `ticket_fields`, …
        #[arg(required = true, value_name = "SETTING")]
        attributes: Vec<String>,
        /// The version that they are held with from now on
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        version: u64,
        #[command(flatten)]
        reach: ReachArgs,
    },
    /// List the accounts that have a user
    List {
        #[command(flatten)]
        reach: ReachArgs,
    },
    /// Show rights, limits, connections and how many deliveries wait
    Show {
        /// The account
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        reach: ReachArgs,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Queue {
    /// Deliveries wait, also those to come, as for a desk that is away
    Keep,
    /// It is deleted with all that waits in it
    Delete,
}

/// Does it.
pub async fn carry_out(command: AccountCommand) -> Result<ExitCode> {
    match command {
        AccountCommand::Add(given) => add(*given).await?,
        AccountCommand::Revoke { name, queue, reach } => {
            revoke(&reach.doors()?, &account_name(&name)?, queue)?;
        }
        AccountCommand::Rotate { name, close, secret, reach } => {
            rotate(&reach.doors()?, &account_name(&name)?, close, secret.as_deref())?;
        }
        AccountCommand::Lower { name, attributes, version, reach } => {
            let message = AccountLower { account: account_name(&name)?, attributes, version };
            lower(&reach.doors()?, &message).await?;
        }
        AccountCommand::List { reach } => {
            for name in reach.doors()?.list()? {
                println!("{name}");
            }
        }
        AccountCommand::Show { name, json, reach } => {
            show(&reach.doors()?, &account_name(&name)?, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn lower(doors: &AccountAdmin, message: &AccountLower) -> Result<()> {
    let receipt = doors.lower(message).await?;
    let detail = receipt.detail.unwrap_or_default();
    match receipt.outcome {
        ReceiptOutcome::Applied => {
            println!(
                "{}'s next update with a version above {} counts",
                message.account, message.version
            );
        }
        ReceiptOutcome::Ignored => println!("none of them is held with a higher version"),
        ReceiptOutcome::Partial | ReceiptOutcome::Rejected => {
            let reason = receipt.reason.map_or("refused", contracts::Reason::code);
            bail!("{reason}: {detail}");
        }
    }
    Ok(())
}

fn revoke(doors: &AccountAdmin, account: &AccountName, queue: Queue) -> Result<()> {
    let revoked = doors.revoke(account, queue == Queue::Delete)?;
    println!("{account}'s user is gone; connections closed: {}", revoked.connections_closed);
    match revoked.waiting {
        None => println!("it had no desk queue"),
        Some(waiting) if revoked.queue_deleted => {
            println!("its desk queue is deleted, with {waiting} deliveries");
        }
        Some(waiting) => {
            println!("its desk queue stays, with {waiting} deliveries; more will come");
        }
    }
    println!(
        "Its agreements and shares stay: for its partners it is a desk that does not answer. They \
         end them with\n\
         agreement.deactivate.v1. `account add {account}` lets it in again, with a new password."
    );
    Ok(())
}

fn rotate(
    doors: &AccountAdmin,
    account: &AccountName,
    close: bool,
    file: Option<&Path>,
) -> Result<()> {
    let rotated = super::service::rotate_user(doors, account.as_str(), close, file, |password| {
        Ok(password.to_owned())
    })?;
    let standing = if close {
        format!("connections closed: {}", rotated.connections)
    } else {
        "its connections go on".to_owned()
    };
    println!("{account} has a new password; {standing}");
    match file {
        Some(file) => println!("hand over {}", file.display()),
        None => println!("hand over {}   (told once)", rotated.told),
    }
    Ok(())
}

fn show(doors: &AccountAdmin, account: &AccountName, json: bool) -> Result<()> {
    let standing = doors.show(account)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&standing)?);
        return Ok(());
    }
    println!(
        "account      {account}{}",
        if standing.operates { ", operates those under its name" } else { "" }
    );
    match standing.wrong.as_slice() {
        [] => println!("rights       as they must be"),
        wrong => wrong
            .iter()
            .for_each(|one| println!("RIGHTS       {one}: `account add {account}` puts it right")),
    }
    let limits: Vec<String> =
        standing.limits.iter().map(|(name, value)| format!("{name} {value}")).collect();
    println!("limits       {}", limits.join(", "));
    println!("connections  {}", standing.connections);
    println!(
        "waiting      {}",
        standing
            .waiting
            .map_or_else(|| "no desk queue".to_owned(), |waiting| format!("{waiting} deliveries"))
    );
    if doors.deployment.vhost() != VHOST {
        println!("vhost        {}", doors.deployment.vhost());
    }
    Ok(())
}
