//! What desks write otherwise than another would: it is taken where it can be read in one way only,
//! and its receipt says so; one bad item holds back nothing else.

use contracts::{ItemOutcome, Reason, Receipt, ReceiptOutcome};
use serde_json::{Value, json};
use testkit::Desk;

use crate::comments::item_of;
use crate::context::{
    ConformanceContext, Partners, agent, applied, everything, item, refused, with,
};
use crate::copies::{ORIGINAL, hears};

/// An update of the ticket, sent as these bytes under this content type.
async fn raw(desk: &Desk, body: &[u8], content_type: &str) -> Receipt {
    let id = desk.next_id();
    let key = format!("{}.ticket.update", desk.account);
    let content_type = lapin::types::ShortString::from(content_type);
    desk.publish(&key, "ticket.update.v1", &id, body, |it| it.with_content_type(content_type))
        .await
        .expect("the broker takes it");
    desk.receipt(&id).await
}

fn update_with(comment: &Value) -> Value {
    json!({
        "ticket_id": ORIGINAL,
        "actor": agent(),
        "occurred_at": "2026-03-01T10:00:00Z",
        "comments": [comment],
    })
}

async fn shared(context: &ConformanceContext) -> Partners {
    let partners = context.partners(everything()).await;
    context.shared(&partners.acme, &partners.globex, &partners.agreement, ORIGINAL).await;
    partners
}

pub async fn also_a_body_is_read_as_programs_write_it(context: ConformanceContext) {
    let Partners { acme, globex, .. } = shared(&context).await;
    let said = |number: u8| context.comment(&acme, &format!("Number {number}."), true);
    let marked = said(1);
    let body = format!("\u{feff}{}", update_with(&marked));
    applied(&raw(&acme, body.as_bytes(), "application/json; charset=UTF-8").await);
    hears(&globex, &marked).await;
    let large = said(2);
    let body = update_with(&large).to_string().replacen('{', r#"{"a_number":1e400,"#, 1);
    let receipt = raw(&acme, body.as_bytes(), "Application/JSON").await;
    applied(&receipt);
    assert!(
        receipt.detail.as_deref().is_some_and(|it| it.starts_with("/a_number: ")),
        "{receipt:?}"
    );
    hears(&globex, &large).await;
    let cut = with(said(3), &json!({ "body": "An emoji cut in two: HALF" }));
    let body = update_with(&cut).to_string().replace("HALF", r"\ud83d");
    let receipt = raw(&acme, body.as_bytes(), "application/vnd.acme+json").await;
    applied(&receipt);
    item(&receipt, "member:/comments/0/body", ItemOutcome::Mapped, Reason::Malformed);
    assert_eq!(hears(&globex, &cut).await.body, "An emoji cut in two: \u{fffd}");
}

pub async fn part_8_html_crosses_clean_or_goes_as_text(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    let with_html = |html: &str| {
        let mut comment = context.comment(acme, "It smokes.", true);
        comment["html_body"] = json!(html);
        comment
    };
    let careless = with_html("<p onclick=\"x()\">It <b>smokes</b><script>x()</script></p>");
    applied(&context.update(acme, "1", json!({ "comments": [careless] })).await);
    let came = context.updated(globex, &share, "the HTML", |it| it.comments.len() == 1).await;
    assert_eq!(came.comments[0].html_body.as_deref(), Some("<p>It <b>smokes</b></p>"));

    let dear = with_html(&"<p>".repeat(9_000));
    let id = format!("comment:{}", dear["id"].as_str().expect("its id"));
    let receipt =
        context.update(acme, "1", json!({ "comments": [dear, with_html("<i>x</i>")] })).await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Applied, "{receipt:?}");
    item(&receipt, &id, ItemOutcome::Mapped, Reason::Malformed);
    let came = context.updated(globex, &share, "the text", |it| it.comments.len() == 2).await;
    let html: Vec<_> = came.comments.iter().map(|it| it.html_body.as_deref()).collect();
    assert_eq!(html, [None, Some("<i>x</i>")]);
    assert_eq!(came.comments[0].body, "It smokes.");
}

pub async fn also_a_bad_link_keeps_its_file_back_and_nothing_else(context: ConformanceContext) {
    let Partners { acme, globex, .. } = shared(&context).await;
    let file = |id: &str, url: &str| json!({ "id": id, "filename": "f", "url": url });
    let comment = with(
        context.comment(&acme, "See the files.", true),
        &json!({ "attachments": [
            file("good", "https://acme.example/1"), file("loud", "HTTPS://acme.example/2"),
            file("plain", "http://acme.example/1"), file("cid", "cid:1"), file("data", "data:,x"),
            file("relative", "/files/1"), file("blank", "https://acme.example/a b"),
            file("secret", "https://ada:secret@acme.example/1"), file("nowhere", "https:///1"),
        ] }),
    );
    let other = context.comment(&acme, "All else is fine.", true);
    let change = json!({ "comments": [comment, other], "status": "pending" });
    let receipt = context.update(&acme, ORIGINAL, change).await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Partial);
    for id in ["plain", "cid", "data", "relative", "blank", "secret", "nowhere"] {
        item(&receipt, &format!("attachment:{id}"), ItemOutcome::Withheld, Reason::BadLink);
    }
    item(&receipt, &item_of(&comment), ItemOutcome::Transferred, None);
    let heard = hears(&globex, &comment).await;
    let urls: Vec<_> = heard.attachments.iter().map(|file| file.url.as_str()).collect();
    assert_eq!(urls, ["https://acme.example/1", "https://acme.example/2"]);
    hears(&globex, &other).await;
    assert!(globex.bodies().iter().all(|body| !body.contains("secret")));
}

pub async fn also_unknown_members_are_named_and_ignored(context: ConformanceContext) {
    let Partners { acme, globex, .. } = shared(&context).await;
    let comment = with(context.comment(&acme, "Hello.", true), &json!({ "source": "chat" }));
    let change = json!({ "comments": [comment], "prioritiy": "high" });
    let receipt = context.update(&acme, ORIGINAL, change).await;
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Applied, Some(Reason::UnknownMembers))
    );
    let detail = receipt.detail.unwrap_or_default();
    assert!(detail.starts_with("/comments/0/source, /prioritiy: "), "{detail}");
    hears(&globex, &comment).await;
    // Also along the whole line of a setting, and where nothing is done.
    let receipt = context.set(&acme, json!({ "locale": "de", "localle": "de" })).await;
    assert_eq!(receipt.reason, Some(Reason::UnknownMembers), "{receipt:?}");
    let receipt = acme.ask("ticket.update.v1", &json!({ "ticketId": ORIGINAL })).await;
    refused(&receipt, Reason::Malformed);
    assert!(receipt.detail.is_some_and(|it| it.contains("/ticketId")));
}

pub async fn also_a_comment_that_may_be_internal_stays(context: ConformanceContext) {
    let Partners { acme, globex, .. } = shared(&context).await;
    let note = |member: &str| {
        json!({
            "id": format!("{}/{}", acme.account, context.number()),
            "body": "For us alone.",
            member: false,
        })
    };
    let notes: Vec<Value> =
        ["is_public", "Public", "publik", "visibility"].map(note).into_iter().collect();
    let said = context.comment(&acme, "For everybody.", true);
    let comments: Vec<Value> = notes.iter().chain([&said]).cloned().collect();
    let receipt = context.update(&acme, ORIGINAL, json!({ "comments": comments })).await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Partial);
    for note in &notes {
        item(&receipt, &item_of(note), ItemOutcome::Withheld, Reason::UnknownMembers);
    }
    hears(&globex, &said).await;
    let alone = context.update(&acme, ORIGINAL, json!({ "comments": [note("isPublic")] })).await;
    assert_eq!(alone.outcome, ReceiptOutcome::Partial);
    assert!(globex.bodies().iter().all(|body| !body.contains("For us alone")));
    // Spelt as the contract has it, under the same id, it crosses.
    let mended = with(notes[0].clone(), &json!({ "body": "Mended.", "public": true }));
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [mended] })).await);
    hears(&globex, &mended).await;
}

pub async fn also_an_id_is_the_same_in_either_case(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let (share, file) = (context.id(), context.id());
    let ticket = json!({ "id": ORIGINAL });
    let upper = |id: &str| json!(id.to_uppercase());
    let receipt = context
        .share_with(
            &acme,
            &agreement,
            json!({
                "share_id": upper(&share),
                "agreement_id": upper(agreement.as_str()),
                "ticket": ticket,
            }),
        )
        .await
        .0;
    applied(&receipt);
    assert_eq!(receipt.share_id.map(|it| it.to_string()), Some(share.clone()));
    for id in [
        context.id(),
        format!("{}/{}", acme.account, context.id()),
        context.id().replace('-', "") + "00112233",
    ] {
        let local = id.rsplit('/').next().unwrap_or_default().to_uppercase();
        let loud =
            id.rsplit_once('/').map_or(local.clone(), |(account, _)| format!("{account}/{local}"));
        let attachment =
            json!({ "id": upper(&file), "filename": "f", "url": "https://acme.example/f" });
        let comment =
            json!({ "id": loud, "body": "Her card ends in 11.", "attachments": [attachment] });
        let quiet = with(comment.clone(), &json!({ "id": id }));
        applied(&context.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
        hears(&globex, &quiet).await;
        let again = context.update(&acme, ORIGINAL, json!({ "comments": [quiet] })).await;
        assert_eq!(
            (again.outcome, again.reason),
            (ReceiptOutcome::Ignored, Some(Reason::Unchanged))
        );
        let redact = |attachment: Option<&str>| {
            json!({
                "share_id": upper(&share),
                "comment_id": id,
                "attachment_id": attachment,
                "actor": agent(),
            })
        };
        for attachment in [Some(file.as_str()), None] {
            let receipt = acme.ask("ticket.redact.v1", &redact(attachment)).await;
            let crossed = |it: &contracts::Decision| it.outcome == ItemOutcome::Transferred;
            assert!(receipt.decisions.iter().any(crossed), "{receipt:?}");
        }
    }
}

pub async fn also_a_receipt_says_what_took_effect(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let person =
        json!({ "id": "r", "name": "Rosa", "role": "end_user", "email": "r@acme.example" });
    let ccs = json!([{ "name": "C", "email": "c@acme.example" }]);
    let ticket = json!({ "id": ORIGINAL, "requester": person, "ccs": ccs });
    let (receipt, share) = context.share(&acme, &agreement, ticket.clone()).await;
    item(&receipt, "requester", ItemOutcome::Withheld, Reason::AddressStays);
    item(&receipt, "ccs", ItemOutcome::Withheld, Reason::CcsStay);
    assert_eq!(receipt.outcome, ReceiptOutcome::Applied, "nothing that could cross was left out");
    context.created(&globex, &share).await;
    let (again, _) = context.share(&acme, &agreement, ticket).await;
    refused(&again, Reason::AlreadyShared);
    assert_eq!(again.share_id, Some(share), "it names the share that there is");
    // Open there already: nothing is sent, and yet it is on hold here.
    let hold = context.update(&acme, ORIGINAL, json!({ "status": "hold" })).await;
    assert_eq!((hold.outcome, hold.reason), (ReceiptOutcome::Applied, None));
    let again = context.update(&acme, ORIGINAL, json!({ "status": "hold" })).await;
    assert_eq!((again.outcome, again.reason), (ReceiptOutcome::Ignored, Some(Reason::Unchanged)));
    let nobodys = format!("{}/{}", acme.account, context.number());
    let redact = json!({ "ticket_id": ORIGINAL, "comment_id": nobodys, "actor": agent() });
    let waits = acme.ask("ticket.redact.v1", &redact).await;
    assert_eq!(waits.outcome, ReceiptOutcome::Applied);
    let [told] = &waits.decisions[..] else { panic!("{waits:?}") };
    assert!(told.detail.as_deref().is_some_and(|it| it.contains("waits for it")), "{told:?}");
}
