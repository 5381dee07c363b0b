//! The kit's example is a right desk: certified as anybody's is, by the program, with kills.

use std::path::Path;
use std::process::Command;

use contracts::command::{AccountKind, AccountRegister};
use contracts::topology::Service;
use local::{TestEnvironment, test_environment};
use serde_json::{Value, json};
use testkit::Desk;
use testkit::desk::PATIENCE;

use crate::{WHOLE_SYSTEM, management_url, program, whole_system};

const ACCOUNT: &str = "acme";

async fn register(environment: &TestEnvironment) -> String {
    let url = environment.account(ACCOUNT).await.amqp_url;
    let registration = AccountRegister {
        account: ACCOUNT.to_owned(),
        display_name: "Acme".to_owned(),
        kind: AccountKind::Connected,
        address: None,
        operated_by: None,
        may_operate: false,
        third_parties: false,
        sharing_url: None,
        admins: Vec::new(),
    };
    let operator_url = environment.installation.operator_url().expect("an address");
    local::register(&operator_url, &registration, PATIENCE).await.expect("a receipt");
    // Its field; the example itself has no settings.
    let admin = Desk::open(&url, ACCOUNT);
    let fields = json!({ "actor": { "id": "1", "name": "Ann", "role": "admin" },
        "ticket_fields": [{ "key": "order", "title": "Order", "type": "text" }],
        "default_form": ["order"] });
    admin.ask("account.update.v1", &fields).await;
    admin.sleep();
    url
}

fn certify(environment: &TestEnvironment, desk: &str, door: &str) -> Command {
    let mut command = Command::new(program("deskmesh-operator"));
    let operator = environment.installation.operator_url().expect("an address");
    command
        .args(["certify", ACCOUNT, "--json", "--patience", "60", "--run", desk, "--command", door])
        .args(["--management-url", &management_url(), "--broker-url", &operator])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kits_example_is_a_right_desk() {
    let _alone = WHOLE_SYSTEM.lock().await;
    let environment = TestEnvironment::new("certify").await;
    let services = whole_system::start_all(&whole_system::fleet(&environment, "certify")).await;
    let broker = register(&environment).await;
    // Any database will do; the gateway's is not used here.
    let database = environment.database.service_url(Service::Gateway).expect("an address");
    let example = |name: &str| program(&format!("examples/{name}")).display().to_string();
    let log = test_environment::target().join(format!("test-certify-{}.log", environment.name()));
    let desk = format!("{} '{broker}' '{database}' 2>>{}", example("desk"), log.display());
    let door = format!("{} '{database}'", example("door"));
    let mut command = certify(&environment, &desk, &door);
    let ran = tokio::task::spawn_blocking(move || command.output().expect("it runs"));
    let output = ran.await.expect("it ends");
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}\nthe desk: {}", log.display());
    let report: Value = serde_json::from_str(&said).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    assert!(checks.len() > 15, "{said}");
    for check in checks {
        assert_eq!(check["outcome"], "passed", "{check}");
    }
    std::fs::remove_file(&log).ok();
    drop(services);
    environment.remove().await;
}
