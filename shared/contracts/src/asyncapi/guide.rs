//! What no schema can say: the guide in Markdown, and its tables for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::command::MAX_LIMIT;
use crate::compatibility::{Passing, TABLE, passing};
use crate::fields::{FieldType, SYSTEM_FIELDS};
use crate::{Reason, limits};

/// The guide with its tables; `schemas` are the document's components.
pub(super) fn markdown(schemas: &Map<String, Value>) -> String {
    let tables = [
        ("receipt outcomes", table(["outcome", "meaning"], &described(&schemas["ReceiptOutcome"]))),
        ("item outcomes", table(["outcome", "meaning"], &described(&schemas["ItemOutcome"]))),
        ("reasons", reasons_table()),
        ("pairs", pairs_table()),
        ("types", table(["type", "what it takes"], &types())),
        ("system fields", SYSTEM_FIELDS.map(|field| format!("`{field}`")).join(", ")),
        ("limits", limits_table()),
    ];
    tables.iter().fold(include_str!("guide.md").to_owned(), |text, (name, content)| {
        text.replace(&format!("<!-- {name} -->"), content.trim_end())
    })
}

/// The guide's tables, machine-readable.
pub(super) fn facts(schemas: &Map<String, Value>) -> Value {
    let listed = |rows: Vec<(&str, &str)>, name: &str, meaning: &str| -> Vec<Value> {
        rows.into_iter().map(|(code, sentence)| json!({ name: code, meaning: sentence })).collect()
    };
    let ways = Passing::ALL.map(|way| (way.name(), way.sentence())).to_vec();
    json!({
        "outcomes": {
            "receipt": listed(described(&schemas["ReceiptOutcome"]), "outcome", "meaning"),
            "item": listed(described(&schemas["ItemOutcome"]), "outcome", "meaning"),
        },
        "reasons": Reason::ALL.iter().map(|reason| reason_row(*reason)).collect::<Vec<_>>(),
        "custom_fields": {
            "types": listed(types(), "type", "takes"),
            "ways": listed(ways, "way", "meaning"),
            "pairs": pairs(),
            "system_fields": SYSTEM_FIELDS,
        },
        "limits": limits_and_retention()
            .into_iter()
            .map(|limit| (limit.name.to_owned(), limit.value))
            .collect::<Map<_, _>>(),
    })
}

/// The values of an enumeration with what they mean, from its schema.
fn described(schema: &Value) -> Vec<(&str, &str)> {
    let values = schema["oneOf"].as_array().into_iter().flatten();
    values
        .filter_map(|value| Some((value["const"].as_str()?, super::schemas::description(value))))
        .collect()
}

fn reason_row(reason: Reason) -> Value {
    let class = reason.class();
    let mut row = json!({
        "code": reason.code(),
        "meaning": reason.sentence(),
        "class": class.name(),
    });
    if let Some(mender) = class.mender() {
        row["mended_by"] = json!(mender.name());
    }
    row
}

fn reasons_table() -> String {
    let mut text = String::from("| code | meaning | class |\n|---|---|---|\n");
    for reason in Reason::ALL {
        let _ = writeln!(text, "| `{reason}` | {} | {} |", reason.sentence(), reason.class());
    }
    text
}

fn types() -> Vec<(&'static str, &'static str)> {
    FieldType::ALL.iter().map(|field_type| (field_type.name(), field_type.takes())).collect()
}

fn pairs() -> Vec<Value> {
    let all =
        FieldType::ALL.iter().flat_map(|from| FieldType::ALL.iter().map(move |to| (*from, *to)));
    all.filter_map(|(from, to)| {
        Some(json!({ "from": from, "to": to, "way": passing(from, to)?.name() }))
    })
    .collect()
}

fn pairs_table() -> String {
    let names = |types: &[FieldType]| {
        types.iter().map(|it| format!("`{}`", it.name())).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::from("| from | to | how |\n|---|---|---|\n");
    let _ = writeln!(text, "| any type | the same type | {} |", Passing::AsIs.sentence());
    for (from, to, way) in TABLE {
        let _ = writeln!(text, "| {} | {} | {} |", names(from), names(to), way.sentence());
    }
    text
}

fn table(head: [&str; 2], rows: &[(&str, &str)]) -> String {
    let mut text = format!("| {} | {} |\n|---|---|\n", head[0], head[1]);
    for (name, meaning) in rows {
        let _ = writeln!(text, "| `{name}` | {meaning} |");
    }
    text
}

/// One number that third parties can rely on.
struct Limit {
    name: &'static str,
    value: Value,
    sentence: &'static str,
}

fn limits_and_retention() -> Vec<Limit> {
    let limit = |name, value: usize, sentence| Limit { name, value: value.into(), sentence };
    let kept = |name, value: u64, sentence| Limit { name, value: value.into(), sentence };
    vec![
        limit("body_bytes", limits::BODY_BYTES, "bytes of a command's body, over it `too_large`"),
        limit("comments", limits::COMMENTS, "comments in one command, over it `limit_exceeded`"),
        limit(
            "attachments",
            limits::ATTACHMENTS,
            "attachments of one comment, over it `limit_exceeded`",
        ),
        limit(
            "html_bytes",
            limits::HTML_BYTES,
            "bytes of a comment's `html_body`, over it only its text goes",
        ),
        limit("html_tags", limits::HTML_TAGS, "tags in it, likewise"),
        limit("ccs", limits::CCS, "CCs of a ticket, over it `limit_exceeded`"),
        limit(
            "tags",
            limits::TAGS,
            "tags in one command, set and taken off together, over it `limit_exceeded`",
        ),
        limit(
            "fields",
            limits::FIELDS,
            "custom fields in one command, of an account and on its default form, over it \
             `limit_exceeded`",
        ),
        limit(
            "options",
            limits::OPTIONS,
            "options of all custom fields of an account together, over it `limit_exceeded`",
        ),
        limit(
            "options_bytes",
            limits::OPTIONS_BYTES,
            "bytes of the same, written as JSON, over it `limit_exceeded`",
        ),
        kept("version", limits::VERSION, "the highest `version` of an `account.update.v1`"),
        kept(
            "whole_number",
            limits::WHOLE_NUMBER,
            "the largest size, length of time and `base_revision` in a command, over it \
             `malformed`",
        ),
        limit("accounts", limits::ACCOUNTS, "accounts in one chain, over it `chain_too_long`"),
        kept("page_entries", MAX_LIMIT.into(), "entries of one page of a list"),
        limit(
            "delivery_bytes",
            limits::DELIVERY_BYTES,
            "bytes of a delivery, over it the rest follows as updates",
        ),
        kept(
            "message_id_days",
            limits::MESSAGE_ID_DAYS,
            "days for which a `message_id` is remembered",
        ),
        kept(
            "receipt_days",
            limits::RECEIPT_DAYS,
            "days for which a command sent again gets the same receipt; then `already_known`",
        ),
        kept(
            "resend_seconds",
            limits::RESEND_SECONDS,
            "seconds without a receipt after which a command is sent again",
        ),
    ]
}

fn limits_table() -> String {
    let mut text = String::from("| name | value | of what |\n|---|---|---|\n");
    for limit in limits_and_retention() {
        let _ = writeln!(text, "| `{}` | {} | {} |", limit.name, limit.value, limit.sentence);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_all_its_tables() {
        let guide = markdown(&super::super::schemas::components());
        assert!(!guide.contains("<!--"), "a marker without a table");
        for word in [
            "`applied`",
            "`transferred`",
            "`not_the_author`",
            "`multiselect`",
            "`approval_status`",
            "524288",
        ] {
            assert!(guide.contains(word), "{word}");
        }
    }
}
