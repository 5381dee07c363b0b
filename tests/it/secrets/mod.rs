//! No ticket's text in any log, at any level. Commands full of marked secrets go every way that a
//! message can go; then all that the services printed and exported is searched for the mark.

mod ground;
mod lines;
mod plant;
mod sources;

use serde_json::json;
use testkit::{Desk, until};

use self::ground::{LIMIT, SecretsFixture};
use self::plant::{MARK, PlantedCommand, samples};
use crate::partners::{OCCURRED, actor, comment, update};

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_ticket_reaches_a_log_or_a_span() {
    let _turn = crate::WHOLE_SYSTEM.lock().await;
    let ground = SecretsFixture::set().await;
    let (acme, globex) = (&ground.partners.acme, &ground.partners.globex);
    let waits = on_the_ladder(&ground).await;

    ground.takes("account.update.v1", &[]).await;
    let agreement = ground.partners.agreement.clone();
    let agreed = [("/agreement_id", agreement.as_str()), ("/ticket/id", "4711")];
    let shared = ground.takes("ticket.share.v1", &agreed).await;
    let share = shared.share_id.expect("a share").to_string();
    globex.ask("ticket.bind.v1", &json!({ "share_id": share, "ticket_id": "88" })).await;
    ground.takes("ticket.update.v1.comments", &[("/ticket_id", "4711")]).await;
    let mut reply = secret("globex/1", "a reply");
    reply["public"] = json!(true);
    globex.ask("ticket.update.v1", &update("88", &reply)).await;
    ground.delivered("a reply", acme).await;
    ground.delivered("comments-0-body", globex).await;

    ground.returned().await;
    ground.refused_by_a_full_queue().await;
    ground.dead_lettered().await;
    ground.poisoned().await;
    ground.undecodable().await;
    ground.held().await;
    ground.without_a_database().await;
    ground.discarded().await;
    ground.without_a_publisher().await;
    // Last: some of these end what the others stand on.
    everything(acme, &agreement, &share).await;
    acme.receipt(&waits).await;
    let told = ground.operators_read(&share).await;
    let (lines, spans) = ground.end().await;

    for (name, text) in &told {
        assert_no_secret(name, text.as_bytes());
    }
    for (file, text) in &lines.files {
        assert_no_secret(file, text.as_bytes());
    }
    assert!(!spans.is_empty(), "spans were exported");
    for (number, batch) in spans.iter().enumerate() {
        assert_no_secret(&format!("the exported batch {number}"), batch);
    }
    lines.tell_what_became_of_messages();
}

/// A comment whose text is a secret.
fn secret(id: &str, words: &str) -> serde_json::Value {
    let mut comment = comment(id, false);
    comment["body"] = json!(format!("{MARK} {words}"));
    comment
}

/// A command that is too early, and waits to be asked again.
async fn on_the_ladder(ground: &SecretsFixture) -> String {
    let acme = &ground.partners.acme;
    let id = acme.next_id();
    let early = update("4712", &secret("acme/early", "before its share"));
    acme.send_json(&id, "ticket.update.v1", &early).await.expect("the broker takes it");
    id
}

/// Every sample, planted; every place of it with what does not fit; and bodies that are no JSON.
async fn everything(acme: &Desk, agreement: &str, share: &str) {
    let names = [
        ("/agreement_id", agreement),
        ("/share_id", share),
        ("/ticket_id", "4711"),
        ("/ticket/id", "4711"),
    ];
    let samples: Vec<PlantedCommand> = samples().into_iter().map(|one| one.with(&names)).collect();
    let whole = samples.iter().map(PlantedCommand::planted);
    let misfits = samples.iter().flat_map(PlantedCommand::misfits);
    let mut sent = Vec::new();
    for command in whole.chain(misfits) {
        let id = acme.next_id();
        acme.send_json(&id, &command.kind, &command.content).await.expect("the broker takes it");
        sent.push((id, command));
    }
    for body in [
        format!("{{\"subject\": \"{MARK}"),
        format!("\"{MARK}\""),
        MARK.to_owned(),
        format!("{{\"{MARK}\": 1}}"),
        format!("{{\"ticket_id\": \"4711\", \"{MARK}\": \"\\u0000\"}}"),
    ] {
        let id = acme.next_id();
        acme.publish("acme.ticket.update", "ticket.update.v1", &id, body.as_bytes(), |it| it)
            .await
            .expect("the broker takes it");
    }
    until("a receipt for everything", LIMIT, async || {
        let (_, open) = acme.unanswered();
        // What only the operator may send is answered too; nothing is lost.
        let open: Vec<_> = open.iter().filter(|id| id.starts_with("acme-")).collect();
        let what = |id: &&String| sent.iter().find(|(sent, _)| sent == *id).map(|(_, it)| &it.what);
        match open.first() {
            None => Ok(()),
            Some(id) => Err(format!("{} without: {id} {:?}", open.len(), what(id))),
        }
    })
    .await;
    let quoting = sent.iter().filter(|(id, _)| {
        let (receipt, _) = acme.answer(id).expect("it was answered");
        serde_json::to_string(&receipt).expect("a receipt is JSON").contains(MARK)
    });
    assert!(quoting.count() > 20, "receipts quote what they refuse, so refusals hold secrets");
}

/// What acme publishes without saying who it is.
async fn nobodys(acme: &Desk) {
    let body = update("4711", &secret("acme/nobody", "of nobody")).to_string();
    acme.publish("acme.ticket.update", "ticket.update.v1", "from-nobody", body.as_bytes(), |_| {
        lapin::BasicProperties::default()
            .with_message_id("from-nobody".into())
            .with_type("ticket.update.v1".into())
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
    })
    .await
    .expect("the broker takes it");
}

/// A ticket that initech shares before it is registered.
fn strangers_share(agreement: &str) -> serde_json::Value {
    let ticket = json!({ "id": "1", "subject": format!("{MARK} of a stranger"), "status": "open",
        "requester": actor() });
    json!({ "agreement_id": agreement, "actor": actor(), "occurred_at": OCCURRED,
        "ticket": ticket })
}

#[track_caller]
fn assert_no_secret(name: &str, bytes: &[u8]) {
    for shape in plant::shapes() {
        let found = bytes.windows(shape.len()).position(|part| part == shape.as_bytes());
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(400)..(at + 200).min(bytes.len())];
            panic!("{name} has {shape:?}: …{}…", String::from_utf8_lossy(around));
        }
    }
}
