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

    fn about(_: &Value) -> Correlation {
        Correlation::default()
    }

    async fn load(
        &self,
        _: &mut PgConnection,
        _: &[&ReceivedMessage<Value>],
    ) -> Result<(), DecideError> {
        Ok(())
    }

    fn decide(&self, (): &(), _: &ReceivedMessage<Value>) {}

    fn apply(&self, (): &mut (), _: &ReceivedMessage<Value>, (): ()) -> HandlerResult {
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

/// What the receipt of a refused body says; nothing when the body is taken.
fn detail_of(body: &[u8]) -> Option<String> {
    let mut envelope = envelope();
    envelope.body = body.to_vec();
    match admit(&Shares, QUEUE, &envelope) {
        Admission::Refuse(refused) => Some(refused.detail),
        Admission::Accept(_) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_body_that_cannot_be_read_says_where_and_why() {
    for (body, at, why) in [
        (&br#"{"ticket_id":"1","status":"open""#[..], "/: ", "EOF"),
        (br#"{"comments":[{"id":"a","body":"cut off"#, "/comments/0/body: ", "EOF"),
        (br#"{"comments":[{"id":"a"},{"id" "b"}]}"#, "/comments/1/id: ", "expected `:`"),
        (
            br#"{"tags":{"add":[{"name":"vip","added_by":user}]}}"#,
            "/tags/add/0/added_by: ",
            "expected value",
        ),
        (br#"{"ticket_id":'1'}"#, "/ticket_id: ", "expected value"),
        (br#"{"a/b~c":{"x":01}}"#, "/a~1b~0c/x: ", "number"),
        (b"{\"actor\":{\"name\":\"J\xfcrgen\"}}", "/actor/name: ", "UTF-8"),
        (b"{\"tags\":[1,\"\xc3\x28\"]}", "/tags/1: ", "UTF-8"),
        (b"\xff\xfe{\0}\0", "/: ", "UTF-16"),
        (b"\xfe\xff\0{\0}", "/: ", "UTF-16"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "/: ", "gzip"),
        (b"", "/: ", "empty"),
        (b"  \n", "/: ", "empty"),
        (br#"{"a":"\ud83d\x"}"#, "/a: ", "escape"),
        (br#"{"a":1} {"b":2}"#, "/: ", "trailing"),
        (br#"{"comments":[{"public":true,"public":false}]}"#, "/comments/0/public: ", "twice"),
        (br#"{"ticket_id":"1","ticket_id":"2"}"#, "/ticket_id: ", "twice"),
        (br#"{"ticket_id":null,"ticket_id":"2"}"#, "/ticket_id: ", "twice"),
        (br#"{"custom_fields":{"a":1,"\u0061":1}}"#, "/custom_fields/a: ", "twice"),
        (br#"{"unknown":[{"x":{"y":1,"y":1}}]}"#, "/unknown/0/x/y: ", "twice"),
    ] {
        let shown = String::from_utf8_lossy(body);
        let detail = detail_of(body).unwrap_or_else(|| panic!("{shown} is taken"));
        assert!(detail.starts_with(at) && detail.contains(why), "{shown}: {detail}");
    }
}

#[test]
fn a_body_is_taken_as_programs_write_it() {
    for body in [
        &b"\xef\xbb\xbf{\"ticket_id\":\"1\"}"[..],
        br#"{"note":1e400}"#,
        br#"{"note":[-1e400,{"x":123456789e999999}]}"#,
        br#"{"body":"cut \ud83d"}"#,
        br#"{"body":"\ude00 and \ud83d\ud83d\ude00","\ud83d":1}"#,
        br#"{"Order":1,"order":2}"#,
    ] {
        let shown = String::from_utf8_lossy(body);
        assert_eq!(detail_of(body), None, "{shown}");
    }
}

#[test]
fn a_content_type_of_json_is_taken_in_every_spelling() {
    let taken = |content_type: &str| {
        let mut envelope = envelope();
        envelope.content_type = Some(content_type.into());
        matches!(admit(&Shares, QUEUE, &envelope), Admission::Accept(_))
    };
    for good in [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON ; Charset=\"utf-8\"",
        " application/json ",
        "application/json;",
        "application/vnd.acme.ticket+json",
        "application/json; charset=us-ascii; profile=x",
    ] {
        assert!(taken(good), "{good}");
    }
    for bad in [
        "",
        "text/plain",
        "application/jsonp",
        "application/octet-stream",
        "application/xml",
        "json",
        "+json",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
    ] {
        assert!(!taken(bad), "{bad}");
    }
}

#[test]
fn a_compressed_body_is_refused_by_name() {
    use lapin::BasicProperties;
    let answer = |encoding: &str| {
        let mut envelope = envelope();
        envelope.properties = BasicProperties::default().with_content_encoding(encoding.into());
        match admit(&Shares, QUEUE, &envelope) {
            Admission::Refuse(refused) => Some(refused.detail),
            _ => None,
        }
    };
    for compressed in ["gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "utf-8, gzip"] {
        let detail = answer(compressed).expect("it is refused");
        assert!(detail.starts_with("content_encoding: "), "{detail}");
        assert!(detail.to_ascii_lowercase().contains("compress"), "{detail}");
    }
    for plain in ["utf-8", "UTF-8", "identity", "", "8bit"] {
        assert_eq!(answer(plain), None, "{plain:?}");
    }
}
