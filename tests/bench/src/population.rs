//! A hundred accounts in a ring, each of which shares tickets with the next.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use contracts::ids::derive_id;
use local::Installation;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::board::{Board, token};
use crate::load::Publisher;
use crate::work::Work;

/// Accounts.
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

fn agreement(sender: usize) -> String {
    derive_id("bench", &["agreement", &account(sender)]).to_string()
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

/// Makes the desks' queues.
///
/// # Errors
/// When the broker refuses.
pub async fn make_desks(installation: &Installation) -> Result<()> {
    let installation = installation.clone();
    let make = spawn_blocking(move || {
        for number in 0..ACCOUNTS {
            let queue = format!("desk.{}", account(number));
            let (broker, vhost) = (installation.broker(), installation.vhost());
            broker.declare_queue(vhost, &queue, &contracts::topology::desk_queue_arguments())?;
            broker.bind(vhost, "desk", &queue, &format!("{}.#", account(number)))?;
        }
        Ok::<_, local::Error>(())
    });
    Ok(make.await??)
}

/// Registers the accounts, makes their agreements and shares `tickets` tickets, by commands as desks send them.
///
/// # Errors
/// When not every command is applied in time.
pub async fn settle(publisher: &Publisher, board: &Board, tickets: usize) -> Result<()> {
    let all = 0..ACCOUNTS;
    let register = |number: usize| {
        let content = json!({ "account": account(number), "display_name": account(number), "kind": "connected", "admins": [] });
        Work::other("operator", "account.register.v1", &content)
    };
    step(publisher, board, all.clone().map(register).collect()).await?;
    let settings = |number: usize| {
        let fields = json!([{ "key": "order", "title": "Order", "type": "text" }]);
        let content = json!({ "version": 1, "actor": actor("admin"), "ticket_fields": fields, "default_form": ["order"] });
        Work::other(&account(number), "account.update.v1", &content)
    };
    step(publisher, board, all.clone().map(settings).collect()).await?;
    let invite = |number: usize| {
        let terms = json!({ "comments": "public_and_private", "tags": true, "custom_fields": true });
        let receiver = json!({ "address": account(number + 1) });
        let content = json!({ "agreement_id": agreement(number), "receiver": receiver, "terms": terms, "actor": actor("admin") });
        Work::other(&account(number), "agreement.invite.v1", &content)
    };
    step(publisher, board, all.clone().map(invite).collect()).await?;
    let accept = |number: usize| {
        let content = json!({ "agreement_id": agreement(number), "actor": actor("admin") });
        Work::other(&account(number + 1), "agreement.accept.v1", &content)
    };
    step(publisher, board, all.map(accept).collect()).await?;
    let shares: Vec<Work> = (0..tickets).map(|ticket| shared(ticket, &[])).collect();
    for some in shares.chunks(5_000) {
        step(publisher, board, some.to_vec()).await?;
    }
    Ok(())
}

/// A command that shares a ticket.
#[must_use]
pub fn shared(ticket: usize, comments: &[Value]) -> Work {
    let content = json!({
        "agreement_id": agreement(ticket % ACCOUNTS), "share_id": share(ticket), "actor": actor("agent"), "occurred_at": crate::work::occurs(0),
        "ticket": {
            "id": number(ticket), "subject": "The pump leaks", "status": "open", "requester": actor("end_user"),
            "comments": comments, "custom_fields": { "order": "4711" },
        },
    });
    Work::other(&account(ticket), "ticket.share.v1", &content)
}

/// A ticket's number at its sender.
#[must_use]
pub fn number(ticket: usize) -> String {
    format!("t-{ticket}")
}

/// Publishes commands, and waits for all their receipts.
async fn step(publisher: &Publisher, board: &Board, works: Vec<Work>) -> Result<()> {
    let first = board.published();
    let count = works.len();
    for some in works.chunks(500) {
        let numbered: Vec<(String, Work)> = some.iter().map(|work| (token(board.publish()), work.clone())).collect();
        publisher.publish(&numbered).await?;
    }
    let started = Instant::now();
    while board.receipts(first) < count {
        ensure!(started.elapsed() < LIMIT, "{} of {count} commands have their receipts", board.receipts(first));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ensure!(board.refused(first) == 0, "{} of {count} commands were refused", board.refused(first));
    Ok(())
}
