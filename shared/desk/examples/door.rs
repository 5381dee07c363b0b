//! What `deskmesh-operator certify --command` asks a desk, answered for the desk beside this file:
//! reads a question from standard input and answers on standard output.
//!
//! `echo '{"do": "report", "share_id": "…"}' | cargo run -p desk --example door -- postgres://…`

use std::error::Error;
use std::process::ExitCode;

use contracts::AccountName;
use contracts::ids::derive_id;
use desk::outbox::{Request, accept};
use desk::store::read::{TicketName, TicketRow, ticket};
use serde_json::{Value, json};
use sqlx::PgPool;

const ACCOUNT: &str = "acme";
const NO_SUCH_TICKET: u8 = 4;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let database = std::env::args().nth(1).ok_or("give the address of the database")?;
    let pool = PgPool::connect(&database).await?;
    let asked: Value = serde_json::from_reader(std::io::stdin())?;
    if asked["do"] == "share" {
        return share(&pool, &asked["share"]).await;
    }
    let update = &asked["update"];
    let share = asked["share_id"].as_str().or(update["share_id"].as_str()).ok_or("which share?")?;
    let found: Option<TicketRow> =
        ticket(&mut *pool.acquire().await?, ACCOUNT, TicketName::Share(share)).await?;
    let Some(TicketRow { ticket, .. }) = found else {
        return Ok(ExitCode::from(NO_SUCH_TICKET));
    };
    if asked["do"] == "report" {
        println!("{}", ticket.state(share));
        return Ok(ExitCode::SUCCESS);
    }

    // An agent's action becomes a command: with who did it, what it is based on, and ids. The same
    // action asked for again is the same command.
    let key = derive_id("action", &[&update.to_string()]).to_string();
    let mut content = update.clone();
    content["actor"] = json!({ "id": "1", "name": "Ann", "role": "agent" });
    if let Some(base) = ticket.base_revision(update) {
        content["base_revision"] = json!(base);
    }
    let comments = content["comments"].as_array_mut().into_iter().flatten();
    for (number, comment) in comments.enumerate() {
        comment["id"] = json!(format!("{ACCOUNT}/{key}-{number}"));
    }
    ask(&pool, "ticket.update.v1", key, content).await
}

/// A ticket of the desk's own goes to a partner: with a number, who asked for it, and ids.
async fn share(pool: &PgPool, wanted: &Value) -> Result<ExitCode, Box<dyn Error>> {
    let key = derive_id("share", &[&wanted.to_string()]).to_string();
    let mut content = wanted.clone();
    content["actor"] = json!({ "id": "1", "name": "Ann", "role": "agent" });
    content["share_id"] = json!(derive_id("share id", &[&key]));
    content["ticket"]["id"] = json!(key);
    content["ticket"]["requester"] = json!({ "id": "2", "name": "Bo", "role": "end_user" });
    let comments = content["ticket"]["comments"].as_array_mut().into_iter().flatten();
    for (number, comment) in comments.enumerate() {
        comment["id"] = json!(format!("{ACCOUNT}/{key}-{number}"));
    }
    ask(pool, "ticket.share.v1", key, content).await
}

async fn ask(
    pool: &PgPool,
    command_type: &str,
    key: String,
    content: Value,
) -> Result<ExitCode, Box<dyn Error>> {
    let request = Request {
        account: AccountName::new(ACCOUNT)?,
        hash: Request::hash_of(command_type, &content),
        command_type: command_type.to_owned(),
        key,
        content,
    };
    request.check()?;
    accept(pool, &request).await?;
    println!("{{}}");
    Ok(ExitCode::SUCCESS)
}
