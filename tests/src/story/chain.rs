//! Scene: the copy is shared onward.

use contracts::ReceiptOutcome::{Applied, Partial};
use contracts::delivery::DeliveryBody;
use contracts::fields::Status;

use super::sample::{comment, plain_share, share_of, update};
use super::{Link, Side, Story, comment_in, proof};

/// initech's own number for the copy it gets.
pub(super) const NUMBER: &str = "I-77";

pub(super) async fn play(story: &mut Story) {
    story.out.headline("globex shares its copy onward: a chain of three");
    let copy = story.links[0].far.1.clone();
    let mut command = plain_share(Side::Globex, &story.second, &copy, "Seal for a pump");
    command.ticket.status = Status::Open;
    let shared = story.globex.ask(&command).await;
    // Whether a status is mapped on the way is the receipt's business here; that the share is in
    // force is ours.
    let outcome = if shared.receipt.outcome == Partial { Partial } else { Applied };
    story.answered(&story.globex, &shared, outcome, &format!("shares {copy} with initech"));
    let share = share_of(&shared.receipt);
    let created = |told: &DeliveryBody| match told {
        DeliveryBody::TicketCreated(created) if created.share_id == share => {
            Some(created.comments.len())
        }
        _ => None,
    };
    let (comments, arrival) =
        story.arrives(&story.globex, &shared, &story.initech, "the copy", created).await;
    arrival.tell(&format!("the copy appears with {comments} comments, of acme and of globex"));
    story.initech.bind(&share, NUMBER).await;
    let (number, bound) =
        story.globex.told("the copy's number", |told| super::share::bound(told, &share)).await;
    story.out.event(
        "initech",
        "globex",
        None,
        bound.trace_id.as_deref(),
        &format!("the copy has its own number, {number}"),
    );
    story.links.push(Link { near: (Side::Globex, copy), far: (Side::Initech, NUMBER.into()) });

    travels(story, Side::Initech, NUMBER, "initech/1", [Side::Globex, Side::Acme]).await;
    travels(story, Side::Acme, "A-1", "acme/4", [Side::Globex, Side::Initech]).await;
    proof::links_agree(story).await;
    story.out.stage(
        "all three copies hold the same comments, tags, fields and status, each in its own terms",
    );
}

async fn travels(story: &Story, from: Side, ticket: &str, id: &str, to: [Side; 2]) {
    let mut reply = update(from, ticket);
    reply.comments = vec![comment(id, true, "To everybody: the part is on its way.")];
    let from = story.party(from);
    let sent = story.ask(from, &reply, Applied, "a comment for the whole chain").await;
    for to in to.map(|side| story.party(side)) {
        let (seen, arrival) =
            story.arrives(from, &sent, to, "the comment", |told| comment_in(told, id)).await;
        arrival.tell(&format!("the comment, by placeholder {}", seen.1.author.name));
    }
}
