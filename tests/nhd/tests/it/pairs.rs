//! Each implementation with each, unchanged: what a share comes to between them.

use std::collections::BTreeSet;

use nhd_partner::dialect::agreement::AgreementChange;
use nhd_partner::held::{PartnerTerms, Standing, TicketChange};
use nhd_partner::{Dialect, NewTicket, Partner, Verdict};

/// Text and visibility of each comment.
type Said = Vec<(String, bool)>;

const ACCEPTED: AgreementChange = AgreementChange::Standing(Standing::Accepted);

/// What became of each step, until the first that ends it: invite, accept, share, a private note
/// of the receiver, solved, unshare.
async fn play(sender: Dialect, receiver: Dialect) -> Vec<&'static str> {
    let a = Partner::plain("A", sender.habits()).await.expect("a partner");
    let b = Partner::plain("B", receiver.habits()).await.expect("a partner");
    let mut steps = Vec::new();
    let there = b.url.clone();
    let (agreement, invite) = a.desk(|desk| desk.invite(&there, PartnerTerms::everything()));
    steps.push(word(
        &a.call(invite).await.0,
        b.desk(|desk| desk.agreements.contains_key(&agreement)),
    ));
    if steps != ["done"] {
        return steps;
    }
    let accepted = b.say(|desk| desk.change_agreement(&agreement, &ACCEPTED)).await;
    let is_held = a.desk(|desk| desk.agreement(&agreement).standing) == Standing::Accepted;
    steps.push(word(&accepted, is_held));
    if steps[1] != "done" {
        return steps;
    }
    if !sender.tells_tickets() {
        steps.push("never told");
        return steps;
    }
    let (ticket, share) = a.desk(|desk| desk.share(&agreement, new_ticket()));
    let shared = a.call(share).await.0;
    let said = |partner: &Partner| {
        partner.desk(|desk| desk.tickets.get(&ticket).map(nhd_partner::held::PartnerTicket::said))
    };
    steps.push(heard(&shared, said(&a).as_ref(), said(&b).as_ref()));
    let note = TicketChange {
        comments: vec![b.desk(|desk| desk.comment("Ours alone", false))],
        ..TicketChange::default()
    };
    let noted = b.say(|desk| desk.update(&ticket, note)).await;
    let note = |partner: &Partner| -> Option<Said> {
        let said = said(partner)?.into_iter();
        Some(said.filter(|(text, _)| text == "Ours alone").collect())
    };
    steps.push(heard(&noted, note(&b).as_ref(), note(&a).as_ref()));
    let solved = TicketChange { status: Some("solved".to_owned()), ..TicketChange::default() };
    let solved = a.say(|desk| desk.update(&ticket, solved)).await;
    steps.push(word(&solved, b.desk(|desk| desk.ticket(&ticket).status == "solved")));
    if !sender.tells_unshare() {
        steps.push("never told");
        return steps;
    }
    let unshared = a.say(|desk| desk.unshare(&ticket)).await;
    steps.push(word(&unshared, b.desk(|desk| desk.ticket(&ticket).ended)));
    steps
}

fn new_ticket() -> NewTicket {
    NewTicket {
        subject: "Meter".to_owned(),
        status: "open".to_owned(),
        comments: vec![("For all".to_owned(), true), ("For agents".to_owned(), false)],
        ..NewTicket::default()
    }
}

fn word(verdict: &Verdict, is_held: bool) -> &'static str {
    match (verdict, is_held) {
        (Verdict::Done, true) => "done",
        (Verdict::Done, false) => "answered, not done",
        (Verdict::Failed(_), _) => "refused",
        (Verdict::Raised(_), _) => "raised",
        (Verdict::Silent(_), _) => "no answer",
    }
}

/// What became of comments: whether they are there, and for the same people.
fn heard(verdict: &Verdict, said: Option<&Said>, there: Option<&Said>) -> &'static str {
    let texts = |said: Option<&Said>| -> BTreeSet<String> {
        said.into_iter().flatten().map(|(text, _)| text.clone()).collect()
    };
    match word(verdict, said == there) {
        "answered, not done" if texts(there).is_superset(&texts(said)) => {
            "a private note is public"
        }
        "answered, not done" => "lost",
        word => word,
    }
}

#[tokio::test]
async fn no_two_different_ones_work_together() {
    use Dialect::{JavaScript, RequestTracker, Zendesk};
    let (done, leak) = ("done", "a private note is public");
    let pairs = [
        (Zendesk, Zendesk, vec![done; 6]),
        (Zendesk, JavaScript, vec![done, done, done, leak, done, done]),
        (Zendesk, RequestTracker, vec!["raised"]),
        (JavaScript, Zendesk, vec![done, done, leak, done, done, "never told"]),
        (JavaScript, JavaScript, vec![done, done, done, done, done, "never told"]),
        (JavaScript, RequestTracker, vec!["refused"]),
        (RequestTracker, Zendesk, vec![done, "raised"]),
        (RequestTracker, JavaScript, vec![done, "answered, not done"]),
        (RequestTracker, RequestTracker, vec![done, done, "never told"]),
    ];
    for (sender, receiver, expected) in pairs {
        assert_eq!(play(sender, receiver).await, expected, "{sender:?} to {receiver:?}");
    }
}
