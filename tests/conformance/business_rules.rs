//! What views, triggers and automations of a desk can be built on: R-80 to R-88.

use std::collections::BTreeSet;

use contracts::Reason::AddedByRule;
use contracts::delivery::{DeliveryBody, Side};
use contracts::{AccountName, ItemOutcome, ShareId};
use serde_json::json;
use testkit::Desk;
use testkit::duties::{SharingCondition, updated_via_sharing};

use crate::context::{ConformanceContext, Partners, applied, everything, item};

fn received_from(desk: &Desk) -> SharingCondition {
    SharingCondition::ReceivedFrom(desk.account.clone())
}

fn sent_to(desk: &Desk) -> SharingCondition {
    SharingCondition::SentTo(desk.account.clone())
}

/// What a desk's view shows by what it was told so far.
fn view(desk: &Desk, condition: &SharingCondition) -> BTreeSet<ShareId> {
    desk.duties().view(condition).into_iter().cloned().collect()
}

/// The first delivery of a desk on which a trigger fires, and the share it is about.
fn trigger(desk: &Desk, conditions: &[SharingCondition]) -> Option<(DeliveryBody, ShareId)> {
    let deliveries = desk.deliveries();
    let duties = desk.duties();
    deliveries
        .into_iter()
        .find_map(|it| duties.fires(conditions, &it.told).cloned().map(|share| (it.told, share)))
}

/// A desk in the middle: it got the first share from `acme`, and shared a ticket of its own with
/// `initech` by the second.
struct Middle {
    acme: Desk,
    globex: Desk,
    initech: Desk,
    received: ShareId,
    sent: ShareId,
}

async fn middle(context: &ConformanceContext) -> Middle {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let initech = context.desk("initech").await;
    let onward = context.agree(&globex, &initech, everything()).await;
    let received = context.shared(&acme, &globex, &agreement, "1").await;
    let sent = context.shared(&globex, &initech, &onward, "own").await;
    // What a desk is told without asking names the partners that shared with it; those it shares
    // with are in the list of shares.
    context.shares(&globex).await;
    Middle { acme, globex, initech, received, sent }
}

pub async fn r_80_rules_can_name_tickets_that_came_by_sharing(context: ConformanceContext) {
    let middle = middle(&context).await;
    assert_eq!(view(&middle.globex, &SharingCondition::Received), [middle.received.clone()].into());
    assert_eq!(
        view(&middle.acme, &SharingCondition::Received),
        [].into(),
        "it has shared, and got nothing"
    );
    let (told, share) =
        trigger(&middle.globex, &[SharingCondition::Received]).expect("the trigger fires");
    assert_eq!((told.name(), share), ("ticket.created.v1", middle.received));
}

pub async fn r_81_updated_via_is_ticket_sharing_for_what_a_partner_did(
    context: ConformanceContext,
) {
    let partners = context.partners(everything()).await;
    let share = context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    assert_eq!(
        view(&partners.acme, &SharingCondition::UpdatedVia),
        [].into(),
        "its own changes are not by sharing"
    );
    applied(&context.update(&partners.globex, "1-copy", json!({ "status": "pending" })).await);
    context.updated(&partners.acme, &share, "the status", |it| it.status.is_some()).await;
    for desk in [&partners.acme, &partners.globex] {
        assert_eq!(view(desk, &SharingCondition::UpdatedVia), [share.clone()].into());
        let changes =
            desk.deliveries().into_iter().filter(|it| it.told.name().starts_with("ticket."));
        assert!(
            changes
                .map(|it| it.told)
                .all(|told| updated_via_sharing(&told)
                    || matches!(told, DeliveryBody::TicketBound(_)))
        );
        let said = desk
            .bodies()
            .into_iter()
            .filter(|body| body.contains(r#""via":"ticket_sharing""#))
            .count();
        assert_eq!(said, 1, "the ticket at the receiver, the status at the sender");
    }
}

pub async fn r_82_a_view_shows_all_tickets_shared_to_the_account(context: ConformanceContext) {
    let middle = middle(&context).await;
    let (acme, globex) = (&middle.acme, &middle.globex);
    let agreement = context.agree(acme, globex, everything()).await;
    let more = context.shared(acme, globex, &agreement, "2").await;
    let expected: BTreeSet<ShareId> = [middle.received, more].into();
    assert_eq!(view(globex, &SharingCondition::Received), expected, "as they came");
    let listed = context.shares(globex).await;
    let received = listed
        .iter()
        .filter(|state| state.side == Side::Receiver)
        .map(|state| state.share_id.clone());
    assert_eq!(received.collect::<BTreeSet<_>>(), expected, "and as a desk that lost them is told");
    assert!(listed.iter().all(|state| state.ticket_id.is_some()), "{listed:?}");
}

pub async fn r_83_a_tag_marks_the_tickets_shared_out(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let tag = json!([{ "name": "shared-out", "added_by": "rule" }]);
    let (receipt, share) =
        context.share(acme, &partners.agreement, json!({ "id": "1", "tags": tag })).await;
    item(&receipt, "tag:shared-out", ItemOutcome::Withheld, AddedByRule);
    assert!(context.created(globex, &share).await.tags.is_empty(), "the tag is the account's own");
    let by_hand = json!([{ "name": "with-globex", "added_by": "user" }]);
    applied(&context.update(acme, "1", json!({ "tags": { "add": by_hand } })).await);
    let tagged = acme.with_model(|model| {
        model.ticket("1").is_some_and(|ticket| ticket.seen().contains_key("tag:with-globex"))
    });
    assert!(tagged, "a view by a tag set by hand works as well");
    let listed = context.shares(acme).await;
    let out: Vec<_> = listed
        .iter()
        .filter(|it| it.side == Side::Sender)
        .map(|it| it.ticket_id.as_ref())
        .collect();
    assert_eq!(
        out,
        [Some(&contracts::TicketId::new("1").expect("a number"))],
        "the list of shares says the same"
    );
}

pub async fn r_84_triggers_and_automations_have_conditions_on_sharing(context: ConformanceContext) {
    let middle = middle(&context).await;
    let globex = &middle.globex;
    applied(&context.update(&middle.acme, "1", json!({ "status": "pending" })).await);
    context.updated(globex, &middle.received, "the status", |it| it.status.is_some()).await;
    applied(&context.update(&middle.initech, "own-copy", json!({ "status": "pending" })).await);
    context.updated(globex, &middle.sent, "the status", |it| it.status.is_some()).await;
    let fires =
        |conditions: &[SharingCondition]| trigger(globex, conditions).map(|(_, share)| share);
    let from_nobody = SharingCondition::ReceivedFrom(AccountName::new("nobody").expect("a name"));
    assert_eq!(
        fires(&[SharingCondition::UpdatedVia, received_from(&middle.acme)]),
        Some(middle.received)
    );
    assert_eq!(fires(&[SharingCondition::UpdatedVia, sent_to(&middle.initech)]), Some(middle.sent));
    assert_eq!(fires(&[SharingCondition::UpdatedVia, from_nobody]), None);
    assert_eq!(fires(&[received_from(&middle.initech)]), None, "that is the other direction");
}

pub async fn r_85_a_trigger_on_ticket_sharing_routes_and_tags(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    let (_, routed) = trigger(globex, &[SharingCondition::UpdatedVia]).expect("the trigger fires");
    assert_eq!(routed, share);
    let tags = json!({ "add": [{ "name": "second-level", "added_by": "rule" }] });
    let receipt = context.update_share(globex, &routed, json!({ "tags": tags })).await;
    item(&receipt, "tag:second-level", ItemOutcome::Withheld, AddedByRule);
    let heard = context.heard(acme, globex, &share).await;
    let tagged = |told: &DeliveryBody| {
        matches!(told,
            DeliveryBody::TicketUpdated(updated) if updated.tags.is_some())
    };
    assert!(!heard.iter().any(tagged), "what a trigger does stays with its account: {heard:?}");
}

pub async fn r_86_received_from_names_the_partner(context: ConformanceContext) {
    let middle = middle(&context).await;
    let (acme, globex, initech) = (&middle.acme, &middle.globex, &middle.initech);
    assert_eq!(view(globex, &received_from(acme)), [middle.received.clone()].into());
    assert_eq!(view(globex, &received_from(initech)), [].into());
    let onward = context.agree(globex, initech, everything()).await;
    let (receipt, second) =
        context.share(globex, &onward, json!({ "id": "1-copy", "copy_of": middle.received })).await;
    applied(&receipt);
    context.created(initech, &second).await;
    assert_eq!(
        view(initech, &received_from(globex)),
        [middle.sent, second].into(),
        "the neighbour in the chain"
    );
    assert_eq!(view(initech, &received_from(acme)), [].into());
}

pub async fn r_87_sent_to_names_the_partner(context: ConformanceContext) {
    let middle = middle(&context).await;
    let (acme, globex, initech) = (&middle.acme, &middle.globex, &middle.initech);
    assert_eq!(view(globex, &sent_to(initech)), [middle.sent.clone()].into());
    assert_eq!(view(globex, &sent_to(acme)), [].into());
    assert_eq!(view(initech, &sent_to(globex)), [].into(), "the receiver has not sent it");
    let listed = context.shares(globex).await;
    let sent = listed.iter().find(|state| state.share_id == middle.sent).expect("it is listed");
    assert_eq!((sent.side, &sent.partner.account), (Side::Sender, &initech.account));
    assert_eq!(
        sent.partner.display_name,
        format!("{} Inc.", initech.account),
        "the name that a form shows"
    );
}

pub async fn r_88_both_conditions_filter_views(context: ConformanceContext) {
    let middle = middle(&context).await;
    let (acme, globex, initech) = (&middle.acme, &middle.globex, &middle.initech);
    let back = context.agree(globex, acme, everything()).await;
    let to_acme = context.shared(globex, acme, &back, "other").await;
    context.shares(globex).await;
    let views = [received_from(acme), sent_to(acme), sent_to(initech), SharingCondition::Received]
        .map(|it| view(globex, &it));
    let [from_acme, sent_to_acme, sent_to_initech, received] = views;
    assert_eq!((&from_acme, &received), (&[middle.received].into(), &from_acme));
    assert_eq!((sent_to_acme, sent_to_initech), ([to_acme].into(), [middle.sent].into()));
}
