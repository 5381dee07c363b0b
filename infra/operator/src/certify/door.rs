//! How the desk under test is asked what it holds, told what an agent does, and restarted.

use std::io::{BufRead, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use contracts::ShareId;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use ureq::Agent;

use crate::error::{During, Error, Result};

/// How often a desk that starts is asked whether it answers.
const PAUSE: Duration = Duration::from_millis(200);

/// A desk that is tested.
pub trait DeskUnderTest {
    /// What it holds of a ticket, in the shape of `ticket.state.v1`; `null` if it holds none.
    fn report(&mut self, share: &ShareId) -> impl Future<Output = Result<Value>> + Send;

    /// Has an agent change a ticket: a `ticket.update.v1` but for what the desk adds (`actor`,
    /// `base_revision`, the ids of comments). False where it cannot be asked for that.
    fn change(&mut self, update: &Value) -> impl Future<Output = Result<bool>> + Send;

    /// Has an agent share a new ticket: a `ticket.share.v1` but for what the desk adds (`actor`,
    /// `share_id`, the ticket's `id` and requester, the ids of comments). False where it cannot be
    /// asked for that.
    fn share(&mut self, wanted: &Value) -> impl Future<Output = Result<bool>> + Send;

    /// Ends it as hard as a machine that fails does, and starts it again. False where it cannot be.
    fn restart(&mut self) -> impl Future<Output = Result<bool>> + Send;
}

/// Where a desk is asked.
#[derive(Clone, Debug)]
pub enum Door {
    /// `POST` to an address.
    Url(String),
    /// A command line that reads what is asked from standard input.
    Command(String),
}

/// How a desk is restarted.
#[derive(Clone, Debug)]
pub enum Restart {
    /// It is run here, by this command line.
    Run(String),
    /// By a command line that does both.
    Command(String),
    /// By the person at the terminal.
    Person,
}

/// A desk that is a program of its own.
pub struct Program {
    door: Door,
    restart: Restart,
    /// How long it may take to answer, and to start.
    limit: Duration,
    runs: Option<Child>,
}

impl Program {
    /// Starts it, where that is to be done here, and waits until it answers.
    ///
    /// # Errors
    /// It cannot be started, or does not answer within `limit`.
    pub async fn open(door: Door, restart: Restart, limit: Duration) -> Result<Self> {
        let mut program = Self { door, restart, limit, runs: None };
        program.start()?;
        program.until_it_answers().await?;
        Ok(program)
    }

    fn start(&mut self) -> Result<()> {
        if let Restart::Run(line) = &self.restart {
            let line = format!("exec {line}");
            let child = Command::new("sh").arg("-c").arg(&line).stdin(Stdio::null()).spawn();
            self.runs = Some(child.during(format!("starting the desk by `{line}`"))?);
        }
        Ok(())
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.runs.take() {
            // One that has ended by itself is as good.
            child.kill().ok();
            child.wait().ok();
        }
    }

    async fn until_it_answers(&mut self) -> Result<()> {
        let begun = Instant::now();
        // No share has this id.
        let asked = json!({ "do": "report", "share_id": "00000000-0000-4000-8000-000000000000" });
        loop {
            match self.ask(&asked).await {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed() > self.limit => return Err(error),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Whether it can do what it is asked for; then it has done it.
    async fn have_done(&mut self, what: &str, asked: &Value) -> Result<bool> {
        let (status, answer) = self.ask(asked).await?;
        match status {
            200..=299 => Ok(true),
            404 | 405 | 501 => Ok(false),
            other => Err(unexpected(what, &format!("{other}: {answer}"))),
        }
    }

    /// Status and answer.
    async fn ask(&self, asked: &Value) -> Result<(u16, Value)> {
        let (door, asked, limit) = (self.door.clone(), asked.to_string(), self.limit);
        let asking = spawn_blocking(move || match door {
            Door::Url(url) => post(&url, &asked, limit),
            Door::Command(line) => run(&line, &asked),
        });
        let ended = asking.await.map_err(std::io::Error::other);
        ended.during("asking the desk")?
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

impl DeskUnderTest for Program {
    async fn report(&mut self, share: &ShareId) -> Result<Value> {
        let (status, answer) = self.ask(&json!({ "do": "report", "share_id": share })).await?;
        match status {
            200 => Ok(answer),
            404 => Ok(Value::Null),
            other => Err(unexpected("asking the desk for a report", &format!("{other}: {answer}"))),
        }
    }

    async fn change(&mut self, update: &Value) -> Result<bool> {
        let asked = json!({ "do": "change", "update": update });
        self.have_done("having the desk change", &asked).await
    }

    async fn share(&mut self, wanted: &Value) -> Result<bool> {
        let asked = json!({ "do": "share", "share": wanted });
        self.have_done("having the desk share", &asked).await
    }

    async fn restart(&mut self) -> Result<bool> {
        match self.restart.clone() {
            Restart::Run(_) => {
                self.kill();
                self.start()?;
            }
            Restart::Command(line) => {
                let done = spawn_blocking(move || Command::new("sh").arg("-c").arg(line).status());
                let status = done.await.map_err(std::io::Error::other).and_then(|status| status);
                let status = status.during("restarting the desk")?;
                if !status.success() {
                    return Err(unexpected("restarting the desk", &status.to_string()));
                }
            }
            Restart::Person => {
                if !std::io::stdin().is_terminal() {
                    return Ok(false);
                }
                eprint!("Kill the desk (kill -9), start it again, then press Enter: ");
                std::io::stderr().flush().ok();
                let read = std::io::stdin().lock().lines().next().transpose();
                read.during("waiting for Enter")?;
            }
        }
        self.until_it_answers().await?;
        Ok(true)
    }
}

fn post(url: &str, asked: &str, limit: Duration) -> Result<(u16, Value)> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        .build()
        .into();
    let sent = agent.post(url).content_type("application/json").send(asked);
    let no_answer =
        |error: ureq::Error| unexpected(&format!("asking the desk at {url}"), &error.to_string());
    let mut answer = sent.map_err(no_answer)?;
    let text = answer.body_mut().read_to_string().map_err(no_answer)?;
    Ok((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// Its exit code stands for the status: 0 for 200, 4 for 404, any other for 500.
fn run(line: &str, asked: &str) -> Result<(u16, Value)> {
    let what = format!("asking the desk by `{line}`");
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .during(&what)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read is told by its exit code.
        stdin.write_all(asked.as_bytes()).ok();
    }
    let output = child.wait_with_output().during(&what)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let status = match output.status.code() {
        Some(0) => 200,
        Some(4) => 404,
        _ => return Err(unexpected(&what, &format!("{}: {text}", output.status))),
    };
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

fn unexpected(what: &str, detail: &str) -> Error {
    Error::Unexpected { what: what.to_owned(), detail: detail.to_owned() }
}
