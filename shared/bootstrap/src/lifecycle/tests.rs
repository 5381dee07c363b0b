use std::future::pending;
use std::io;

use super::*;

struct Bench {
    tasks: Tasks,
    failed: mpsc::UnboundedReceiver<Failure>,
    signals: mpsc::Receiver<&'static str>,
    send: mpsc::Sender<&'static str>,
}

fn bench() -> Bench {
    let (tasks, failed) = Tasks::new(CancellationToken::new());
    let (send, signals) = mpsc::channel(2);
    Bench { tasks, failed, signals, send }
}

impl Bench {
    async fn ending(self, grace: Duration) -> Ending {
        // A bound, so that a mistake fails the test instead of hanging it.
        let supervised = supervise(&self.tasks, self.failed, self.signals, grace, || {});
        tokio::time::timeout(Duration::from_secs(10), supervised).await.expect("supervision ends")
    }

    fn spawn_until_stop(&self) {
        let shutdown = self.tasks.shutdown.clone();
        self.tasks.spawn("loop", async move {
            shutdown.cancelled().await;
            io::Result::Ok(())
        });
    }
}

#[tokio::test]
async fn a_signal_lets_the_tasks_finish() {
    let bench = bench();
    bench.spawn_until_stop();
    bench.send.send("SIGTERM").await.unwrap();
    assert_eq!(bench.ending(Duration::from_secs(5)).await, Ending::Clean);
}

#[tokio::test]
async fn readiness_goes_off_before_the_tasks_are_told() {
    let bench = bench();
    bench.spawn_until_stop();
    bench.send.send("SIGTERM").await.unwrap();
    let shutdown = bench.tasks.shutdown.clone();
    let mut told_before = None;
    let grace = Duration::from_secs(5);
    supervise(&bench.tasks, bench.failed, bench.signals, grace, || {
        told_before = Some(shutdown.is_cancelled());
    })
    .await;
    assert_eq!(told_before, Some(false));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let bench = bench();
    bench.tasks.spawn("stuck", pending::<io::Result<()>>());
    bench.send.send("SIGTERM").await.unwrap();
    bench.send.send("SIGTERM").await.unwrap();
    assert_eq!(bench.ending(Duration::from_hours(1)).await, Ending::Broken);
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_ends_it() {
    let bench = bench();
    bench.tasks.spawn("stuck", pending::<io::Result<()>>());
    bench.send.send("SIGTERM").await.unwrap();
    assert_eq!(bench.ending(Duration::from_secs(5)).await, Ending::Broken);
}

#[tokio::test]
async fn a_failed_task_stops_the_others() {
    let bench = bench();
    bench.spawn_until_stop();
    bench.tasks.spawn("mail", async { Err(io::Error::other("no route")) });
    assert_eq!(bench.ending(Duration::from_secs(5)).await, Ending::Broken);
}

#[tokio::test]
async fn a_task_that_panics_ends_the_process() {
    let bench = bench();
    bench
        .tasks
        .spawn("mail", async { if true { panic!("on purpose") } else { io::Result::Ok(()) } });
    assert_eq!(bench.ending(Duration::from_secs(5)).await, Ending::Broken);
}

#[tokio::test]
async fn a_task_that_ends_early_ends_the_process() {
    let bench = bench();
    bench.tasks.spawn("mail", async { io::Result::Ok(()) });
    assert_eq!(bench.ending(Duration::from_secs(5)).await, Ending::Broken);
}

#[tokio::test]
async fn a_failure_while_stopping_is_not_lost() {
    let bench = bench();
    let shutdown = bench.tasks.shutdown.clone();
    bench.tasks.spawn("loop", async move {
        shutdown.cancelled().await;
        Err(io::Error::other("the last batch was not saved"))
    });
    bench.send.send("SIGTERM").await.unwrap();
    assert_eq!(bench.ending(Duration::from_secs(5)).await, Ending::Broken);
}
