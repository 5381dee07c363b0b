//! What a desk can hold.

use contracts::ItemOutcome::{Mapped, Withheld};
use contracts::Reason::{Malformed, NoPrivateComments, TooLong};
use contracts::delivery::DeliveryBody;
use serde_json::json;

use crate::context::{ConformanceContext, applied, everything, item, refused, with};
use crate::copies::{Chain, ORIGINAL, hears};

pub async fn also_longer_text_is_cut_and_the_next_hop_has_all(context: ConformanceContext) {
    let Chain { acme, globex, initech, first, .. } = Chain::under(&context, everything()).await;
    let limits = json!({ "limits": { "body_chars": 9, "attachment_bytes": 10 } });
    applied(&context.set(&globex, limits).await);
    let file = |id: &str, size: u64| {
        json!({
            "id": id,
            "filename": id,
            "url": "https://acme.example/f",
            "size": size,
        })
    };
    let comment = with(
        context.comment(&acme, "It smokes again.", true),
        &json!({ "html_body": "<p>It smokes.</p>", "attachments": [file("s", 10), file("l", 11)] }),
    );
    let receipt = context.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await;
    let id = comment["id"].as_str().expect("an id");
    item(&receipt, &format!("comment:{id}"), Mapped, TooLong);
    item(&receipt, "attachment:l", Withheld, TooLong);
    let told = hears(&globex, &comment).await;
    assert_eq!((told.body.as_str(), &told.html_body), ("It smokes", &None));
    assert_eq!(told.attachments.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["s"]);
    let whole = hears(&initech, &comment).await;
    assert_eq!((whole.body.as_str(), whole.attachments.len()), ("It smokes again.", 2));
    assert_eq!(whole.html_body.as_deref(), Some("<p>It smokes.</p>"));
    // The limits go; what was told before is told again as it was.
    applied(&context.set(&globex, json!({ "limits": {} })).await);
    applied(&globex.ask("ticket.resync.v1", &json!({ "share_id": first })).await);
    let again = globex.with_deliveries(|all| {
        all.iter().rev().find_map(|delivery| match &delivery.told {
            DeliveryBody::TicketState(state) => {
                state.comments.iter().find(|held| held.id.as_str() == id).cloned()
            }
            _ => None,
        })
    });
    assert_eq!(again, Some(told));
}

pub async fn also_a_subject_is_cut_for_the_desk_that_gets_it(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    applied(&context.set(globex, json!({ "limits": { "subject_chars": 12 } })).await);
    let (receipt, share) = context
        .share(acme, &partners.agreement, json!({ "subject": "The printer on floor 3" }))
        .await;
    item(&receipt, "member:/ticket/subject", Mapped, TooLong);
    assert_eq!(context.created(globex, &share).await.subject, "The printer");
    for bad in [json!({ "body_chars": 0 }), json!({ "subject_chars": -1 }), json!("none")] {
        refused(&context.set(globex, json!({ "limits": bad })).await, Malformed);
    }
}

pub async fn also_no_private_comment_goes_where_it_cannot_be_kept(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    applied(&context.set(globex, json!({ "limits": { "private_comments": false } })).await);
    let share = context.shared(acme, globex, &partners.agreement, ORIGINAL).await;
    let [private, public] =
        [false, true].map(|public| context.comment(acme, "Between us.", public));
    let comments = json!({ "comments": [private, public] });
    let receipt = context.update(acme, ORIGINAL, comments).await;
    let id = private["id"].as_str().expect("an id");
    item(&receipt, &format!("comment:{id}"), Withheld, NoPrivateComments);
    hears(globex, &public).await;
    assert!(globex.bodies().iter().all(|body| !body.contains(id)), "it is told to nobody there");
    let own = context.comment(globex, "Ours.", false);
    applied(&context.update_share(globex, &share, json!({ "comments": [own] })).await);
    hears(acme, &own).await;
}
