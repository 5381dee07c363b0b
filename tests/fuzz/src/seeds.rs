//! What a fuzzer starts from: a story told with the contract's golden samples, as each stage heard
//! it, and every sample by itself.

use std::collections::BTreeMap;
use std::path::Path;

use contracts::topology::{Service, entry_of};
use serde_json::{Value, json};
use stages::LineMessage;

use crate::script;
use crate::target::{Target, tell};

/// Messages in a script of which each is taken by itself.
const ALONE: usize = 8;

/// The scripts for a target.
#[must_use]
pub fn of(target: Target) -> Vec<Vec<u8>> {
    let story = story();
    let heard = heard(&story);
    let at = |service: &Service| heard.get(service).cloned().unwrap_or_default();
    // Backwards too: whatever comes too early then.
    let told = |lines: Vec<Value>| {
        let backwards: Vec<Value> = lines.iter().rev().cloned().collect();
        [&lines[..], &lines[..lines.len() / 2], &backwards].map(script::write).into()
    };
    match target {
        Target::Line => told(story),
        Target::Stage(service) => told(at(&service)),
        // Here a message needs no other before it.
        Target::Admission => {
            let all: Vec<Value> =
                story.into_iter().map(published).chain(Service::ALL.iter().flat_map(at)).collect();
            all.chunks(ALONE).map(script::write).collect()
        }
    }
}

/// A command as a desk publishes it.
fn published(mut line: Value) -> Value {
    line["user"] = line["account"].clone();
    line["id"] = json!("c-1");
    line["content_type"] = json!("application/json");
    line["headers"] = json!({
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "x-delivery-count": 2,
    });
    line
}

/// The commands of the story.
fn story() -> Vec<Value> {
    let golden = goldens();
    let say = |account: &str, file: &str| script::command(account, &type_of(file), &golden[file]);
    let with = |words: fn(&str) -> bool| {
        golden.keys().filter(move |file| words(file)).map(|file| say("acme", file))
    };
    let mut all: Vec<Value> = ["acme", "globex", "initech"].map(register).into();
    let admin = json!({ "id": "admin", "name": "Admin", "role": "admin" });
    let (agreement, terms) = (
        "8c1d4f0e-52aa-4b63-9e0b-1f7a6c2d9e34",
        json!({ "comments": "private_only", "tags": false, "custom_fields": true }),
    );
    let rename = json!({ "address": "globex-support", "actor": admin });
    let invite = json!({ "agreement_id": agreement, "receiver": { "address": "initech" },
        "actor": admin, "terms": terms });
    all.extend([
        script::command("globex", "account.rename.v1", &rename),
        say("acme", "account.update.v1"),
        say("acme", "agreement.invite.v1"),
        say("globex", "agreement.accept.v1"),
        say("acme", "ticket.share.v1"),
        say("globex", "ticket.bind.v1"),
        script::command("globex", "agreement.invite.v1", &invite),
        script::command(
            "initech",
            "agreement.accept.v1",
            &json!({ "agreement_id": agreement, "actor": admin }),
        ),
        say("globex", "ticket.share.v1.shared_on"),
    ]);
    all.extend(with(|file| {
        file.starts_with("ticket.update") || file.contains("resync") || file.contains("list")
    }));
    all.extend(with(|file| file.starts_with("ticket.redact")));
    // What is left, in the order of the alphabet: most of it comes too late or too early, which is
    // a state as well.
    let ends = |file: &String| file.starts_with("agreement.deactivate");
    all.extend(golden.keys().map(|file| say(if ends(file) { "globex" } else { "acme" }, file)));
    all
}

fn register(account: &str) -> Value {
    let admins = json!([{ "name": "Admin", "email": format!("admin@{account}.example") }]);
    let content = json!({ "account": account, "display_name": account, "kind": "connected",
        "admins": admins });
    script::command("operator", "account.register.v1", &content)
}

/// The message type that a sample's file is named after.
fn type_of(file: &str) -> String {
    file.split('.').take(3).collect::<Vec<_>>().join(".")
}

/// The contract's golden commands, by the name of their file.
fn goldens() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/contracts/golden");
    let files = std::fs::read_dir(folder).expect("the golden samples are in the repository");
    let named = files.map(|file| {
        let path = file.expect("a readable folder").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read(&path).expect("a readable file");
        (name, serde_json::from_slice(&text).expect("a golden sample is JSON"))
    });
    named.filter(|(name, _)| entry_of(&type_of(name)).is_some()).collect()
}

/// What each stage hears when the story is told.
fn heard(story: &[Value]) -> BTreeMap<Service, Vec<Value>> {
    let mut heard: BTreeMap<Service, Vec<Value>> = BTreeMap::new();
    tell(story, |service, message| heard.entry(service).or_default().push(as_line(message)));
    heard
}

fn as_line(message: &LineMessage) -> Value {
    if let Some(account) = &message.account {
        return script::command(account.as_str(), &message.kind, &message.content);
    }
    let mut line = script::internal(&message.id, &message.kind, &message.content);
    (line["exchange"], line["content_type"]) = (json!("sync"), json!("application/json"));
    line
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use contracts::topology::received_by;

    use super::*;

    #[test]
    fn every_stage_hears_every_message_of_its_own() {
        let heard = heard(&story());
        for service in Service::ALL {
            let types: BTreeSet<&str> =
                heard[&service].iter().filter_map(|line| script::text(line, "type")).collect();
            let expected: BTreeSet<&str> = received_by(service).map(|flow| flow.message).collect();
            assert_eq!(types, expected, "{}", service.name());
        }
    }
}
