//! Files of replies and notes: kept here, given away as links of an origin of their own.

use serde_json::{Value, json};
use web::StaffRole;

use crate::harness::{ACME, FILE_BYTES, GLOBEX, HelpdeskHarness, created, id};

const PAGE: &[u8] = b"<script>alert(1)</script>";

/// What a link answers: status, headers and body.
async fn fetched(url: &str) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let url = url.to_owned();
    let fetching = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut response = agent.get(&url).call().expect("an answer");
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
        let (status, headers) = (response.status().as_u16(), headers.collect());
        (status, headers, response.body_mut().read_to_vec().expect("a body"))
    });
    fetching.await.expect("the request ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn r_36_a_file_of_a_reply_is_a_link_that_partners_follow() {
    let harness = HelpdeskHarness::set("helpdesk-r36").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.agreement(ACME, &id(1), "sender", "globex", "public_and_private").await;
    harness.ticket(&sam, "Meter", &[]).await;
    let form = [("body", "See the picture."), ("mode", "public"), ("key", &id(7))];
    let files = [("../pump <1>.html", PAGE), ("empty.txt", b"".as_slice())];
    harness.upload(&sam, "/tickets/1", &form, &files).await.is(303);
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("See the picture.").has("pump &#60;1&#62;.html").has("empty.txt").lacks("../pump");
    let link = page.between("<a class=\"file\" href=\"", "\"");
    assert!(link.starts_with(&harness.files_url), "an origin of its own: {link}");
    let (status, headers, body) = fetched(&link).await;
    assert_eq!((status, body.as_slice()), (200, PAGE));
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert!(header("content-disposition").starts_with("attachment"), "{headers:?}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox"), "{headers:?}");
    harness.post(&sam, "/tickets/1/share", &[("share_with", &id(1))]).await.is(303);
    let (_, share) = harness.command(ACME, "ticket.share.v1").await;
    let told = &share["ticket"]["comments"][1]["attachments"][0];
    assert_eq!((told["url"].as_str(), &told["size"]), (Some(link.as_str()), &json!(PAGE.len())));
    // A redaction takes one link away, here and at partners.
    let applied = json!({ "share_id": share["share_id"], "revision": 1 });
    harness.answer(ACME, "ticket.share.v1", applied).await;
    harness.shows(&sam, "/tickets/1", "Outbound to").await;
    let (comment, file) = (id(7), told["id"].as_str().unwrap_or_default().to_owned());
    let form = [("comment", comment.as_str()), ("attachment", file.as_str())];
    harness.post(&sam, "/tickets/1/redact", &form).await.is(303);
    assert_eq!(fetched(&link).await.0, 404);
    let (_, redact): (String, Value) = harness.command(ACME, "ticket.redact.v1").await;
    assert_eq!((&redact["comment_id"], &redact["attachment_id"]), (&json!(comment), &json!(file)));
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("See the picture.").has("empty.txt").lacks(&link).lacks("pump &#60;1&#62;.html");
    let other = page.between("<a class=\"file\" href=\"", "\"");
    let (status, _, body) = fetched(&other).await;
    assert_eq!((status, body.len()), (200, 0), "the other file stays");
    harness.post(&sam, "/tickets/1/redact", &form).await.is(404);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ticket_has_its_files_also_after_a_mistake() {
    let harness = HelpdeskHarness::set("helpdesk-filesnew").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.get(&sam, "/tickets/new").await.has("multipart/form-data").has("Attach files");
    let mut form = vec![
        ("subject", "Pump"),
        ("requester_name", "Robin Vale"),
        ("requester_email", "robin"),
        ("body", "See the picture."),
        ("mode", "public"),
    ];
    let refused = harness.upload(&sam, "/tickets", &form, &[("pump.txt", PAGE)]).await;
    let kept = refused.is(422).has("pump.txt").between("name=\"kept\" value=\"", "\"");
    form[2].1 = "robin@customer.example";
    form.push(("kept", &kept));
    let opened = harness.upload(&sam, "/tickets", &form, &[("meter.txt", PAGE)]).await;
    assert_eq!(opened.is(303).location, "/tickets/1");
    let page = harness.get(&sam, "/tickets/1").await;
    page.has("See the picture.").has("pump.txt").has("meter.txt").has(&kept);
    assert_eq!(fetched(&kept).await.0, 200);
    let linked: i64 = sqlx::query_scalar("select count(*) from file where linked_at is not null")
        .fetch_one(&harness.pool)
        .await
        .expect("the database answers");
    assert_eq!(linked, 2);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_for_a_file_is_said() {
    let harness = HelpdeskHarness::set("helpdesk-filebounds").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    let form = [("body", "See."), ("mode", "note")];
    let large = vec![b'x'; usize::try_from(FILE_BYTES).expect("few") + 1];
    let refused = harness.upload(&sam, "/tickets/1", &form, &[("large", &large)]).await;
    refused.is(422).has("A file can have at most");
    let many: Vec<(&str, &[u8])> = (0..21).map(|_| ("small", PAGE)).collect();
    harness.upload(&sam, "/tickets/1", &form, &many).await.is(422).has("at most 20 files");
    let nothing = [("body", " "), ("mode", "note")];
    let refused = harness.upload(&sam, "/tickets/1", &nothing, &[("small", PAGE)]).await;
    refused.is(422).has("Write something to go with the files");
    harness.get(&sam, "/tickets/1").await.lacks("See.");
    harness.upload(&sam, "/tickets/1", &form, &[]).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("See.");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_outlasts_an_answer_that_was_not_saved() {
    let harness = HelpdeskHarness::set("helpdesk-filekept").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let lee = harness.person(ACME, "Lee", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    let set = |status| [("status", status), ("was:status", "new")];
    harness.post(&lee, "/tickets/1", &set("pending")).await.is(303);
    let mut late = set("solved").to_vec();
    late.extend([("body", "See."), ("mode", "public")]);
    let again = harness.upload(&sam, "/tickets/1", &late, &[("pump.txt", PAGE)]).await;
    let kept = again.is(409).has("pump.txt").between("name=\"kept\" value=\"", "\"");
    let form = [("body", "See."), ("mode", "public"), ("kept", kept.as_str())];
    harness.upload(&sam, "/tickets/1", &form, &[]).await.is(303);
    harness.get(&sam, "/tickets/1").await.has(&kept).has("pump.txt");
    assert_eq!(fetched(&kept).await.0, 200);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_for_a_ticket_that_is_not_there() {
    let harness = HelpdeskHarness::set("helpdesk-filenowhere").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let form = [("body", "See."), ("mode", "note")];
    harness.upload(&sam, "/tickets/999", &form, &[("pump.txt", PAGE)]).await.is(404);
    let kept: i64 = sqlx::query_scalar("select count(*) from file")
        .fetch_one(&harness.pool)
        .await
        .expect("the database answers");
    assert_eq!(kept, 0);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_file_is_not_attached_by_its_link() {
    let harness = HelpdeskHarness::set("helpdesk-fileowner").await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    let gus = harness.person(GLOBEX, "Gus", StaffRole::Agent).await;
    harness.ticket(&sam, "Meter", &[]).await;
    harness.ticket(&gus, "Pump", &[]).await;
    let form = [("body", "Ours."), ("mode", "note")];
    harness.upload(&gus, "/tickets/1", &form, &[("ours.txt", PAGE)]).await.is(303);
    let page = harness.get(&gus, "/tickets/1").await;
    let link = page.between("<a class=\"file\" href=\"", "\"");
    let form = [("body", "Taken."), ("mode", "note"), ("kept", link.as_str())];
    harness.upload(&sam, "/tickets/1", &form, &[]).await.is(303);
    harness.get(&sam, "/tickets/1").await.has("Taken.").lacks("ours.txt").lacks(&link);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_35_secure_downloads_are_said_where_files_are_attached() {
    let harness = HelpdeskHarness::set("helpdesk-r35").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    harness.ticket(&ada, "Meter", &[]).await;
    harness.get(&ada, "/tickets/1").await.has("Everyone who sees the reply can download them.");
    harness.post(&ada, "/settings/tickets", &[("language", "en"), ("secure", "on")]).await.is(303);
    harness.get(&ada, "/tickets/1").await.has("partners get no files");
    harness.agreement(ACME, &id(1), "receiver", "globex", "public_and_private").await;
    let told = created(
        &id(2),
        &id(1),
        "globex",
        json!({ "comments": [{ "id": "globex/1",
        "author": crate::harness::placeholder("Jo Park"), "body": "It drips.", "public": true,
        "attachments": [
            { "id": "a", "filename": "pump.png",
              "url": "https://files.globex.example/f/1/pump.png" },
            { "id": "b", "filename": "odd", "url": "javascript:alert(1)" }] }] }),
    );
    harness.tell(ACME, "ticket.created.v1", "c", &told).await;
    let page = harness.shows(&ada, "/tickets/2", "pump.png").await;
    page.has("https://files.globex.example/f/1/pump.png").lacks("javascript:");
    harness.remove().await;
}
