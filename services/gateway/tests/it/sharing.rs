//! The Ticket sharing pages, with the line's end in the test's hand.

use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use web::Role;

use crate::browser::{Browser, key, text};
use crate::harness::{ACME, GLOBEX, GatewayHarness};

const AGREEMENT: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
const SHARE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f11";

/// The agreement as one of its parties is told it.
fn agreement(version: u64, side: &str, status: &str, by: &str) -> Value {
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
    async fn told(&self, account: &str, state: &Value) {
        let id = format!("state of {account} {}", state["version"]);
        self.tell(account, "agreement.state.v1", &id, state).await;
        self.held(account, state["version"].as_u64().expect("a version")).await;
    }

    /// Waits until the account holds this version of the agreement.
    async fn held(&self, account: &str, version: u64) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let held = desk::store::read::agreement(&self.pool, account, AGREEMENT).await;
            let held = held.expect("the database answers");
            if held.is_some_and(|held| held["version"] == version) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{account} holds no {version}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Answers what the page is about to send: with a reason it is refused.
    async fn answers(&self, account: &str, command_type: &str, key: &str, reason: Option<&str>) {
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

    /// Answers a comparison with these members of its receipt, once it was asked for.
    async fn receives(&self, account: &str, key: &str, members: &Value) {
        let mut receipt = json!({ "command_id": key, "command_type": "agreement.compare.v1",
            "decisions": [] });
        for (name, value) in members.as_object().expect("members") {
            receipt[name] = value.clone();
        }
        self.is_sent(account, "agreement", key).await;
        let id = format!("receipt of {key}");
        self.tell(account, "command.receipt.v1", &id, &receipt).await;
    }

    /// Waits until the page has sent a command.
    async fn is_sent(&self, account: &str, entity: &str, key: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let row = desk::store::read::command(&self.pool, account, entity, key).await;
            if row.expect("the database answers").is_some() {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "no {entity} command {key} was sent");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// What the account last sent of a type.
    async fn sent(&self, account: &str, command_type: &str) -> Value {
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

async fn admin(gateway: &GatewayHarness, account: &str) -> Browser {
    Browser::of(gateway, account, "sam@desk.example", Role::Admin).await
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

/// The key under which the account last sent a command of a type, once it has.
async fn key_of(gateway: &GatewayHarness, command_type: &str) -> String {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let key: Option<String> = sqlx::query_scalar(
            "select key from desk_outbox where type = $1 order by number desc limit 1",
        )
        .bind(command_type)
        .fetch_optional(&gateway.pool)
        .await
        .expect("the database answers");
        if let Some(key) = key {
            return key;
        }
        assert!(tokio::time::Instant::now() < deadline, "no {command_type} was sent");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn showing_fields_to_partners_is_saved_by_a_button_of_its_own() {
    let gateway = GatewayHarness::set("sharing_show_fields").await;
    let mut browser = admin(&gateway, ACME).await;
    let (led, ()) =
        tokio::join!(browser.done(&gateway, "/sharing/show-fields", &[("show", "on")]), async {
            let key = key_of(&gateway, "account.update.v1").await;
            gateway.answers(ACME, "account.update.v1", &key, None).await;
        });
    assert_eq!(led, "/sharing?said=said.shows_fields");
    let page = browser.page(&gateway, &led).await;
    assert!(page.contains("name=\"show\" checked"), "{page}");
    let sent = gateway.sent(ACME, "account.update.v1").await;
    assert_eq!((&sent["show_fields"], sent.get("decline_invites")), (&json!(true), None));
    gateway.remove().await;
}

/// An agreement whose terms carry custom fields.
fn with_fields(version: u64, side: &str, status: &str) -> Value {
    let mut state = agreement(version, side, status, "receiver");
    state["terms"]["custom_fields"] = json!(true);
    state
}

/// A comparison as a party is told it, with fields of these titles.
fn comparison(fields: &Value) -> Value {
    json!({ "agreement_id": AGREEMENT, "side": "sender", "partner": GLOBEX, "fields": fields })
}

#[tokio::test]
async fn r_90_to_r_98_fields_are_compared_page_by_page_with_what_mends_them() {
    let gateway = GatewayHarness::set("sharing_doctor").await;
    let mut browser = admin(&gateway, ACME).await;
    gateway.told(ACME, &agreement(2, "sender", "accepted", "receiver")).await;
    let path = format!("/sharing/agreements/{AGREEMENT}");
    let offer = "Compare fields";
    assert!(!browser.page(&gateway, &path).await.contains(offer), "no terms of fields");
    gateway.told(ACME, &with_fields(3, "sender", "accepted")).await;
    let page = browser.page(&gateway, &path).await;
    assert!(page.contains(offer));
    let (key, compare) = (key(&page), format!("{path}/compare"));
    let crosses = json!({ "crosses": true });
    let stays = |reason: &str| json!({ "crosses": false, "reason": reason });
    let side = |kind: &str| json!({ "type": kind, "on_default_form": true });
    let mends = json!([{ "by": "own", "how": "x" }, { "by": "partner", "how": "y" }]);
    let first = json!([
        { "title": "Order", "own": side("text"), "partner": side("text"),
          "to_partner": crosses, "from_partner": crosses },
        { "title": "Serial <no>", "own": side("integer"), "partner": side("text"),
          "to_partner": stays("type_mismatch"), "from_partner": stays("type_mismatch"),
          "mend": mends },
        { "title": "Colour", "own": side("tagger"), "partner": side("tagger"),
          "to_partner": stays("option_tags_differ"), "from_partner": stays("option_tags_differ"),
          "options": [{ "name": "red", "own": "red", "partner": "rouge" }], "mend": mends },
    ]);
    // One of another agreement, which must not be taken for it.
    let mut other = comparison(&json!([]));
    other["agreement_id"] = json!(SHARE);
    let asked = [("key", key.as_str())];
    let (led, ()) = tokio::join!(browser.done(&gateway, &compare, &asked), async {
        gateway.tell(ACME, "agreement.comparison.v1", "c1", &comparison(&first)).await;
        gateway.tell(ACME, "agreement.comparison.v1", "c2", &other).await;
        gateway
            .receives(ACME, &key, &json!({ "outcome": "applied", "next_cursor": "serial" }))
            .await;
    });
    assert_eq!(led, format!("{path}?compared={key}"));
    let page = browser.page(&gateway, &led).await;
    for said in [
        "Serial &#60;no&#62;",
        "Both ways: The two fields have different types",
        "Replace it by a field of this title, type text",
        "Replace it by a field of this title, type integer",
        "“red”: <code>red</code> here, <code>rouge</code> there",
        "Both ways: crosses",
        "1 crosses",
        "2 stay",
        "autofocus",
        "name=\"cursor\" value=\"serial\"",
    ] {
        assert!(page.contains(said), "{said} in {page}");
    }
    assert!(page.contains("<strong>Jo Park</strong>"), "who did what is still there");

    let further = json!([{ "title": "Warranty", "own": side("checkbox"),
        "to_partner": stays("no_such_field"), "from_partner": stays("no_such_field"),
        "mend": mends }]);
    let asked = [("key", "page-2"), ("cursor", "serial")];
    let (led, ()) = tokio::join!(browser.done(&gateway, &compare, &asked), async {
        gateway.tell(ACME, "agreement.comparison.v1", "c3", &comparison(&further)).await;
        gateway.receives(ACME, "page-2", &json!({ "outcome": "applied" })).await;
    });
    let sent = gateway.sent(ACME, "agreement.compare.v1").await;
    assert_eq!(sent, json!({ "agreement_id": AGREEMENT, "cursor": "serial" }));
    let page = browser.page(&gateway, &led).await;
    assert!(page.contains("Create a field of this title, type checkbox"), "{page}");
    assert!(!page.contains("Serial &#60;no&#62;") && !page.contains("name=\"cursor\""), "{page}");
    // The first answer is still there under its own key.
    let page = browser.page(&gateway, &format!("{path}?compared={key}")).await;
    assert!(page.contains("Serial &#60;no&#62;") && !page.contains("Warranty"), "{page}");
    gateway.remove().await;
}

#[tokio::test]
async fn a_comparison_that_is_refused_or_not_there_yet_says_so() {
    let gateway = GatewayHarness::set("sharing_doctor_refused").await;
    let mut browser = admin(&gateway, GLOBEX).await;
    gateway.told(GLOBEX, &with_fields(1, "receiver", "pending")).await;
    let path = format!("/sharing/agreements/{AGREEMENT}");
    assert!(browser.page(&gateway, &path).await.contains("Compare fields"), "before it is decided");
    let compare = format!("{path}/compare");
    for (reason, said) in [
        ("agreement_not_accepted", "The agreement is not accepted"),
        ("custom_fields_not_synced", "The terms do not sync custom fields"),
    ] {
        let asked = [("key", reason)];
        let (led, ()) = tokio::join!(
            browser.done(&gateway, &compare, &asked),
            gateway.answers(GLOBEX, "agreement.compare.v1", reason, Some(reason)),
        );
        let page = browser.page(&gateway, &led).await;
        assert!(page.contains(said), "{said} in {page}");
    }
    let led = browser.done(&gateway, &compare, &[("key", "late")]).await;
    let page = browser.page(&gateway, &led).await;
    assert!(page.contains("The answer is not there yet"), "{page}");
    let page = browser.page(&gateway, &format!("{path}?compared=nobody-asked")).await;
    assert!(page.contains("not kept any more"), "{page}");
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
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while desk::store::read::share(&gateway.pool, ACME, SHARE).await.expect("it answers").is_none()
    {
        assert!(tokio::time::Instant::now() < deadline, "the share is not held");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let tickets = browser.page(&gateway, "/sharing/tickets").await;
    assert!(tickets.contains("Meter shows &#60;nothing&#62;") && tickets.contains("#4711"));
    let stuck = "/sharing/tickets?show=stuck";
    assert!(!browser.page(&gateway, stuck).await.contains("4711"), "it is young");
    sqlx::query("update desk_share set started_at = now() - interval '2 minutes'")
        .execute(&gateway.pool)
        .await
        .expect("time passes");
    let page = browser.page(&gateway, stuck).await;
    assert!(page.contains("4711") && page.contains("Not taken over there yet"));
    let list = browser.page(&gateway, "/sharing").await;
    assert!(list.contains("1 ticket not taken over there"), "{list}");

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
    for role in [Role::Agent, Role::LightAgent] {
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
