//! `run`: the parts in the order in which they start and stop.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use contracts::topology::Service;
use messaging::{BrokerUrl, Health, RedeliverySettings, Retention, RuntimeSettings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{Common, Loaded};
use crate::database::Database;
use crate::health::{self, Phase, Probes};
use crate::lifecycle::{self, Ending, Tasks};
use crate::parked::ParkedAnswers;
use crate::telemetry::Telemetry;
use crate::trace::TraceAnswers;
use crate::{Context, Process, Trailing, metrics};

/// How long open connections and blocked threads may hold up the end, when everything else is over.
const LAST: Duration = Duration::from_secs(1);

/// Makes the executor: as many threads as there are cores.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Runs the service until it is asked to stop. What cannot work at all is an error before the first
/// log line.
pub(crate) fn run<C, Start, Running>(
    process: Process<Start>,
    loaded: Loaded<C>,
    migrator: Migrator,
    migrate: bool,
) -> anyhow::Result<ExitCode>
where
    C: DeserializeOwned + Serialize + Send + 'static,
    Start: FnOnce(Context<C>) -> Running + Send + 'static,
    Running: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let service = process.service;
    let name = service.name();
    // Both are checked before the first log line, so that what is missing is said in one plain
    // sentence.
    let settings = settings(&loaded.common)?;
    let database = Database::new(name, &loaded.common)?;
    let telemetry = Telemetry::install(name, &loaded.common.telemetry)?;
    let (runtime, trailing) = (runtime()?, process.trailing);
    let ending = runtime.block_on(serve(
        process.start,
        loaded,
        Parts { service, settings, database, migrator, migrate, trailing },
    ));
    runtime.shutdown_timeout(LAST);
    let code = match ending {
        Ok(Ending::Clean) => ExitCode::SUCCESS,
        Ok(Ending::Broken) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!(error = messaging::cause(error.as_ref()), "could not start");
            ExitCode::FAILURE
        }
    };
    telemetry.shutdown();
    Ok(code)
}

struct Parts {
    service: Service,
    settings: RuntimeSettings,
    database: Database,
    migrator: Migrator,
    migrate: bool,
    trailing: Trailing,
}

async fn serve<C, Start, Running>(
    start: Start,
    loaded: Loaded<C>,
    parts: Parts,
) -> anyhow::Result<Ending>
where
    C: Send + 'static,
    Start: FnOnce(Context<C>) -> Running + Send + 'static,
    Running: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let signals = lifecycle::signals()?;
    let Loaded { common, service: config, .. } = loaded;
    let Parts { service, settings, database, migrator, migrate, trailing } = parts;
    let name = service.name();
    let probes = Probes::new(metrics::install(name)?);
    let (pool, shutdown) = (database.pool(), CancellationToken::new());
    let answers = TraceAnswers::new(pool.clone(), trailing, common.http.trace_secret.clone());
    let parked = ParkedAnswers {
        service,
        pool: pool.clone(),
        secret: common.http.operator_secret.clone(),
        broker: common.broker_address()?,
        confirm_timeout: settings.confirm_timeout,
        shutdown: shutdown.clone(),
        turns: ParkedAnswers::turns(),
    };
    let serving = health::serve(listen(&common).await?, probes.clone(), answers, parked);
    let endpoints = tokio::spawn(serving);
    let (tasks, failed) = Tasks::new(shutdown.clone());
    tasks.spawn("database address", database.clone().follow(pool.clone(), shutdown.clone()));
    let (service_pool, service_tasks, preparing) = (pool.clone(), tasks.clone(), probes.clone());
    tasks.spawn(name, async move {
        if !database.prepare(&migrator, migrate, &preparing, &shutdown).await? {
            return Ok(());
        }
        let health = Health::new();
        preparing.enter(Phase::Running(health.clone()));
        start(Context {
            config,
            pool: service_pool,
            health,
            shutdown,
            tasks: service_tasks,
            settings,
        })
        .await
    });

    let grace = common.shutdown.grace_seconds.seconds();
    let ending =
        lifecycle::supervise(&tasks, failed, signals, grace, || probes.enter(Phase::Stopping))
            .await;
    // The endpoints answer to the last: a stop is not a crash.
    endpoints.abort();
    if ending == Ending::Clean && tokio::time::timeout(LAST, pool.close()).await.is_err() {
        tracing::warn!("database connections were still in use");
    }
    Ok(ending)
}

async fn listen(common: &Common) -> anyhow::Result<TcpListener> {
    use anyhow::Context as _;

    let wanted = common.http.listen;
    let listener = TcpListener::bind(wanted)
        .await
        .with_context(|| format!("`http.listen` names {wanted}, which cannot be listened on"))?;
    tracing::info!(http.address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"),
        "listening");
    Ok(listener)
}

fn settings(common: &Common) -> anyhow::Result<RuntimeSettings> {
    let address = common.broker_address()?;
    Ok(RuntimeSettings {
        broker_url: BrokerUrl::asked_from(move || address.now().reveal().to_owned()),
        slots: common.broker.slots.size(),
        batch_size: common.broker.batch_size.size(),
        confirm_timeout: common.broker.confirm_timeout_ms.milliseconds(),
        answer_timeout: common.database.answer_timeout_ms.milliseconds(),
        events: common.events.publish,
        journal_days: common.journal.keep_days.get(),
        undelivered: RedeliverySettings {
            interval: common.undelivered.interval_ms.milliseconds(),
            max_age: common.undelivered.max_age_hours.hours(),
        },
        retention: Retention {
            interval: common.retention.interval_ms.milliseconds(),
            outputs_wait: common.retention.outputs_wait_minutes.minutes(),
        },
    })
}
