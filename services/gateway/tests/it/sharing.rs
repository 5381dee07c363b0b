//! The Ticket sharing pages, with the line's end in the test's hand.

use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;
use web::StaffRole;

use crate::browser::{Browser, key, text};
use crate::harness::{ACME, GLOBEX, GatewayHarness};

pub(crate) const AGREEMENT: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
pub(crate) const SHARE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f11";

/// The agreement as one of its parties is told it.
pub(crate) fn agreement(version: u64, side: &str, status: &str, by: &str) -> Value {
    let party = |account: &str, name: &str| {
        json!({ "account": account, "address": account.trim_start_matches("gateway-"),
            "display_name": name })
    };
    json!({ "agreement_id": AGREEMENT, "version": version, "side": side,
        "sender": party(ACME, "Acme Energy"), "receiver": party(GLOBEX, "Globex Repairs"),
        "partner_support_addresses": [], "name": "Field repairs",
        "terms": { "comments": "private_only", "tags": true, "custom_fields": false },
        "status": status, "by": { "side": by, "name": "Jo Park" },
        "at": "2026-11-27T10:00:00.000Z" })
}

impl GatewayHarness {
    pub(crate) async fn told(&self, account: &str, state: &Value) {
        let id = format!("state of {account} {}", state["version"]);
        self.tell(account, "agreement.state.v1", &id, state).await;
        self.held(account, state["version"].as_u64().expect("a version")).await;
    }

    /// Waits until the account holds this version of the agreement.
    pub(crate) async fn held(&self, account: &str, version: u64) {
        until(&format!("{account} holds version {version}"), PATIENCE, async || {
            let held = desk::store::read::agreement(&self.pool, account, AGREEMENT).await;
            let held = held.expect("the database answers").unwrap_or_default();
            if held["version"] == version { Ok(()) } else { Err(held["version"].to_string()) }
        })
        .await;
    }

    /// Answers what the page is about to send: with a reason it is refused.
    pub(crate) async fn answers(
        &self,
        account: &str,
        command_type: &str,
        key: &str,
        reason: Option<&str>,
    ) {
        let outcome = if reason.is_some() { "rejected" } else { "applied" };
        let mut receipt = json!({ "command_id": key, "command_type": command_type,
            "outcome": outcome, "decisions": [] });
        if let Some(reason) = reason {
            receipt["reason"] = json!(reason);
        }
        let entity = command_type.split('.').next().expect("an entity");
        self.is_sent(account, entity, key).await;
        let id = format!("receipt of {key}");
        self.tell(account, "command.receipt.v1", &id, &receipt).await;
    }

    /// Waits until the page has sent a command.
    pub(crate) async fn is_sent(&self, account: &str, entity: &str, key: &str) {
        until(&format!("the {entity} command {key}"), PATIENCE, async || {
            let row = desk::store::read::command(&self.pool, account, entity, key).await;
            row.expect("the database answers").map(drop).ok_or_else(|| "it was not sent".to_owned())
        })
        .await;
    }

    /// What the account last sent of a type.
    pub(crate) async fn sent(&self, account: &str, command_type: &str) -> Value {
        let body: String = sqlx::query_scalar(
            "select body from desk_outbox where account = $1 and type = $2
             order by number desc limit 1",
        )
        .bind(account)
        .bind(command_type)
        .fetch_one(&self.pool)
        .await
        .expect("it was sent");
        serde_json::from_str(&body).expect("it is JSON")
    }
}

/// The key under which the account last sent a command of a type, once it has.
pub(crate) async fn key_of(gateway: &GatewayHarness, command_type: &str) -> String {
    until(&format!("a {command_type}"), PATIENCE, async || {
        let key: Option<String> = sqlx::query_scalar(
            "select key from desk_outbox where type = $1 order by number desc limit 1",
        )
        .bind(command_type)
        .fetch_optional(&gateway.pool)
        .await
        .expect("the database answers");
        key.ok_or_else(|| "it was not sent".to_owned())
    })
    .await
}

pub(crate) async fn admin(gateway: &GatewayHarness, account: &str) -> Browser {
    Browser::of(gateway, account, "sam@desk.example", StaffRole::Admin).await
}

#[tokio::test]
async fn r_52_to_r_63_an_invite_is_sent_as_it_was_filled_in() {
    let gateway = GatewayHarness::set("sharing_invite").await;
    let mut browser = admin(&gateway, ACME).await;
    let form = browser.page(&gateway, "/sharing/invite").await;
    let empty = [("key", key(&form)), ("kind", "account".into())];
    let empty: Vec<(&str, &str)> = empty.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let refused = browser.post(&gateway, "/sharing/invite", &empty).await;
    assert_eq!(refused.status, 422);
    let refused = text(&refused);
    assert!(refused.contains("id=\"errors\"") && refused.contains("href=\"#address\""));

    let filled = |key: &str| {
        let fields = [
            ("key", key),
            ("kind", "account"),
            ("address", " Globex "),
            ("name", "Field repairs"),
            ("comments", "private_only"),
            ("tags", "yes"),
            ("custom_fields", "no"),
        ];
        fields.map(|(name, value)| (name, value.to_owned()))
    };
    // Refused by the line: why, what to do, and what was filled in is kept.
    let first = key(&form);
    let given = filled(&first);
    let given: Vec<(&str, &str)> = given.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let (answer, ()) = tokio::join!(
        browser.post(&gateway, "/sharing/invite", &given),
        gateway.answers(ACME, "agreement.invite.v1", &first, Some("unknown_account")),
    );
    assert_eq!(answer.status, 422);
    let page = text(&answer);
    for said in ["No help desk has this address", "exact address", "value=\"Field repairs\""] {
        assert!(page.contains(said), "{said}");
    }
    let again = key(&page);
    assert_ne!(again, first, "what was refused keeps its id");

    let given = filled(AGREEMENT);
    let given: Vec<(&str, &str)> = given.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let (path, ()) = tokio::join!(browser.done(&gateway, "/sharing/invite", &given), async {
        gateway.answers(ACME, "agreement.invite.v1", AGREEMENT, None).await;
        gateway.told(ACME, &agreement(1, "sender", "pending", "sender")).await;
    });
    assert_eq!(path, format!("/sharing/agreements/{AGREEMENT}?said=said.invited"));
    let sent = gateway.sent(ACME, "agreement.invite.v1").await;
    assert_eq!(sent["receiver"], json!({ "address": "globex" }));
    let terms = json!({ "comments": "private_only", "tags": true, "custom_fields": false });
    assert_eq!((&sent["terms"], &sent["name"]), (&terms, &json!("Field repairs")));
    assert_eq!(
        (&sent["actor"]["role"], &sent["actor"]["name"]),
        (&json!("admin"), &json!("Sam Rivers"))
    );
    assert!(sent["actor"].get("email").is_none(), "it never leaves the account");
    let page = browser.page(&gateway, &path).await;
    for said in ["The invite is sent", "Not answered", "Withdraw invite", "private comments only"] {
        assert!(page.contains(said), "{said}");
    }
    gateway.remove().await;
}

#[tokio::test]
async fn r_64_to_r_66_an_invitation_is_read_and_then_decided() {
    let gateway = GatewayHarness::set("sharing_decide").await;
    let mut browser = admin(&gateway, GLOBEX).await;
    gateway.told(GLOBEX, &agreement(1, "receiver", "pending", "sender")).await;
    let list = browser.page(&gateway, "/sharing").await;
    assert!(list.contains("<strong>Acme Energy</strong> invites you to share tickets"));
    let path = format!("/sharing/agreements/{AGREEMENT}");
    let page = browser.page(&gateway, &path).await;
    for said in [
        "You can write private comments only",
        "Status is not synced",
        "Tags are shared",
        "Custom fields are not synced",
        "sent by Jo Park",
        "Decide later",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let decide = format!("{path}/decide");
    let key = key(&page);
    let later = [("key", key.as_str()), ("decision", "later")];
    assert_eq!(browser.done(&gateway, &decide, &later).await, "/sharing?said=said.later");
    let accept = [("key", key.as_str()), ("decision", "accept")];
    let (answer, ()) = tokio::join!(
        browser.post(&gateway, &decide, &accept),
        gateway.answers(GLOBEX, "agreement.accept.v1", &key, Some("already_decided")),
    );
    assert_eq!(answer.status, 409);
    assert!(text(&answer).contains("decided already"));
    let accept = [("key", "k2"), ("decision", "accept")];
    let (led, ()) = tokio::join!(browser.done(&gateway, &decide, &accept), async {
        gateway.answers(GLOBEX, "agreement.accept.v1", "k2", None).await;
        gateway.told(GLOBEX, &agreement(2, "receiver", "accepted", "receiver")).await;
    });
    assert_eq!(led, format!("{path}?said=said.accepted"));
    let page = browser.page(&gateway, &led).await;
    for said in [
        "Active",
        "can share no new tickets",
        "<strong>Jo Park</strong> (Globex Repairs) accepted",
        "<strong>Jo Park</strong> (Acme Energy) sent the invite",
    ] {
        assert!(page.contains(said), "{said}");
    }
    gateway.remove().await;
}

#[tokio::test]
async fn m5_an_invitation_from_a_name_like_a_partners_says_so() {
    const STRANGER: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f98";
    const PARTNER: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f99";
    let gateway = GatewayHarness::set("sharing_look_alike").await;
    let browser = admin(&gateway, GLOBEX).await;
    let invite = async |id: &str, account: &str| {
        let mut invite = agreement(1, "receiver", "pending", "sender");
        invite["agreement_id"] = json!(id);
        invite["sender"] = json!({ "account": account, "address": account, "display_name":
            if account == ACME { "Acme Energy" } else { "Acme-Energy" } });
        gateway.tell(GLOBEX, "agreement.state.v1", id, &invite).await;
    };
    invite(PARTNER, ACME).await;
    gateway.told(GLOBEX, &agreement(2, "receiver", "accepted", "receiver")).await;
    let warning = "is another help desk. Ask them before you accept";
    let page = browser.page(&gateway, &format!("/sharing/agreements/{PARTNER}")).await;
    assert!(page.contains("Acme Energy invites you") && !page.contains(warning), "{page}");

    invite(STRANGER, "acme-energy").await;
    gateway.told(GLOBEX, &agreement(3, "receiver", "accepted", "receiver")).await;
    let page = browser.page(&gateway, &format!("/sharing/agreements/{STRANGER}")).await;
    assert!(
        page.contains(warning) && page.contains("(acme-energy) looks like Acme Energy (acme),"),
        "{page}"
    );
    gateway.remove().await;
}

#[tokio::test]
async fn r_73_to_r_75_an_end_is_asked_once_final_and_may_lead_to_an_invite() {
    let gateway = GatewayHarness::set("sharing_end").await;
    let mut browser = admin(&gateway, ACME).await;
    gateway.told(ACME, &agreement(2, "sender", "accepted", "receiver")).await;
    let path = format!("/sharing/agreements/{AGREEMENT}");
    let page = browser.page(&gateway, &path).await;
    assert!(page.contains("This is final."));
    let end = format!("{path}/deactivate");
    let answer = browser.post(&gateway, &end, &[("key", "k1")]).await;
    assert_eq!(answer.status, 422, "not without being sure");
    let (led, ()) =
        tokio::join!(browser.done(&gateway, &end, &[("key", "k1"), ("sure", "on")]), async {
            gateway.answers(ACME, "agreement.deactivate.v1", "k1", None).await;
            gateway.told(ACME, &agreement(3, "sender", "inactive", "sender")).await;
        });
    let page = browser.page(&gateway, &led).await;
    assert!(page.contains("Deactivated by us") && page.contains("Invite again"), "{page}");
    assert!(!page.contains("/deactivate"), "nothing makes it active or ends it again");
    let again = browser.page(&gateway, &format!("/sharing/invite?again={AGREEMENT}")).await;
    for filled in [
        "value=\"globex\"",
        "value=\"Field repairs\"",
        "id=\"perm-private\" required checked",
        "id=\"tags-yes\" checked",
        "id=\"cf-no\" checked",
    ] {
        assert!(again.contains(filled), "{filled}");
    }
    let past = browser.page(&gateway, "/sharing?show=past").await;
    assert!(past.contains("Deactivated by us"));
    assert!(!browser.page(&gateway, "/sharing?show=active").await.contains("Deactivated by us"));
    gateway.remove().await;
}

#[tokio::test]
async fn r_70_declining_all_invites_is_shown_as_it_is_and_saved_by_a_button() {
    let gateway = GatewayHarness::set("sharing_opt_out").await;
    let mut browser = admin(&gateway, ACME).await;
    // Nobody said so far: the page asks, and says that it does not know.
    assert!(browser.page(&gateway, "/sharing").await.contains("cannot be read right now"));
    gateway.sent(ACME, "account.show.v1").await;
    let (led, ()) =
        tokio::join!(browser.done(&gateway, "/sharing/opt-out", &[("decline", "on")]), async {
            let key = key_of(&gateway, "account.update.v1").await;
            gateway.answers(ACME, "account.update.v1", &key, None).await;
        });
    assert_eq!(led, "/sharing?said=said.declines");
    let page = browser.page(&gateway, &led).await;
    assert!(page.contains("name=\"decline\" checked"), "{page}");
    assert_eq!(gateway.sent(ACME, "account.update.v1").await["decline_invites"], true);
    gateway.remove().await;
}

#[tokio::test]
async fn p_24_shared_tickets_show_what_is_stuck_and_why_something_stayed() {
    let gateway = GatewayHarness::set("sharing_tickets").await;
    let browser = admin(&gateway, ACME).await;
    gateway.told(ACME, &agreement(2, "sender", "accepted", "receiver")).await;
    let token = gateway.token(ACME, &["*"]).await;
    let share = json!({ "agreement_id": AGREEMENT, "share_id": SHARE, "ticket": {
        "subject": "Meter shows <nothing>", "status": "open",
        "comments": [{ "body": "It went dark.", "public": true }] } });
    let answer = gateway.keyed("POST", "/v1/tickets/4711/shares", &token, Some("s"), &share).await;
    assert_eq!(answer.status, 202);
    let receipt = json!({ "command_id": "s", "command_type": "ticket.share.v1",
        "outcome": "partial", "share_id": SHARE, "decisions": [
            { "share_id": SHARE, "item": "status", "outcome": "withheld",
              "reason": "status_not_synced" },
            { "share_id": SHARE, "item": "custom_field:serial", "outcome": "withheld",
              "reason": "type_mismatch", "detail": "integer here, text there" },
            { "share_id": SHARE, "item": "tag:pump", "outcome": "transferred" } ] });
    gateway.tell(ACME, "command.receipt.v1", "r", &receipt).await;
    until("the share", PATIENCE, async || {
        let share = desk::store::read::share(&gateway.pool, ACME, SHARE).await;
        share.expect("the database answers").map(drop).ok_or_else(|| "it is not held".to_owned())
    })
    .await;
    let tickets = browser.page(&gateway, "/sharing/tickets").await;
    assert!(tickets.contains("Meter shows &#60;nothing&#62;") && tickets.contains("#4711"));
    let stuck = "/sharing/tickets?show=stuck";
    assert!(!browser.page(&gateway, stuck).await.contains("#4711"), "it is young");
    sqlx::query("update desk_share set started_at = now() - interval '2 minutes'")
        .execute(&gateway.pool)
        .await
        .expect("time passes");
    let page = browser.page(&gateway, stuck).await;
    assert!(page.contains("#4711") && page.contains("Not created at the partner yet"));
    let list = browser.page(&gateway, "/sharing").await;
    assert!(list.contains("1 ticket not created at the partner yet"), "{list}");

    let story = browser.page(&gateway, &format!("/sharing/tickets/{SHARE}")).await;
    for said in [
        "1 item of your last change stayed: The two fields have different types",
        "Give both fields the same type",
        "integer here, text there",
        "Tag “pump”",
        "The terms do not sync status. Nothing: this is as agreed.",
    ] {
        assert!(story.contains(said), "{said} in {story}");
    }
    let withheld = browser.page(&gateway, &format!("/sharing/agreements/{AGREEMENT}")).await;
    assert!(withheld.contains("The two fields have different types"), "{withheld}");
    assert!(!withheld.contains("type_mismatch"), "a reason is said, its code is not");
    gateway.remove().await;
}

#[tokio::test]
async fn r_51_only_admins_of_the_account_itself_reach_its_agreements() {
    let gateway = GatewayHarness::set("sharing_tenants").await;
    gateway.told(ACME, &agreement(1, "sender", "pending", "sender")).await;
    let routes = [
        ("GET", "/sharing".to_owned()),
        ("GET", "/sharing/invite".to_owned()),
        ("GET", format!("/sharing/agreements/{AGREEMENT}")),
        ("GET", "/sharing/tickets".to_owned()),
        ("GET", format!("/sharing/tickets/{SHARE}")),
        ("POST", "/sharing/opt-out".to_owned()),
        ("POST", "/sharing/show-fields".to_owned()),
        ("POST", "/sharing/invite".to_owned()),
        ("POST", format!("/sharing/agreements/{AGREEMENT}/decide")),
        ("POST", format!("/sharing/agreements/{AGREEMENT}/deactivate")),
        ("POST", format!("/sharing/agreements/{AGREEMENT}/compare")),
        ("GET", "/tokens".to_owned()),
        ("POST", "/tokens".to_owned()),
        ("GET", "/people".to_owned()),
        ("POST", "/people".to_owned()),
    ];
    let form = [
        ("key", "k"),
        ("decision", "decline"),
        ("sure", "on"),
        ("name", "x"),
        ("kind", "all"),
        ("days", "30"),
        ("email", "x@x.example"),
        ("role", "admin"),
        ("address", "globex"),
        ("comments", "private_only"),
    ];
    for role in [StaffRole::Agent, StaffRole::LightAgent] {
        let email = format!("{}@acme.example", role.word());
        let mut browser = Browser::of(&gateway, ACME, &email, role).await;
        for (method, path) in &routes {
            let answer = match *method {
                "GET" => browser.get(&gateway, path).await,
                _ => browser.post(&gateway, path, &form).await,
            };
            assert_eq!(answer.status, 403, "{role:?} {method} {path}");
            assert!(text(&answer).contains("Only administrators"), "{path}");
        }
    }
    let mut other = admin(&gateway, GLOBEX).await;
    for (method, path) in routes.iter().filter(|(_, path)| path.contains("0b9f0a52")) {
        let answer = match *method {
            "GET" => other.get(&gateway, path).await,
            _ => other.post(&gateway, path, &form).await,
        };
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    assert!(!other.page(&gateway, "/sharing").await.contains("Acme Energy"));
    let sent: i64 = sqlx::query_scalar("select count(*) from desk_outbox where type like 'agree%'")
        .fetch_one(&gateway.pool)
        .await
        .expect("the database answers");
    assert_eq!(sent, 0, "nothing was sent");
    gateway.remove().await;
}

#[tokio::test]
async fn tokens_and_people_are_made_on_pages_and_told_once() {
    let gateway = GatewayHarness::set("sharing_tokens").await;
    let mut browser = admin(&gateway, ACME).await;
    let form = [("name", "Reports"), ("kind", "read"), ("days", "30")];
    let answer = browser.post(&gateway, "/tokens", &form).await;
    assert_eq!(answer.status, 200);
    let page = text(&answer);
    let token = page.split("class=\"once\">").nth(1).and_then(|it| it.split('<').next());
    let token = token.expect("a token").to_owned();
    assert_eq!(gateway.get("/v1/account", &token).await.status, 200);
    let page = browser.page(&gateway, "/tokens").await;
    assert!(!page.contains(&token) && page.contains("Reports"));
    let revoke = page.split("action=\"/tokens/").nth(1).and_then(|it| it.split('"').next());
    let revoke = format!("/tokens/{}", revoke.expect("a way to revoke it"));
    let mut other = admin(&gateway, GLOBEX).await;
    assert_eq!(other.post(&gateway, &revoke, &[]).await.status, 404, "another account's");
    assert_eq!(browser.done(&gateway, &revoke, &[]).await, "/tokens?said=said.revoked");
    assert!(!browser.page(&gateway, "/tokens").await.contains("Reports"));

    let form = [("name", "Lee Tanaka"), ("email", "lee@acme.example"), ("role", "agent")];
    let answer = browser.post(&gateway, "/people", &form).await;
    let page = text(&answer);
    assert!(page.contains("Hand this link to Lee Tanaka") && page.contains("/sign-in/link/"));
    assert_eq!(browser.post(&gateway, "/people", &form).await.status, 422, "here already");
    gateway.remove().await;
}
