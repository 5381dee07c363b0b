//! Redaction: the account of a comment's author blanks it, or one of its files, wherever it is and
//! wherever it goes later.

use contracts::delivery::DeliveryBody;
use contracts::{ItemOutcome, Reason, Receipt, ReceiptOutcome, ShareId};
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use crate::comments::item_of;
use crate::context::{
    ConformanceContext, Partners, agent, applied, everything, item, refused, with,
};
use crate::copies::{self, COPY, Chain, ORIGINAL, hears, text};

async fn redact(desk: &Desk, number: &str, comment: &Value, attachment: Option<&str>) -> Receipt {
    let command = json!({ "ticket_id": number, "comment_id": comment["id"],
        "attachment_id": attachment, "actor": agent() });
    desk.ask("ticket.redact.v1", &command).await
}

/// The copies that a redaction's receipt says it did not reach: by which share, and why.
fn unreached(receipt: &Receipt, comment: &Value) -> Vec<(ShareId, Reason)> {
    assert_eq!(receipt.outcome, ReceiptOutcome::Partial, "{receipt:?}");
    let withheld = receipt.decisions.iter().filter(|it| it.outcome == ItemOutcome::Withheld);
    let named = withheld.map(|it| {
        assert_eq!(it.item.to_string(), item_of(comment), "{receipt:?}");
        (it.share_id.clone().expect("the share"), it.reason.expect("a reason"))
    });
    named.collect()
}

/// Waits until a comment is blank at a desk.
async fn is_blank(desk: &Desk, share: &ShareId, comment: &Value) {
    until(&format!("{} blank at {}", comment["id"], desk.account), PATIENCE, async || {
        match text(desk, share, comment) {
            Some(text) if text.is_empty() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

pub async fn also_a_redaction_blanks_every_copy_and_those_to_come(context: ConformanceContext) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&context, everything()).await;
    let umbrella = context.desk("umbrella").await;
    let further = context.agree(&initech, &umbrella, everything()).await;
    let comment = with(
        context.comment(&globex, "Her card ends in 11.", true),
        &json!({ "html_body": "<p>Her card ends in 11.</p>" }),
    );
    applied(&context.update(&globex, COPY, json!({ "comments": [comment] })).await);
    hears(&acme, &comment).await;
    hears(&initech, &comment).await;
    let receipt = redact(&globex, COPY, &comment, None).await;
    item(&receipt, &item_of(&comment), ItemOutcome::Transferred, None);
    for (desk, share) in [(&acme, &first), (&globex, &first), (&initech, &second)] {
        is_blank(desk, share, &comment).await;
    }
    let again = redact(&globex, COPY, &comment, None).await;
    assert_eq!((again.outcome, again.reason), (ReceiptOutcome::Ignored, Some(Reason::Unchanged)));
    let (receipt, third) =
        context.share(&initech, &further, json!({ "id": "1-far-copy", "copy_of": second })).await;
    applied(&receipt);
    let created = context.created(&umbrella, &third).await;
    let blank =
        created.comments.iter().find(|it| comment["id"] == it.id.as_str()).expect("it is there");
    assert_eq!((blank.body.as_str(), &blank.html_body), ("", &None));
    assert!(umbrella.bodies().iter().all(|body| !body.contains("card ends")));
}

pub async fn also_a_redaction_waits_for_a_comment_that_comes_later(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let (late, other) = (
        context.comment(&acme, "Too much said.", true),
        context.comment(&acme, "Well said.", true),
    );
    applied(&redact(&acme, ORIGINAL, &late, None).await);
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [late, other] })).await);
    assert_eq!(hears(&globex, &late).await.body, "");
    assert_eq!(hears(&globex, &other).await.body, "Well said.");
    // Once shared, always: also while no share of the ticket is live.
    applied(&context.unshare(&acme, &share).await);
    let receipt = redact(&acme, ORIGINAL, &other, None).await;
    assert_eq!(unreached(&receipt, &other), [(share.clone(), Reason::NotShared)]);
    let (receipt, anew) = context.share(&acme, &agreement, json!({ "id": ORIGINAL })).await;
    applied(&receipt);
    let created = context.created(&globex, &anew).await;
    assert!(created.comments.iter().all(|comment| comment.body.is_empty()), "{created:?}");
    assert_eq!(created.comments.len(), 2);
}

pub async fn also_one_file_of_a_comment_is_redacted_alone(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let file = |id: &str| {
        json!({ "id": id, "filename": "scan.png",
            "url": format!("https://files.acme.example/{id}") })
    };
    let files = json!({ "attachments": [file("passport"), file("invoice")] });
    let comment = with(context.comment(&acme, "Both scans.", true), &files);
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
    assert_eq!(hears(&globex, &comment).await.attachments.len(), 2);
    let receipt = redact(&acme, ORIGINAL, &comment, Some("passport")).await;
    item(&receipt, "attachment:passport", ItemOutcome::Transferred, None);
    let updated = context
        .updated(&globex, &share, "the redaction", |updated| !updated.redact.is_empty())
        .await;
    assert_eq!(
        json!(updated.redact),
        json!([{ "comment_id": comment["id"], "attachment_id": "passport" }])
    );
    // It holds for a file that comes later as well.
    let later = with(context.comment(&acme, "Once more.", true), &files);
    applied(&redact(&acme, ORIGINAL, &later, Some("passport")).await);
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [later] })).await);
    applied(&globex.ask("ticket.resync.v1", &json!({ "share_id": share })).await);
    let (state, _) = globex
        .told("the copy as it is held", |told| match told {
            DeliveryBody::TicketState(state) => Some(state.clone()),
            _ => None,
        })
        .await;
    let left: Vec<(&str, Vec<&str>)> = state
        .comments
        .iter()
        .map(|it| (it.body.as_str(), it.attachments.iter().map(|file| file.id.as_str()).collect()))
        .collect();
    assert_eq!(left, [("Both scans.", vec!["invoice"]), ("Once more.", vec!["invoice"])]);
}

pub async fn also_nobody_but_its_authors_account_redacts_a_comment(context: ConformanceContext) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&context, everything()).await;
    let comment = context.comment(&acme, "It stays.", true);
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
    for (desk, number) in [(&globex, COPY), (&initech, "1-far-copy")] {
        hears(desk, &comment).await;
        refused(&redact(desk, number, &comment, None).await, Reason::NotTheAuthor);
        let unknown = json!({ "id": format!("{}/unknown", acme.account) });
        refused(&redact(desk, number, &unknown, None).await, Reason::NotTheAuthor);
    }
    context.heard(&acme, &globex, &first).await;
    context.heard(&initech, &globex, &second).await;
    for desk in [&acme, &initech] {
        let blanked = desk.with_deliveries(|all| {
            all.iter().any(|it| {
                matches!(&it.told,
                    DeliveryBody::TicketUpdated(updated) if !updated.redact.is_empty())
            })
        });
        assert!(!blanked, "{}", desk.account);
    }
}

/// "When traffic stops, every desk holds what `ticket.resync` would tell it."
pub async fn part_5_a_copy_that_comes_back_hears_the_redactions_it_missed(
    context: ConformanceContext,
) {
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let agreement = context.agree(&acme, &globex, everything()).await;
    let onward = context.agree(&globex, &initech, everything()).await;
    let first = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let file =
        json!({ "id": "scan", "filename": "scan.png", "url": "https://files.acme.example/scan" });
    let (whole, scanned) = (
        context.comment(&acme, "Her card ends in 11.", true),
        with(context.comment(&acme, "A scan.", true), &json!({ "attachments": [file] })),
    );
    let theirs = context.comment(&globex, "He is at home after six.", true);
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [whole, scanned] })).await);
    applied(&context.update(&globex, COPY, json!({ "comments": [theirs] })).await);
    hears(&globex, &scanned).await;
    hears(&acme, &theirs).await;
    applied(&context.unshare(&acme, &first).await);

    // Out of reach: each receipt names the other's copy by the share that has ended.
    let not_shared = [(first.clone(), Reason::NotShared)];
    let receipt = redact(&acme, ORIGINAL, &whole, None).await;
    assert_eq!(unreached(&receipt, &whole), not_shared);
    let receipt = redact(&acme, ORIGINAL, &scanned, Some("scan")).await;
    item(&receipt, "attachment:scan", ItemOutcome::Withheld, Reason::NotShared);
    let receipt = redact(&globex, COPY, &theirs, None).await;
    assert_eq!(unreached(&receipt, &theirs), not_shared);
    assert_eq!(text(&globex, &first, &whole).as_deref(), Some("Her card ends in 11."));

    // The sender's copy comes back by a new share of it, which leaves the old copy where it was.
    let (receipt, again) = context.share(&acme, &agreement, json!({ "id": ORIGINAL })).await;
    applied(&receipt);
    is_blank(&acme, &again, &theirs).await;
    assert_eq!(text(&globex, &first, &whole).as_deref(), Some("Her card ends in 11."));

    // The receiver's old copy comes back when it is shared on.
    let (receipt, second) =
        context.share(&globex, &onward, json!({ "id": COPY, "copy_of": first })).await;
    applied(&receipt);
    is_blank(&globex, &first, &whole).await;
    let files = |desk: &Desk, share: &ShareId| {
        let id = scanned["id"].as_str().expect("an id");
        desk.with_model(|model| {
            let ticket = model.shared(share.as_str()).expect("it has the ticket");
            ticket.files(id).len()
        })
    };
    until("the scan gone at globex", PATIENCE, async || match files(&globex, &first) {
        0 => Ok(()),
        left => Err(format!("{left} files")),
    })
    .await;
    let created = context.created(&initech, &second).await;
    assert!(created.comments.iter().all(|it| it.attachments.is_empty()), "{created:?}");
    copies::agree((&globex, &second), (&initech, &second)).await;
    let late = context.updated(&globex, &second, "the redaction", |it| !it.redact.is_empty()).await;
    assert_eq!((late.actor, late.redact.len()), (None, 2), "it was not initech who did it");
    assert!(initech.bodies().iter().all(|body| !body.contains("card ends")));
}

pub async fn also_a_redaction_names_every_copy_it_does_not_reach(context: ConformanceContext) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&context, everything()).await;
    let comment = context.comment(&acme, "Too much said.", true);
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
    hears(&initech, &comment).await;
    applied(&context.unshare(&globex, &second).await);
    // A copy further along is named by the publisher's own share on the way to it.
    let receipt = redact(&acme, ORIGINAL, &comment, None).await;
    let decision = |outcome| {
        let of = receipt.decisions.iter().filter(|it| it.outcome == outcome);
        of.map(|it| (it.share_id.clone(), it.reason, it.detail.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(decision(ItemOutcome::Transferred), [(Some(first.clone()), None, false)]);
    assert_eq!(
        decision(ItemOutcome::Withheld),
        [(Some(first.clone()), Some(Reason::NotShared), true)]
    );
    is_blank(&globex, &first, &comment).await;
    let again = redact(&acme, ORIGINAL, &comment, None).await;
    assert_eq!(unreached(&again, &comment), [(first.clone(), Reason::NotShared)], "as long as so");

    // The ended old copy of a ticket that is shared again, after a deactivation.
    let [umbrella, hooli] = context.desks(["umbrella", "hooli"]).await;
    let agreement = context.agree(&umbrella, &hooli, everything()).await;
    let old = context.shared(&umbrella, &hooli, &agreement, ORIGINAL).await;
    let other = context.comment(&umbrella, "Too much said again.", true);
    applied(&context.update(&umbrella, ORIGINAL, json!({ "comments": [other] })).await);
    hears(&hooli, &other).await;
    applied(&context.decide(&hooli, "deactivate", &agreement).await);
    let anew = context.agree(&umbrella, &hooli, everything()).await;
    let (receipt, live) = context.share(&umbrella, &anew, json!({ "id": ORIGINAL })).await;
    applied(&receipt);
    context.created(&hooli, &live).await;
    let receipt = redact(&umbrella, ORIGINAL, &other, None).await;
    assert_eq!(unreached(&receipt, &other), [(old, Reason::AgreementInactive)]);
    is_blank(&hooli, &live, &other).await;
}
