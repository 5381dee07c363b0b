//! A ticket in several shares: what each hop lets through, what ends with which, and copies without
//! a number yet.

use contracts::delivery::{DeliveryBody, ShareStanding};
use contracts::fields::Status;
use contracts::{Reason, ReceiptOutcome};
use serde_json::json;

use crate::context::{ConformanceContext, Partners, applied, everything, private_only, refused};
use crate::copies::{self, COPY, Chain, FAR_COPY, ORIGINAL, has_status, hears, tellings};
use crate::sharing::tickets_created;

pub async fn also_what_was_ended_and_is_shared_again_is_a_new_copy(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let first = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let mut revision = 0;
    for status in ["pending", "open", "pending"] {
        revision = context
            .update(&acme, ORIGINAL, json!({ "status": status }))
            .await
            .revision
            .expect("a revision");
    }
    applied(&context.unshare(&acme, &first).await);
    let (receipt, second) =
        context.share(&acme, &agreement, json!({ "id": ORIGINAL, "status": "open" })).await;
    assert!(receipt.revision > Some(revision), "{receipt:?} after {revision}");
    let created = context.created(&globex, &second).await;
    assert_eq!((Some(created.revision), created.status), (receipt.revision, Status::Open));
    refused(&context.bind(&globex, &second, COPY).await, Reason::AlreadyBound);
    applied(&context.bind(&globex, &second, "another").await);
    refused(&context.update(&globex, COPY, json!({ "status": "solved" })).await, Reason::NotShared);
    applied(&context.update(&globex, "another", json!({ "status": "solved" })).await);
    has_status(&acme, &second, "solved").await;
    assert_eq!(tickets_created(&globex), 2);
    has_status(&globex, &first, "pending").await;
}

pub async fn also_a_far_hop_lives_on_when_a_near_one_ends(context: ConformanceContext) {
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let agreement = context.agree(&acme, &globex, everything()).await;
    let beside = context.shared(&acme, &globex, &agreement, "2").await;
    let Chain { acme, globex, initech, first, second } =
        Chain::between(&context, [acme, globex, initech], everything()).await;
    applied(&context.unshare(&acme, &first).await);
    refused(
        &context.update(&acme, ORIGINAL, json!({ "status": "closed" })).await,
        Reason::NotShared,
    );
    applied(&context.update(&globex, COPY, json!({ "status": "pending" })).await);
    has_status(&initech, &second, "pending").await;
    let comment = context.comment(&initech, "Found it.", true);
    applied(
        &context
            .update(&initech, FAR_COPY, json!({ "status": "solved", "comments": [comment] }))
            .await,
    );
    has_status(&globex, &second, "solved").await;
    hears(&globex, &comment).await;
    context.heard(&acme, &globex, &beside).await;
    has_status(&acme, &first, "open").await;
    assert!(tellings(&acme, &comment).is_empty());
}

pub async fn also_a_deactivation_ends_every_share_under_the_agreement_at_once(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let other = context.agree(&acme, &globex, everything()).await;
    let mut shares = Vec::new();
    for number in ["1", "2", "3"] {
        shares.push(context.shared(&acme, &globex, &agreement, number).await);
    }
    let beside = context.shared(&acme, &globex, &other, "4").await;
    applied(&context.decide(&globex, "deactivate", &agreement).await);
    for number in ["1", "2", "3"] {
        let solved = || json!({ "status": "solved" });
        refused(&context.update(&acme, number, solved()).await, Reason::NotShared);
        refused(
            &context.update(&globex, &format!("{number}-copy"), solved()).await,
            Reason::NotShared,
        );
    }
    applied(&context.update(&acme, "4", json!({ "status": "solved" })).await);
    has_status(&globex, &beside, "solved").await;
    for desk in [&acme, &globex] {
        for state in context.shares(desk).await {
            let ended = shares.contains(&state.share_id);
            let expected =
                if ended { ShareStanding::AgreementInactive } else { ShareStanding::Live };
            assert_eq!((state.state, state.ended_at.is_some()), (expected, ended), "{state:?}");
        }
        for share in &shares {
            has_status(desk, share, "open").await;
        }
    }
}

pub async fn also_each_hop_goes_by_its_own_terms(context: ConformanceContext) {
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let (near, far) = (
        context.agree(&acme, &globex, private_only()).await,
        context.agree(&globex, &initech, everything()).await,
    );
    let first = context.shared(&acme, &globex, &near, ORIGINAL).await;
    let (receipt, second) = context
        .share(&globex, &far, json!({ "id": COPY, "copy_of": first, "status": "pending" }))
        .await;
    applied(&receipt);
    assert_eq!(
        context.created(&initech, &second).await.status,
        Status::Pending,
        "acme's status was never globex's"
    );
    let (public, private) = (
        context.comment(&initech, "Dear customer,", true),
        context.comment(&initech, "It is the fuser.", false),
    );
    let tags = json!({ "add": [{ "name": "fuser", "added_by": "user" }] });
    let change = json!({ "status": "solved", "tags": tags, "comments": [public, private] });
    let receipt = context.update_share(&initech, &second, change).await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Applied, "it is told of its own hop: {receipt:?}");
    has_status(&globex, &second, "solved").await;
    hears(&globex, &public).await;
    hears(&acme, &private).await;
    let thanks = context.comment(&acme, "Thanks, we tell her.", true);
    applied(
        &context.update(&acme, ORIGINAL, json!({ "status": "hold", "comments": [thanks] })).await,
    );
    hears(&initech, &thanks).await;
    assert!(tellings(&acme, &public).is_empty());
    assert_eq!(copies::held(&acme, &first, "tag:fuser"), None);
    has_status(&acme, &first, "hold").await;
    has_status(&initech, &second, "solved").await;
}

pub async fn also_a_copy_is_worked_on_before_it_has_a_number(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let (receipt, share) = context.share(&acme, &agreement, json!({ "id": ORIGINAL })).await;
    applied(&receipt);
    context.created(&globex, &share).await;
    let comment = context.comment(&globex, "On it.", true);
    applied(
        &context
            .update_share(&globex, &share, json!({ "status": "pending", "comments": [comment] }))
            .await,
    );
    has_status(&acme, &share, "pending").await;
    hears(&acme, &comment).await;
    for (status, number) in [(Status::Open, None), (Status::Solved, Some("88"))] {
        if let Some(number) = number {
            applied(&context.bind(&globex, &share, number).await);
        }
        applied(&context.update(&acme, ORIGINAL, json!({ "status": status })).await);
        let updated = context
            .updated(&globex, &share, "the status", |updated| updated.status == Some(status))
            .await;
        assert_eq!(updated.ticket_id.as_ref().map(contracts::TicketId::as_str), number);
    }
}

pub async fn also_sharing_a_copy_on_tells_its_number_too(context: ConformanceContext) {
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let (near, far) = (
        context.agree(&acme, &globex, everything()).await,
        context.agree(&globex, &initech, everything()).await,
    );
    let (_, first) = context.share(&acme, &near, json!({ "id": ORIGINAL })).await;
    let (receipt, second) =
        context.share(&globex, &far, json!({ "id": COPY, "copy_of": first })).await;
    applied(&receipt);
    let (number, _) = acme
        .told("the copy's number", |told| match told {
            DeliveryBody::TicketBound(bound) if bound.share_id == first => {
                Some(bound.partner_ticket_id.clone())
            }
            _ => None,
        })
        .await;
    assert_eq!(number.as_str(), COPY);
    assert_eq!(context.bind(&globex, &first, COPY).await.reason, Some(Reason::Unchanged));
    applied(&context.update(&globex, COPY, json!({ "status": "solved" })).await);
    for (desk, share) in [(&acme, &first), (&initech, &second)] {
        has_status(desk, share, "solved").await;
    }
    // Without `copy_of` it is a ticket of globex's own, and its number is no copy's any more.
    let (_, unbound) = context.share(&acme, &near, json!({ "id": "2" })).await;
    let (receipt, own) = context.share(&globex, &far, json!({ "id": "2-copy" })).await;
    applied(&receipt);
    assert_eq!(context.created(&initech, &own).await.original_ticket_id.as_str(), "2-copy");
    refused(&context.bind(&globex, &unbound, "2-copy").await, Reason::AlreadyBound);
}
