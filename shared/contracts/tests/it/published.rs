//! Types, published schemas and goldens say the same.

use std::collections::BTreeSet;

use contracts::asyncapi::{document, messages, schema};
use contracts::fields::FieldValue;
use contracts::ids::one_spelling;
use contracts::topology::Exchange;
use contracts::{AccountName, CommentId, Item, Reason, ShareId, TicketId, Timestamp};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::golden::{Golden, goldens, read};

fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a draft-07 schema")
}

fn validator_of(message: &str) -> Validator {
    validator(&schema(messages().find(|known| known.name == message).expect("a published message")))
}

/// Where members are: the pointer of their object, and their name.
fn members(value: &Value) -> Vec<(String, String)> {
    fn walk(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(object) => {
                for (name, member) in object {
                    found.push((at.to_owned(), name.clone()));
                    walk(member, &format!("{at}/{name}"), found);
                }
            }
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| walk(item, &format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

/// The members whose presence and kind are the message's own business. What a command's custom
/// fields hold is read one by one by field-sync, against the account's fields: there the schema
/// says more than the type.
fn structure(golden: &Golden) -> impl Iterator<Item = (String, String)> {
    let is_command = golden.exchange == Exchange::Share;
    members(&golden.example.body)
        .into_iter()
        .filter(move |(at, _)| !(is_command && at.contains("custom_fields")))
}

fn changed(
    golden: &Golden,
    at: &str,
    change: impl FnOnce(&mut serde_json::Map<String, Value>),
) -> Value {
    let mut body = golden.example.body.clone();
    change(body.pointer_mut(at).and_then(Value::as_object_mut).expect("an object"));
    body
}

/// What the services that read these commands ask for beyond their type.
fn names_its_ticket(message: &str, body: &Value) -> bool {
    let needs_to = ["ticket.update.v1", "ticket.unshare.v1", "ticket.redact.v1"].contains(&message);
    let given = |name: &str| body.get(name).is_some_and(|id| !id.is_null());
    !needs_to || given("ticket_id") || given("share_id")
}

/// Whether everything in `old` is in `new` as well; members may have been added since, and an id
/// has one spelling since.
fn says_all_of(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            old.iter().all(|(name, old)| new.get(name).is_some_and(|new| says_all_of(new, old)))
        }
        (Value::Array(new), Value::Array(old)) => {
            new.len() == old.len() && new.iter().zip(old).all(|(new, old)| says_all_of(new, old))
        }
        (Value::String(new), Value::String(old)) => *new == one_spelling(old.clone()),
        _ => new == old,
    }
}

#[test]
fn every_message_has_a_golden() {
    let with: BTreeSet<String> =
        goldens().into_iter().map(|golden| golden.example.message).collect();
    assert_eq!(with, messages().map(|message| message.name.to_owned()).collect());
}

#[test]
fn goldens_are_read_for_ever_and_fit_their_schemas() {
    for Golden { file, exchange, example } in goldens() {
        let validator = validator_of(&example.message);
        let written =
            read(&example.message, &example.body).unwrap_or_else(|error| panic!("{file}: {error}"));
        for body in [&example.body, &written] {
            let problems: Vec<String> = validator
                .iter_errors(body)
                .map(|it| format!("{}: {it}", it.instance_path()))
                .collect();
            assert_eq!(problems, [""; 0], "{file}");
        }
        if exchange == Exchange::Desk {
            assert!(
                says_all_of(&written, &example.body),
                "{file}: something is lost on the way through its type"
            );
        }
    }
}

#[test]
fn unknown_members_are_ignored_anywhere() {
    for golden in goldens() {
        let message = &golden.example.message;
        let (validator, as_it_was) =
            (validator_of(message), read(message, &golden.example.body).unwrap());
        // In a map of fields a new member is a new field, and a value is no message.
        let is_closed = |at: &str| at.ends_with("/custom_fields") || at.ends_with("/value");
        let objects: BTreeSet<String> =
            members(&golden.example.body).into_iter().map(|(at, _)| at).collect();
        let mut body = golden.example.body.clone();
        for at in objects.iter().chain([&String::new()]).filter(|at| !is_closed(at)) {
            let Some(object) = body.pointer_mut(at).and_then(Value::as_object_mut) else {
                continue;
            };
            if !object.contains_key("clear") {
                object.insert(
                    "added_in_a_later_version".to_owned(),
                    json!({ "a": [1, null, { "b": true }] }),
                );
            }
        }
        assert_eq!(read(message, &body).unwrap(), as_it_was, "{}", golden.file);
        assert!(validator.is_valid(&body), "{}: published schemas stay open", golden.file);
    }
}

#[test]
fn what_is_required_is_required_by_type_and_schema() {
    let mut required = 0;
    for golden in goldens() {
        let (message, validator) = (&golden.example.message, validator_of(&golden.example.message));
        for (at, name) in structure(&golden) {
            let body = changed(&golden, &at, |object| drop(object.remove(&name)));
            let is_read = read(message, &body).is_ok() && names_its_ticket(message, &body);
            assert_eq!(validator.is_valid(&body), is_read, "{} without {at}/{name}", golden.file);
            required += usize::from(!is_read);
        }
    }
    assert!(required > 100, "only {required} members are required: is anything looked at?");
}

#[test]
fn null_means_not_given_in_commands_and_elsewhere_what_the_schema_says() {
    for golden in goldens() {
        let (message, validator) = (&golden.example.message, validator_of(&golden.example.message));
        // What stands in `{ "clear": true }` is a value.
        for (at, name) in
            members(&golden.example.body).into_iter().filter(|(_, name)| name != "clear")
        {
            let body = changed(&golden, &at, |object| object[&name] = Value::Null);
            let is_read = read(message, &body).is_ok() && names_its_ticket(message, &body);
            assert_eq!(
                validator.is_valid(&body),
                is_read,
                "{} with null as {at}/{name}",
                golden.file
            );
        }
    }
}

#[test]
fn a_value_of_another_kind_is_refused_by_type_and_schema() {
    for golden in goldens() {
        let (message, validator) = (&golden.example.message, validator_of(&golden.example.message));
        for (at, name) in structure(&golden) {
            let was = golden.example.body.pointer(&at).map(|object| &object[&name]);
            for other in [json!(12.5), json!("?"), json!([12.5]), json!({})] {
                // Text in place of text is looked at below, kind of text by kind of text.
                if other.is_string() && was.is_some_and(Value::is_string) {
                    continue;
                }
                let body = changed(&golden, &at, |object| object[&name] = other.clone());
                let is_read = read(message, &body).is_ok();
                assert_eq!(
                    validator.is_valid(&body),
                    is_read,
                    "{} with {other} as {at}/{name}",
                    golden.file
                );
            }
        }
    }
}

#[test]
fn a_ticket_command_names_its_ticket() {
    for message in ["ticket.update.v1", "ticket.unshare.v1", "ticket.redact.v1"] {
        let golden =
            goldens().into_iter().find(|golden| golden.example.message == message).unwrap();
        let mut body = golden.example.body;
        body.as_object_mut().unwrap().retain(|name, _| name != "ticket_id" && name != "share_id");
        assert!(!validator_of(message).is_valid(&body), "{message}");
    }
}

/// Checks that a component's schema takes what the type takes.
fn agree(component: &str, cases: impl IntoIterator<Item = Value>, takes: impl Fn(&Value) -> bool) {
    let schemas = &document(&[])["components"]["schemas"];
    let validator = validator(&schemas[component]);
    for case in cases {
        assert_eq!(validator.is_valid(&case), takes(&case), "{component}: {case}");
    }
}

#[test]
fn patterns_say_what_the_types_check() {
    let (uuid, sha1) =
        ("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10", "ed46838bfb41461e4f3b16ba471162c8e2764260");
    let mut texts = [
        "", "a", "ac", "acme", "-acme", "Acme", "ac.me", "acmé", "acme\n", "ac\0me", "x\ty",
        "\u{7f}", "x\u{9f}", uuid, sha1,
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend([
        uuid.to_uppercase(),
        sha1.to_uppercase(),
        format!("{uuid}0"),
        format!("{sha1}\n"),
        uuid.replace('-', ""),
    ]);
    texts.extend(
        ["acme/77", "acme/", "Acme/77", "/77", "a/77", "acme/a/b", "acme/a\u{85}"]
            .map(str::to_owned),
    );
    texts.extend([39, 40, 128, 129].map(|length| "a".repeat(length)));
    texts.extend([128, 129].map(|length| "é".repeat(length)));
    texts.extend([128, 129].map(|length| format!("acme/{}", "ü".repeat(length))));
    let texts = || texts.iter().map(|text| json!(text));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    agree("AccountName", texts(), |value| AccountName::new(text(value)).is_ok());
    agree("ShareId", texts(), |value| ShareId::new(text(value)).is_ok());
    agree("TicketId", texts(), |value| TicketId::new(text(value)).is_ok());
    agree("CommentId", texts(), |value| CommentId::new(text(value)).is_ok());
}

#[test]
fn what_is_described_by_hand_is_what_the_types_read() {
    let times = [
        "2026-03-01T10:00:00Z",
        "2026-03-01T12:00:00.123456789+02:00",
        "2026-03-01T10:00:00",
        "2026-03-01",
        "2026-02-30T10:00:00Z",
        "yesterday",
    ];
    agree("Timestamp", times.map(Value::from), |time| {
        Timestamp::parse(time.as_str().unwrap()).is_ok()
    });

    let values = [
        json!(""),
        json!("x"),
        json!([]),
        json!(["a", "b"]),
        json!([1]),
        json!(true),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1.5),
        json!(null),
        json!({}),
        json!({ "clear": true }),
        json!({ "clear": false }),
        json!({ "clear": true, "x": 1 }),
    ];
    agree("FieldValue", values, |value| FieldValue::from_json(value).is_some());

    let items = [
        "status",
        "status:x",
        "tag:",
        "tag:vip: gold",
        "custom_field:a",
        "attachment:1",
        "requester",
        "ccs",
        "subject",
        "x:1",
    ];
    agree("Item", items.map(Value::from), |item| item.as_str().unwrap().parse::<Item>().is_ok());

    let codes = Reason::ALL.iter().map(|reason| reason.code()).chain(["added_in_a_later_version"]);
    agree("Reason", codes.map(Value::from), |_| true);
}
