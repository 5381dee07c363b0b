//! Each binary: starts, is ready, answers its probes, stops on SIGTERM with exit code 0; and says
//! in a sentence what is wrong with its settings.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use contracts::topology::Service;
use local::{Fleet, Instance, TestEnvironment, services::binaries_dir, test_environment};
use sqlx::{Connection, PgConnection};
use testkit::until;
use url::Url;

use crate::whole_system;

const LIMIT: Duration = Duration::from_mins(3);

#[tokio::test(flavor = "multi_thread")]
async fn each_binary_starts_answers_its_probes_and_stops_on_sigterm() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = TestEnvironment::new("processes").await;
    let fleet = whole_system::fleet(&world, "processes");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_password_changed_in_its_file_needs_no_restart() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = TestEnvironment::new("rotation").await;
    let dir = test_environment::target().join("test-rotation").join(world.name());
    std::fs::create_dir_all(&dir).expect("a folder");
    let service = Service::CommentSync;
    let [broker, database] = ["broker", "database"].map(|name| dir.join(name));
    let mut role =
        Url::parse(&world.database.service_url(service).expect("an address")).expect("an address");
    let broker_url = world.installation.service_url(service).expect("an address");
    // The broker's user is shared with other tests: it is the file whose password is wrong at
    // first.
    let mut wrong = Url::parse(&broker_url).expect("an address");
    wrong.set_password(Some("of-last-month")).expect("a password");
    std::fs::write(&broker, wrong.as_str()).expect("it is written");
    std::fs::write(&database, role.as_str()).expect("it is written");
    let fleet = Fleet::new(&dir, &world.installation, &world.database, "smtp://127.0.0.1:9")
        .expect("a folder for logs");
    fleet.run(service, &["migrate"]).expect("its schema is migrated");
    let path = |path: &Path| path.to_str().expect("a path").to_owned();
    let fleet = fleet
        .with_variable("DESKMESH__BROKER__URL", "")
        .with_variable("DESKMESH__BROKER__URL_FILE", &path(&broker));
    let fleet = fleet
        .with_variable("DESKMESH__DATABASE__URL", "")
        .with_variable("DESKMESH__DATABASE__URL_FILE", &path(&database));
    let instance = fleet.start(service, 1).expect("it starts");

    until_logged(&instance, "ACCESS_REFUSED").await;
    std::fs::write(&broker, &broker_url).expect("it is written");
    until("it works with the broker's right password", LIMIT, async || {
        match instance.get("/readyz") {
            Ok((200, _)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;

    let mut administrator = PgConnection::connect(&world.database.url().expect("an address"))
        .await
        .expect("it answers");
    let name = role.username().to_owned();
    let changed = format!("alter role \"{name}\" password 'of-this-month'");
    sqlx::query(sqlx::AssertSqlSafe(changed))
        .execute(&mut administrator)
        .await
        .expect("it is changed");
    let ended = "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1";
    sqlx::query(ended).bind(&name).execute(&mut administrator).await.expect("they are ended");
    until_logged(&instance, "password authentication failed").await;
    role.set_password(Some("of-this-month")).expect("a password");
    std::fs::write(&database, role.as_str()).expect("it is written");
    until("a connection with the database's new password", LIMIT, async || {
        let open = "select count(*) from pg_stat_activity where usename = $1";
        let open: i64 = sqlx::query_scalar(open)
            .bind(&name)
            .fetch_one(&mut administrator)
            .await
            .map_err(|error| error.to_string())?;
        if open > 0 { Ok(()) } else { Err("none".to_owned()) }
    })
    .await;
    administrator.close().await.expect("it closes");
    drop(instance);
    world.remove().await;
}

async fn until_logged(instance: &Instance, words: &str) {
    until(&format!("a line with {words}"), LIMIT, async || {
        let log = std::fs::read_to_string(instance.log()).map_err(|error| error.to_string())?;
        if log.contains(words) {
            Ok(())
        } else {
            Err(log.lines().last().unwrap_or_default().to_owned())
        }
    })
    .await;
}

#[test]
fn an_unknown_setting_stops_the_start_with_a_sentence() {
    for service in Service::ALL {
        let program = binaries_dir().expect("the binaries are built").join(service.name());
        let output = Command::new(&program)
            .arg("run")
            .env("DESKMESH__BROKER__URI", "amqp://x")
            .output()
            .expect("it starts");
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
        for flow in
            contracts::topology::received_by(service).chain(contracts::topology::sent_by(service))
        {
            assert!(
                said.contains(flow.message),
                "{}: {} is missing in {said}",
                service.name(),
                flow.message
            );
        }
    }
}
