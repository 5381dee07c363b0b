//! Triggers and automations, made on their pages.

use helpdesk::work::automations;
use serde_json::json;
use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness, Somebody, created, id};

async fn with_admin(test: &str) -> (HelpdeskHarness, Somebody) {
    let harness = HelpdeskHarness::set(test).await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    (harness, ada)
}

/// Makes a rule as its form does.
async fn make(
    harness: &HelpdeskHarness,
    ada: &Somebody,
    kind: &str,
    rows: &[(&str, &str)],
) -> String {
    let page = harness.get(ada, &format!("/settings/rules/{kind}/new")).await;
    let path = page.between("id=\"rule\" class=\"panel\" method=\"post\" action=\"", "\"");
    let mut form = vec![("new", "yes"), ("name", "Route it"), ("on", "on"), ("do", "save")];
    form.extend_from_slice(rows);
    harness.post(ada, &path, &form).await.is(303);
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn r_85_what_comes_by_sharing_is_routed_and_tagged_and_shared_on() {
    let (harness, ada) = with_admin("helpdesk-r85").await;
    harness.post(&ada, "/settings/groups", &[("name", "Field team")]).await.is(303);
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    harness.agreement(ACME, &id(5), "sender", "initech", "public_and_private").await;
    let rows = [
        ("all_on", "update_via"),
        ("all_op", "is"),
        ("all_value", "Ticket sharing"),
        ("all_on", "received_from"),
        ("all_op", "is"),
        ("all_value", "GLOBEX"),
        ("do_what", "group"),
        ("do_value", "Field team"),
        ("do_what", "add_tags"),
        ("do_value", "field-team"),
        ("do_what", "share"),
        ("do_value", "INITECH"),
    ];
    make(&harness, &ada, "trigger", &rows).await;
    let own = harness.ticket(&ada, "Our own", &[]).await;
    let told = created(&id(2), &id(1), "globex", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    let page = harness.shows(&ada, "/tickets/2", "The rule <strong>Route it</strong> fired.").await;
    let place = |text: &str| page.body.find(text).unwrap_or(usize::MAX);
    assert!(place("Received by ticket sharing") < place("Route it"), "{page:?}");
    page.has("selected>Field team<").has("tag--rule").has("never shared");
    let (_, share) = harness.command(ACME, "ticket.share.v1").await;
    assert_eq!(share["agreement_id"], id(5));
    assert!(!share.to_string().contains("field-team"), "R-61: {share}");
    harness.get(&ada, &format!("/tickets/{own}")).await.lacks("Route it");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_publishes_in_an_hour_a_tickets_rules_pause() {
    let (harness, ada) = with_admin("helpdesk-pingpong").await;
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    let rows = [
        ("all_on", "update_via"),
        ("all_op", "is"),
        ("all_value", "Ticket sharing"),
        ("all_on", "status"),
        ("all_op", "is"),
        ("all_value", "Open"),
        ("do_what", "status"),
        ("do_value", "Pending"),
    ];
    make(&harness, &ada, "trigger", &rows).await;
    let told = created(&id(2), &id(1), "globex", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.shows(&ada, "/tickets/1", "st--pending").await;
    // The partner's rules set it back each time.
    let updates = async || {
        let commands = harness.commands(ACME).await;
        commands.into_iter().filter(|(_, name, _)| name == "ticket.update.v1").count()
    };
    for round in 0..14 {
        if updates().await > round {
            let told = json!({ "share_id": id(2), "revision": 10 + 2 * round });
            harness.answer(ACME, "ticket.update.v1", told).await;
        }
        let back = json!({ "share_id": id(2), "ticket_id": "1", "received_from": "globex",
            "via": "ticket_sharing", "revision": 11 + 2 * round, "status": "open" });
        harness.tell(ACME, "ticket.updated.v1", &format!("u{round}"), &back).await;
        harness.follows(ACME).await;
    }
    assert_eq!(updates().await, 10);
    let page = harness.get(&ada, "/tickets/1").await;
    page.has("Rules are paused for this ticket")
        .has("Rules are paused: ten updates")
        .has("st--open");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_a_rule_would_do_and_does_nothing() {
    let (harness, ada) = with_admin("helpdesk-dry").await;
    harness.agreement(ACME, &id(5), "sender", "initech", "public_and_private").await;
    harness.ticket(&ada, "One meter", &[("tags", "meter")]).await;
    harness.ticket(&ada, "Another thing", &[]).await;
    let page = harness.get(&ada, "/settings/rules/trigger/new").await;
    let path = page.between("id=\"rule\" class=\"panel\" method=\"post\" action=\"", "\"");
    let form = [
        ("new", "yes"),
        ("name", "Share meters"),
        ("on", "on"),
        ("do", "dry"),
        ("all_on", "tags"),
        ("all_op", "includes_any"),
        ("all_value", "meter, relay"),
        ("do_what", "share"),
        ("do_value", "INITECH"),
    ];
    let page = harness.post(&ada, &path, &form).await;
    page.is(200).has("Would fire").has("not met: Tags includes any of meter, relay");
    page.has("value=\"Share meters\"");
    // Another row is shown with the values of what is chosen in it, and only those.
    let more =
        [&form[..3], &[("do", "more"), ("all_on", "status"), ("all_op", "is"), ("all_value", "")]]
            .concat();
    let page = harness.post(&ada, &path, &more).await;
    page.is(200).has("<option value=\"hold\">On-hold</option>").lacks("Choose one of the values");
    let operators = page.between("id=\"all-op-1\"", "</select>");
    assert!(operators.contains("below") && !operators.contains("includes_any"), "{operators}");
    page.lacks("datalist");
    assert!(harness.commands(ACME).await.is_empty());
    harness.get(&ada, "/settings/rules/trigger").await.has("None yet");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_rule_comes_back_with_what_was_typed() {
    let (harness, ada) = with_admin("helpdesk-norule").await;
    let path = format!("/settings/rules/trigger/{}", id(60));
    for (rows, said) in [
        (
            vec![
                ("all_on", "status"),
                ("all_op", "is"),
                ("all_value", "Broken"),
                ("do_what", "status"),
                ("do_value", "Open"),
            ],
            "Choose one of the values",
        ),
        (vec![("all_on", "status"), ("all_op", "is"), ("all_value", "Open")], "needs an action"),
        (vec![("do_what", "status"), ("do_value", "Open")], "needs a condition"),
        (
            vec![
                ("all_on", "status"),
                ("all_op", "is"),
                ("all_value", "Open"),
                ("do_what", "group"),
                ("do_value", "Nobody"),
            ],
            "Choose one of the values",
        ),
    ] {
        let mut form = vec![("new", "yes"), ("name", "Odd"), ("do", "save")];
        form.extend(rows);
        harness.post(&ada, &path, &form).await.is(422).has(said).has("value=\"Odd\"");
    }
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automation_runs_once_a_ticket_and_hour() {
    let (harness, ada) = with_admin("helpdesk-automation").await;
    harness.ticket(&ada, "Old one", &[]).await;
    harness.ticket(&ada, "Young one", &[]).await;
    let rows = [
        ("all_on", "hours_since_update"),
        ("all_op", "at_least"),
        ("all_value", "24"),
        ("do_what", "add_tags"),
        ("do_value", "stale"),
    ];
    make(&harness, &ada, "automation", &rows).await;
    sqlx::query("update ticket set updated_at = now() - interval '30 hours' where number = 1")
        .execute(&harness.pool)
        .await
        .expect("the database answers");
    let now = contracts::Timestamp::parse("2030-01-01T10:05:00Z").expect("a time");
    assert_eq!(automations::turn(&harness.pool, now).await.expect("a turn"), 1);
    assert_eq!(automations::turn(&harness.pool, now).await.expect("a turn"), 0);
    harness.get(&ada, "/tickets/1").await.has("stale").has("tag--rule");
    harness.get(&ada, "/tickets/2").await.lacks("stale");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automation_that_finds_nothing_to_do_leaves_a_tickets_age() {
    let (harness, ada) = with_admin("helpdesk-automation-age").await;
    let status = [("do", "add"), ("name", "Triage"), ("category", "open")];
    harness.post(&ada, "/settings/statuses", &status).await.is(303);
    harness.post(&ada, "/settings/statuses", &[("do", "use")]).await.is(303);
    harness.ticket(&ada, "Meter", &[("tags", "stale")]).await;
    let set = [("status", "open:triage"), ("was:status", "new")];
    harness.post(&ada, "/tickets/1", &set).await.is(303);
    // The ticket keeps the custom status that nobody sees any more.
    harness.post(&ada, "/settings/statuses", &[("do", "leave")]).await.is(303);
    let rows = [
        ("all_on", "hours_since_update"),
        ("all_op", "at_least"),
        ("all_value", "24"),
        ("do_what", "add_tags"),
        ("do_value", "stale"),
    ];
    make(&harness, &ada, "automation", &rows).await;
    let aged = "update ticket set updated_at = now() - interval '30 hours' returning updated_at";
    let before: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar(aged).fetch_one(&harness.pool).await.expect("the database answers");
    let now = contracts::Timestamp::parse("2030-01-01T10:05:00Z").expect("a time");
    assert_eq!(automations::turn(&harness.pool, now).await.expect("a turn"), 0);
    let after: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("select updated_at from ticket")
        .fetch_one(&harness.pool)
        .await
        .expect("the database answers");
    assert_eq!(after, before);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_mails_the_requester_and_the_assignee() {
    let (harness, ada) = with_admin("helpdesk-rulemail").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let rows = [
        ("all_on", "ticket"),
        ("all_op", "is"),
        ("all_value", "created"),
        ("do_what", "mail_requester"),
        ("do_value", "We look at it within a day."),
        ("do_what", "mail_assignee"),
        ("do_value", "A new one for you."),
    ];
    let path = make(&harness, &ada, "trigger", &rows).await;
    harness.get(&ada, &path).await.has("selected>E-mail the requester").has("within a day.");
    let agent = sam.id.to_string();
    harness.ticket(&ada, "Pump", &[("assignee", &agent)]).await;
    // The first comment, and what the rule says.
    let to_robin = harness.mails_to("robin@customer.example", 2).await;
    let mail = to_robin.iter().find(|mail| mail.contains("within a day")).expect("the rule's mail");
    assert!(mail.contains("Subject: #1 Pump"), "{mail}");
    harness.ask("GET", &harness.link_in(mail), None, None).await.is(200).has("Pump");
    let to_sam = harness.mails_to(&format!("sam@{ACME}.example"), 1).await;
    assert!(to_sam[0].contains("A new one for you."), "{to_sam:?}");
    assert_eq!(harness.link_in(&to_sam[0]), "/tickets/1");
    // An update is not what it waits for.
    let set = [("status", "open"), ("was:status", "new")];
    harness.post(&sam, "/tickets/1", &set).await.is(303);
    assert_eq!(harness.all_mailed().await, 3);
    // nobody is mailed whom a reply would not be mailed to.
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    let told = created(&id(2), &id(1), "globex", json!({}));
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    harness.shows(&ada, "/tickets/2", "The rule <strong>Route it</strong> fired.").await;
    assert_eq!(harness.all_mailed().await, 3);
    // Automations mail nobody.
    let page = harness.get(&ada, "/settings/rules/automation/new").await;
    page.lacks("mail_requester").has("Share ticket with");
    harness.remove().await;
}
