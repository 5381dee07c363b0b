//! Views: what SQL finds is what the conditions say, for any conditions and any tickets.

use std::collections::BTreeSet;

use helpdesk::rules::condition::{ANY, Condition, Conditions, NONE, Subject, TicketEvent};
use helpdesk::rules::ticket::{Channel, STATUSES, Ticket, tags_of};
use helpdesk::store::ticket::{Kept, insert};
use helpdesk::store::view;
use serde_json::json;
use uuid::Uuid;
use web::StaffRole;

use crate::harness::{ACME, HelpdeskHarness};

/// One of a few, by chance that a seed repeats.
fn one<T: Clone>(chance: &mut u64, of: &[T]) -> T {
    *chance =
        chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let place = usize::try_from(*chance >> 33).unwrap_or_default() % of.len();
    of[place].clone()
}

fn ticket(chance: &mut u64, number: i64) -> Ticket {
    let group = Uuid::from_u128(7);
    let partner = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let mut ticket = Ticket::new(number, one(chance, &["Smart METER", "Pump", "100%_"]), "p");
    ticket.status = one(chance, &STATUSES);
    ticket.custom_status = one(chance, &[None, Some("triage".to_owned())]);
    ticket.group = one(chance, &[None, Some(group)]);
    ticket.assignee = one(chance, &[None, Some(group)]);
    one(chance, &["p", "q"]).clone_into(&mut ticket.requester);
    ticket.channel = one(chance, &Channel::ALL);
    ticket.updated_via = one(chance, &Channel::ALL);
    ticket.tags = tags_of(one(chance, &["", "meter", "meter relay", "other"]));
    ticket.received_from = partner(one(chance, &["", "globex", "initech"]));
    ticket.sent_to = partner(one(chance, &["", "globex"]));
    let value = one(
        chance,
        &[
            json!(null),
            json!("lx_40"),
            json!(["b", "a"]),
            json!({ "clear": true }),
            json!(true),
            json!(7),
        ],
    );
    if !value.is_null() {
        ticket.fields.insert("model".to_owned(), value);
    }
    ticket
}

fn condition(chance: &mut u64) -> Condition {
    let field = Subject::Field("model".to_owned());
    let subjects: Vec<Subject> = Subject::COMMON
        .into_iter()
        .filter(|it| ![Subject::Ticket, Subject::HoursSinceUpdate].contains(it))
        .chain([field])
        .collect();
    let on = one(chance, &subjects);
    let op = one(chance, on.operators());
    let value = match on {
        Subject::Status => {
            one(chance, &["new", "open", "open:triage", "hold:gone", "closed"]).to_owned()
        }
        Subject::Channel | Subject::UpdateVia => one(chance, &["agent", "sharing"]).to_owned(),
        Subject::Group | Subject::Assignee => {
            one(chance, &[NONE.to_owned(), Uuid::from_u128(7).to_string()])
        }
        Subject::ReceivedFrom | Subject::SentTo => {
            one(chance, &[ANY, NONE, "globex", "nobody"]).to_owned()
        }
        Subject::Tags => one(chance, &["meter", "relay, other", "x"]).to_owned(),
        Subject::SubjectText => one(chance, &["meter", "%_", "PUMP"]).to_owned(),
        Subject::Requester => one(chance, &["p", "x"]).to_owned(),
        _ => one(chance, &["lx_40", "a b", "true", "7", "LX"]).to_owned(),
    };
    Condition::new(on, op, value)
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_finds_what_conditions_say() {
    let harness = HelpdeskHarness::set("helpdesk-views").await;
    let mut connection = harness.pool.acquire().await.expect("a connection");
    let mut chance = 20_261_130;
    let mut tickets = Vec::new();
    for number in 1..=60 {
        let kept = Kept {
            ticket: ticket(&mut chance, number),
            requester_name: "Robin".to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        };
        insert(&mut connection, ACME, &kept).await.expect("it is kept");
        tickets.push(kept.ticket);
    }
    for round in 0..400 {
        let some = |chance: &mut u64| {
            let count = one(chance, &[0, 1, 1, 2]);
            (0..count).map(|_| condition(chance)).collect::<Vec<_>>()
        };
        let conditions = Conditions { all: some(&mut chance), any: some(&mut chance) };
        let said: BTreeSet<i64> = tickets
            .iter()
            .filter(|ticket| conditions.hold(ticket, TicketEvent::Hours(0)))
            .map(|ticket| ticket.number)
            .collect();
        let me = Uuid::nil();
        let found = view::page(&mut connection, ACME, me, &conditions, None, 100)
            .await
            .unwrap_or_else(|error| panic!("{conditions:?}: {error}"));
        let found: BTreeSet<i64> = found.into_iter().map(|kept| kept.ticket.number).collect();
        assert_eq!(found, said, "round {round}: {conditions:?}");
        let counts =
            view::counts(&mut connection, ACME, me, &[&conditions]).await.expect("a count");
        assert_eq!(counts, [i64::try_from(said.len()).expect("few")]);
    }
    drop(connection);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_88_a_view_of_the_accounts_own_is_beside_those_of_all() {
    let harness = HelpdeskHarness::set("helpdesk-ownview").await;
    let ada = harness.person(ACME, "Ada", StaffRole::Admin).await;
    let sam = harness.person(ACME, "Sam", StaffRole::Agent).await;
    harness.ticket(&ada, "One meter", &[("tags", "meter")]).await;
    harness.ticket(&ada, "Another thing", &[]).await;
    let path = "/settings/rules/view/0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
    let form = [
        ("new", "yes"),
        ("name", "Meters"),
        ("on", "on"),
        ("do", "save"),
        ("all_on", "tags"),
        ("all_op", "includes_any"),
        ("all_value", "meter"),
    ];
    harness.post(&ada, path, &form).await.is(303);
    let page = harness.get(&sam, "/tickets?view=0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10").await;
    page.is(200).has("One meter").lacks("Another thing").has("Meters");
    page.lacks("Edit view");
    harness.remove().await;
}
