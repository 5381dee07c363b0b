//! A script: messages, one line of JSON each. A fuzzer writes it, and a person can read it when
//! something was found.

use contracts::AccountName;
use contracts::topology::entry_of;
use serde_json::{Value, json};
use stages::LineMessage;

/// The lines that can be read; others are passed over.
#[must_use]
pub fn read(data: &[u8]) -> Vec<Value> {
    let lines = data.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).filter(Value::is_object).collect()
}

/// Lines as text.
#[must_use]
pub fn write(lines: &[Value]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.to_string().into_bytes().into_iter().chain([b'\n'])).collect()
}

/// A text in a line.
#[must_use]
pub fn text<'a>(line: &'a Value, name: &str) -> Option<&'a str> {
    line.get(name).and_then(Value::as_str)
}

/// A command as a line.
#[must_use]
pub fn command(account: &str, message_type: &str, content: &Value) -> Value {
    json!({ "account": account, "type": message_type, "content": content })
}

/// A message between services as a line.
#[must_use]
pub fn internal(id: &str, message_type: &str, content: &Value) -> Value {
    json!({ "id": id, "type": message_type, "content": content })
}

/// The message that a line is; none when admission lets nothing like it in.
#[must_use]
pub fn message(line: &Value, number: usize) -> Option<LineMessage> {
    let id = text(line, "id").map_or_else(|| format!("m{number}"), ToOwned::to_owned);
    let (message_type, content) = (text(line, "type")?, line.get("content")?);
    let account = text(line, "account");
    if account.is_some() != entry_of(message_type).is_some() {
        return None;
    }
    let Some(account) = account else {
        return Some(LineMessage::internal(id, message_type, content.clone(), number));
    };
    let account = AccountName::new(account).ok()?;
    let content = messaging::parse(content.to_string().as_bytes()).ok()?;
    Some(LineMessage::command(account.as_str(), id, message_type, content, number))
}
