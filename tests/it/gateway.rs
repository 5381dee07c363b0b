//! Two desks that speak HTTP, through the whole system: invite, share, answer, hold, clear, redact,
//! end, with the gateway killed in between. In the end both hold what Deskmesh holds.

use std::process::Command;
use std::time::Duration;

use contracts::topology::Service;
use local::{Installation, Instance, TestEnvironment, edges, test_environment};
use operator::edge::EdgeApi;
use operator::secret::Prepared;
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::{WHOLE_SYSTEM, management_url, program, whole_system};

/// A desk behind the gateway: its token, and how far it has read.
pub struct HttpDesk {
    pub url: String,
    token: String,
    cursor: String,
    pub heard: Vec<Value>,
}

impl HttpDesk {
    pub fn new(url: &str, token: &str) -> Self {
        let (url, token) = (url.to_owned(), token.to_owned());
        Self { url, token, cursor: String::new(), heard: Vec::new() }
    }

    /// One request; nothing when nobody answers.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("prefer", "wait=60");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let text = (!body.is_null()).then(|| body.to_string());
        let asking = move || {
            let mut answer = match text {
                Some(text) => {
                    let request = request.header("content-type", "application/json");
                    agent.run(request.body(text).expect("a request"))
                }
                None => agent.run(request.body(()).expect("a request")),
            }
            .ok()?;
            let status = answer.status().as_u16();
            Some((status, answer.body_mut().read_json().ok()?))
        };
        tokio::task::spawn_blocking(asking).await.expect("the request ends")
    }

    /// A command with its receipt, which must say that it was done.
    async fn done(&self, method: &str, path: &str, key: &str, body: &Value) -> Value {
        let what = format!("{method} {path}");
        let receipt =
            until(&what, PATIENCE, async || match self.ask(method, path, Some(key), body).await {
                Some((200, answer)) => Ok(answer["receipt"].clone()),
                other => Err(format!("{other:?}")),
            })
            .await;
        let outcome = receipt["outcome"].as_str().unwrap_or_default();
        assert!(["applied", "partial"].contains(&outcome), "{what}: {receipt}");
        receipt
    }

    pub async fn get(&self, path: &str) -> Value {
        until(path, PATIENCE, async || match self.ask("GET", path, None, &Value::Null).await {
            Some((200, answer)) => Ok(answer),
            other => Err(format!("{other:?}")),
        })
        .await
    }

    /// Reads what there is, to the end.
    pub async fn read_on(&mut self) {
        loop {
            let page = self.get(&format!("/v1/deliveries?after={}", self.cursor)).await;
            page["next"].as_str().unwrap_or_default().clone_into(&mut self.cursor);
            let told = page["deliveries"].as_array().cloned().unwrap_or_default();
            if told.is_empty() {
                return;
            }
            self.heard.extend(told);
        }
    }

    /// Reads on until it hears what is wanted; returns that delivery's payload.
    pub async fn hears(&mut self, what: &str, wanted: impl Fn(&str, &Value) -> bool) -> Value {
        let started = std::time::Instant::now();
        loop {
            let path = format!("/v1/deliveries?wait=5&after={}", self.cursor);
            if let Some((200, page)) = self.ask("GET", &path, None, &Value::Null).await {
                page["next"].as_str().unwrap_or_default().clone_into(&mut self.cursor);
                self.heard.extend(page["deliveries"].as_array().cloned().unwrap_or_default());
            }
            let found = self
                .heard
                .iter()
                .find(|told| wanted(told["type"].as_str().unwrap_or_default(), &told["payload"]));
            if let Some(told) = found {
                return told["payload"].clone();
            }
            let types: Vec<&Value> = self.heard.iter().map(|told| &told["type"]).collect();
            assert!(started.elapsed() < PATIENCE, "{what} was not heard: {types:?}");
        }
    }
}

/// What a ticket shows of fields and comments.
fn shown(ticket: &Value) -> (Value, Value, Vec<(Value, Value)>) {
    let comments = ticket["comments"].as_array().cloned().unwrap_or_default();
    let said = comments.iter().map(|it| (it["id"].clone(), it["body"].clone())).collect();
    (ticket["status"]["value"].clone(), ticket["custom_fields"].clone(), said)
}

/// Adds an account as its operator does, by the program; returns its token.
pub fn added(installation: &Installation, api: &EdgeApi, address: &str) -> String {
    let file = test_environment::target().join(format!("secret-{}", installation.vhost()));
    Prepared::beside(&file, &api.secret).and_then(Prepared::take_effect).expect("a file");
    let output = Command::new(program("deskmesh-operator"))
        .args(["account", "add", address, "--via", "gateway", "--json"])
        .args(["--admin", &format!("Ada <ada@{address}.example>")])
        .args(["--gateway-url", &api.url, "--management-url", &management_url()])
        .args(["--broker-url", &installation.operator_url().expect("an address")])
        .arg("--gateway-secret-file")
        .arg(&file)
        .output()
        .expect("the program runs");
    std::fs::remove_file(&file).ok();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{address}: {complained}");
    let kept: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&kept["address"], &kept["account"]),
        (&json!(address), &json!(format!("gateway-{address}")))
    );
    let link = kept["sign_in"]["link"].as_str().expect("its first admin signs in");
    assert!(link.contains("/sign-in/link/"), "{link}");
    kept["token"]["secret"].as_str().expect("a token").to_owned()
}

async fn start() -> (TestEnvironment, Vec<Instance>, Instance, [HttpDesk; 2]) {
    let environment = TestEnvironment::new("gateway").await;
    environment.edge(Service::Gateway, &[]).await;
    let installation = environment.installation.clone();
    let fleet = whole_system::fleet(&environment, "gateway");
    let (fleet, access) =
        edges::with_gateway(fleet, installation.passwords(), None).expect("ports");
    let services = whole_system::start_all(&fleet).await;
    let registration = edges::registration(Service::Gateway);
    let operator_url = installation.operator_url().expect("an address");
    local::register(&operator_url, &registration, PATIENCE).await.expect("a receipt");
    let started = tokio::task::spawn_blocking(move || {
        fleet.migrate(Service::Gateway).expect("its schema is migrated");
        let mut gateway = fleet.start(Service::Gateway, 1).expect("it starts");
        gateway.wait_ready(PATIENCE).expect("it is ready");
        let api = access.operator(Service::Gateway, installation.passwords());
        let desks = ["acme", "globex"]
            .map(|address| HttpDesk::new(&access.url, &added(&installation, &api, address)));
        (gateway, desks)
    });
    let (gateway, desks) = started.await.expect("the gateway starts");
    (environment, services, gateway, desks)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_share_a_ticket_over_http_and_hold_the_same() {
    let _alone = WHOLE_SYSTEM.lock().await;
    let (environment, services, mut gateway, [mut acme, mut globex]) = start().await;
    let field = json!({ "ticket_fields": [{ "key": "order", "title": "Order", "type": "text" }],
        "default_form": ["order"] });
    acme.done("PATCH", "/v1/account", "fields", &field).await;
    globex.done("PATCH", "/v1/account", "fields", &field).await;
    let invite = json!({ "receiver": { "address": "globex" },
        "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true } });
    acme.done("POST", "/v1/agreements", "invite", &invite).await;
    let invited = globex.hears("the invite", |kind, _| kind == "agreement.invited.v1").await;
    let agreement = invited["agreement_id"].as_str().expect("an id").to_owned();
    globex
        .done("POST", &format!("/v1/agreements/{agreement}/accept"), "accept", &Value::Null)
        .await;

    let ticket = json!({ "agreement_id": agreement, "ticket": { "subject": "The pump leaks",
        "status": "open", "custom_fields": { "order": "7" },
        "comments": [{ "body": "It drips." }] } });
    let receipt = acme.done("POST", "/v1/tickets/4711/shares", "share", &ticket).await;
    let share = receipt["share_id"].as_str().expect("a share").to_owned();
    let created = globex.hears("the ticket", |kind, _| kind == "ticket.created.v1").await;
    assert_eq!(
        (&created["share_id"], &created["subject"]),
        (&json!(share), &json!("The pump leaks"))
    );
    let bind = format!("/v1/shares/{share}/ticket");
    globex.done("PUT", &bind, "bind", &json!({ "ticket_id": "G-1" })).await;
    let bound = acme.hears("the copy's number", |kind, _| kind == "ticket.bound.v1").await;
    assert_eq!(bound["partner_ticket_id"], "G-1");

    let answer = json!({ "id": "gateway-globex/1", "body": "Which pump?" });
    globex.done("POST", "/v1/tickets/G-1/comments", "answer", &answer).await;
    acme.hears("the answer", |_, told| told["comments"][0]["body"] == "Which pump?").await;

    // Whatever was accepted survives, and what was asked for again has no second effect.
    let hold = json!({ "status": "hold", "custom_fields": { "order": { "clear": true } } });
    let accepted = acme.ask("PATCH", "/v1/tickets/4711", Some("hold"), &hold).await;
    let restarted = tokio::task::spawn_blocking(move || {
        gateway.kill9().expect("it dies");
        gateway.restart().expect("it starts again");
        gateway.wait_ready(PATIENCE).expect("it is ready");
        gateway
    });
    let gateway = restarted.await.expect("it runs again");
    let receipt = acme.done("PATCH", "/v1/tickets/4711", "hold", &hold).await;
    let first = accepted.map(|(_, answer)| answer["receipt"].clone()).filter(Value::is_object);
    assert!(first.is_none_or(|first| first == receipt), "one receipt: {receipt}");
    globex
        .hears("the field cleared", |_, told| told["custom_fields"]["order"]["clear"] == true)
        .await;

    let comments = acme.get("/v1/tickets/4711").await["comments"].clone();
    let own = comments[0]["id"].as_str().expect("the first comment").to_owned();
    acme.done("DELETE", &format!("/v1/tickets/4711/comments/{own}"), "redact", &Value::Null).await;
    globex.hears("the redaction", |_, told| told["redact"][0]["comment_id"] == own.as_str()).await;

    // What both hold is what Deskmesh holds of each.
    for (desk, number, status) in [(&mut acme, "4711", "hold"), (&mut globex, "G-1", "open")] {
        let resync = format!("/v1/shares/{share}/resync");
        desk.done("POST", &resync, "resync", &Value::Null).await;
        let state = desk.hears("the state", |kind, _| kind == "ticket.state.v1").await;
        let (shows, fields, said) = shown(&desk.get(&format!("/v1/tickets/{number}")).await);
        assert_eq!((&shows["value"], &state["status"]["value"]), (&json!(status), &json!(status)));
        assert_eq!(fields["order"]["value"], json!({ "clear": true }));
        assert_eq!(fields["order"], state["custom_fields"]["order"]);
        let mut told: Vec<(Value, Value)> = shown(&json!({ "comments": state["comments"] })).2;
        let mut said = said;
        told.sort_by_key(|(id, _)| id.to_string());
        said.sort_by_key(|(id, _)| id.to_string());
        assert_eq!(said, told, "{number}");
        assert!(said.iter().any(|(id, body)| *id == own.as_str() && body == ""), "it is blank");
    }

    acme.done("DELETE", &format!("/v1/shares/{share}"), "end", &Value::Null).await;
    globex.hears("the end", |kind, _| kind == "ticket.unshared.v1").await;
    assert_eq!(globex.get(&format!("/v1/shares/{share}")).await["state"], "unshared");
    // Nothing was told twice.
    for desk in [&acme, &globex] {
        let mut ids: Vec<&Value> = desk.heard.iter().map(|told| &told["message_id"]).collect();
        let count = ids.len();
        ids.sort_by_key(ToString::to_string);
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
    drop((services, gateway));
    tokio::time::timeout(Duration::from_mins(1), environment.remove())
        .await
        .expect("it is removed");
}
