//! The desk that is a Python program: driven by lines of JSON, heard by lines of JSON.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use contracts::delivery::DeliveryBody;
use contracts::{Message, Receipt};
use serde_json::{Value, json};
use testkit::Delivered;
use testkit::desk::PATIENCE;
use testkit::model::{Comment, Ticket};
use testkit::until;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// What the program has told so far.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) deliveries: Vec<Delivered>,
    pub(crate) receipts: BTreeMap<String, (Receipt, Instant)>,
    pub(crate) sent: BTreeMap<String, Instant>,
    pub(crate) repeated: usize,
    pub(crate) unreadable: Vec<String>,
    holds: BTreeMap<u64, Ticket>,
    ready: bool,
    ended: bool,
    counter: u64,
}

/// A running desk in Python; dropping it ends the program.
#[derive(Debug)]
pub struct PythonDesk {
    account: String,
    instructions: tokio::sync::Mutex<ChildStdin>,
    heard: Arc<Mutex<Heard>>,
    _program: Child,
}

impl PythonDesk {
    /// Starts the program and waits until it reads its queue. What it complains of goes to `log`.
    ///
    /// # Errors
    /// When the program cannot be started.
    ///
    /// # Panics
    /// When it is not ready in time.
    pub async fn open(
        python: &Path,
        program: &Path,
        url: &str,
        account: &str,
        log: &Path,
    ) -> Result<Self> {
        let complaints = File::create(log).with_context(|| format!("making {}", log.display()))?;
        let mut child = Command::new(python)
            .arg(program)
            .arg(account)
            .env("DESK_URL", url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            // A group of its own: Ctrl-C in the terminal is for us, who end it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {} {}", python.display(), program.display()))?;
        let instructions = child.stdin.take().context("the program has no standard input")?;
        let events = child.stdout.take().context("the program has no standard output")?;
        let heard = Arc::<Mutex<Heard>>::default();
        tokio::spawn(listen(events, Arc::clone(&heard)));
        let desk = Self {
            account: account.to_owned(),
            instructions: instructions.into(),
            heard,
            _program: child,
        };
        until(
            &format!("the desk of {account} ready, see {}", log.display()),
            PATIENCE,
            async || {
                let heard = desk.heard();
                if heard.ready {
                    Ok(())
                } else {
                    Err(if heard.ended { "its program ended" } else { "it starts" }.to_owned())
                }
            },
        )
        .await;
        Ok(desk)
    }

    /// Has the program publish a command; returns its message id.
    ///
    /// # Errors
    /// When the program is gone.
    pub async fn send<M: Message>(&self, command: &M) -> Result<String> {
        self.send_raw(M::NAME, &testkit::desk::json(command)).await
    }

    /// Has the program publish anything under a type; returns its message id.
    ///
    /// # Errors
    /// When the program is gone.
    pub async fn send_raw(&self, message_type: &str, body: &Value) -> Result<String> {
        let id = {
            let mut heard = self.heard();
            heard.counter += 1;
            let id = format!("{}-{}", self.account, heard.counter);
            heard.sent.insert(id.clone(), Instant::now());
            id
        };
        self.instruct(&json!({ "do": "publish", "type": message_type, "id": id, "body": body }))
            .await?;
        Ok(id)
    }

    /// What a ticket holds, by the desk's own number.
    ///
    /// # Errors
    /// When the program is gone.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn holds(&self, number: &str) -> Result<Ticket> {
        let report = {
            let mut heard = self.heard();
            heard.counter += 1;
            heard.counter
        };
        self.instruct(&json!({ "do": "report", "ticket_id": number, "report": report })).await?;
        let what = format!("what {} holds of {number}", self.account);
        Ok(until(&what, PATIENCE, async || {
            let mut heard = self.heard();
            heard.holds.remove(&report).ok_or_else(|| format!("its program ended: {}", heard.ended))
        })
        .await)
    }

    pub(crate) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn instruct(&self, instruction: &Value) -> Result<()> {
        let line = format!("{instruction}\n");
        let mut instructions = self.instructions.lock().await;
        instructions
            .write_all(line.as_bytes())
            .await
            .with_context(|| format!("the desk of {} is gone", self.account))
    }
}

async fn listen(events: ChildStdout, heard: Arc<Mutex<Heard>>) {
    let mut lines = BufReader::new(events).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let at = Instant::now();
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.take(&line, at).is_none() {
            heard.unreadable.push(line);
        }
    }
    heard.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
}

impl Heard {
    /// Takes one event; nothing when it makes no sense.
    fn take(&mut self, line: &str, at: Instant) -> Option<()> {
        let event: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        match event["event"].as_str()? {
            "ready" => self.ready = true,
            "published" => {
                self.sent.entry(text("id")?).or_insert(at);
            }
            "repeated" => self.repeated += 1,
            "holds" => {
                self.holds.insert(event["report"].as_u64()?, ticket(&event)?);
            }
            "delivery" => {
                let told = DeliveryBody::read(&text("type")?, event["body"].to_string().as_bytes())
                    .ok()?;
                if let DeliveryBody::Receipt(receipt) = &told {
                    self.receipts
                        .entry(receipt.command_id.clone())
                        .or_insert_with(|| ((**receipt).clone(), at));
                }
                let account = text("key")?.split('.').next()?.to_owned();
                let trace_id =
                    text("trace").and_then(|trace| Some(trace.split('-').nth(1)?.to_owned()));
                self.deliveries.push(Delivered { id: text("id")?, account, told, at, trace_id });
            }
            _ => return None,
        }
        Some(())
    }
}

fn ticket(event: &Value) -> Option<Ticket> {
    let field = |(name, held): (&String, &Value)| {
        Some((name.clone(), (held[0].clone(), held[1].as_u64()?)))
    };
    let comment = |(id, held): (&String, &Value)| {
        Some((id.clone(), Comment::plain(held["body"].as_str()?, held["public"].as_bool()?)))
    };
    Some(Ticket {
        fields: event["fields"].as_object()?.iter().map(field).collect::<Option<_>>()?,
        comments: event["comments"].as_object()?.iter().map(comment).collect::<Option<_>>()?,
        ..Ticket::default()
    })
}
