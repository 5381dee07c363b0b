//! A desk that lost what it had, and histories longer than any one message.

use std::collections::BTreeSet;

use contracts::delivery::{DeliveryBody, ShareStanding, ShareState, Side};
use contracts::{AgreementId, Reason, ShareId};
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::model::Ticket;
use testkit::{Desk, until};

use crate::context::{ConformanceContext, Partners, applied, everything, refused, with};
use crate::copies::{self, COPY, Chain, FAR_COPY, ORIGINAL, has_status, held, holds};
use crate::fields::field;

/// All that one of the lists tells, asked for in pages of two.
async fn pages<T>(
    desk: &Desk,
    command: &str,
    wanted: impl Fn(&DeliveryBody) -> Option<T>,
) -> Vec<T> {
    let before = desk.with_deliveries(<[_]>::len);
    let (mut cursor, mut page) = (None, 0);
    loop {
        let receipt = desk.ask(command, &json!({ "limit": 2, "cursor": cursor })).await;
        applied(&receipt);
        page += 1;
        let told = desk.with_deliveries(|all| {
            all[before..].iter().filter_map(|it| wanted(&it.told)).collect::<Vec<_>>()
        });
        let Some(next) = receipt.next_cursor else { return told };
        assert_eq!(told.len(), 2 * page, "a page is full while the list goes on");
        cursor = Some(next);
    }
}

async fn listed_agreements(desk: &Desk) -> BTreeSet<AgreementId> {
    let told = |told: &DeliveryBody| match told {
        DeliveryBody::AgreementState(state) => Some(state.agreement_id.clone()),
        _ => None,
    };
    pages(desk, "agreement.list.v1", told).await.into_iter().collect()
}

async fn listed_shares(desk: &Desk) -> Vec<ShareState> {
    let told = |told: &DeliveryBody| match told {
        DeliveryBody::ShareState(state) => Some(ShareState::clone(state)),
        _ => None,
    };
    pages(desk, "share.list.v1", told).await
}

fn ticket(desk: &Desk, share: &ShareId) -> Ticket {
    desk.with_model(|model| model.shared(share.as_str()).cloned())
        .unwrap_or_else(|| panic!("{share} at {}", desk.account))
}

pub async fn also_a_desk_that_lost_everything_gets_it_back(context: ConformanceContext) {
    let desks = context.desks(["acme", "globex", "initech"]).await;
    for desk in &desks {
        applied(
            &context
                .set(
                    desk,
                    json!({
                        "ticket_fields": [
                            field("order", "Order", "text"),
                            field("note", "Note", "text"),
                        ],
                    }),
                )
                .await,
        );
    }
    let Chain { acme, globex, initech, first, second } =
        Chain::between(&context, desks, everything()).await;
    let back = context.agree(&globex, &acme, everything()).await;
    let other = context.shared(&globex, &acme, &back, "7").await;
    let change = json!({
        "status": "hold", "custom_fields": { "order": "A-1", "note": "gone" },
        "tags": { "add": [{ "name": "vip", "added_by": "user" },
            { "name": "gone", "added_by": "user" }] },
    });
    applied(&context.update(&acme, ORIGINAL, change).await);
    let (gone, stays) = (
        context.comment(&globex, "Said too much.", true),
        context.comment(&initech, "Well said.", false),
    );
    let change = json!({
        "custom_fields": { "note": { "clear": true } },
        "tags": { "remove": [{ "name": "gone", "removed_by": "user" }] }, "comments": [gone],
    });
    applied(&context.update(&globex, COPY, change).await);
    applied(&context.update(&initech, FAR_COPY, json!({ "comments": [stays] })).await);
    let redact = json!({ "ticket_id": COPY, "comment_id": gone["id"],
        "actor": { "id": "7", "name": "Agent", "role": "agent" } });
    applied(&globex.ask("ticket.redact.v1", &redact).await);
    for (desk, partner, share) in [(&acme, &globex, &first), (&globex, &initech, &second)] {
        copies::agree((desk, share), (partner, share)).await;
    }
    for (desk, shares, agreements) in [
        (&globex, vec![&first, &second, &other], 3),
        (&acme, vec![&first, &other], 2),
        (&initech, vec![&second], 1),
    ] {
        let before: Vec<Ticket> = shares.iter().map(|share| ticket(desk, share)).collect();
        desk.with_model(testkit::Model::forget);
        assert_eq!(listed_agreements(desk).await.len(), agreements, "{}", desk.account);
        let listed: BTreeSet<ShareId> =
            listed_shares(desk).await.into_iter().map(|state| state.share_id).collect();
        assert_eq!(listed, shares.iter().map(|share| (*share).clone()).collect());
        for share in &listed {
            applied(&desk.ask("ticket.resync.v1", &json!({ "share_id": share })).await);
        }
        for (share, before) in shares.iter().zip(before) {
            until(&format!("{share} back at {}", desk.account), PATIENCE, async || {
                let after = desk
                    .with_model(|model| model.shared(share.as_str()).cloned())
                    .unwrap_or_default();
                let same = after.seen() == before.seen() && after.said() == before.said();
                if same { Ok(()) } else { Err(format!("{after:#?} instead of {before:#?}")) }
            })
            .await;
        }
    }
    assert_eq!(
        held(&globex, &first, "custom_field:note"),
        Some(json!({ "clear": true })),
        "what is gone is told as gone"
    );
    assert_eq!(held(&globex, &first, "tag:gone"), Some(json!(false)));
    // It goes on with the numbers that it had, and with revisions that are not too low.
    applied(&context.update(&globex, COPY, json!({ "status": "solved" })).await);
    for (desk, share) in [(&acme, &first), (&globex, &first), (&initech, &second)] {
        has_status(desk, share, "solved").await;
    }
    copies::agree((&acme, &first), (&globex, &first)).await;
    copies::agree((&globex, &second), (&initech, &second)).await;
}

pub async fn also_shares_are_listed_from_both_sides_ended_ones_too(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let ended = context.agree(&acme, &globex, everything()).await;
    let live = context.shared(&acme, &globex, &agreement, "1").await;
    let unshared = context.shared(&acme, &globex, &agreement, "2").await;
    let inactive = context.shared(&acme, &globex, &ended, "3").await;
    let (receipt, unbound) = context.share(&acme, &agreement, json!({ "id": "4" })).await;
    applied(&receipt);
    applied(&context.unshare(&acme, &unshared).await);
    applied(&context.decide(&globex, "deactivate", &ended).await);
    for (desk, side, partner) in [(&acme, Side::Sender, &globex), (&globex, Side::Receiver, &acme)]
    {
        let all = listed_shares(desk).await;
        assert_eq!(all.len(), 4, "{all:?}");
        for (share, number, standing) in [
            (&live, "1", ShareStanding::Live),
            (&unshared, "2", ShareStanding::Unshared),
            (&inactive, "3", ShareStanding::AgreementInactive),
            (&unbound, "4", ShareStanding::Live),
        ] {
            let state = all
                .iter()
                .find(|state| state.share_id == *share)
                .unwrap_or_else(|| panic!("{share} in {all:?}"));
            assert_eq!(
                (state.state, state.side, &state.partner.account),
                (standing, side, &partner.account)
            );
            assert_eq!(state.ended_at.is_some(), standing != ShareStanding::Live);
            let copy = (number != "4").then(|| format!("{number}-copy"));
            let (original, copy) = (json!(number), json!(copy));
            let numbers = (json!(state.ticket_id), json!(state.partner_ticket_id));
            assert_eq!(
                numbers,
                if side == Side::Sender { (original, copy) } else { (copy, original) }
            );
        }
        let before = desk.with_deliveries(<[_]>::len);
        applied(&desk.ask("share.list.v1", &json!({ "agreement_id": ended })).await);
        let of_one = desk.with_deliveries(|all| {
            all[before..].iter().filter(|it| matches!(it.told, DeliveryBody::ShareState(_))).count()
        });
        assert_eq!(of_one, 1);
    }
    // A share that has ended can still be asked for; somebody else's cannot.
    let stranger = context.desk("initech").await;
    applied(&globex.ask("ticket.resync.v1", &json!({ "share_id": unshared })).await);
    refused(
        &stranger.ask("ticket.resync.v1", &json!({ "share_id": unshared })).await,
        Reason::NotShared,
    );
    assert_eq!(listed_shares(&stranger).await, []);
}

pub async fn also_a_history_of_any_length_arrives_whole(context: ConformanceContext) {
    const COMMENTS: usize = 12;
    /// Not far below what one command may have.
    const LENGTH: usize = 400 * 1024;
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let agreement = context.agree(&acme, &globex, everything()).await;
    let onward = context.agree(&globex, &initech, everything()).await;
    let first = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    for number in 0..COMMENTS {
        let (desk, ticket) = if number % 2 == 0 { (&acme, ORIGINAL) } else { (&globex, COPY) };
        let comment =
            context.comment(desk, &format!("{number} {}", "x".repeat(LENGTH)), number % 3 == 0);
        let comment =
            with(comment, &json!({ "authored_at": format!("2026-03-01T10:00:{number:02}Z") }));
        applied(&context.update(desk, ticket, json!({ "comments": [comment] })).await);
    }
    let (receipt, second) =
        context.share(&globex, &onward, json!({ "id": COPY, "copy_of": first })).await;
    applied(&receipt);
    until("the whole history at initech", PATIENCE, async || {
        let comments = initech.with_model(|model| {
            model.shared(second.as_str()).map_or(0, |ticket| ticket.comments.len())
        });
        if comments == COMMENTS { Ok(()) } else { Err(format!("{comments} comments")) }
    })
    .await;
    copies::agree((&globex, &second), (&initech, &second)).await;
    assert!(
        initech.bodies().iter().all(|body| body.len() < 1024 * 1024),
        "each delivery below a mebibyte"
    );
    // The same for a desk that lost it.
    applied(&context.bind(&initech, &second, FAR_COPY).await);
    initech.with_model(testkit::Model::forget);
    applied(&initech.ask("ticket.resync.v1", &json!({ "share_id": second })).await);
    copies::agree((&globex, &second), (&initech, &second)).await;
    applied(
        &context
            .update(
                &acme,
                ORIGINAL,
                json!({ "tags": { "add": [{ "name": "long", "added_by": "user" }] } }),
            )
            .await,
    );
    holds(&initech, &second, "tag:long", json!(true)).await;
}
