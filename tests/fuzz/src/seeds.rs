//! What a fuzzer starts from: a story told with the contract's golden samples, as each stage heard it, and every sample by itself.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use contracts::Timestamp;
use contracts::topology::{Service, entry_of};
use serde_json::{Value, json};
use stages::{Line, Message, Sent};

use crate::script;
use crate::target::Target;

/// Messages in a script of which each is taken by itself.
const ALONE: usize = 8;

/// The scripts for a target.
#[must_use]
pub fn of(target: Target) -> Vec<Vec<u8>> {
    let story = story();
    let heard = heard(&story);
    let at = |service: &Service| heard.get(service).cloned().unwrap_or_default();
    let told = |lines: Vec<Value>| [&lines[..], &lines[..lines.len() / 2]].map(script::write).into();
    match target {
        Target::Line => told(story),
        Target::Stage(service) => told(at(&service)),
        // Here a message needs no other before it.
        Target::Admission => {
            let all: Vec<Value> = story.into_iter().map(published).chain(Service::ALL.iter().flat_map(at)).collect();
            all.chunks(ALONE).map(script::write).collect()
        }
    }
}

/// A command as a desk publishes it.
fn published(mut line: Value) -> Value {
    line["user"] = line["account"].clone();
    line["id"] = json!("c-1");
    line["content_type"] = json!("application/json");
    line["headers"] = json!({ "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x-delivery-count": 2 });
    line
}

/// The commands of the story.
fn story() -> Vec<Value> {
    let golden = goldens();
    let register = |name: &str| {
        let content = json!({
            "account": name, "display_name": name, "kind": "connected", "admins": [{ "name": "Admin", "email": format!("admin@{name}.example") }],
        });
        script::command("operator", "account.register.v1", &content)
    };
    let admin = json!({ "id": "admin", "name": "Admin", "role": "admin" });
    let mut all = vec![register("acme"), register("globex"), register("initech")];
    all.push(script::command("globex", "account.rename.v1", &json!({ "address": "globex-support", "actor": admin })));
    let onward = json!({
        "agreement_id": "8c1d4f0e-52aa-4b63-9e0b-1f7a6c2d9e34", "receiver": { "address": "initech" }, "actor": admin,
        "terms": { "comments": "private_only", "tags": false, "custom_fields": true },
    });
    let mut say = |account: &str, file: &str| {
        let message_type: Vec<&str> = file.split('.').take(3).collect();
        all.push(script::command(account, &message_type.join("."), &golden[file]));
    };
    say("acme", "account.update.v1");
    say("acme", "agreement.invite.v1");
    say("globex", "agreement.accept.v1");
    say("acme", "ticket.share.v1");
    say("globex", "ticket.bind.v1");
    all.push(script::command("globex", "agreement.invite.v1", &onward));
    let accept = json!({ "agreement_id": "8c1d4f0e-52aa-4b63-9e0b-1f7a6c2d9e34", "actor": admin });
    all.push(script::command("initech", "agreement.accept.v1", &accept));
    let mut say = |account: &str, file: &str| {
        let message_type: Vec<&str> = file.split('.').take(3).collect();
        all.push(script::command(account, &message_type.join("."), &golden[file]));
    };
    say("globex", "ticket.share.v1.shared_on");
    let samples: Vec<&String> = golden.keys().collect();
    for file in
        samples.iter().filter(|file| file.starts_with("ticket.update") || file.contains("resync") || file.contains("list"))
    {
        say("acme", file);
    }
    for file in samples.iter().filter(|file| file.starts_with("ticket.redact")) {
        say("acme", file);
    }
    // What is left, in the order of the alphabet: most of it comes too late or too early, which is a state as well.
    for file in samples {
        let account = if file.starts_with("agreement.deactivate") { "globex" } else { "acme" };
        say(account, file);
    }
    all
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
    named.filter(|(name, _)| entry_of(&name.split('.').take(3).collect::<Vec<_>>().join(".")).is_some()).collect()
}

/// What each stage hears when the story is told.
fn heard(story: &[Value]) -> BTreeMap<Service, Vec<Value>> {
    let now = Timestamp::parse("2026-03-01T10:00:00Z").expect("a date");
    let mut line = Line::default();
    let mut heard: BTreeMap<Service, Vec<Value>> = BTreeMap::new();
    for (number, said) in story.iter().enumerate() {
        let message = script::message(said, number).expect("the story's commands are admitted");
        let entry = entry_of(&message.kind).expect("the story's commands are known");
        let mut queue = VecDeque::from([(entry, message)]);
        while let Some((service, message)) = queue.pop_front() {
            heard.entry(service).or_default().push(as_line(&message));
            for sent in line.take(service, message, now) {
                match sent {
                    Sent::Service(to, message) => queue.push_back((to, message)),
                    Sent::Again(message) => queue.push_back((service, message)),
                    Sent::Desk(..) | Sent::Refused(..) | Sent::Parked(..) => {}
                }
            }
        }
    }
    heard
}

fn as_line(message: &Message) -> Value {
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
            let types: BTreeSet<&str> = heard[&service].iter().filter_map(|line| script::text(line, "type")).collect();
            let expected: BTreeSet<&str> = received_by(service).map(|flow| flow.message).collect();
            assert_eq!(types, expected, "{}", service.name());
        }
    }
}
