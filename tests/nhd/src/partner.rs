//! A partner that runs: its desk, its server on loopback and its client.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::ServerConfig;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::books::SentCall;
use crate::client::{Answer, HttpClient};
use crate::desk::{PartnerCall, PartnerDesk};
use crate::dialect::{Habits, Verdict};
use crate::listener::serve;
use crate::misbehaviour::{Deed, Misbehaviour};
use crate::server::Request;
use crate::tls::Authority;

/// How long its client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What its server and its client work on.
#[derive(Debug)]
pub(crate) struct Shared {
    desk: Mutex<PartnerDesk>,
    misbehaviour: Mutex<(Misbehaviour, u64)>,
}

impl Shared {
    pub fn with<T>(&self, act: impl FnOnce(&mut PartnerDesk) -> T) -> T {
        act(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is done wrong at this request.
    pub fn deed(&self, request: &Request) -> Option<Deed> {
        if request.path.starts_with("/files/") {
            return None;
        }
        let mut misbehaviour = self.misbehaviour.lock().unwrap_or_else(PoisonError::into_inner);
        misbehaviour.1 += 1;
        misbehaviour.0.deed(misbehaviour.1)
    }
}

/// The partner.
#[derive(Debug)]
pub struct Partner {
    /// Its sharing URL.
    pub url: String,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
    client: HttpClient,
    server: Mutex<JoinHandle<()>>,
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.server.get_mut().unwrap_or_else(PoisonError::into_inner).abort();
    }
}

impl Partner {
    /// One on plain HTTP.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn plain(name: &str, habits: Habits) -> Result<Self> {
        Self::open(name, habits, "", None).await
    }

    /// One with a certificate from this authority, which is all that its client trusts, beside
    /// `trusted` in PEM. The certificate is good until a year begins.
    ///
    /// # Errors
    /// When no port is free or no certificate can be made.
    pub async fn with_tls(
        name: &str,
        habits: Habits,
        authority: &Authority,
        trusted: &str,
        until: i32,
    ) -> Result<Self> {
        let pem = format!("{}\n{trusted}", authority.pem());
        Self::open(name, habits, &pem, Some(authority.server(until)?)).await
    }

    async fn open(
        name: &str,
        habits: Habits,
        trusted: &str,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            desk: Mutex::new(PartnerDesk::new(name, "", habits)),
            misbehaviour: Mutex::default(),
        });
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (address, server) = listen(any, tls.clone(), &shared).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}/sharing", address.port());
        shared.with(|desk| {
            let habits = desk.habits.clone();
            *desk = PartnerDesk::new(name, &url, habits);
        });
        let client = HttpClient::new(trusted, PATIENCE);
        Ok(Self { url, address, tls, shared, client, server: Mutex::new(server) })
    }

    /// Looks at the desk, or lets its people do something.
    pub fn desk<T>(&self, act: impl FnOnce(&mut PartnerDesk) -> T) -> T {
        self.shared.with(act)
    }

    /// Misbehaves so from now on.
    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        let mut held = self.shared.misbehaviour.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 = misbehaviour;
    }

    /// Makes a call once, as the dialect's client does, and writes down what it came to.
    ///
    /// # Panics
    /// When the task that calls does.
    pub async fn call(&self, call: PartnerCall) -> (Verdict, Vec<Answer>) {
        let (client, habits) = (self.client.clone(), self.desk(|desk| desk.habits.clone()));
        let made = spawn_blocking(move || {
            let came_to = client.call(&habits, &call);
            (call, came_to)
        });
        let (call, came_to) = made.await.expect("the call ends");
        let verdict = came_to.0.clone();
        self.desk(|desk| {
            let PartnerCall { method, about, body, .. } = call;
            let method = method.to_string();
            desk.books.sent.push(SentCall { method, about, body, verdict });
        });
        came_to
    }

    /// Lets the desk's people do something and tells it, once.
    pub async fn say(&self, act: impl FnOnce(&mut PartnerDesk) -> PartnerCall) -> Verdict {
        let call = self.desk(act);
        self.call(call).await.0
    }

    /// Makes a call again and again until it is taken or refused for good.
    ///
    /// # Errors
    /// What it came to at last, when `limit` is over.
    pub async fn insist(&self, call: PartnerCall, limit: Duration) -> Result<Verdict> {
        let last = tokio::time::timeout(limit, async {
            loop {
                let (verdict, _) = self.call(call.clone()).await;
                match verdict {
                    Verdict::Failed(500..) | Verdict::Silent(_) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    other => return other,
                }
            }
        });
        last.await.with_context(|| format!("insisting on {} {}", call.method, call.url))
    }

    /// Any request, as anybody may make it.
    ///
    /// # Errors
    /// When there is no answer.
    ///
    /// # Panics
    /// When the task that asks does.
    pub async fn ask(
        &self,
        method: http::Method,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<Answer> {
        let (client, url) = (self.client.clone(), url.to_owned());
        let asked = spawn_blocking(move || client.ask(&method, &url, &headers, &body));
        Ok(asked.await.expect("the request ends")?)
    }

    /// Goes away and comes back after a while, at the same address with all that it held.
    ///
    /// # Errors
    /// When the port is taken meanwhile.
    pub async fn restart(&self, away: Duration) -> Result<()> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).abort();
        tokio::time::sleep(away).await;
        let (_, server) = listen(self.address, self.tls.clone(), &self.shared).await?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
        Ok(())
    }
}

async fn listen(
    at: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    shared: &Arc<Shared>,
) -> Result<(SocketAddr, JoinHandle<()>)> {
    let (listening, started) = oneshot::channel();
    let server = tokio::spawn(serve(at, tls, Arc::clone(shared), listening));
    let address = started.await.context("starting a partner's server")?;
    Ok((address.with_context(|| format!("listening at {at}"))?, server))
}
