//! The configuration in force as text: valid TOML, secrets hidden, each key with the layer it comes
//! from.

use std::fmt::{self, Write};

use figment::Figment;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Loaded, origin};

/// Prints what is in force.
pub(crate) fn in_force<C: Serialize>(loaded: &Loaded<C>) -> anyhow::Result<String> {
    let mut text = String::new();
    for part in [serde_json::to_value(&loaded.common)?, serde_json::to_value(&loaded.service)?] {
        if let Value::Object(section) = part {
            print_section(&loaded.merged, "", &section, &mut text)?;
        }
    }
    Ok(text)
}

fn print_section(
    merged: &Figment,
    path: &str,
    section: &Map<String, Value>,
    text: &mut String,
) -> fmt::Result {
    let dotted =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let (sections, keys): (Vec<_>, Vec<_>) =
        section.iter().partition(|(_, value)| value.is_object());
    if !keys.is_empty() && !path.is_empty() {
        let gap = if text.is_empty() { "" } else { "\n" };
        writeln!(text, "{gap}[{path}]")?;
    }
    for (name, value) in keys {
        // JSON's numbers, booleans, lists and escaped texts are TOML's as well; only `null` is not.
        let value = if value.is_null() { "\"\"".to_owned() } else { value.to_string() };
        let line = format!("{name} = {value}");
        writeln!(text, "{line:<44} # {}", origin(merged, &dotted(name)))?;
    }
    for (name, value) in sections {
        if let Value::Object(inner) = value {
            print_section(merged, &dotted(name), inner, text)?;
        }
    }
    Ok(())
}
