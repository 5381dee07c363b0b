//! What a desk promises, with what it really gets: contract part 6, and the rules that are the
//! desk's to keep.

use contracts::Reason::Unchanged;
use contracts::delivery::DeliveryBody;
use contracts::{Person, ReceiptOutcome};
use serde_json::{Value, json};
use testkit::desk::{PATIENCE, clock};
use testkit::duties::{
    DutyRefusal, Form, MessageIds, Reach, Requester, User, Users, changes_in, form_of, history_of,
    may_fetch, shown_html, to_publish,
};
use testkit::{Desk, Duties, until};

use crate::context::{ConformanceContext, applied, everything};

fn duties(desk: &Desk) -> Duties {
    desk.duties()
}

/// A user of the receiver's with the same name as the requester of the original.
fn namesake(address: Option<&str>) -> User {
    User { id: "44".to_owned(), name: "Requester".to_owned(), address: address.map(str::to_owned) }
}

pub async fn r_27_a_ticket_in_a_live_share_is_not_merged(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    for (desk, number, partner) in [(acme, "1", globex), (globex, "1-copy", acme)] {
        context.shares(desk).await;
        assert_eq!(
            duties(desk).may_merge(number),
            Err(DutyRefusal::InLiveShare(partner.account.to_string()))
        );
        assert_eq!(duties(desk).may_merge("another"), Ok(()));
    }
    applied(&context.unshare(acme, &share).await);
    globex
        .told("the end of the share", |told| {
            matches!(told, DeliveryBody::TicketUnshared(_)).then_some(())
        })
        .await;
    assert_eq!(duties(acme).may_merge("1"), Ok(()));
    assert_eq!(duties(globex).may_merge("1-copy"), Ok(()));
}

pub async fn r_43_another_requester_may_be_set_by_hand_with_a_warning(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    for desk in [acme, globex] {
        context.shares(desk).await;
    }
    let warning = duties(globex).warns_of_new_requester("1-copy").expect("the agent is warned");
    assert!(warning.contains("came by sharing"), "{warning}");
    assert_eq!(duties(acme).warns_of_new_requester("1"), None, "the original is the sender's own");
    let by_hand = Requester::User(namesake(Some("requester@globex.example")));
    assert_eq!(
        duties(globex).reply_reaches(&share, &by_hand),
        Reach::Partner,
        "the share goes on as it was"
    );
    let note = context.comment(globex, "Another requester here.", true);
    applied(&context.update(globex, "1-copy", json!({ "comments": [note] })).await);
    context
        .updated(acme, &share, "the comment", |it| {
            it.comments.iter().any(|it| note["id"] == it.id.as_str())
        })
        .await;
}

pub async fn r_44_after_the_end_a_requester_without_an_address_is_out_of_reach(
    context: ConformanceContext,
) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    let requester = Requester::Placeholder(context.created(globex, &share).await.requester);
    assert_eq!(duties(globex).reply_reaches(&share, &requester), Reach::Partner);
    applied(&context.unshare(acme, &share).await);
    globex
        .told("the end of the share", |told| {
            matches!(told, DeliveryBody::TicketUnshared(_)).then_some(())
        })
        .await;
    let reach = duties(globex).reply_reaches(&share, &requester);
    assert_eq!(reach, Reach::Nobody);
    assert!(reach.to_string().contains("reaches nobody"), "the agent is told: {reach}");
    assert_eq!(
        duties(globex).reply_reaches(&share, &Requester::User(namesake(None))),
        Reach::Nobody
    );
    let with_address = Requester::User(namesake(Some("requester@customer.example")));
    assert_eq!(
        duties(globex).reply_reaches(&share, &with_address),
        Reach::Mail("requester@customer.example".to_owned())
    );
}

pub async fn part_6_every_comment_of_a_shared_ticket_is_published(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    context.shares(globex).await;
    assert!(duties(globex).publishes_comments_of("1-copy"));
    assert!(!duties(globex).publishes_comments_of("another"));
    let comments = [true, false].map(|public| context.comment(globex, "Text", public));
    applied(&context.update(globex, "1-copy", json!({ "comments": comments })).await);
    let came = context.updated(acme, &share, "both comments", |it| it.comments.len() == 2).await;
    let came: Vec<Value> = came
        .comments
        .iter()
        .map(|it| json!({ "id": it.id, "body": it.body, "public": it.public }))
        .collect();
    assert_eq!(came, comments);
}

pub async fn part_6_what_a_delivery_told_is_not_published_back(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    let words = context.comment(acme, "Once.", true);
    let tags = json!({ "add": [{ "name": "vip", "added_by": "user" }] });
    let all = json!({ "status": "pending", "tags": tags, "comments": [words] });
    applied(&context.update(acme, "1", all).await);
    let updated = context.updated(globex, &share, "all of it", |it| !it.comments.is_empty()).await;
    let comment = updated.comments[0].id.clone();
    assert!(duties(globex).came_by_sharing(&comment));
    let changes = changes_in(&DeliveryBody::TicketUpdated(Box::new(updated)));
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert!(to_publish(&changes).is_empty());
    // A desk that does it all the same does no harm.
    let echo = context.update(globex, "1-copy", json!({ "comments": [words] })).await;
    assert_eq!((echo.outcome, echo.reason), (ReceiptOutcome::Ignored, Some(Unchanged)));
    let heard = context.heard(acme, globex, &share).await;
    let again = |told: &&DeliveryBody| {
        matches!(told,
            DeliveryBody::TicketUpdated(it) if it.comments.iter().any(|it| it.id == comment))
    };
    assert_eq!(heard.iter().filter(again).count(), 0);
}

pub async fn part_6_no_mail_to_placeholders_or_a_partners_support_address(
    context: ConformanceContext,
) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    applied(
        &context
            .set(
                &globex,
                json!({ "support_addresses": ["Help@globex.example", "@desk.globex.example"] }),
            )
            .await,
    );
    let agreement = context.agree(&acme, &globex, everything()).await;
    context.agreement(&acme, &agreement, "agreement.accepted.v1").await;
    for partner in ["help@globex.example", "anyone@DESK.globex.example"] {
        assert!(!duties(&acme).may_be_mailed(partner), "{partner}");
    }
    for person in ["somebody@globex.example", "help@customer.example"] {
        assert!(duties(&acme).may_be_mailed(person), "{person}");
    }
    let share = context.shared(&acme, &globex, &agreement, "1").await;
    let placeholder = Requester::Placeholder(context.created(&globex, &share).await.requester);
    assert_eq!(placeholder.address(), None);
}

pub async fn part_6_placeholders_are_not_matched_merged_or_deleted(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let share = context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    let requester: Person = context.created(&partners.globex, &share).await.requester;
    let mut users = Users::own([namesake(Some("requester@globex.example"))]);
    for delivered in partners.globex.deliveries() {
        users.take(&delivered.told);
    }
    assert_eq!(
        users.placeholders().collect::<Vec<_>>(),
        [&requester],
        "beside the user of the same name"
    );
    let refused = Err(DutyRefusal::Placeholder("Requester".to_owned()));
    assert_eq!(users.delete(&requester.id), refused);
    assert_eq!(users.merge(&requester.id, "44"), refused);
    assert_eq!(users.merge("44", &requester.id), refused);
    assert!(users.user("44").is_some());
    assert_eq!(users.delete("44"), Ok(()), "its own user is the desk's to delete");
}

pub async fn part_6_received_tickets_have_the_default_form_and_field_values_no_author(
    context: ConformanceContext,
) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let fields = json!([{ "key": "order", "title": "Order", "type": "text" }]);
    for desk in [acme, globex] {
        applied(
            &context.set(desk, json!({ "ticket_fields": fields, "default_form": ["order"] })).await,
        );
    }
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    let forms = [("Returns", false), ("Everyday", true)]
        .map(|(name, default)| Form { name: name.to_owned(), default });
    assert_eq!(form_of(&context.created(globex, &share).await, &forms), Some(&forms[1]));
    applied(&context.update(acme, "1", json!({ "custom_fields": { "order": "A-1" } })).await);
    let value =
        context.updated(globex, &share, "the value", |it| !it.custom_fields.is_empty()).await;
    assert_eq!((value.actor.as_ref(), history_of(&value)), (None, Vec::new()));
    let both = json!({ "custom_fields": { "order": "A-2" }, "status": "solved" });
    applied(&context.update(acme, "1", both).await);
    let both = context.updated(globex, &share, "value and status", |it| it.status.is_some()).await;
    assert!(both.custom_fields.contains_key("order"));
    let entries: Vec<String> = history_of(&both).into_iter().map(|entry| entry.item).collect();
    assert_eq!(entries, ["status"], "the status has an author, the value beside it none");
}

pub async fn part_6_html_and_links_are_handled_with_care(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    let mut comment = context.comment(acme, "Look <here>", true);
    comment["html_body"] = json!(
        "<p onclick=\"steal()\">Look <b>here</b></p><script>steal()</script><img \
         src=\"https://x.example/i\">"
    );
    comment["attachments"] =
        json!([{ "id": "1", "filename": "log.txt", "url": "https://files.acme.example/1" }]);
    let plain = context.comment(acme, "a < b", true);
    applied(&context.update(acme, "1", json!({ "comments": [comment, plain] })).await);
    let came = context.updated(globex, &share, "both comments", |it| it.comments.len() == 2).await;
    assert_eq!(shown_html(&came.comments[0]), "<p>Look <b>here</b></p>");
    assert!(!shown_html(&came.comments[1]).contains('<'), "{}", shown_html(&came.comments[1]));
    assert!(may_fetch(&came.comments[0].attachments[0].url));
}

pub async fn part_6_a_delivery_that_comes_again_changes_nothing(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    let command = json!({
        "ticket_id": "1", "actor": { "id": "7", "name": "Agent", "role": "agent" },
        "occurred_at": clock(),
        "status": "pending", "comments": [context.comment(acme, "Once.", true)],
    })
    .to_string();
    let id = acme.next_id();
    let key = format!("{}.ticket.update", acme.account);
    acme.publish(&key, "ticket.update.v1", &id, command.as_bytes(), |it| it)
        .await
        .expect("the broker takes it");
    acme.receipt(&id).await;
    context.updated(globex, &share, "the comment", |it| !it.comments.is_empty()).await;
    let (before, held) =
        (globex.deliveries().len(), globex.with_model(|model| model.ticket("1-copy").cloned()));
    acme.publish(&key, "ticket.update.v1", &id, command.as_bytes(), |it| it)
        .await
        .expect("the broker takes it");
    until("the same delivery again", PATIENCE, async || match globex.repeated_and_unreadable().0 {
        0 => Err("nothing came again".to_owned()),
        _ => Ok(()),
    })
    .await;
    assert_eq!(globex.deliveries().len(), before);
    assert_eq!(globex.with_model(|model| model.ticket("1-copy").cloned()), held);
    let mut known = MessageIds::default();
    let ids: Vec<String> = globex.deliveries().into_iter().map(|it| it.id).collect();
    assert!(ids.iter().all(|id| known.is_new(id, clock())));
    assert!(!ids.iter().any(|id| known.is_new(id, clock())));
}
