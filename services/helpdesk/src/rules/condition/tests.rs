use proptest::prelude::*;

use super::super::ticket::Channel;
use super::*;

fn received() -> Ticket {
    let mut ticket = Ticket::new(1, "Smart Meter reboots", "placeholder-1");
    ticket.channel = Channel::Sharing;
    ticket.updated_via = Channel::Sharing;
    ticket.received_from = Some("acme".to_owned());
    ticket.tags = tags_of("meter outage");
    ticket.fields.insert("model".to_owned(), Value::from("lx_40"));
    ticket
}

fn holds(on: Subject, op: Operator, value: &str) -> bool {
    let condition = Condition::new(on, op, value);
    assert_eq!(condition.check(), Ok(()));
    condition.holds(&received(), TicketEvent::Updated)
}

#[test]
fn r_81_update_via_can_be_ticket_sharing() {
    assert!(holds(Subject::UpdateVia, Operator::Is, "sharing"));
    assert!(!holds(Subject::UpdateVia, Operator::Is, "agent"));
    assert!(holds(Subject::UpdateVia, Operator::IsNot, "rule"));
}

#[test]
fn r_80_tickets_that_came_by_sharing_are_told_from_others() {
    assert!(holds(Subject::Channel, Operator::Is, "sharing"));
    assert!(!holds(Subject::Channel, Operator::IsNot, "sharing"));
}

#[test]
fn r_86_received_from_names_a_partner() {
    for (op, value, expected) in [
        (Operator::Is, "acme", true),
        (Operator::Is, "initech", false),
        (Operator::IsNot, "initech", true),
        (Operator::Is, ANY, true),
        (Operator::Is, NONE, false),
    ] {
        assert_eq!(holds(Subject::ReceivedFrom, op, value), expected, "{op:?} {value}");
    }
}

#[test]
fn r_87_sent_to_names_a_partner() {
    assert!(!holds(Subject::SentTo, Operator::Is, "acme"));
    assert!(holds(Subject::SentTo, Operator::Is, NONE));
    let mut sent = received();
    sent.sent_to = Some("initech".to_owned());
    let to = Condition::new(Subject::SentTo, Operator::Is, "initech");
    assert!(to.holds(&sent, TicketEvent::Updated));
}

#[test]
fn each_subject_is_compared_in_its_own_way() {
    for (on, op, value, expected) in [
        (Subject::Status, Operator::Below, "solved", true),
        (Subject::Status, Operator::Below, "new", false),
        (Subject::Status, Operator::Is, "new", true),
        (Subject::Tags, Operator::IncludesAny, "relay, METER", true),
        (Subject::Tags, Operator::IncludesNone, "relay", true),
        (Subject::SubjectText, Operator::Contains, "smart meter", true),
        (Subject::Assignee, Operator::Is, NONE, true),
        (Subject::Group, Operator::IsNot, NONE, false),
        (Subject::Requester, Operator::Is, "placeholder-1", true),
        (Subject::Field("model".into()), Operator::Is, "lx_40", true),
        (Subject::Field("model".into()), Operator::Contains, "LX", true),
        (Subject::Field("bay".into()), Operator::IsNot, "B3", true),
        (Subject::Ticket, Operator::Is, "created", false),
    ] {
        assert_eq!(holds(on.clone(), op, value), expected, "{on:?} {op:?} {value}");
    }
}

#[test]
fn hours_are_of_automations_alone() {
    let old = Condition::new(Subject::HoursSinceUpdate, Operator::AtLeast, "24");
    assert!(old.holds(&received(), TicketEvent::Hours(24)));
    assert!(!old.holds(&received(), TicketEvent::Hours(23)));
    assert!(!old.holds(&received(), TicketEvent::Updated));
}

#[test]
fn what_says_nothing_is_refused() {
    for (on, op, value) in [
        (Subject::Status, Operator::Is, "on-hold"),
        (Subject::Tags, Operator::Is, "meter"),
        (Subject::Tags, Operator::IncludesAny, " , "),
        (Subject::Group, Operator::Is, "Field team"),
        (Subject::HoursSinceUpdate, Operator::AtLeast, "0"),
        (Subject::ReceivedFrom, Operator::Is, ""),
    ] {
        assert!(Condition::new(on, op, value).check().is_err());
    }
}

#[test]
fn words_of_subjects_are_read_as_written() {
    let field = Subject::Field("model".to_owned());
    for subject in Subject::COMMON.into_iter().chain([field]) {
        assert_eq!(Subject::of(&subject.word()), Some(subject));
    }
    assert_eq!((Subject::of("field:"), Subject::of("x")), (None, None));
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let words = vec!["sharing", "agent", "acme", ANY, NONE, "new", "meter", "lx_40"];
    let subjects: Vec<Subject> =
        Subject::COMMON.into_iter().chain([Subject::Field("model".to_owned())]).collect();
    (prop::sample::select(subjects), prop::sample::select(words)).prop_flat_map(|(on, value)| {
        let operators = on.operators();
        prop::sample::select(operators).prop_map(move |op| Condition::new(on.clone(), op, value))
    })
}

proptest! {
    #[test]
    fn is_and_is_not_are_each_others_opposite(condition in any_condition()) {
        if condition.op == Operator::Is && condition.on.operators().contains(&Operator::IsNot) {
            let opposite = Condition { op: Operator::IsNot, ..condition.clone() };
            let ticket = received();
            prop_assert_ne!(
                condition.holds(&ticket, TicketEvent::Updated),
                opposite.holds(&ticket, TicketEvent::Updated)
            );
        }
    }

    #[test]
    fn nothing_is_unmet_exactly_where_all_hold(
        all in prop::collection::vec(any_condition(), 0..4),
        any in prop::collection::vec(any_condition(), 0..4),
    ) {
        let (ticket, conditions) = (received(), Conditions { all, any });
        prop_assert_eq!(
            conditions.hold(&ticket, TicketEvent::Created),
            conditions.unmet(&ticket, TicketEvent::Created).is_empty()
        );
    }
}
