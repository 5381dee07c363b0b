//! What the reasons are asked on: five services, four desks and their commands.

use contracts::{Reason, Receipt, ReceiptOutcome};
use local::{TestEnvironment, test_environment};
use serde_json::{Value, json};
use system_tests::stage::Stage;
use testkit::Desk;

pub struct FourDesks {
    pub stage: Stage,
    pub acme: Desk,
    pub globex: Desk,
    pub initech: Desk,
    pub bridge: Desk,
    pub operator: Desk,
}

pub fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub fn admin() -> Value {
    json!({ "id": "1", "name": "Admin", "role": "admin" })
}

pub fn agent() -> Value {
    json!({ "id": "7", "name": "Agent", "role": "agent" })
}

pub const EARLIER: &str = "2026-03-01T09:00:00Z";
pub const THEN: &str = "2026-03-01T10:00:00Z";

pub fn terms(comments: &str, tags: bool, custom_fields: bool) -> Value {
    json!({ "comments": comments, "tags": tags, "custom_fields": custom_fields })
}

pub fn all() -> Value {
    terms("public_and_private", true, true)
}

pub fn share(agreement: u32, ticket: &str, share: u32) -> Value {
    json!({
        "agreement_id": id(agreement), "share_id": id(share), "actor": agent(),
        "occurred_at": EARLIER,
        "ticket": {
            "id": ticket, "subject": "Printer", "status": "open",
            "requester": { "id": "r", "name": "Requester", "role": "end_user" },
        },
    })
}

pub fn update(ticket: &str, content: &Value) -> Value {
    let mut update = json!({ "ticket_id": ticket, "actor": agent(), "occurred_at": THEN });
    for (key, value) in content.as_object().into_iter().flatten() {
        update[key] = value.clone();
    }
    update
}

pub fn comment(id: &str, public: bool) -> Value {
    json!({ "id": id, "body": "Text", "public": public })
}

/// The receipt says no, and why.
#[track_caller]
pub fn refused(receipt: &Receipt, reason: Reason) {
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Rejected, Some(reason)),
        "{receipt:?}"
    );
}

/// The receipt says that one item stayed or changed, and why.
#[track_caller]
pub fn item(receipt: &Receipt, item: &str, reason: Reason) {
    let found = receipt
        .decisions
        .iter()
        .any(|decision| decision.item.to_string() == item && decision.reason == Some(reason));
    assert!(found, "{item} {reason}: {receipt:?}");
}

#[track_caller]
pub fn applied(receipt: &Receipt) {
    assert!(
        matches!(receipt.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial),
        "{receipt:?}"
    );
}

impl FourDesks {
    pub async fn open(world: &TestEnvironment) -> Self {
        let dir = test_environment::target().join("test-reasons").join(world.name());
        let stage = Stage::set(&dir, world.installation.clone(), world.database.clone())
            .await
            .expect("the services start");
        let operator =
            Desk::open(&stage.installation.operator_url().expect("an address"), "operator");
        let mut desks = Vec::new();
        for (name, kind) in [
            ("acme", "connected"),
            ("globex", "connected"),
            ("initech", "connected"),
            ("bridge", "third_party"),
        ] {
            let desk = Desk::open(&world.account(name).await.amqp_url, name);
            let admins = json!([{ "name": "Admin", "email": format!("admin@{name}.example") }]);
            let register = json!({ "account": name, "display_name": name, "kind": kind,
                "sharing_url": format!("https://{name}.example/sharing"), "admins": admins });
            applied(&operator.ask("account.register.v1", &register).await);
            desks.push(desk);
        }
        let mut desks = desks.into_iter();
        let mut next = || desks.next().expect("four desks");
        Self { stage, operator, acme: next(), globex: next(), initech: next(), bridge: next() }
    }

    pub async fn invite(
        &self,
        sender: &Desk,
        receiver: &Desk,
        number: u32,
        terms: Value,
    ) -> Receipt {
        let receiver = json!({ "address": receiver.account });
        sender
            .ask(
                "agreement.invite.v1",
                &json!({ "agreement_id": id(number), "receiver": receiver, "terms": terms,
                    "actor": admin() }),
            )
            .await
    }

    pub async fn agree(&self, sender: &Desk, receiver: &Desk, number: u32, terms: Value) {
        applied(&self.invite(sender, receiver, number, terms).await);
        applied(
            &receiver
                .ask(
                    "agreement.accept.v1",
                    &json!({ "agreement_id": id(number), "actor": admin() }),
                )
                .await,
        );
    }
}
