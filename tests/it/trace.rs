//! Why did this not cross? Each of three answers comes from the ticket's number alone: withheld by
//! the terms, waiting for a desk's queue that is gone, and set aside.

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::process::{Child, Command, Output, Stdio};

use contracts::sync::Transfer;
use contracts::topology::Service;
use contracts::{AccountName, ChainId, CopyId, Message, ReceiptOutcome, TicketId};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use local::services::{binaries_dir, get};
use local::{Instance, TestEnvironment};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::partners::{Partners, applied, bind, comment, update};
use crate::whole_system;

#[tokio::test(flavor = "multi_thread")]
async fn a_tickets_number_is_enough_to_learn_why_something_did_not_cross() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let world = TestEnvironment::new("trace").await;
    let instances = whole_system::start_all(&whole_system::fleet(&world, "trace")).await;
    let partners = Partners::agree(&world, "private_only").await;
    let share = partners.share().await;

    let withheld =
        partners.globex.ask("ticket.update.v1", &update("88", &comment("globex/1", true))).await;
    assert_eq!(withheld.outcome, ReceiptOutcome::Partial, "{withheld:?}");
    let crossed =
        partners.acme.ask("ticket.update.v1", &update("4711", &comment("acme/1", true))).await;
    assert_eq!(crossed.outcome, ReceiptOutcome::Applied, "{crossed:?}");
    let mut odd = update("4711", &comment("acme/3", true));
    odd["actor"] = serde_json::json!({ "id": "7", "role": "agent" });
    let odd = partners.acme.ask("ticket.update.v1", &odd).await;
    assert_eq!(odd.detail.as_deref(), Some("/actor/name: is required"), "{odd:?}");
    watch(&world, &partners, &instances).await;
    set_aside(&world).await;
    bind(&world, false).await;
    let late =
        partners.acme.ask("ticket.update.v1", &update("4711", &comment("acme/2", true))).await;

    let asked = Operator::of(&instances);
    let expected = [
        format!("acme/4711 → globex/88  share {share}"),
        "comment:globex/1 STAYED".to_owned(),
        "public_comments_not_allowed (as agreed): The terms allow the receiver \
         private comments only"
            .to_owned(),
        "comment:acme/1 sent on".to_owned(),
        "◂ ticket.updated.v1, put into its queue".to_owned(),
        "globex: ".to_owned(),
        format!(
            "{} of acme was REJECTED: malformed (mendable by the publisher): /actor/name: is \
             required",
            odd.command_id
        ),
        "comment-sync set a message aside: undecodable".to_owned(),
        "ticket.updated.v1 of globex waits since".to_owned(),
    ];
    for target in ["acme/4711", "globex/88"] {
        let told = asked.until_told(&[target, "--limit", "0"], &expected).await;
        let verdict = told.lines().next().unwrap_or_default();
        assert!(verdict.contains("things did not cross, or wait"), "{told}");
        assert!(!told.contains("gave no answer") && !told.contains("The text"), "{told}");
    }
    asked.until_told(&["share", &share, "--limit", "0"], &expected[..6]).await;
    let failed = asked.until_told(&["acme/4711", "--failed"], &expected[6..]).await;
    assert!(!failed.contains("comment:acme/1 "), "only what failed: {failed}");
    let new = asked.trace(&["acme/4711", "--since", "2099-01-01T00:00:00Z"]);
    assert!(text(&new).starts_with("nothing is known"), "{}", text(&new));
    asked
        .until_told(
            &["agreement", &partners.agreement],
            &["agreement.invite.v1".to_owned(), "agreement.accept.v1".to_owned()],
        )
        .await;
    let message =
        asked.until_told(&["message", &format!("acme/{}", late.command_id)], &expected[8..]).await;
    assert!(!message.contains("comment:acme/1 "), "only of this message: {message}");
    assert!(message.lines().count() < 30, "one command is a short story: {message}");
    assert_eq!(
        asked.trace(&["4711"]).status.code(),
        Some(2),
        "a number without its account is no ticket"
    );
    over_http(&asked, &share);
    crate::metrics::are_as_registered(&instances);

    let (first, others) = instances.split_first().expect("five");
    let half = Operator::of(others).trace(&["acme/4711"]);
    assert_eq!(half.status.code(), Some(1), "half an answer says that it is one");
    assert!(
        text(&half).contains(&format!("{} gave no answer", first.service().name())),
        "{}",
        text(&half)
    );
    drop(instances);
    world.remove().await;
}

/// With its agreement watched, an update has a log line of its own in comment-sync, without a
/// restart and without what it says.
async fn watch(world: &TestEnvironment, partners: &Partners, instances: &[Instance]) {
    let mut database = PgConnection::connect(&world.database.url().expect("an address"))
        .await
        .expect("it answers");
    sqlx::query(
        "insert into comment_sync.watched (name, until, by) values ($1, now() + interval \
        '1 hour', 'anna')",
    )
    .bind(&partners.agreement)
    .execute(&mut database)
    .await
    .expect("it is watched");
    let log = instances
        .iter()
        .find(|one| one.service() == Service::CommentSync)
        .expect("it runs")
        .log()
        .to_owned();
    let mut sent = 0;
    let line = until("a line about a watched message", PATIENCE, async || {
        sent += 1;
        let said = comment(&format!("acme/watched-{sent}"), false);
        applied(&partners.acme.ask("ticket.update.v1", &update("4711", &said)).await);
        let log = std::fs::read_to_string(&log).map_err(|error| error.to_string())?;
        log.lines()
            .find(|line| line.contains("watched message"))
            .map(str::to_owned)
            .ok_or_else(|| log.lines().count().to_string())
    })
    .await;
    assert!(
        line.contains(&partners.agreement)
            && line.contains("ticket.updated.v1")
            && !line.contains("The text"),
        "{line}"
    );
    database.close().await.expect("it closes");
}

/// A transfer of the ticket's chain that comment-sync cannot read.
#[expect(clippy::disallowed_methods, reason = "a message that no service would send")]
async fn set_aside(world: &TestEnvironment) {
    let sender = Service::ShareDispatcher;
    let url = world.installation.service_url(sender).expect("an address");
    let connection = Connection::connect(&url, ConnectionProperties::default());
    let connection = connection.await.expect("the user logs in");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let acme = AccountName::new("acme").expect("a name");
    let ticket = TicketId::new("4711").expect("a number");
    let chain = ChainId::starting_with(&CopyId::original(&acme, &ticket));
    let properties = BasicProperties::default()
        .with_message_id("unreadable".into())
        .with_type(Transfer::NAME.into())
        .with_user_id(sender.user().into())
        .with_content_type("application/json".into())
        .with_delivery_mode(2);
    let (key, body) = (Service::CommentSync.key_for::<Transfer>(), json!({ "chain": chain }));
    let options = BasicPublishOptions::default();
    let body = body.to_string();
    let sent =
        channel.basic_publish("sync".into(), key.into(), options, body.as_bytes(), properties);
    assert!(sent.await.expect("it is written").await.expect("it is confirmed").is_ack());
    connection.close(200, "done".into()).await.expect("it closes");
}

/// The operator's program, told where services answer.
struct Operator(String);

impl Operator {
    fn of(instances: &[Instance]) -> Self {
        let addresses: Vec<String> = instances
            .iter()
            .map(|one| format!("{}=http://{}", one.service().name(), one.http()))
            .collect();
        Self(addresses.join(","))
    }

    fn program(&self) -> Command {
        let mut command =
            Command::new(binaries_dir().expect("the binaries are built").join("deskmesh-operator"));
        command.env("DESKMESH_SERVICES", &self.0);
        command
    }

    fn trace(&self, words: &[&str]) -> Output {
        self.program().arg("trace").args(words).output().expect("it runs")
    }

    /// What it tells, once all of `expected` is in it.
    async fn until_told(&self, words: &[&str], expected: &[String]) -> String {
        until(&format!("the story of {words:?}"), PATIENCE, async || {
            let told = text(&self.trace(words));
            // Cells are broken into lines where they are too long.
            let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            match expected.iter().find(|part| !flat(&told).contains(&flat(part))) {
                None => Ok(told),
                Some(part) => Err(format!("{part:?} is not in\n{told}")),
            }
        })
        .await
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Ends with the test.
struct Web(Child);

impl Drop for Web {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn over_http(asked: &Operator, share: &str) {
    let mut serving = asked.program();
    serving.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped());
    let mut web = Web(serving.spawn().expect("it starts"));
    let mut line = String::new();
    BufReader::new(web.0.stderr.take().expect("piped"))
        .read_line(&mut line)
        .expect("it says where");
    let address =
        line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    let address = address.parse().expect("an address");
    let (status, told) = get(address, "/trace/acme/4711").expect("it answers");
    assert!(status == 200 && told.contains(share), "{status}: {told}");
    let (status, page) = get(address, "/timeline?of=acme/4711&limit=0").expect("it answers");
    assert!(status == 200 && page.contains(share), "{status}: {page}");
    assert!(page.contains("things did not cross, or wait") && page.contains("STAYED"), "{page}");
    assert!(!page.contains("not the whole story") && !page.contains("The text"), "{page}");
    // What lies parked the services count now and then.
    let line = "parked replay --reason undecodable";
    let counted = local::wait::until(line, PATIENCE, || {
        let (_, parked) = get(address, "/parked").expect("it answers");
        Ok::<_, local::Error>(if parked.contains(line) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(parked)
        })
    });
    counted.expect("the page tells what is parked");
    let (_, overview) = get(address, "/").expect("it answers");
    assert!(overview.contains("5 of 5 services ready"), "{overview}");
    assert_eq!(get(address, "/trace/4711").expect("it answers").0, 400);
}
