//! Copies of one ticket: in a row of three desks, and what their desks hold of it.

use contracts::ShareId;
use contracts::comment::SharedComment;
use contracts::delivery::DeliveryBody;
use contracts::fields::Status;
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::model::Ticket;
use testkit::{Desk, until};

use crate::context::{ConformanceContext, applied};

/// The ticket's number at the first desk of a row.
pub const ORIGINAL: &str = "1";
/// At the second: as [`ConformanceContext::shared`] tells it.
pub const COPY: &str = "1-copy";
/// At the third.
pub const FAR_COPY: &str = "1-far-copy";

/// A ticket of acme's that it shared with globex, and globex with initech.
pub struct Chain {
    /// Where the ticket was first.
    pub acme: Desk,
    /// In the middle.
    pub globex: Desk,
    /// At the end.
    pub initech: Desk,
    /// From acme to globex.
    pub first: ShareId,
    /// From globex to initech.
    pub second: ShareId,
}

impl Chain {
    /// Between new desks, under the same terms on both hops.
    pub async fn under(context: &ConformanceContext, terms: Value) -> Self {
        let desks = context.desks(["acme", "globex", "initech"]).await;
        Self::between(context, desks, terms).await
    }

    /// Between desks that are there.
    pub async fn between(
        context: &ConformanceContext,
        [acme, globex, initech]: [Desk; 3],
        terms: Value,
    ) -> Self {
        let agreement = context.agree(&acme, &globex, terms.clone()).await;
        let onward = context.agree(&globex, &initech, terms).await;
        let first = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
        let (receipt, second) =
            context.share(&globex, &onward, json!({ "id": COPY, "copy_of": first })).await;
        applied(&receipt);
        context.created(&initech, &second).await;
        applied(&context.bind(&initech, &second, FAR_COPY).await);
        Self { acme, globex, initech, first, second }
    }
}

/// What a desk holds in a field of its ticket of a share: `status`, `tag:vip`,
/// `custom_field:order`.
pub fn held(desk: &Desk, share: &ShareId, field: &str) -> Option<Value> {
    desk.with_model(|model| {
        model.shared(share.as_str())?.fields.get(field).map(|(value, _)| value.clone())
    })
}

/// Waits until a desk's ticket of a share holds a value in a field.
pub async fn holds(desk: &Desk, share: &ShareId, field: &str, value: Value) {
    until(&format!("{field} {value} at {}", desk.account), PATIENCE, async || {
        match held(desk, share, field) {
            Some(held) if held == value => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// Waits until a desk's ticket of a share has a plain status.
pub async fn has_status(desk: &Desk, share: &ShareId, status: &str) {
    holds(desk, share, "status", json!({ "value": status })).await;
}

/// All that a desk was told of one comment, each time.
pub fn tellings(desk: &Desk, comment: &Value) -> Vec<SharedComment> {
    let of = |told: &DeliveryBody| match told {
        DeliveryBody::TicketCreated(created) => created.comments.clone(),
        DeliveryBody::TicketUpdated(updated) => updated.comments.clone(),
        DeliveryBody::TicketState(state) => state.comments.clone(),
        _ => Vec::new(),
    };
    let all = desk.with_deliveries(|all| {
        all.iter().flat_map(|delivered| of(&delivered.told)).collect::<Vec<_>>()
    });
    all.into_iter().filter(|told| comment["id"] == told.id.as_str()).collect()
}

/// Waits until a desk is told of a comment; gives it as it came.
pub async fn hears(desk: &Desk, comment: &Value) -> SharedComment {
    until(&format!("comment {} at {}", comment["id"], desk.account), PATIENCE, async || {
        tellings(desk, comment).into_iter().next().ok_or_else(|| "it has not come".to_owned())
    })
    .await
}

/// What a desk's ticket says in a comment now: empty once it is blank, nothing where it never came.
pub fn text(desk: &Desk, share: &ShareId, comment: &Value) -> Option<String> {
    let id = comment["id"].as_str().expect("a comment has an id");
    desk.with_model(|model| {
        model.shared(share.as_str())?.comments.get(id).map(|it| it.body.clone())
    })
}

/// Waits until the tickets of two desks say the same: comments, tags and fields that have the same
/// key on both sides, and statuses of which one is the image of the other.
pub async fn agree((one, at_one): (&Desk, &ShareId), (other, at_other): (&Desk, &ShareId)) {
    let ticket = |desk: &Desk, share: &ShareId| {
        desk.with_model(|model| model.shared(share.as_str()).cloned()).unwrap_or_default()
    };
    until(&format!("{} and {} to agree", one.account, other.account), PATIENCE, async || {
        let (here, there) = (ticket(one, at_one), ticket(other, at_other));
        if same(&here, &there) { Ok(()) } else { Err(format!("{here:#?} {there:#?}")) }
    })
    .await;
}

fn same(one: &Ticket, other: &Ticket) -> bool {
    let (mut here, mut there) = (one.seen(), other.seen());
    let (status, other_status) =
        (here.remove("status").unwrap_or_default(), there.remove("status").unwrap_or_default());
    let image = |status: &Value| {
        if *status == json!(Status::Hold) { json!(Status::Open) } else { status.clone() }
    };
    let (status, other_status) = (&status["value"], &other_status["value"]);
    let statuses_agree = image(status) == *other_status || *status == image(other_status);
    statuses_agree && here == there && one.said() == other.said()
}
