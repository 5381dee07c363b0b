use super::*;

fn row(exchange: &str, routing_key: &str) -> Row {
    let stub = Stub {
        id: Uuid::from_u128(7),
        times: 1,
        reason: "poison".into(),
        exchange: exchange.into(),
        routing_key: routing_key.into(),
        publisher: Some("acme".into()).filter(|_| exchange == "share"),
        message_id: "m".into(),
        message_type: "ticket.share.v1".into(),
        is_output: false,
    };
    Row {
        stub,
        content_type: Some("application/json".into()),
        correlation_id: Some("c".into()),
        share_id: Some("s".into()),
        traceparent: Some("t".into()),
        tracestate: None,
        body: b"{}".to_vec(),
        first_arrived_at: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
    }
}

fn discard() -> ParkedAction {
    ParkedAction::Discard { because: "a test".into() }
}

fn headers<'a>(letter: &'a OutgoingMessage<'_>) -> Vec<(&'a str, &'a str)> {
    let mut headers: Vec<(&str, &str)> =
        letter.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.sort_unstable();
    headers
}

#[test]
fn a_command_comes_to_its_entry_again_and_keeps_its_first_arrival() {
    let row = row("share", "acme.ticket.share");
    let letter = letter(Service::ShareDispatcher, &ParkedAction::Replay, &row).unwrap();
    assert_eq!(
        (letter.exchange.as_str(), letter.routing_key.as_str()),
        ("sync", "share-dispatcher.retried")
    );
    let expected = [
        ("deskmesh-attempt", "0"),
        ("deskmesh-first-arrival", "2026-03-01T10:00:00.000Z"),
        ("deskmesh-parked", "00000000-0000-0000-0000-000000000007"),
        ("deskmesh-publisher", "acme"),
        ("deskmesh-routing-key", "acme.ticket.share"),
    ];
    assert_eq!(headers(&letter), expected);
    assert_eq!(
        (letter.message_id.as_str(), letter.message_type.as_str()),
        ("m", "ticket.share.v1")
    );
}

#[test]
fn a_discard_is_the_same_letter_with_the_reason() {
    let row = row("share", "acme.ticket.share");
    let letter = letter(Service::ShareDispatcher, &discard(), &row).unwrap();
    assert_eq!(letter.routing_key, "share-dispatcher.retried");
    assert!(headers(&letter).contains(&("deskmesh-discarded", "a test")));
}

#[test]
fn what_was_on_its_way_to_a_service_or_desk_goes_where_it_was_going() {
    let (internal, desk) = (row("sync", "field-sync.transfer"), row("desk", "acme.ticket.updated"));
    let internal = letter(Service::FieldSync, &ParkedAction::Replay, &internal).unwrap();
    assert_eq!(
        (internal.exchange.as_str(), internal.routing_key.as_str()),
        ("sync", "field-sync.transfer")
    );
    assert_eq!(internal.headers.len(), 2, "whose row it is, and when it first arrived");
    let desk = letter(Service::ShareDispatcher, &ParkedAction::Replay, &desk).unwrap();
    assert_eq!(
        (desk.exchange.as_str(), desk.routing_key.as_str()),
        ("desk", "acme.ticket.updated")
    );
    assert_eq!(headers(&desk), [("share-id", "s")], "a desk is told nothing of ours");
    assert_eq!(desk.correlation_id.as_deref(), Some("c"));
}

#[test]
fn only_an_entry_discards_and_only_commands() {
    let stays =
        |service, row: &Row| matches!(course(service, &discard(), &row.stub), Course::Stay(_));
    assert!(stays(Service::ShareDispatcher, &row("sync", "share-dispatcher.fact")));
    assert!(stays(Service::ShareDispatcher, &row("desk", "acme.ticket.updated")));
    assert!(stays(Service::FieldSync, &row("sync", "field-sync.transfer")));
    assert!(stays(Service::FieldSync, &row("share", "acme.ticket.share")));
}

#[test]
fn without_a_publisher_there_is_nobody_to_answer() {
    let mut row = row("share", "acme.ticket.share");
    for publisher in [None, Some(String::new()), Some("no account".into())] {
        row.stub.publisher = publisher;
        assert_eq!(course(Service::ShareDispatcher, &discard(), &row.stub), Course::Close);
        assert!(matches!(
            course(Service::ShareDispatcher, &ParkedAction::Replay, &row.stub),
            Course::Stay(_)
        ));
        assert!(letter(Service::ShareDispatcher, &discard(), &row).is_none());
    }
}

#[test]
fn a_delivery_that_no_queue_took_waits_for_it_again() {
    let mut row = row("desk", "acme.ticket.updated");
    row.stub.is_output = true;
    assert_eq!(course(Service::FieldSync, &ParkedAction::Replay, &row.stub), Course::Undelivered);
}

#[test]
fn what_cannot_be_sent_stays_and_says_why() {
    let mut row = row("", "");
    assert!(matches!(
        course(Service::ShareDispatcher, &ParkedAction::Replay, &row.stub),
        Course::Stay(_)
    ));
    row.stub.exchange = "sync".into();
    row.stub.message_id = "é".repeat(128);
    assert!(matches!(
        course(Service::ShareDispatcher, &ParkedAction::Replay, &row.stub),
        Course::Stay(_)
    ));
    row.stub.message_id = String::new();
    assert!(matches!(
        course(Service::ShareDispatcher, &ParkedAction::Replay, &row.stub),
        Course::Stay(_)
    ));
}
