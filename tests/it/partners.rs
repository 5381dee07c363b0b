//! Two partners that share a ticket: the ground on which a test looks at what can be told of it.

use contracts::ids::derive_id;
use contracts::{Receipt, ReceiptOutcome};
use local::TestEnvironment;
use serde_json::{Value, json};
use testkit::Desk;

/// When agents did what these tests have them do.
pub const OCCURRED: &str = "2026-03-01T10:00:00Z";

/// Two accounts with an agreement.
pub struct Partners {
    pub acme: Desk,
    pub globex: Desk,
    pub operator: Desk,
    pub agreement: String,
}

impl Partners {
    /// Registers both and has acme invite globex, under these terms for comments.
    pub async fn agree(world: &TestEnvironment, comments: &str) -> Self {
        let [acme, globex] = [world.account("acme").await, world.account("globex").await];
        let operator =
            Desk::open(&world.installation.operator_url().expect("an address"), "operator");
        for account in ["acme", "globex"] {
            applied(&operator.ask("account.register.v1", &registration(account)).await);
        }
        let [acme, globex] =
            [Desk::open(&acme.amqp_url, "acme"), Desk::open(&globex.amqp_url, "globex")];
        let agreement = derive_id("trace", &[world.name()]).to_string();
        let terms = json!({ "comments": comments, "tags": true, "custom_fields": true });
        let invite = json!({ "agreement_id": agreement, "receiver": { "address": "globex" },
            "terms": terms, "actor": actor() });
        applied(&acme.ask("agreement.invite.v1", &invite).await);
        applied(
            &globex
                .ask("agreement.accept.v1", &json!({ "agreement_id": agreement, "actor": actor() }))
                .await,
        );
        Self { acme, globex, operator, agreement }
    }

    /// Shares acme's ticket 4711, which becomes globex's 88; returns the share.
    pub async fn share(&self) -> String {
        let ticket = json!({ "id": "4711", "subject": "The pump leaks", "status": "open",
            "requester": actor() });
        let share = json!({ "agreement_id": self.agreement, "actor": actor(),
            "occurred_at": OCCURRED, "ticket": ticket });
        let shared = self.acme.ask("ticket.share.v1", &share).await;
        // Status does not cross with private comments only.
        assert!(
            matches!(shared.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial),
            "{shared:?}"
        );
        let share = shared.share_id.expect("a share").to_string();
        let bind = json!({ "share_id": share, "ticket_id": "88" });
        applied(&self.globex.ask("ticket.bind.v1", &bind).await);
        share
    }
}

/// What the operator registers an account with. Nobody takes mails here: each is put off.
pub fn registration(account: &str) -> Value {
    let admin = json!({ "name": "Admin", "email": format!("admin@{account}.example") });
    json!({ "account": account, "display_name": account, "kind": "connected", "admins": [admin] })
}

pub fn actor() -> Value {
    json!({ "id": "1", "name": "Ada", "role": "admin" })
}

pub fn comment(id: &str, public: bool) -> Value {
    json!({ "id": id, "body": "The text", "public": public, "author": actor() })
}

pub fn update(ticket: &str, comment: &Value) -> Value {
    json!({ "ticket_id": ticket, "actor": actor(), "occurred_at": OCCURRED, "comments": [comment] })
}

#[track_caller]
pub fn applied(receipt: &Receipt) {
    assert_eq!(receipt.outcome, ReceiptOutcome::Applied, "{receipt:?}");
}

/// Binds or unbinds globex's queue: without it, deliveries come back.
pub async fn bind(world: &TestEnvironment, bound: bool) {
    let installation = world.installation.clone();
    let done = tokio::task::spawn_blocking(move || {
        let (broker, vhost) = (installation.broker(), installation.vhost());
        if bound {
            broker.bind(vhost, "desk", "desk.globex", "globex.#")
        } else {
            broker.unbind(vhost, "desk", "desk.globex", "globex.#")
        }
    });
    done.await.expect("no panic").expect("the broker does it");
}
