//! Each binary: starts, is ready, answers its probes, stops on SIGTERM with exit code 0; and says in a sentence what is wrong with its settings.

use std::process::Command;
use std::time::Duration;

use contracts::topology::Service;
use local::Fleet;
use local::services::binaries_dir;
use testkit::{World, world};

const LIMIT: Duration = Duration::from_mins(3);

#[tokio::test(flavor = "multi_thread")]
async fn each_binary_starts_answers_its_probes_and_stops_on_sigterm() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = World::new("processes").await;
    let dir = world::target().join("test-processes").join(world.name());
    // Nobody listens there, and nobody has to: no notice is sent.
    let fleet = Fleet::new(&dir, &world.installation, &world.database, "smtp://127.0.0.1:9").expect("a folder for logs");
    let stopped = tokio::task::spawn_blocking(move || {
        fleet.migrate_all().expect("every schema is migrated");
        let mut instances = fleet.start_all_ready(LIMIT).expect("all are ready");
        for instance in &mut instances {
            let name = instance.service().name();
            let (status, body) = instance.get("/livez").expect("it answers");
            assert_eq!(status, 200, "{name}: {body}");
            let (status, metrics) = instance.get("/metrics").expect("it answers");
            assert_eq!(status, 200, "{name}");
            assert!(metrics.contains("deskmesh_undelivered"), "{name}: {metrics}");
            let exit = instance.terminate(LIMIT).expect("it stops");
            assert_eq!(exit.code(), Some(0), "{name}: see {}", instance.log().display());
        }
    });
    stopped.await.expect("all five do");
    world.remove().await;
}

#[test]
fn an_unknown_setting_stops_the_start_with_a_sentence() {
    for service in Service::ALL {
        let program = binaries_dir().expect("the binaries are built").join(service.name());
        let output = Command::new(&program).arg("run").env("DESKMESH__BROKER__URI", "amqp://x").output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{}", service.name());
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(said.contains("broker.uri") || said.contains("deskmesh__broker__uri"), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "one sentence: {said}");
    }
}

#[test]
fn each_binary_describes_itself_without_broker_or_database() {
    for service in Service::ALL {
        let program = binaries_dir().expect("the binaries are built").join(service.name());
        let output = Command::new(&program).arg("describe").output().expect("it starts");
        assert!(output.status.success());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        for flow in contracts::topology::received_by(service).chain(contracts::topology::sent_by(service)) {
            assert!(said.contains(flow.message), "{}: {} is missing in {said}", service.name(), flow.message);
        }
    }
}
