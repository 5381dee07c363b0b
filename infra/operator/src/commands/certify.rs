//! `certify`: whether a desk keeps the contract.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use clap::Args;
use operator::account::account_name;
use operator::certify::{self, Door, Program, Restart, Settings};

use super::reach::ReachArgs;

/// Which desk, and how it is asked.
#[derive(Args)]
pub struct CertifyArgs {
    /// The account whose desk it is, one for trying: while it is certified all that it is told
    /// comes through here
    #[arg(required_unless_present = "list")]
    account: Option<String>,
    /// Where the desk answers: gets `{"do": "report", "share_id": …}` and `{"do": "change",
    /// "update": {…}}` as POST
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Or a command line that reads the same from standard input and prints the answer
    #[arg(long, value_name = "LINE", conflicts_with = "url")]
    command: Option<String>,
    /// Runs the desk, and kills and starts it again, by this command line
    #[arg(long, value_name = "LINE", conflicts_with = "restart")]
    run: Option<String>,
    /// Kills the desk and starts it again by this command line; without --run and --restart a
    /// person at the terminal is asked to
    #[arg(long, value_name = "LINE")]
    restart: Option<String>,
    /// The account that plays the partner; added if it is not there, and given another password
    #[arg(long = "as", default_value = "certifier", value_name = "ACCOUNT")]
    partner: String,
    /// How many seconds the desk may take to hold what it was told
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    patience: u64,
    /// How many seconds Deskmesh, and the desk, may take to answer
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    limit: u64,
    /// Only this check; may be repeated
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// Plays the order of the check `any_order` again
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Name the checks, and do nothing
    #[arg(long)]
    list: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: ReachArgs,
}

/// Certifies it, and says what is wrong.
pub async fn carry_out(given: CertifyArgs) -> Result<ExitCode> {
    if given.list {
        for name in certify::names() {
            println!("{name}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = given.only.iter().find(|it| !certify::names().contains(&it.as_str())) {
        bail!("there is no check `{unknown}`: --list names them");
    }
    let door = match (given.url, given.command) {
        (Some(url), _) => Door::Url(url),
        (None, Some(line)) => Door::Command(line),
        (None, None) => bail!("how is the desk asked? --url or --command"),
    };
    let restart = match (given.run, given.restart) {
        (Some(line), _) => Restart::Run(line),
        (None, Some(line)) => Restart::Command(line),
        (None, None) => Restart::Person,
    };
    let doors = given.reach.doors()?;
    let limit = Duration::from_secs(given.limit);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let settings = Settings {
        account: account_name(given.account.as_deref().unwrap_or_default())?,
        partner: certify::partner(&doors, &given.partner).await?,
        patience: Duration::from_secs(given.patience),
        limit,
        only: given.only,
        seed: given.seed.unwrap_or(clock.as_secs()),
    };
    let mut desk = Program::open(door, restart, limit).await?;
    let report = tokio::select! {
        report = certify::certify(&doors, &settings, &mut desk) => report?,
        _ = tokio::signal::ctrl_c() => {
            certify::undo(&doors, &settings.account)?;
            bail!("broken off; the broker is as it was");
        }
    };
    if given.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.is_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
