//! A desk behind the gateway: what it publishes and what it is told go over HTTP, by whichever
//! replica answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use testkit::Desk;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use ureq::Agent;

use super::LIMIT;

/// How long a request may take: a replica that hangs is given up, and the other one asked.
const ANSWER: Duration = Duration::from_secs(15);
/// How long a look for deliveries waits for some, in seconds.
const WAIT: u64 = 5;
/// Before a request is made again.
const PAUSE: Duration = Duration::from_millis(100);

/// The desk's half, and its way to the gateway.
#[derive(Debug)]
pub(super) struct GatewayDesk {
    way: Arc<Way>,
    stop: CancellationToken,
}

/// How the gateway is reached.
#[derive(Debug)]
struct Way {
    agent: Agent,
    urls: Vec<String>,
    token: String,
    /// Counts the replicas that did not answer: the next request goes to another one.
    failed: AtomicUsize,
}

/// A page of deliveries.
#[derive(Deserialize)]
struct Page {
    deliveries: Vec<Delivery>,
    next: String,
}

#[derive(Deserialize)]
struct Delivery {
    message_id: String,
    r#type: String,
    payload: Box<RawValue>,
}

impl Drop for GatewayDesk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl GatewayDesk {
    /// Begins to read what `desk` is told, from the beginning of its log.
    pub(super) fn open(desk: Arc<Desk>, urls: &[String], token: &str) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(ANSWER))
            .http_status_as_error(false)
            .build()
            .into();
        let (urls, token) = (urls.to_vec(), token.to_owned());
        let way = Arc::new(Way { agent, urls, token, failed: AtomicUsize::new(0) });
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(read(desk, Arc::clone(&way))));
        Self { way, stop }
    }

    /// Hands a command in until a replica has taken it, under one key.
    ///
    /// # Errors
    /// The gateway refuses it: its own words.
    pub(super) async fn send(&self, id: &str, message_type: &str, content: &Value) -> Result<()> {
        let started = Instant::now();
        let command = json!({ "type": message_type, "message_id": id, "payload": content });
        loop {
            match self.way.ask("POST", "/v1/commands", Some(command.to_string())).await {
                Ok((200 | 202, _)) => return Ok(()),
                Ok((status, answer)) if status < 429 => {
                    bail!("{id} was refused, {status}: {answer}")
                }
                other => ensure!(started.elapsed() < LIMIT, "{id} was not taken: {other:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Hands on what the account is told, without end.
async fn read(desk: Arc<Desk>, way: Arc<Way>) {
    let mut after = String::new();
    loop {
        let path = format!("/v1/deliveries?limit=500&wait={WAIT}&after={after}");
        let page = match way.ask("GET", &path, None).await {
            Ok((200, answer)) => serde_json::from_str::<Page>(&answer).ok(),
            _ => None,
        };
        let Some(page) = page else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        for told in page.deliveries {
            desk.hear(&told.message_id, &told.r#type, told.payload.get().as_bytes());
        }
        after = page.next;
    }
}

impl Way {
    /// One request to one replica; its status and body.
    async fn ask(
        self: &Arc<Self>,
        method: &'static str,
        path: &str,
        body: Option<String>,
    ) -> Result<(u16, String)> {
        let way = Arc::clone(self);
        let url =
            format!("{}{path}", self.urls[self.failed.load(Ordering::Relaxed) % self.urls.len()]);
        let asking = move || {
            let request = ureq::http::Request::builder()
                .method(method)
                .uri(url)
                .header("authorization", format!("Bearer {}", way.token));
            let mut answer = match body {
                Some(body) => {
                    way.agent.run(request.header("content-type", "application/json").body(body)?)?
                }
                None => way.agent.run(request.body(())?)?,
            };
            let status = answer.status().as_u16();
            Ok((status, answer.body_mut().read_to_string()?))
        };
        let answered = spawn_blocking(asking).await.context("asking the gateway")?;
        if !matches!(&answered, Ok((status, _)) if *status < 500) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        answered
    }
}
