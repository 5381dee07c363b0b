//! The AsyncAPI document holds together.

use std::collections::BTreeSet;

use contracts::asyncapi::{document, events_document, messages, schema};
use contracts::compatibility::passing;
use contracts::fields::FieldType;
use contracts::topology::{Exchange, FLOWS};
use contracts::{Reason, delivery::DeliveryBody};
use serde_json::{Value, json};

use crate::golden::goldens;

fn whole() -> Value {
    document(&goldens().into_iter().map(|golden| golden.example).collect::<Vec<_>>())
}

fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn what_desks_send_and_are_told_is_published_and_nothing_else() {
    for (exchange, flows) in [Exchange::Share, Exchange::Desk].map(|exchange| {
        (
            exchange,
            FLOWS
                .iter()
                .filter(|flow| flow.exchange == exchange)
                .map(|flow| flow.message)
                .collect::<BTreeSet<_>>(),
        )
    }) {
        let published: Vec<&str> =
            messages().filter(|it| it.exchange == exchange).map(|it| it.name).collect();
        assert_eq!(published.len(), flows.len(), "each once");
        assert_eq!(BTreeSet::from_iter(published), flows);
    }
    let document = whole();
    assert_eq!(keys(&document["components"]["messages"]), messages().map(|it| it.name).collect());
    assert_eq!(
        keys(&document["channels"]["desk"]["messages"]),
        DeliveryBody::NAMES.iter().copied().collect()
    );
}

#[test]
fn every_message_has_its_channel_and_its_operation() {
    let document = whole();
    for message in messages() {
        let name =
            if message.exchange == Exchange::Share { message.entity_and_verb() } else { "desk" };
        let channel = &document["channels"][name];
        assert_eq!(
            channel["messages"][message.name]["$ref"],
            format!("#/components/messages/{}", message.name)
        );
        let address = if message.exchange == Exchange::Share {
            format!("{{account}}.{name}")
        } else {
            "desk.{account}".to_owned()
        };
        assert_eq!(channel["address"], address);
        let operation = &document["operations"][name];
        let reference = json!({ "$ref": format!("#/channels/{name}/messages/{}", message.name) });
        assert!(operation["messages"].as_array().unwrap().contains(&reference), "{}", message.name);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = whole();
    let mut count = 0;
    let mut visit = |root: &Value, value: &Value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            count += 1;
            let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            assert!(target.is_some(), "{reference}");
        }
    };
    walk(&document, &mut |value| visit(&document, value));
    for message in messages() {
        let schema = schema(message);
        walk(&schema, &mut |value| visit(&schema, value));
    }
    assert!(count > 300, "{count}");
}

#[test]
fn schemas_are_draft_07_and_say_what_everything_is() {
    for message in messages() {
        let schema = schema(message);
        assert!(jsonschema::draft7::meta::is_valid(&schema), "{}", message.name);
        walk(&schema, &mut |value| {
            assert_ne!(
                value.get("additionalProperties"),
                Some(&json!(false)),
                "{}: schemas stay open",
                message.name
            );
            let properties = value.get("properties").filter(|_| value["type"] == "object");
            for (name, property) in properties.and_then(Value::as_object).into_iter().flatten() {
                assert!(
                    name == "clear" || property["description"].is_string(),
                    "{}: what is {name}?",
                    message.name
                );
            }
        });
    }
}

#[test]
fn whoever_makes_types_of_it_finds_a_name_for_each() {
    let mut described = 0;
    for document in [whole(), events_document()] {
        let schemas = &document["components"]["schemas"];
        for (name, schema) in schemas.as_object().unwrap() {
            assert_eq!(schema["title"], json!(name));
            assert_eq!(schema["$id"], json!(format!("#{name}")));
        }
        walk(schemas, &mut |value| {
            let is_object = value["type"] == "object" && value.get("properties").is_some();
            let is_wrapped = value["allOf"].as_array().is_some_and(|all| all.len() == 1);
            if is_object || is_wrapped {
                described += 1;
                assert!(value["title"].is_string(), "{value}");
            }
        });
    }
    assert!(described > 100, "only {described}: is anything looked at?");
}

#[test]
fn examples_fit_the_documents_own_schemas() {
    let document = whole();
    for (name, message) in document["components"]["messages"].as_object().unwrap() {
        let schema = json!({ "allOf": [message["payload"]], "components": document["components"] });
        let validator =
            jsonschema::draft7::options().should_validate_formats(true).build(&schema).unwrap();
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            assert!(validator.is_valid(&example["payload"]), "{name} {}", example["name"]);
        }
        for member in ["title", "summary", "description"] {
            assert!(
                message[member].as_str().is_some_and(|text| text.len() > 3),
                "{name} has no {member}"
            );
        }
    }
}

#[test]
fn the_facts_are_complete() {
    let facts = &whole()["x-deskmesh"];
    let codes: Vec<&str> = facts["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, Reason::ALL.iter().map(|reason| reason.code()).collect::<Vec<_>>());
    for row in facts["reasons"].as_array().unwrap() {
        assert!(
            ["as_agreed", "mendable", "transient"].contains(&row["class"].as_str().unwrap()),
            "{row}"
        );
        assert_eq!(row["class"] == "mendable", row["mended_by"].is_string(), "{row}");
    }
    assert_eq!(facts["outcomes"]["receipt"].as_array().unwrap().len(), 4);
    assert_eq!(facts["outcomes"]["item"].as_array().unwrap().len(), 5);
    let pairs = facts["custom_fields"]["pairs"].as_array().unwrap();
    let fits = |from: FieldType, to: FieldType| {
        pairs.iter().any(|pair| pair["from"] == from.name() && pair["to"] == to.name())
    };
    for from in FieldType::ALL {
        for to in FieldType::ALL {
            assert_eq!(fits(from, to), passing(from, to).is_some(), "{from:?} {to:?}");
        }
    }
}
