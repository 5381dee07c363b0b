//! A partner that speaks Networked Help Desk on loopback, and knows when it heard what.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use bootstrap::{Tls, serve};
use contracts::topology::Service;
use contracts::{AccountName, SharingUrl};
use local::{Certificates, ports};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

/// It stops with this.
pub struct Partner {
    pub url: String,
    /// The account that stands for it.
    pub account: AccountName,
    ear: Ear,
    _stop: DropGuard,
}

/// What it heard: the numbers of comments, when each came first, and how often.
#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<HashMap<usize, (Instant, usize)>>>,
    hangs: Arc<AtomicBool>,
}

impl Partner {
    /// Listens.
    ///
    /// # Errors
    /// When no port is free.
    pub fn open(certificates: &Certificates) -> Result<Self> {
        let [port] = ports::free()?;
        let url = format!("https://localhost:{port}/sharing");
        let edge = AccountName::new(Service::NhdBridge.name()).context("the bridge's account")?;
        let account = SharingUrl::read(&url).ok().and_then(|url| url.account_under(&edge).ok());
        let account = account.context("a partner's account")?;
        let (ear, stop) = (Ear::default(), CancellationToken::new());
        let router = Router::new().fallback(hear).with_state(ear.clone());
        let tls =
            Tls { certificate: certificates.certificate.clone(), key: certificates.key.clone() };
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        tokio::spawn(serve("partner", at, Some(tls), router, stop.clone()));
        Ok(Self { url, account, ear, _stop: stop.drop_guard() })
    }

    /// From now on it answers nothing.
    pub fn hang(&self) {
        self.ear.hangs.store(true, Ordering::Relaxed);
    }

    /// When it heard which number first, and how often.
    pub fn heard(&self) -> HashMap<usize, (Instant, usize)> {
        self.ear.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn hear(State(ear): State<Ear>, body: Bytes) -> (StatusCode, &'static str) {
    if ear.hangs.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    let now = Instant::now();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let comments = body["comments"].as_array().into_iter().flatten();
    let numbers = comments.filter_map(|comment| comment["body"].as_str()?.parse::<usize>().ok());
    let mut heard = ear.heard.lock().unwrap_or_else(PoisonError::into_inner);
    for number in numbers {
        heard.entry(number).or_insert((now, 0)).1 += 1;
    }
    (StatusCode::OK, "{}")
}
