//! The operator's console: pages about what the services tell over HTTP, the same for programs, and
//! what is done to parked messages and accounts from there.

mod access;
mod accounts;
mod advice;
mod canary;
mod figures;
mod flow;
mod form;
mod frame;
mod metrics;
mod overview;
mod parked;
mod sign_in;
mod story;
mod story_text;
mod timeline;
mod watch;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, bail};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use contracts::Timestamp;
use operator::Broker;
use operator::trace::Services;
use tokio::net::TcpListener;
use web_base::assets;

use self::access::Access;
use self::canary::Rounds;
use self::parked::{ParkedDoor, Runs};
use self::watch::Watch;

/// What the pages are made from.
#[derive(Clone)]
pub struct Console {
    pub services: Services,
    /// The broker's management API, where its address is given.
    pub broker: Option<Broker>,
    /// How a service's own commands are given here, with `{service}` in it.
    pub service_command: Arc<str>,
    pub vhost: Arc<str>,
    /// The broker's AMQP address with the user `operator`, where it is given.
    operator_url: Option<Arc<str>>,
    /// Where parked messages are told and acted on, where the operator's secret is given.
    door: Option<ParkedDoor>,
    runs: Arc<Runs>,
    /// The canary's rounds, where its accounts' addresses are given.
    rounds: Option<Arc<Rounds>>,
    access: Arc<Access>,
    watch: Arc<Watch>,
}

/// How it is served.
pub struct Setting {
    pub listen: SocketAddr,
    pub services: Services,
    pub broker: Option<Broker>,
    pub service_command: String,
    pub vhost: String,
    /// The broker's AMQP address with the user `operator`.
    pub operator_url: Option<String>,
    /// The same with each of the canary's accounts.
    pub canary: Option<(String, String)>,
    /// What the services want to be shown by who acts on parked messages.
    pub operator_secret: Option<String>,
    /// What who may look has to show.
    pub secret: Option<String>,
    /// How browsers reach it; by its own address when absent.
    pub url: Option<String>,
}

impl Console {
    fn of(setting: Setting) -> anyhow::Result<Self> {
        let services = setting.services;
        let door = setting.operator_secret.map(|it| ParkedDoor::new(services.clone(), it));
        Ok(Self {
            services,
            broker: setting.broker,
            service_command: setting.service_command.into(),
            vhost: setting.vhost.into(),
            operator_url: setting.operator_url.map(Into::into),
            door,
            runs: Arc::default(),
            rounds: setting.canary.map(|(first, second)| Arc::new(Rounds::new(first, second))),
            access: Arc::new(Access::new(setting.secret.as_deref(), setting.url.as_deref())?),
            watch: Arc::default(),
        })
    }

    /// Whether there is a session to end.
    fn can_sign_out(&self) -> bool {
        self.access.is_closed()
    }
}

/// Answers until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot listen, or would be open to everybody.
pub async fn serve(setting: Setting) -> anyhow::Result<()> {
    let listen = setting.listen;
    if setting.secret.is_none() && !listen.ip().is_loopback() {
        bail!(
            "{listen} is reached from elsewhere, and whoever reaches it sees and does all: give \
             --console-secret-file, or listen on 127.0.0.1"
        );
    }
    let console = Console::of(setting)?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("{listen} cannot be listened on"))?;
    say(&format!("listening on http://{}/ and /trace/acme/4711", listener.local_addr()?));
    watch::look(&console).await;
    let watching = tokio::spawn(watch::keep_looking(console.clone()));
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
    };
    let service = router(console).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await?;
    watching.abort();
    Ok(())
}

/// A line of the log. Whoever read it may be gone; that must end no request.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// The time, for what is written down.
fn now() -> Option<Timestamp> {
    ::timeline::since("0s", SystemTime::now()).ok()
}

fn router(console: Console) -> Router {
    Router::new()
        .route("/", get(overview::page))
        .route("/timeline", get(timeline::page))
        .merge(parked::router())
        .merge(accounts::router())
        .route("/canary", get(canary::page).post(canary::play))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/trace/{*what}", get(story_text::answer))
        .fallback(frame::not_found)
        .with_state(console.clone())
        .merge(assets::router())
        .layer(from_fn_with_state(console, sign_in::around))
}
