//! Redaction: the account of a comment's author blanks it, or one of its files, wherever it is and
//! wherever it goes later.

use contracts::delivery::Told;
use contracts::{ItemOutcome, Reason, Receipt, ReceiptOutcome, ShareId};
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use crate::comments::item_of;
use crate::copies::{self, COPY, Chain, ORIGINAL, hears, text};
use crate::office::{Office, Partners, agent, applied, everything, item, refused, with};

async fn redact(desk: &Desk, number: &str, comment: &Value, attachment: Option<&str>) -> Receipt {
    let command = json!({ "ticket_id": number, "comment_id": comment["id"], "attachment_id": attachment, "actor": agent() });
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

pub async fn also_a_redaction_blanks_every_copy_and_those_to_come(office: Office) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&office, everything()).await;
    let umbrella = office.desk("umbrella").await;
    let further = office.agree(&initech, &umbrella, everything()).await;
    let comment = with(
        office.comment(&globex, "Her card ends in 11.", true),
        &json!({ "html_body": "<p>Her card ends in 11.</p>" }),
    );
    applied(&office.update(&globex, COPY, json!({ "comments": [comment] })).await);
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
        office.share(&initech, &further, json!({ "id": "1-far-copy", "copy_of": second })).await;
    applied(&receipt);
    let created = office.created(&umbrella, &third).await;
    let blank =
        created.comments.iter().find(|it| comment["id"] == it.id.as_str()).expect("it is there");
    assert_eq!((blank.body.as_str(), &blank.html_body), ("", &None));
    assert!(umbrella.bodies().iter().all(|body| !body.contains("card ends")));
}

pub async fn also_a_redaction_waits_for_a_comment_that_comes_later(office: Office) {
    let Partners { acme, globex, agreement } = office.partners(everything()).await;
    let share = office.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let (late, other) =
        (office.comment(&acme, "Too much said.", true), office.comment(&acme, "Well said.", true));
    applied(&redact(&acme, ORIGINAL, &late, None).await);
    applied(&office.update(&acme, ORIGINAL, json!({ "comments": [late, other] })).await);
    assert_eq!(hears(&globex, &late).await.body, "");
    assert_eq!(hears(&globex, &other).await.body, "Well said.");
    // Once shared, always: also while no share of the ticket is live.
    applied(&office.unshare(&acme, &share).await);
    let receipt = redact(&acme, ORIGINAL, &other, None).await;
    assert_eq!(unreached(&receipt, &other), [(share.clone(), Reason::NotShared)]);
    let (receipt, anew) = office.share(&acme, &agreement, json!({ "id": ORIGINAL })).await;
    applied(&receipt);
    let created = office.created(&globex, &anew).await;
    assert!(created.comments.iter().all(|comment| comment.body.is_empty()), "{created:?}");
    assert_eq!(created.comments.len(), 2);
}

pub async fn also_one_file_of_a_comment_is_redacted_alone(office: Office) {
    let Partners { acme, globex, agreement } = office.partners(everything()).await;
    let share = office.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let file = |id: &str| json!({ "id": id, "filename": "scan.png", "url": format!("https://files.acme.example/{id}") });
    let files = json!({ "attachments": [file("passport"), file("invoice")] });
    let comment = with(office.comment(&acme, "Both scans.", true), &files);
    applied(&office.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
    assert_eq!(hears(&globex, &comment).await.attachments.len(), 2);
    let receipt = redact(&acme, ORIGINAL, &comment, Some("passport")).await;
    item(&receipt, "attachment:passport", ItemOutcome::Transferred, None);
    let updated = office
        .updated(&globex, &share, "the redaction", |updated| !updated.redact.is_empty())
        .await;
    assert_eq!(
        json!(updated.redact),
        json!([{ "comment_id": comment["id"], "attachment_id": "passport" }])
    );
    // It holds for a file that comes later as well.
    let later = with(office.comment(&acme, "Once more.", true), &files);
    applied(&redact(&acme, ORIGINAL, &later, Some("passport")).await);
    applied(&office.update(&acme, ORIGINAL, json!({ "comments": [later] })).await);
    applied(&globex.ask("ticket.resync.v1", &json!({ "share_id": share })).await);
    let (state, _) = globex
        .told("the copy as it is held", |told| match told {
            Told::TicketState(state) => Some(state.clone()),
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

pub async fn also_nobody_but_its_authors_account_redacts_a_comment(office: Office) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&office, everything()).await;
    let comment = office.comment(&acme, "It stays.", true);
    applied(&office.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
    for (desk, number) in [(&globex, COPY), (&initech, "1-far-copy")] {
        hears(desk, &comment).await;
        refused(&redact(desk, number, &comment, None).await, Reason::NotTheAuthor);
        let unknown = json!({ "id": format!("{}/unknown", acme.account) });
        refused(&redact(desk, number, &unknown, None).await, Reason::NotTheAuthor);
    }
    office.heard(&acme, &globex, &first).await;
    office.heard(&initech, &globex, &second).await;
    for desk in [&acme, &initech] {
        let blanked = desk.with_deliveries(|all| {
            all.iter().any(
                |it| matches!(&it.told, Told::TicketUpdated(updated) if !updated.redact.is_empty()),
            )
        });
        assert!(!blanked, "{}", desk.account);
    }
}

/// "When traffic stops, every desk holds what `ticket.resync` would tell it."
pub async fn part_5_a_copy_that_comes_back_hears_the_redactions_it_missed(office: Office) {
    let [acme, globex, initech] = office.desks(["acme", "globex", "initech"]).await;
    let agreement = office.agree(&acme, &globex, everything()).await;
    let onward = office.agree(&globex, &initech, everything()).await;
    let first = office.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let file =
        json!({ "id": "scan", "filename": "scan.png", "url": "https://files.acme.example/scan" });
    let (whole, scanned) = (
        office.comment(&acme, "Her card ends in 11.", true),
        with(office.comment(&acme, "A scan.", true), &json!({ "attachments": [file] })),
    );
    let theirs = office.comment(&globex, "He is at home after six.", true);
    applied(&office.update(&acme, ORIGINAL, json!({ "comments": [whole, scanned] })).await);
    applied(&office.update(&globex, COPY, json!({ "comments": [theirs] })).await);
    hears(&globex, &scanned).await;
    hears(&acme, &theirs).await;
    applied(&office.unshare(&acme, &first).await);

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
    let (receipt, again) = office.share(&acme, &agreement, json!({ "id": ORIGINAL })).await;
    applied(&receipt);
    is_blank(&acme, &again, &theirs).await;
    assert_eq!(text(&globex, &first, &whole).as_deref(), Some("Her card ends in 11."));

    // The receiver's old copy comes back when it is shared on.
    let (receipt, second) =
        office.share(&globex, &onward, json!({ "id": COPY, "copy_of": first })).await;
    applied(&receipt);
    is_blank(&globex, &first, &whole).await;
    let files = |desk: &Desk, share: &ShareId| {
        let id = scanned["id"].as_str().expect("an id");
        desk.with_model(|model| {
            let ticket = model.shared(share.as_str()).expect("it has the ticket");
            ticket.files.get(id).map_or(0, std::collections::BTreeSet::len)
        })
    };
    until("the scan gone at globex", PATIENCE, async || match files(&globex, &first) {
        0 => Ok(()),
        left => Err(format!("{left} files")),
    })
    .await;
    let created = office.created(&initech, &second).await;
    assert!(created.comments.iter().all(|it| it.attachments.is_empty()), "{created:?}");
    copies::agree((&globex, &second), (&initech, &second)).await;
    let late = office.updated(&globex, &second, "the redaction", |it| !it.redact.is_empty()).await;
    assert_eq!((late.actor, late.redact.len()), (None, 2), "it was not initech who did it");
    assert!(initech.bodies().iter().all(|body| !body.contains("card ends")));
}

pub async fn also_a_redaction_names_every_copy_it_does_not_reach(office: Office) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&office, everything()).await;
    let comment = office.comment(&acme, "Too much said.", true);
    applied(&office.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
    hears(&initech, &comment).await;
    applied(&office.unshare(&globex, &second).await);
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
    let [umbrella, hooli] = office.desks(["umbrella", "hooli"]).await;
    let agreement = office.agree(&umbrella, &hooli, everything()).await;
    let old = office.shared(&umbrella, &hooli, &agreement, ORIGINAL).await;
    let other = office.comment(&umbrella, "Too much said again.", true);
    applied(&office.update(&umbrella, ORIGINAL, json!({ "comments": [other] })).await);
    hears(&hooli, &other).await;
    applied(&office.decide(&hooli, "deactivate", &agreement).await);
    let anew = office.agree(&umbrella, &hooli, everything()).await;
    let (receipt, live) = office.share(&umbrella, &anew, json!({ "id": ORIGINAL })).await;
    applied(&receipt);
    office.created(&hooli, &live).await;
    let receipt = redact(&umbrella, ORIGINAL, &other, None).await;
    assert_eq!(unreached(&receipt, &other), [(old, Reason::AgreementInactive)]);
    is_blank(&hooli, &live, &other).await;
}
