//! Changes a script here and there: values, members, elements, lines.

use fastrand::Rng;
use serde_json::Value;

use crate::{odd, script};

/// Lines in a script, at most.
const LINES: usize = 64;
/// Nodes that a change may grow a line by, at most.
const COPIES: usize = 300;

/// The script with one to four changes that follow from the seed.
#[must_use]
pub fn mutate(data: &[u8], seed: u64) -> Vec<u8> {
    let mut rng = Rng::with_seed(seed);
    let mut lines = script::read(data);
    if lines.is_empty() {
        return data.to_vec();
    }
    for _ in 0..rng.usize(1..=4) {
        if rng.u8(0..3) == 0 {
            change_lines(&mut lines, &mut rng);
        } else {
            change_value(&mut lines, &mut rng);
        }
    }
    script::write(&lines)
}

fn change_lines(lines: &mut Vec<Value>, rng: &mut Rng) {
    let (from, to) = (rng.usize(0..lines.len()), rng.usize(0..lines.len()));
    match rng.u8(0..5) {
        0 if lines.len() > 1 => drop(lines.remove(from)),
        1 if lines.len() < LINES => lines.insert(to, lines[from].clone()),
        2 => lines.swap(from, to),
        3 => {
            let line = lines.remove(from);
            lines.insert(to, line);
        }
        _ => {
            // One message's content under another's type, account or id.
            let name = *rng.choice(&["type", "account", "content", "id"]).unwrap_or(&"type");
            if let Some(value) = lines[from].get(name).cloned() {
                lines[to][name] = value;
            }
        }
    }
}

fn change_value(lines: &mut [Value], rng: &mut Rng) {
    let (target, source) = (rng.usize(0..lines.len()), rng.usize(0..lines.len()));
    let other = {
        let nodes = nodes(&lines[source]);
        rng.choice(&nodes).and_then(|path| lines[source].pointer(path)).cloned().unwrap_or_default()
    };
    let nodes = nodes(&lines[target]);
    let Some(path) = rng.choice(&nodes) else { return };
    let Some(node) = lines[target].pointer_mut(path) else { return };
    match (rng.u8(0..8), &mut *node) {
        (0, Value::Array(items)) if !items.is_empty() => {
            let (copies, item) = (rng.usize(1..COPIES), items[0].clone());
            items.extend(std::iter::repeat_n(item, copies));
        }
        (0 | 1, Value::Array(items)) if !items.is_empty() => {
            drop(items.swap_remove(rng.usize(0..items.len())));
        }
        (0 | 1, Value::Object(members)) if !members.is_empty() => {
            let name = rng.choice(members.keys()).cloned().unwrap_or_default();
            members.remove(&name);
        }
        (2, Value::Object(members)) => drop(members.insert(odd::text(rng), other)),
        (0..=2, Value::String(text)) => change_text(text, rng),
        (3 | 4, node) => *node = other,
        (_, node) => *node = odd::value(rng),
    }
}

fn change_text(text: &mut String, rng: &mut Rng) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let at = *rng.choice(&places).unwrap_or(&0);
    match rng.u8(0..3) {
        0 => text.truncate(at),
        1 => text.insert_str(at, &odd::text(rng)),
        _ => drop(text.drain(..at)),
    }
}

/// JSON pointers (RFC 6901) to every value in a line.
fn nodes(line: &Value) -> Vec<String> {
    let mut all = Vec::new();
    collect(line, &mut String::new(), &mut all);
    all
}

fn collect(value: &Value, at: &mut String, all: &mut Vec<String>) {
    if !at.is_empty() {
        all.push(at.clone());
    }
    let mut below = |name: &str, value: &Value| {
        let length = at.len();
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        collect(value, at, all);
        at.truncate(length);
    };
    match value {
        Value::Array(items) => items
            .iter()
            .take(20)
            .enumerate()
            .for_each(|(index, item)| below(&index.to_string(), item)),
        Value::Object(members) => members.iter().for_each(|(name, member)| below(name, member)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_most_change_something() {
        let lines = script::write(&[
            json!({ "type": "a", "content": { "list": [1, 2], "text": "x" } }),
            json!({ "type": "b", "content": {} }),
        ]);
        let changed = (0..200).filter(|seed| mutate(&lines, *seed) != lines).count();
        assert!(changed > 150, "{changed}");
        assert!((0..50).all(|seed| mutate(&lines, seed) == mutate(&lines, seed)));
    }

    #[test]
    fn every_value_has_its_pointer() {
        let line = json!({ "a/b": [{ "c": 1 }], "d": "x" });
        assert_eq!(nodes(&line), ["/a~1b", "/a~1b/0", "/a~1b/0/c", "/d"]);
        assert!(nodes(&line).iter().all(|path| line.pointer(path).is_some()));
    }
}
