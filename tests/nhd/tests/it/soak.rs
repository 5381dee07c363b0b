//! Partners that fail a fifth of all calls, lie in a tenth and go away twice, while both sides work
//! on their tickets, on new ones in each round of a minute: nothing is lost, doubled or diverged,
//! by the partners' own books.
//! `NHD_SOAK_SECONDS` says how long, `NHD_SOAK_SEED` what happens.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use contracts::{AgreementId, ReceiptOutcome};
use fastrand::Rng;
use futures_util::future::{join, join_all};
use nhd_partner::dialect::Visibility;
use nhd_partner::held::TicketChange;
use nhd_partner::{Dialect, Habits, Misbehaviour, NewTicket, Partner, Verdict};
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use crate::story::{agreed_by, agreed_to, alike};
use crate::system::{CALL_TIMEOUT, System, comment, created, said, seen, share, update};

/// As long as a partner may need until it was heard.
const INSIST: Duration = Duration::from_mins(2);
/// How long a round may be: the JavaScript client says a ticket with all its comments in each call.
const ROUND: Duration = Duration::from_mins(1);
/// Tickets that each side shares with each partner in a round.
const TICKETS: usize = 2;
const STATUSES: [&str; 3] = ["open", "pending", "solved"];

/// One ticket, on both sides.
#[derive(Clone, Debug)]
struct Pairing {
    partner: usize,
    number: String,
    uuid: String,
    /// Whether the partner shared it: who shares a ticket sets its status and its tags.
    is_partners: bool,
}

/// What both sides wrote, and where.
#[derive(Default)]
struct Written(Vec<(String, String)>);

/// What the partners were told and said in all rounds, by their own books.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    told: usize,
    failed: usize,
    untrue: usize,
    sent: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_diverged() {
    let time = Duration::from_secs(number("NHD_SOAK_SECONDS").unwrap_or(15));
    let seed = number("NHD_SOAK_SEED").unwrap_or(1);
    let system = System::open("nhd_soak").await;
    let desk = system.desk("acme").await;
    let partners = partners(&system).await;
    let mut agreements = Vec::new();
    for partner in &partners {
        agreements
            .push((agreed_by(&system, &desk, partner).await, agreed_to(&desk, partner).await.0));
    }
    let rounds = time.as_secs().div_ceil(ROUND.as_secs()).max(1);
    let length = time.div_f64(f64::from(u32::try_from(rounds).expect("so many rounds")));
    let work = async {
        let mut tallies = vec![Tally::default(); partners.len()];
        let mut written = 0;
        for round in 0..rounds {
            let seed = seed.wrapping_add(round * 1_000);
            misbehave(&partners, seed);
            let pairings = paired(&desk, &partners, &agreements, round).await;
            let wrote = worked(&desk, &partners, &pairings, seed, Instant::now() + length).await;
            for partner in &partners {
                partner.misbehave(Misbehaviour::default());
            }
            for pairing in &pairings {
                settled(&desk, &partners[pairing.partner], pairing, &wrote).await;
            }
            for (at, (partner, tally)) in partners.iter().zip(&mut tallies).enumerate() {
                let own: Vec<&Pairing> = pairings.iter().filter(|it| it.partner == at).collect();
                let wrong = wrong(&desk, partner, &own);
                assert!(wrong.is_empty(), "round {round}, partner {at}: {wrong:#?}");
                closed(partner, tally);
            }
            written += wrote.len();
        }
        (tallies, written)
    };
    let ((tallies, written), ()) = join(work, go_away(&partners, time / 3)).await;
    report(&tallies, rounds, written);
    system.close().await;
}

fn misbehave(partners: &[Partner], seed: u64) {
    for (at, partner) in partners.iter().enumerate() {
        let (seed, late) = (seed.wrapping_add(at as u64), CALL_TIMEOUT * 2);
        partner.misbehave(Misbehaviour { fails: 200, lies: 100, late, seed, always: None });
    }
}

/// New tickets of both sides with each partner.
async fn paired(
    desk: &Desk,
    partners: &[Partner],
    agreements: &[(String, AgreementId)],
    round: u64,
) -> Vec<Pairing> {
    let mut pairings = Vec::new();
    for (at, (partner, (theirs, ours))) in partners.iter().zip(agreements).enumerate() {
        for ticket in 0..TICKETS {
            let subject = format!("Ticket {ticket} of round {round} with partner {at}");
            pairings.push(shared_by(desk, partner, (at, theirs), &subject).await);
            pairings.push(shared_to(desk, partner, (at, ours), &subject).await);
        }
    }
    pairings
}

/// Both sides work on the tickets until the time is over; the comments that they wrote, each with
/// its ticket.
async fn worked(
    desk: &Desk,
    partners: &[Partner],
    pairings: &[Pairing],
    seed: u64,
    until: Instant,
) -> Vec<(String, String)> {
    let work = pairings.iter().enumerate().map(|(at, pairing)| {
        let mut dice = Rng::with_seed(seed ^ (at as u64) << 8);
        let other = Rng::with_seed(dice.u64(..));
        let partner = &partners[pairing.partner];
        join(desk_works(desk, pairing, dice, until), partner_works(partner, pairing, other, until))
    });
    let worked = join_all(work).await.into_iter();
    worked.flat_map(|(here, there)| here.0.into_iter().chain(there.0)).collect()
}

/// Each partner goes away twice.
async fn go_away(partners: &[Partner], after: Duration) {
    for _ in 0..2 {
        tokio::time::sleep(after).await;
        for partner in partners {
            partner.restart(Duration::from_millis(500)).await.expect("its port is free");
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok())
}

async fn partners(system: &System) -> Vec<Partner> {
    let omits = Habits { omits_public: true, ..Dialect::Zendesk.habits() };
    assert_eq!(omits.absent_public, Visibility::Public);
    let all = [Dialect::Zendesk.habits(), omits, Dialect::JavaScript.habits()];
    let mut partners = Vec::new();
    for (at, habits) in all.into_iter().enumerate() {
        partners.push(system.partner(&format!("Partner {at}"), habits).await);
    }
    partners
}

async fn shared_by(
    desk: &Desk,
    partner: &Partner,
    (at, agreement): (usize, &str),
    subject: &str,
) -> Pairing {
    let subject = format!("{subject}, of the partner");
    let new = NewTicket {
        subject: subject.clone(),
        status: "open".to_owned(),
        requester: partner.desk(|it| it.person("Robin")),
        ..NewTicket::default()
    };
    let (uuid, call) = partner.desk(|it| it.share(agreement, new));
    let verdict = partner.insist(call, INSIST).await.expect("an answer");
    assert_eq!(verdict, Verdict::Done, "{subject}");
    let number = format!("p{uuid}");
    created(desk, &subject, &number).await;
    Pairing { partner: at, number, uuid, is_partners: true }
}

async fn shared_to(
    desk: &Desk,
    partner: &Partner,
    (at, agreement): (usize, &AgreementId),
    subject: &str,
) -> Pairing {
    let subject = format!("{subject}, of the desk");
    let number = format!("d{}", desk.next_id());
    let ticket = json!({ "id": number, "subject": subject, "status": "open",
        "requester": { "id": "r", "name": "Max", "role": "end_user" } });
    share(desk, agreement, ticket).await;
    let uuid = until(&subject, PATIENCE, async || {
        partner.desk(|it| {
            let found = it.tickets.values().find(|ticket| ticket.subject == subject);
            found
                .map(|ticket| ticket.uuid.clone())
                .ok_or_else(|| format!("{:?}", it.books.told.last()))
        })
    })
    .await;
    Pairing { partner: at, number, uuid, is_partners: false }
}

/// The desk's agents, until the time is over.
async fn desk_works(desk: &Desk, pairing: &Pairing, mut dice: Rng, until: Instant) -> Written {
    let mut written = Written::default();
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(dice.u64(50..250))).await;
        let mut change = json!({});
        if !pairing.is_partners && dice.bool() {
            change["status"] = json!(dice.choice(STATUSES));
            let tag = json!({ "name": dice.choice(["field", "night"]), "added_by": "user" });
            change["tags"] = json!({ "add": [tag] });
        } else {
            let text = format!("{} by the desk", desk.next_id());
            change["comments"] = json!([comment(desk, &text, dice.bool())]);
            written.0.push((pairing.uuid.clone(), text));
        }
        // The dice may say what is there already.
        let receipt = update(desk, &pairing.number, change).await;
        assert_ne!(receipt.outcome, ReceiptOutcome::Rejected, "{receipt:?}");
    }
    written
}

/// The partner's agents, until the time is over. The JavaScript client says the whole ticket with
/// every word, so it leaves alone what the desk sets.
async fn partner_works(
    partner: &Partner,
    pairing: &Pairing,
    mut dice: Rng,
    until: Instant,
) -> Written {
    let mut written = Written::default();
    let says_all = partner.desk(|it| it.habits.dialect) == Dialect::JavaScript;
    while Instant::now() < until && (pairing.is_partners || !says_all) {
        tokio::time::sleep(Duration::from_millis(dice.u64(50..250))).await;
        let call = partner.desk(|it| {
            let mut change = TicketChange::default();
            if pairing.is_partners && dice.bool() {
                change.status = dice.choice(STATUSES).map(str::to_owned);
                // Who says the whole ticket leaves an empty list out, and so cannot take the last
                // off.
                let stays = |tag: &str| says_all && tag == "field";
                let tags = ["field", "night", "van"].into_iter();
                let tags = tags.filter(|tag| dice.bool() || stays(tag));
                change.tags = Some(tags.map(str::to_owned).collect::<BTreeSet<_>>());
            } else {
                let text = format!("{} by {}", it.books.sent.len(), it.name);
                change.comments.push(it.comment(&text, dice.bool()));
                written.0.push((pairing.uuid.clone(), change.comments[0].body.clone()));
            }
            it.update(&pairing.uuid, change)
        });
        let verdict = partner.insist(call, INSIST).await.expect("an answer");
        assert_eq!(verdict, Verdict::Done, "{pairing:?}");
    }
    written
}

/// Waits until both sides are alike, and looks whether all that was written is there, once.
async fn settled(desk: &Desk, partner: &Partner, pairing: &Pairing, written: &[(String, String)]) {
    alike(desk, &pairing.number, partner, &pairing.uuid).await;
    let mut wrote: Vec<&String> =
        written.iter().filter(|(uuid, _)| *uuid == pairing.uuid).map(|(_, text)| text).collect();
    wrote.sort();
    let said = partner.desk(|it| it.ticket(&pairing.uuid).said());
    let held: Vec<&String> = said.iter().map(|(text, _)| text).collect();
    assert_eq!(held, wrote, "{pairing:?}");
    assert!(partner.desk(|it| it.books.doubled()).is_empty(), "{pairing:?}");
}

/// Whatever is wrong by a partner's own books: it was told that a comment of its own is taken, and
/// the desk has it not; it was told one comment twice; a ticket is not what it is at the desk.
fn wrong(desk: &Desk, partner: &Partner, pairings: &[&Pairing]) -> Vec<String> {
    let here: BTreeSet<String> = pairings
        .iter()
        .flat_map(|pairing| said(desk, &pairing.number))
        .map(|(text, _)| text)
        .collect();
    partner.desk(|it| {
        let taken = it.books.comments_taken().into_values();
        let lost = taken.filter(|text| !here.contains(text)).map(|text| format!("lost: {text}"));
        let doubled = it.books.doubled().into_iter().map(|text| format!("doubled: {text}"));
        let diverged = pairings.iter().filter(|pairing| {
            let (ticket, seen) = (it.ticket(&pairing.uuid), seen(desk, &pairing.number));
            seen["status"]["value"] != ticket.status || said(desk, &pairing.number) != ticket.said()
        });
        let diverged = diverged.map(|pairing| format!("diverged: {pairing:?}"));
        lost.chain(doubled).chain(diverged).collect()
    })
}

/// Adds what stands in a partner's books, and begins new ones.
fn closed(partner: &Partner, tally: &mut Tally) {
    let books = partner.desk(|it| std::mem::take(&mut it.books));
    let told = books.told.iter();
    tally.told += books.told.len();
    tally.failed +=
        told.clone().filter(|call| call.status.is_none_or(|status| status >= 500)).count();
    tally.untrue += told.filter(|call| call.status == Some(200) && !call.is_done).count();
    tally.sent += books.sent.len();
}

/// Tells how it went, and fails where nothing was tried.
fn report(tallies: &[Tally], rounds: u64, written: usize) {
    for (at, Tally { told, failed, untrue, sent }) in tallies.iter().enumerate() {
        println!(
            "partner {at}: told {told} times, {failed} of them refused or unanswered, {untrue} \
             answered untruly; said {sent}"
        );
        assert!(*told > 0 && *failed > 0 && *sent > 0, "{at} did nothing wrong, or nothing");
    }
    println!("{written} comments in {rounds} rounds, each there once on both sides");
    assert!(written > 0, "nobody wrote anything");
}
