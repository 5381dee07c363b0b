//! A hundred accounts in a ring, each of which shares tickets with the next.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use contracts::ids::derive_id;
use local::Installation;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::accounts::Accounts;
use crate::board::{Board, token};
use crate::load::Publisher;
use crate::work::Work;

pub const ACCOUNTS: usize = 100;
/// How long one step of the setting up may take.
const LIMIT: Duration = Duration::from_mins(5);

/// An account's name.
#[must_use]
pub fn account(number: usize) -> String {
    format!("a{:02}", number % ACCOUNTS)
}

/// The account that a ticket belongs to, and the one that it is shared with.
#[must_use]
pub fn ends(ticket: usize) -> (String, String) {
    (account(ticket), account(ticket + 1))
}

/// The id of the agreement by which an account shares.
#[must_use]
pub fn agreement(sender: &str) -> String {
    derive_id("bench", &["agreement", sender]).to_string()
}

/// The id of a ticket's share.
#[must_use]
pub fn share(ticket: usize) -> String {
    derive_id("bench", &["share", &ticket.to_string()]).to_string()
}

/// Who acts.
#[must_use]
pub fn actor(role: &str) -> Value {
    json!({ "id": "1", "name": "Ada", "role": role })
}

/// Makes these accounts' desk queues, with what else a queue is to be declared with.
///
/// # Errors
/// When the broker refuses.
pub async fn make_desks(
    installation: &Installation,
    accounts: Vec<String>,
    further: &[(&str, Value)],
) -> Result<()> {
    let installation = installation.clone();
    let mut arguments = contracts::topology::desk_queue_arguments();
    for (name, value) in further {
        arguments[*name] = value.clone();
    }
    let make = spawn_blocking(move || {
        for account in accounts {
            let queue = format!("desk.{account}");
            let (broker, vhost) = (installation.broker(), installation.vhost());
            broker.declare_queue(vhost, &queue, &arguments)?;
            broker.bind(vhost, "desk", &queue, &format!("{account}.#"))?;
        }
        Ok::<_, local::Error>(())
    });
    Ok(make.await??)
}

/// Registers the ring's accounts, makes their agreements and shares `tickets` tickets, by commands
/// as desks send them.
///
/// # Errors
/// When not every command is applied in time.
pub async fn settle(
    publisher: &Publisher,
    board: &Board,
    tickets: usize,
    accounts: Accounts,
) -> Result<()> {
    let pairs: Vec<Pair> = (0..ACCOUNTS)
        .map(|number| Pair { sender: account(number), receiver: account(number + 1) })
        .collect();
    register(publisher, board, (0..ACCOUNTS).map(account).collect(), accounts).await?;
    agree(publisher, board, &pairs).await?;
    let shares: Vec<Work> = (0..tickets).map(|ticket| shared(ticket, accounts, &[])).collect();
    for some in shares.chunks(5_000) {
        step(publisher, board, some.to_vec()).await?;
    }
    Ok(())
}

/// Registers accounts with their custom fields.
///
/// # Errors
/// When not every command is applied in time.
pub async fn register(
    publisher: &Publisher,
    board: &Board,
    names: Vec<String>,
    accounts: Accounts,
) -> Result<()> {
    let register = |name: &String| {
        let content =
            json!({ "account": name, "display_name": name, "kind": "connected", "admins": [] });
        Work::other("operator", "account.register.v1", &content)
    };
    step(publisher, board, names.iter().map(register).collect()).await?;
    let settings = |name: &String| {
        let (fields, form) = (accounts.fields(), accounts.form());
        let content = json!({ "version": 1, "actor": actor("admin"), "ticket_fields": fields,
            "default_form": form });
        Work::other(name, "account.update.v1", &content)
    };
    step(publisher, board, names.iter().map(settings).collect()).await
}

/// Two accounts that agree.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Who may share.
    pub sender: String,
    /// With whom.
    pub receiver: String,
}

/// Invites and accepts.
///
/// # Errors
/// When not every command is applied in time.
pub async fn agree(publisher: &Publisher, board: &Board, pairs: &[Pair]) -> Result<()> {
    let invite = |pair: &Pair| {
        let terms =
            json!({ "comments": "public_and_private", "tags": true, "custom_fields": true });
        let receiver = json!({ "address": pair.receiver });
        let content = json!({ "agreement_id": agreement(&pair.sender), "receiver": receiver,
            "terms": terms, "actor": actor("admin") });
        Work::other(&pair.sender, "agreement.invite.v1", &content)
    };
    step(publisher, board, pairs.iter().map(invite).collect()).await?;
    let accept = |pair: &Pair| {
        let content = json!({ "agreement_id": agreement(&pair.sender), "actor": actor("admin") });
        Work::other(&pair.receiver, "agreement.accept.v1", &content)
    };
    step(publisher, board, pairs.iter().map(accept).collect()).await
}

/// A command that shares a ticket of the ring.
#[must_use]
pub fn shared(ticket: usize, accounts: Accounts, comments: &[Value]) -> Work {
    share_command(&account(ticket), &number(ticket), &share(ticket), accounts, comments)
}

/// A command of `sender` that shares its ticket `id`.
#[must_use]
pub fn share_command(
    sender: &str,
    id: &str,
    share: &str,
    accounts: Accounts,
    comments: &[Value],
) -> Work {
    let content = json!({
        "agreement_id": agreement(sender), "share_id": share, "actor": actor("agent"),
        "occurred_at": crate::work::occurs(0),
        "ticket": {
            "id": id, "subject": "The pump leaks", "status": "open", "requester": actor("end_user"),
            "comments": comments, "custom_fields": accounts.set(),
        },
    });
    Work::other(sender, "ticket.share.v1", &content)
}

/// A ticket's number at its sender.
#[must_use]
pub fn number(ticket: usize) -> String {
    format!("t-{ticket}")
}

/// Publishes commands, and waits for all their receipts.
///
/// # Errors
/// When not every command is applied in time.
pub async fn step(publisher: &Publisher, board: &Board, works: Vec<Work>) -> Result<()> {
    let (first, count) = (board.published(), works.len());
    for some in works.chunks(500) {
        let numbered: Vec<(String, Work)> =
            some.iter().map(|work| (token(board.publish_command()), work.clone())).collect();
        publisher.publish(&numbered).await?;
    }
    let started = Instant::now();
    while board.receipts(first) < count {
        ensure!(
            started.elapsed() < LIMIT,
            "{} of {count} commands have their receipts",
            board.receipts(first)
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ensure!(board.refused(first) == 0, "{} of {count} commands were refused", board.refused(first));
    Ok(())
}
