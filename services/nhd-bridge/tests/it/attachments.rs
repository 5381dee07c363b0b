//! Files that partners attach.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::invited::{comment, ticket};
use crate::world::{World, answers, told};

pub async fn what_a_partner_attaches_is_copied_before_it_crosses(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let known = partner.agreed(&acme, &[]).await;
    partner.answers(|heard| {
        let kind = |kind: &str| vec![("content-type", kind.to_owned())];
        match heard.path.as_str() {
            "/files/plan.pdf" => Some((200, kind("application/pdf"), "the plan".to_owned())),
            "/files/huge.bin" => Some((200, kind("application/zip"), "x".repeat(100))),
            "/files/gone.txt" => Some((404, kind("text/plain"), "no such file".to_owned())),
            _ => None,
        }
    });
    let origin = partner.url.trim_end_matches("/sharing");
    let file = |name: &str| json!({ "url": format!("{origin}/files/{name}"), "filename": name });
    let mut first = comment("c1", "See the plan.");
    first["attachments"] = json!([file("plan.pdf"), file("huge.bin"), file("gone.txt")]);
    let uuid = world.hex();
    let path = format!("/tickets/{uuid}");
    let body = ticket(&uuid, &[("subject", json!("Pump")), ("comments", json!([first]))]);
    partner.with(&known, "POST", &path, &body).await.is(201);
    let created = told(&acme, "ticket.created.v1", |_| true).await;
    let crossed = created["comments"][0]["attachments"].as_array().expect("a list");
    let links: Vec<&str> = crossed.iter().filter_map(|it| it["url"].as_str()).collect();
    assert!(
        links.len() == 1 && links[0].starts_with(&format!("{}/f/", world.files_url)),
        "{created}"
    );
    assert_eq!(
        (&crossed[0]["filename"], &crossed[0]["content_type"], &crossed[0]["size"]),
        (&json!("plan.pdf"), &json!("application/pdf"), &json!(8))
    );
    // Why the others stayed is told with the partner's health.
    let query =
        "select outcome || (case when reason like '%bad_link%' then ' bad_link' else '' end)
        from attempt where kind = 'received' and ticket = $1";
    answers(&world.pool, "why they stayed", query, &uuid, "partial bad_link").await;

    // So is a file of an update.
    let mut second = comment("c2", "And again.");
    second["attachments"] = json!([file("plan.pdf")]);
    let change = json!({ "comments": [second] });
    partner.with(&known, "PUT", &path, &change).await.is(200);
    let updated = told(&acme, "ticket.updated.v1", |it| it.to_string().contains("And again")).await;
    let link = updated["comments"][0]["attachments"][0]["url"].as_str().map(str::to_owned);
    assert!(link.is_some_and(|it| it.starts_with(&world.files_url)), "{updated}");
    let asked: Value = json!(partner.heard().iter().filter(|it| it.method == "GET").count());
    assert!(asked.as_u64().is_some_and(|asked| asked >= 4), "{asked}");
}
