//! The supervisor: connects, starts the slots, and builds everything anew when any of it fails.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cause::cause;
use crate::failure::Fault;
use crate::observe::watched;
use crate::publish::marked_accounts::MarkedAccounts;
use crate::run::bulk::{self, BulkAccounts};
use crate::run::connection::{BrokerUrl, Connections};
use crate::run::dead_letters;
use crate::run::fetch_budget::FetchBudget;
use crate::run::health::Health;
use crate::run::lane::WorkLane;
use crate::run::redelivery;
use crate::run::retaking;
use crate::run::retention::{self, Retention};
use crate::run::slot::{DECIDED_BYTES, Slot};
use crate::service::Service;
use crate::timeout;

/// How the runtime works.
#[derive(Clone, Debug)]
pub struct RuntimeSettings {
    /// Where the broker is.
    pub broker_url: BrokerUrl,
    /// Batches at work at the same time.
    pub slots: usize,
    /// Messages in a batch, at most.
    pub batch_size: usize,
    /// How long the confirms of a batch may take.
    pub confirm_timeout: Duration,
    /// How long the database may take to answer; then its connection is given up.
    pub answer_timeout: Duration,
    /// For how many days decided messages are remembered; the contract asks for thirty.
    pub journal_days: u32,
    /// Whether auditors are told at `events`.
    pub events: bool,
    /// What desks' queues do not take.
    pub undelivered: RedeliverySettings,
    /// How what is old enough goes.
    pub retention: Retention,
}

/// How deliveries are tried again that a desk's queue did not take.
#[derive(Clone, Copy, Debug)]
pub struct RedeliverySettings {
    /// How often is looked for what is due.
    pub interval: Duration,
    /// After so long a delivery is parked.
    pub max_age: Duration,
}

impl Default for RedeliverySettings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), max_age: Duration::from_hours(7 * 24) }
    }
}

/// What the slots of a process share.
pub(crate) struct Shared<S> {
    pub service: Arc<S>,
    pub settings: RuntimeSettings,
    pub pool: PgPool,
    pub health: Arc<Health>,
    pub watched: watched::Names,
    /// Desks whose queue did not take the last delivery.
    pub desks_away: MarkedAccounts,
    pub bulk_accounts: BulkAccounts,
    /// What the slots on the work queue do.
    pub work_lane: WorkLane,
    /// Bytes of messages that may still be decided at the same time.
    pub deciding: Semaphore,
    /// How many messages this process has decided.
    pub decided: AtomicU64,
}

/// Waits that grow, with jitter: never a hot loop, never all replicas at once.
pub(crate) fn backoff() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(10))
        .with_jitter()
        .without_max_times()
        .build()
}

/// Waits, unless it is told to stop: then false.
pub(crate) async fn pause(
    delay: Option<Duration>,
    stop: &CancellationToken,
    health: &Health,
) -> bool {
    health.turned();
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = tokio::time::sleep(delay.unwrap_or(Duration::from_secs(10))) => true,
    }
}

/// Runs a service until `shutdown`: then the batches at work are finished and acked, and the rest
/// is handed back.
///
/// # Errors
/// None today: whatever fails is built anew, for as long as it takes.
pub async fn run<S: Service>(
    service: Arc<S>,
    settings: RuntimeSettings,
    pool: PgPool,
    health: Arc<Health>,
    shutdown: CancellationToken,
) -> Result<(), Fault> {
    // Told from the start: an increase is seen only where there was a number before.
    metrics::counter!("deskmesh_interruptions_total").increment(0);
    let shared = Arc::new(Shared {
        service,
        settings,
        pool,
        health,
        watched: watched::Names::default(),
        desks_away: MarkedAccounts::counted_by("deskmesh_desks_away"),
        bulk_accounts: BulkAccounts::default(),
        work_lane: WorkLane::default(),
        deciding: Semaphore::new(DECIDED_BYTES),
        decided: AtomicU64::new(0),
    });
    tokio::join!(supervise(&shared, &shutdown), retention::run(&shared, &shutdown));
    Ok(())
}

/// Works until it is told to stop, and builds everything anew after each fault.
async fn supervise<S: Service>(shared: &Arc<Shared<S>>, shutdown: &CancellationToken) {
    let mut delays = backoff();
    while !shutdown.is_cancelled() {
        match work(shared, shutdown).await {
            Ok(()) => break,
            Err(End { fault, worked }) => {
                shared.health.lost(if matches!(fault, Fault::Database(_)) {
                    "database"
                } else {
                    "broker"
                });
                tracing::warn!(
                    cause = cause(&fault),
                    "work was interrupted; connections are built anew"
                );
                metrics::counter!("deskmesh_interruptions_total").increment(1);
                if worked {
                    delays = backoff();
                }
                pause(delays.next(), shutdown, &shared.health).await;
            }
        }
    }
}

struct End {
    fault: Fault,
    /// Whether everything was up before: then the next attempt may come soon.
    worked: bool,
}

/// Connects and works until something fails or it is told to stop.
async fn work<S: Service>(
    shared: &Arc<Shared<S>>,
    shutdown: &CancellationToken,
) -> Result<(), End> {
    let before = |fault: Fault| End { fault, worked: false };
    let limit = shared.settings.answer_timeout;
    // What is decided from now on needs a place; what is old can wait.
    timeout::database(limit, retention::ensure_today(&shared.pool))
        .await
        .map_err(|error: sqlx::Error| before(error.into()))?;
    shared.health.reached("database");
    let url = shared.settings.broker_url.now();
    let opening = Connections::open(&url, S::SERVICE);
    let connections = tokio::select! {
        biased;
        () = shutdown.cancelled() => return Ok(()),
        opened = opening => Arc::new(opened.map_err(before)?),
    };
    shared.health.publishes_on(connections.publishing.status());
    let stop = shutdown.child_token();
    let mut tasks = match start(shared, &connections, &stop).await {
        Ok(tasks) => tasks,
        Err(fault) => {
            close(connections).await;
            return Err(before(fault));
        }
    };
    shared.health.reached("broker");
    tracing::info!(service = S::SERVICE.name(), slots = shared.settings.slots, "working");
    let mut failed = None;
    while let Some(ended) = tasks.join_next().await {
        let result = ended.unwrap_or_else(|error| Err(Fault::TaskEnded(cause(&error))));
        let fault = match result {
            Ok(()) if stop.is_cancelled() => continue,
            Ok(()) => Fault::TaskEnded("a loop ended without being told to".to_owned()),
            Err(fault) => fault,
        };
        // The others finish their batches where they can; what they cannot finish is redelivered.
        stop.cancel();
        failed.get_or_insert(fault);
    }
    close(connections).await;
    match failed {
        Some(fault) if !shutdown.is_cancelled() => Err(End { fault, worked: true }),
        _ => Ok(()),
    }
}

/// Closes what nobody works on any more. A connection that is only dropped may stay, and with it
/// what was fetched on it: the client library counts a channel that it still opens as a user.
async fn close(connections: Arc<Connections>) {
    if let Ok(connections) = Arc::try_unwrap(connections) {
        connections.close().await;
    }
}

/// Opens all slots before any of them works, so that a missing queue shows at once.
async fn start<S: Service>(
    shared: &Arc<Shared<S>>,
    connections: &Arc<Connections>,
    stop: &CancellationToken,
) -> Result<JoinSet<Result<(), Fault>>, Fault> {
    let mut slots = Vec::new();
    for queue in S::SERVICE.work_queues() {
        let count = if queue == S::SERVICE.name() { shared.settings.slots } else { 1 };
        for _ in 0..count {
            slots.push(Slot::open(Arc::clone(shared), connections, &queue).await?);
        }
    }
    let mut tasks = JoinSet::new();
    for slot in slots {
        tasks.spawn(slot.run(stop.clone()));
    }
    for queue in S::SERVICE.dead_letter_queues() {
        tasks.spawn(dead_letters::run(
            Arc::clone(shared),
            Arc::clone(connections),
            queue,
            stop.clone(),
        ));
    }
    for budget in connections.budgets() {
        tasks.spawn(restore_budget(budget.clone(), stop.clone()));
    }
    if S::SERVICE.is_edge() {
        tasks.spawn(retaking::run(Arc::clone(shared), stop.clone()));
    }
    if S::SERVICE.is_entry() {
        tasks.spawn(bulk::release(Arc::clone(shared), Arc::clone(connections), stop.clone()));
    }
    tasks.spawn(redelivery::run(Arc::clone(shared), Arc::clone(connections), stop.clone()));
    Ok(tasks)
}

async fn restore_budget(budget: FetchBudget, stop: CancellationToken) -> Result<(), Fault> {
    budget.run(stop).await;
    Ok(())
}
