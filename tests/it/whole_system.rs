//! The five services as processes of a test's own.

use std::time::Duration;

use local::{Fleet, Instance, TestEnvironment, test_environment};

/// Until all five are ready, on a machine that builds meanwhile.
const READY: Duration = Duration::from_mins(3);

/// The five, with their logs below `target/test-<name>`. Nobody listens for their mail.
pub fn fleet(environment: &TestEnvironment, name: &str) -> Fleet {
    let dir = test_environment::target().join(format!("test-{name}")).join(environment.name());
    let (broker, database) = (&environment.installation, &environment.database);
    Fleet::new(&dir, broker, database, "smtp://127.0.0.1:9").expect("a folder for logs")
}

/// Migrates every schema, and starts all five.
pub async fn start_all(fleet: &Fleet) -> Vec<Instance> {
    let fleet = fleet.clone();
    let start = tokio::task::spawn_blocking(move || {
        fleet.migrate_all().expect("every schema is migrated");
        fleet.start_all_ready(READY).expect("all are ready")
    });
    start.await.expect("all five start")
}
