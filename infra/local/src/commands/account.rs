//! `account`: everything one help desk needs to join.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use contracts::command::{AccountKind, AccountRegister, Admin};
use contracts::topology::{Service, VHOST};
use contracts::{Reason, Receipt, ReceiptOutcome};
use local::{AccountAccess, Installation, Passwords, edges};
use operator::edge::EdgeApi;

use super::running::{Running, local_dir};

/// The edge that keeps an account.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Edge {
    /// HTTP.
    Gateway,
    /// A help desk in the browser.
    Helpdesk,
}

const RECEIPT_LIMIT: Duration = Duration::from_mins(1);

/// Provisions an account and registers it; the second time it only prints the same again.
pub async fn account(
    name: String,
    kind: AccountKind,
    display_name: Option<String>,
    via: Option<Edge>,
) -> Result<ExitCode> {
    let dir = local_dir()?;
    let running = Running::read(&dir)?.context("nothing runs here: `make up` first")?;
    let passwords = Passwords::open(&dir.join("passwords"))?;
    let installation = Installation::new(&running.servers, VHOST, passwords.clone());
    let display_name_given = display_name.as_deref();
    match via {
        Some(Edge::Gateway) => {
            let gateway = running.gateway.context("no gateway runs here: `make up` again")?;
            let api = gateway.operator(Service::Gateway, &passwords);
            return via_gateway(&installation, &api, &gateway.url, &name, display_name_given);
        }
        Some(Edge::Helpdesk) => {
            let helpdesk = running.helpdesk.context("no help desk runs here: `make up` again")?;
            let api = helpdesk.operator(Service::Helpdesk, &passwords);
            return via_helpdesk(&installation, &api, &helpdesk.url, &name, display_name_given);
        }
        None => {}
    }
    let access = installation.account(&name, None)?;
    let registration = AccountRegister {
        display_name: display_name.unwrap_or_else(|| name.clone()),
        kind,
        operated_by: None,
        may_operate: false,
        third_parties: false,
        address: None,
        sharing_url: None,
        // A domain that no mail ever leaves for; the mail sink shows what would be sent.
        admins: vec![Admin {
            name: format!("Admin of {name}"),
            email: format!("admin@{name}.example"),
        }],
        account: name.clone(),
    };
    let receipt =
        local::register(&installation.operator_url()?, &registration, RECEIPT_LIMIT).await?;
    println!("{name} is {}", outcome(&name, &receipt)?);
    print_access(&name, &access);
    Ok(ExitCode::SUCCESS)
}

/// An account that speaks HTTP. The token is the last word, for scripts.
fn via_gateway(
    installation: &Installation,
    api: &EdgeApi,
    url: &str,
    address: &str,
    display_name: Option<&str>,
) -> Result<ExitCode> {
    let kept = edges::add_account(installation, api, address, display_name)?;
    println!("{address} is registered{}", if kept.registered_already { " already" } else { "" });
    println!("account   {}   (partners invite {address})", kept.account);
    println!("API       {url}");
    if let Some(sign_in) = &kept.sign_in {
        println!("pages     {url}   as {}; once, to set a password:", sign_in.email);
        println!("sign in   {}", sign_in.link);
    }
    println!("join with HTTP in five minutes: services/gateway/README.md");
    println!("token     {}", kept.token.secret);
    Ok(ExitCode::SUCCESS)
}

/// An account whose people use the help desk. The sign-in link is the last word, for scripts.
fn via_helpdesk(
    installation: &Installation,
    api: &EdgeApi,
    url: &str,
    address: &str,
    display_name: Option<&str>,
) -> Result<ExitCode> {
    let kept = edges::add_people(installation, api, address, display_name, None)?;
    println!("{address} is registered{}", if kept.registered_already { " already" } else { "" });
    println!("account   {}   (partners invite {address})", kept.account);
    println!("help desk {url}");
    println!("the admin signs in once with this link and sets a password:");
    println!("sign in   {}", kept.sign_in);
    Ok(ExitCode::SUCCESS)
}

fn outcome(name: &str, receipt: &Receipt) -> Result<&'static str> {
    let known = matches!(receipt.reason, Some(Reason::AccountExists | Reason::AlreadyKnown));
    match receipt.outcome {
        ReceiptOutcome::Applied => Ok("registered"),
        _ if known => Ok("registered already"),
        _ => {
            let reason =
                receipt.reason.as_ref().map_or_else(|| "no reason".to_owned(), ToString::to_string);
            bail!(
                "{name} was not registered: {reason} ({})",
                receipt.detail.as_deref().unwrap_or("no detail")
            )
        }
    }
}

fn print_access(name: &str, access: &AccountAccess) {
    let AccountAccess { user, amqp_url, queue, .. } = access;
    println!("address   {amqp_url}");
    println!("publish   exchange `share`, keys `{name}.<entity>.<verb>`, user_id `{user}`");
    println!("receive   queue `{queue}`");
    println!("\nits first message: shared/contracts/README.md, \"Publish your first message\"");
    println!("how many deliveries wait (Python with pika):");
    println!(
        "python3 -c \"import pika; print(pika.BlockingConnection(pika.URLParameters('{amqp_url}'))\
         .channel().queue_declare('{queue}', passive=True).method.message_count)\""
    );
}
