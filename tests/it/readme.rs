//! The first program of `shared/contracts/README.md`, run as it is printed there, for another
//! account than the one it was written with.

use std::process::Stdio;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Confirmation, Connection, ConnectionProperties};
use local::{TestEnvironment, packages};
use sqlx::{Connection as _, PgConnection};
use testkit::desk::PATIENCE;
use testkit::{Desk, until};
use url::Url;

use crate::partners::{applied, registration};
use crate::whole_system;

/// The program between the fences, with the address that `make account` prints in its place.
fn program(url: &str) -> String {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/contracts/README.md");
    let readme = std::fs::read_to_string(readme).expect("the page");
    let (_, rest) = readme.split_once("```python\n").expect("a program in Python");
    let (program, _) = rest.split_once("```").expect("its end");
    let placeholder = "\"amqp://acme:…\"";
    assert_eq!(program.matches(placeholder).count(), 1, "the address is said once:\n{program}");
    program.replace(placeholder, &format!("{url:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_program_runs_for_any_account_and_loses_nothing() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = TestEnvironment::new("readme").await;
    let instances = whole_system::start_all(&whole_system::fleet(&world, "readme")).await;
    let access = world.account("globex").await;
    let operator = Desk::open(&world.installation.operator_url().expect("an address"), "operator");
    applied(&operator.ask("account.register.v1", &registration("globex")).await);
    tell_of_something_new(&world).await;

    let python = packages::ensure_python_desk().expect("Python with pika");
    let running = tokio::process::Command::new(python)
        .args(["-c", &program(&access.amqp_url)])
        .stdin(Stdio::null())
        .output();
    let run = tokio::time::timeout(PATIENCE, running).await.expect("it ends").expect("it starts");
    let printed = String::from_utf8_lossy(&run.stdout);
    let complaints = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{complaints}");
    let receipt = printed.lines().find(|line| line.contains("\"first-1\"")).unwrap_or_default();
    assert!(
        receipt.starts_with("command.receipt.v1 {") && receipt.contains("\"outcome\":\"applied\""),
        "{printed}{complaints}"
    );
    let mut database = PgConnection::connect(&world.database.url().expect("an address"))
        .await
        .expect("it answers");
    until("what the program cannot read to be kept", PATIENCE, async || {
        let kept: Vec<(String, String)> = sqlx::query_as(
            "select reason, coalesce(message_type, '?') from share_dispatcher.parked",
        )
        .fetch_all(&mut database)
        .await
        .map_err(|error| error.to_string())?;
        let [(reason, message_type)] = &kept[..] else { return Err(format!("{kept:?}")) };
        assert_eq!((reason.as_str(), message_type.as_str()), ("dead_lettered", "ticket.merged.v1"));
        Ok(())
    })
    .await;
    database.close().await.expect("it closes");
    drop(instances);
    world.remove().await;
}

/// A delivery of a later release.
#[expect(clippy::disallowed_methods, reason = "no service of ours would send it")]
async fn tell_of_something_new(world: &TestEnvironment) {
    // No service of this release has the right to: the servers' administrator does it.
    let url = world.installation.operator_url().expect("an address");
    let mut url = Url::parse(&url).expect("an address");
    url.set_username("guest").and_then(|()| url.set_password(Some("guest"))).expect("a user");
    let connection = Connection::connect(url.as_str(), ConnectionProperties::default()).await;
    let connection = connection.expect("a connection");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let properties = BasicProperties::default()
        .with_type("ticket.merged.v1".into())
        .with_message_id("new-1".into())
        .with_delivery_mode(2);
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let sent = channel.basic_publish(
        "desk".into(),
        "globex.ticket.merged".into(),
        options,
        b"{}",
        properties,
    );
    let confirmed = sent.await.expect("it is sent").await.expect("the broker answers");
    assert!(matches!(confirmed, Confirmation::Ack(None)), "{confirmed:?}");
}
