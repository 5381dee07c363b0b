//! JSON Schemas (draft-07, which every AsyncAPI tool knows) of what desks send and are told.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use super::messages::{Published, messages};
use crate::topology::Exchange;

/// Where the AsyncAPI document keeps its schemas.
const COMPONENTS: &str = "/components/schemas";

/// The schema of one message, complete in itself.
#[must_use]
pub fn schema(message: &Published) -> Value {
    let mut schema = (message.whole)(settings(message.exchange).into_generator());
    schema.insert("$comment".to_owned(), json!("Generated from the types in shared/contracts."));
    schema.to_value()
}

/// The schemas of all messages and of what is in them, by name. A type has the same schema whoever
/// sends it; a test keeps it so.
pub(super) fn components() -> Map<String, Value> {
    let mut all = definitions(Exchange::Share);
    all.extend(definitions(Exchange::Desk));
    named(all)
}

/// Says in each schema what it is called, because code generators do not look at the key that it
/// stands under: in a property that has a description of its own, too. A name in `$id` begins with
/// `#`: any other would be the base of all references in it.
pub(super) fn named(mut schemas: Map<String, Value>) -> Map<String, Value> {
    for (name, schema) in &mut schemas {
        entitle_references(schema);
        schema["title"] = json!(name);
        schema["$id"] = json!(format!("#{name}"));
    }
    schemas
}

fn entitle_references(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let target = members.get("allOf").and_then(|all| match all.as_array()?.as_slice() {
                [only] => only["$ref"].as_str()?.rsplit('/').next().map(str::to_owned),
                _ => None,
            });
            if let Some(name) = target {
                members.insert("title".to_owned(), json!(name));
            }
            members.values_mut().for_each(entitle_references);
        }
        Value::Array(items) => items.iter_mut().for_each(entitle_references),
        _ => {}
    }
}

fn definitions(exchange: Exchange) -> Map<String, Value> {
    let mut generator = settings(exchange)
        .with(|settings| settings.definitions_path = COMPONENTS.into())
        .into_generator();
    for message in messages().filter(|message| message.exchange == exchange) {
        (message.payload)(&mut generator);
    }
    generator.take_definitions(true)
}

/// A reference to a message's schema among the components.
pub(super) fn payload(message: &Published) -> Value {
    let mut generator = SchemaSettings::draft07()
        .with(|settings| settings.definitions_path = COMPONENTS.into())
        .into_generator();
    (message.payload)(&mut generator).to_value()
}

/// What a schema says of what it describes.
pub(super) fn description(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

fn settings(exchange: Exchange) -> SchemaSettings {
    SchemaSettings::draft07().with(|settings| {
        if exchange == Exchange::Share {
            settings.transforms.push(Box::new(RecursiveTransform(null_where_absent)));
        }
        settings.transforms.push(Box::new(RecursiveTransform(without_width)));
        settings.transforms.push(Box::new(RecursiveTransform(in_one_line)));
    })
}

/// A description is one line: where its doc comment was wrapped means nothing.
pub(super) fn in_one_line(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        let paragraphs = description.split("\n\n").map(|text| text.replace('\n', " "));
        *description = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
}

/// What a command need not give it may give as `null`: admission leaves such members out.
fn null_where_absent(schema: &mut Schema) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required =
        |name: &str| required.as_array().is_some_and(|names| names.iter().any(|it| it == name));
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !is_required(name)) {
        if let Some(kind @ Value::String(_)) = property.get_mut("type") {
            *kind = json!([kind.take(), "null"]);
        }
    }
}

/// Formats such as `uint64` are Rust's own: strict validators refuse a format they do not know.
fn without_width(schema: &mut Schema) {
    let is_width = |format: &str| format.starts_with("uint") || format.starts_with("int");
    if schema.get("format").and_then(Value::as_str).is_some_and(is_width) {
        schema.remove("format");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_schema_whoever_sends_it() {
        let (sent, told) = (definitions(Exchange::Share), definitions(Exchange::Desk));
        assert!(told.keys().any(|name| sent.contains_key(name)), "some are in both");
        for (name, schema) in told {
            assert!(sent.get(&name).is_none_or(|other| *other == schema), "{name}");
        }
    }
}
