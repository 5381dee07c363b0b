use super::*;
use contracts::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;

use crate::failure::DecideError;
use crate::service::HandlerResult;

/// Reads one command, and decides nothing.
struct Shares;

impl Service for Shares {
    type Inbound = Value;
    type State = ();
    type Decision = ();
    const SERVICE: topology::Service = topology::Service::ShareDispatcher;

    fn decode(&self, name: &str, content: Content<'_>) -> Result<Value, DecodeError> {
        match name {
            "ticket.share.v1" => content::decode(content),
            other => Err(DecodeError::UnknownType(other.to_owned())),
        }
    }

    fn about(_: &Value) -> About {
        About::default()
    }

    async fn load(&self, _: &mut PgConnection, _: &[&Received<Value>]) -> Result<(), DecideError> {
        Ok(())
    }

    fn decide(&self, (): &(), _: &Received<Value>) {}

    fn apply(&self, (): &mut (), _: &Received<Value>, (): ()) -> HandlerResult {
        HandlerResult::Decided(Vec::new())
    }

    async fn save(&self, _: &mut PgConnection, (): ()) -> Result<(), DecideError> {
        Ok(())
    }
}

const QUEUE: &str = "share-dispatcher";

fn envelope() -> Envelope {
    Envelope {
        via: Via::Share,
        exchange: "share".into(),
        routing_key: "acme.ticket.share".into(),
        publisher: Some("acme".into()),
        message_id: Some("1".into()),
        message_type: Some("ticket.share.v1".into()),
        content_type: Some("application/json".into()),
        correlation_id: None,
        share_id: None,
        forbidden: None,
        trace: crate::message::trace_context::TraceContext::default(),
        attempt: 0,
        deliveries: 0,
        first_arrival: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
        parked: None,
        discarded: None,
        body: b"{}".to_vec(),
        properties: lapin::BasicProperties::default(),
    }
}

fn refusal(change: impl FnOnce(&mut Envelope)) -> (String, Reason) {
    let mut envelope = envelope();
    change(&mut envelope);
    match admit(&Shares, QUEUE, &envelope) {
        Admission::Refuse(refused) => (refused.to.to_string(), refused.reason),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_proper_command_is_admitted() {
    assert!(matches!(admit(&Shares, QUEUE, &envelope()), Admission::Accept(_)));
}

#[test]
fn also_what_is_refused_says_what_it_is_about() {
    let mut envelope = envelope();
    envelope.body = br#"{"ticket_id":"4711"}"#.to_vec();
    envelope.message_type = Some("ticket.share.v2".into());
    let Admission::Refuse(refused) = admit(&Shares, QUEUE, &envelope) else {
        panic!("not refused")
    };
    assert_eq!(refused.about.subject.as_deref(), Some("acme/4711"));
    envelope.body = b"nonsense".to_vec();
    let Admission::Refuse(refused) = admit(&Shares, QUEUE, &envelope) else {
        panic!("not refused")
    };
    assert_eq!(refused.about.subject.as_deref(), Some("acme"));
}

#[test]
fn each_fault_has_its_reason_and_its_receiver() {
    let acme = |reason| ("acme".to_owned(), reason);
    assert_eq!(refusal(|it| it.routing_key = "acme.ticket".into()), acme(Reason::Malformed));
    assert_eq!(refusal(|it| it.publisher = None), acme(Reason::Malformed));
    assert_eq!(refusal(|it| it.publisher = Some("globex".into())), acme(Reason::Malformed));
    assert_eq!(refusal(|it| it.message_id = None), acme(Reason::Malformed));
    assert_eq!(refusal(|it| it.message_id = Some("x".repeat(129))), acme(Reason::Malformed));
    assert_eq!(refusal(|it| it.message_id = Some("é".into())), acme(Reason::Malformed));
    assert_eq!(refusal(|it| it.forbidden = Some("CC")), acme(Reason::Malformed));
    assert_eq!(refusal(|it| it.content_type = None), acme(Reason::Malformed));
    assert_eq!(
        refusal(|it| it.message_type = Some("ticket.update.v1".into())),
        acme(Reason::Malformed)
    );
    assert_eq!(
        refusal(|it| it.message_type = Some("ticket.share.v2".into())),
        acme(Reason::UnknownType)
    );
    assert_eq!(refusal(|it| it.body = vec![b' '; BODY_BYTES + 1]), acme(Reason::TooLarge));
    assert_eq!(refusal(|it| it.body = b"nonsense".to_vec()), acme(Reason::Malformed));
    assert_eq!(refusal(|it| it.body = b"\xff".to_vec()), acme(Reason::Malformed));
}

#[test]
fn what_a_person_discards_is_refused_with_the_reason_whatever_it_says() {
    for body in [&b"{}"[..], b"nonsense"] {
        let discarded =
            |it: &mut Envelope| (it.discarded, it.body) = (Some("a test".into()), body.to_vec());
        assert_eq!(refusal(discarded), ("acme".to_owned(), Reason::Discarded));
    }
    let not_its_own = |it: &mut Envelope| {
        it.via = Via::Ladder;
        (it.discarded, it.routing_key) = (Some("a test".into()), "globex.ticket.share".into());
    };
    assert_eq!(
        refusal(not_its_own),
        ("acme".to_owned(), Reason::Discarded),
        "the other account is not told"
    );
}

#[test]
fn a_command_does_not_come_between_services() {
    let mut envelope = envelope();
    envelope.via = Via::Service;
    match admit(&Shares, QUEUE, &envelope) {
        Admission::Park(ParkReason::Undecodable, detail) => {
            assert!(detail.starts_with("ticket.share.v1 is"), "{detail}");
        }
        other => panic!("not parked: {other:?}"),
    }
}

#[test]
fn an_operator_publishes_for_the_accounts_below_it() {
    let mut envelope = envelope();
    envelope.routing_key = "acme-eu.ticket.share".into();
    assert!(matches!(admit(&Shares, QUEUE, &envelope),
            Admission::Accept(known) if known.key.account == "acme-eu"));
}

#[test]
fn a_command_of_another_entry_service_is_no_unknown_one() {
    let mut envelope = envelope();
    envelope.routing_key = "acme.agreement.invite".into();
    envelope.message_type = Some("agreement.invite.v1".into());
    assert!(matches!(
        admit(&Shares, topology::UNROUTABLE, &envelope),
        Admission::Forward(topology::Service::Agreement)
    ));
    assert!(
        matches!(admit(&Shares, QUEUE, &envelope), Admission::Refuse(_)),
        "a copy, which the sender asked for"
    );
    envelope.forbidden = Some("expiration");
    assert!(
        matches!(admit(&Shares, topology::UNROUTABLE, &envelope), Admission::Refuse(_)),
        "what is not admitted goes nowhere"
    );
}

#[test]
fn without_user_id_the_account_of_the_key_hears_which_property_is_wrong() {
    let mut envelope = envelope();
    envelope.publisher = None;
    let Admission::Refuse(refused) = admit(&Shares, QUEUE, &envelope) else {
        panic!("not refused")
    };
    assert_eq!(refused.to.as_str(), "acme");
    assert!(refused.detail.starts_with("user_id: "), "{}", refused.detail);
}

#[test]
fn a_key_in_our_own_headers_proves_nothing() {
    let forged = |it: &mut Envelope| {
        it.via = Via::Ladder;
        it.routing_key = "globex.ticket.share".into();
    };
    assert_eq!(refusal(forged), ("acme".to_owned(), Reason::NotYourAccount));
}

#[test]
fn a_key_that_names_no_account_leaves_nobody_to_answer() {
    for key in ["Acme.ticket.share", "a.ticket.share", ".ticket.share", ""] {
        let mut envelope = envelope();
        envelope.routing_key = key.into();
        let admission = admit(&Shares, QUEUE, &envelope);
        assert!(matches!(admission, Admission::Park(ParkReason::NoPublisher, _)), "{key:?}");
    }
}
