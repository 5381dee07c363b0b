//! The operator's console: pages about what the services tell over HTTP, and the same for programs.

mod access;
mod accounts;
mod advice;
mod figures;
mod flow;
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

use anyhow::{Context, bail};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use operator::Broker;
use operator::trace::Services;
use tokio::net::TcpListener;
use web_base::assets;

use self::access::Access;
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
    /// What who may look has to show.
    pub secret: Option<String>,
    /// How browsers reach it; by its own address when absent.
    pub url: Option<String>,
}

impl Console {
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
    let Setting { listen, services, broker, service_command, vhost, secret, url } = setting;
    if secret.is_none() && !listen.ip().is_loopback() {
        bail!(
            "{listen} is reached from elsewhere, and whoever reaches it sees all: give \
             --console-secret-file, or listen on 127.0.0.1"
        );
    }
    let access = Access::new(secret.as_deref(), url.as_deref())?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("{listen} cannot be listened on"))?;
    let watch = Arc::new(Watch::default());
    let console = Console {
        services,
        broker,
        service_command: service_command.into(),
        vhost: vhost.into(),
        access: Arc::new(access),
        watch,
    };
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

fn router(console: Console) -> Router {
    Router::new()
        .route("/", get(overview::page))
        .route("/timeline", get(timeline::page))
        .route("/parked", get(parked::page))
        .route("/accounts", get(accounts::list))
        .route("/accounts/{name}", get(accounts::show))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/trace/{*what}", get(story_text::answer))
        .fallback(frame::not_found)
        .with_state(console.clone())
        .merge(assets::router())
        .layer(from_fn_with_state(console, sign_in::around))
}
