//! An endpoint of a webhook.

use std::sync::{Arc, Mutex};

use gateway::rules::webhook::{SigningSecret, signatures};
use serde_json::Value;
use testkit::desk::PATIENCE;
use testkit::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What an endpoint was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Whether each of `secrets`, as they were told, made a signature, in this order.
    pub fn is_signed_with(&self, secrets: &[&str]) -> bool {
        let secrets = secrets.iter().map(|secret| SigningSecret::read(secret).expect("a secret"));
        let secrets: Vec<SigningSecret> = secrets.collect();
        let timestamp = self.header("webhook-timestamp").parse().expect("seconds");
        let expected = signatures(&secrets, self.id(), timestamp, self.body.as_bytes());
        self.header("webhook-signature") == expected
    }
}

/// An endpoint: `answer` has the number of the request, from 0 on, and says what is answered, or
/// nothing to never answer.
pub struct Endpoint {
    pub url: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Endpoint {
    pub async fn open(answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let sent: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&sent), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &kept, &*answer).await });
            }
        });
        Self { url, sent }
    }

    /// One that answers every request like this.
    pub async fn saying(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::open(move |_| Some(answer.clone())).await
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().expect("not poisoned").clone()
    }

    pub fn ids(&self) -> Vec<String> {
        self.sent().iter().map(|sent| sent.id().to_owned()).collect()
    }

    pub async fn has(&self, ids: &[&str]) {
        until("what the endpoint is sent", PATIENCE, async || {
            let sent = self.ids();
            if sent == ids { Ok(()) } else { Err(format!("{sent:?}")) }
        })
        .await;
    }
}

async fn serve(
    mut stream: TcpStream,
    sent: &Mutex<Vec<Sent>>,
    answer: &(dyn Fn(usize) -> Option<String> + Send + Sync),
) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let new = Sent { headers, body: body.to_owned() };
        if new.header("content-length").parse() != Ok(body.len()) {
            continue;
        }
        let number = {
            let mut sent = sent.lock().expect("not poisoned");
            sent.push(new);
            sent.len() - 1
        };
        match answer(number) {
            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap_or_default(),
            None => std::future::pending().await,
        }
        bytes.clear();
    }
}
