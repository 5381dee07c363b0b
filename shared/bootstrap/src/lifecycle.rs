//! From start to exit code: signals, the tasks of the process, and how long a stop may take.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As asked: everything begun was finished or handed back.
    Clean,
    /// A task failed, or the stop took too long, or a second signal came.
    Broken,
}

/// Spawns the tasks of the process; one that fails, or ends before it was asked to, ends the
/// process.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
    failures: mpsc::UnboundedSender<Failure>,
}

/// Why a task ended that should not have.
#[derive(Debug)]
pub(crate) struct Failure {
    task: &'static str,
    error: anyhow::Error,
}

impl Tasks {
    pub(crate) fn new(shutdown: CancellationToken) -> (Self, mpsc::UnboundedReceiver<Failure>) {
        let (failures, failed) = mpsc::unbounded_channel();
        (Self { tracker: TaskTracker::new(), shutdown, failures }, failed)
    }

    /// Spawns a loop that runs until the shutdown token is cancelled.
    pub fn spawn<F, E>(&self, task: &'static str, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<anyhow::Error>,
    {
        let (shutdown, failures) = (self.shutdown.clone(), self.failures.clone());
        self.tracker.spawn(async move {
            let error = match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(())) if shutdown.is_cancelled() => return,
                Ok(Ok(())) => anyhow::anyhow!("it ended before it was asked to"),
                Ok(Err(error)) => error.into(),
                Err(_) => anyhow::anyhow!("it panicked"),
            };
            // Nobody listens any more when the process is already being given up.
            drop(failures.send(Failure { task, error }));
        });
    }
}

/// Turns SIGTERM and SIGINT into messages, from this moment on.
pub(crate) fn signals() -> std::io::Result<mpsc::Receiver<&'static str>> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (send, received) = mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                Some(()) = terminate.recv() => "SIGTERM",
                Some(()) = interrupt.recv() => "SIGINT",
                else => return,
            };
            if send.send(name).await.is_err() {
                return;
            }
        }
    });
    Ok(received)
}

/// Waits for the first signal or failure, then lets the tasks finish within `grace`.
pub(crate) async fn supervise(
    tasks: &Tasks,
    mut failed: mpsc::UnboundedReceiver<Failure>,
    mut signals: mpsc::Receiver<&'static str>,
    grace: Duration,
    on_stop: impl FnOnce(),
) -> Ending {
    let mut ending = tokio::select! {
        Some(signal) = signals.recv() => {
            tracing::info!(signal, grace_seconds = grace.as_secs(), "stopping");
            Ending::Clean
        }
        Some(failure) = failed.recv() => report(&failure),
    };
    on_stop();
    tasks.shutdown.cancel();
    tasks.tracker.close();
    let limit = tokio::time::sleep(grace);
    tokio::pin!(limit);
    loop {
        tokio::select! {
            // A failure is read before the end of all tasks is seen: the exit code must know of it.
            biased;
            Some(failure) = failed.recv() => ending = report(&failure),
            () = tasks.tracker.wait() => break,
            Some(signal) = signals.recv() => {
                tracing::error!(signal, "second signal, what is unfinished is dropped");
                return Ending::Broken;
            }
            () = &mut limit => {
                tracing::error!(grace_seconds = grace.as_secs(), "the stop took too long, what is \
                    unfinished is dropped");
                return Ending::Broken;
            }
        }
    }
    if ending == Ending::Clean {
        tracing::info!("stopped");
    }
    ending
}

fn report(failure: &Failure) -> Ending {
    let error = messaging::cause(failure.error.as_ref());
    tracing::error!(task = failure.task, error, "a task failed, the process ends");
    Ending::Broken
}

#[cfg(test)]
mod tests;
