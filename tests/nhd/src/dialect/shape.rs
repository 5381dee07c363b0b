//! Which members of an object are written.

use serde_json::{Map, Value};

/// How a member that is not meant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmeant {
    /// As `null`: whoever reads it must not take it for a change.
    Null,
    /// Not at all.
    Absent,
}

/// An object with the members that a dialect has, and no others.
#[must_use]
pub fn shaped(declared: &[&str], mut meant: Map<String, Value>, unmeant: Unmeant) -> Value {
    let written = declared.iter().filter_map(|&name| {
        let value = meant.remove(name).unwrap_or(Value::Null);
        let is_written = !value.is_null() || unmeant == Unmeant::Null;
        is_written.then(|| (name.to_owned(), value))
    });
    written.collect::<Map<_, _>>().into()
}

/// Puts a member where there is a value.
pub fn put(object: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meant() -> Map<String, Value> {
        Map::from_iter([("status".to_owned(), json!("open")), ("priority".to_owned(), json!(1))])
    }

    #[test]
    fn a_member_that_a_dialect_has_not_is_left_out() {
        let written = shaped(&["uuid", "status"], meant(), Unmeant::Absent);
        assert_eq!(written, json!({ "status": "open" }));
    }

    #[test]
    fn one_that_is_not_meant_is_null_where_the_dialect_writes_all() {
        let written = shaped(&["uuid", "status"], meant(), Unmeant::Null);
        assert_eq!(written, json!({ "uuid": null, "status": "open" }));
    }
}
