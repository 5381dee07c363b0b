//! What a desk reads in the receipt of a malformed command. Made from the golden samples and the
//! published schemas: each required member left out, each member given as every other kind of JSON,
//! each choice given a word that is none.

use std::collections::BTreeSet;

use contracts::Message;
use contracts::asyncapi::{messages, schema};
use contracts::command::{
    AccountLower, AccountRecover, AccountRegister, AccountRename, AccountShow, AccountUpdate,
    AgreementAccept, AgreementCompare, AgreementDeactivate, AgreementDecline, AgreementInvite,
    AgreementList, ShareList, ShareRecover, TicketBind, TicketRedact, TicketResync, TicketShare,
    TicketUnshare, TicketUpdate,
};
use contracts::topology::Exchange;
use messaging::{DecodeError, decode, parse};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

type Read = fn(Value) -> Result<(), DecodeError>;

fn command<T: Message + DeserializeOwned>() -> (&'static str, Read) {
    (T::NAME, |content| decode::<T>(content.into()).map(drop))
}

fn commands() -> [(&'static str, Read); 20] {
    [
        command::<AccountRegister>(),
        command::<AccountUpdate>(),
        command::<AccountRename>(),
        command::<AccountShow>(),
        command::<AccountLower>(),
        command::<AccountRecover>(),
        command::<AgreementInvite>(),
        command::<AgreementAccept>(),
        command::<AgreementDecline>(),
        command::<AgreementDeactivate>(),
        command::<AgreementList>(),
        command::<AgreementCompare>(),
        command::<TicketShare>(),
        command::<TicketUpdate>(),
        command::<TicketBind>(),
        command::<TicketUnshare>(),
        command::<TicketRedact>(),
        command::<TicketResync>(),
        command::<ShareList>(),
        command::<ShareRecover>(),
    ]
}

/// Words of the language that this is written in; no desk's developer knows them.
const OURS: [&str; 18] = [
    "struct", "enum", "variant", "untagged", "tuple", "newtype", "sequence", "map", "option",
    "u64", "u32", "i64", "vec", "invitee", "field", "boolean", "unit", "invalid",
];

/// Characters of a detail, at most.
const LONGEST: usize = 400;

/// One of each kind of JSON; `null` is "not given".
fn kinds() -> [Value; 8] {
    [
        json!(true),
        json!(7),
        json!(-1),
        json!(1.5),
        json!("a word that is no choice"),
        json!([]),
        json!([1, 2]),
        json!({}),
    ]
}

/// A member of a message as its schema has it.
struct Place<'a> {
    root: &'a Value,
    schema: &'a Value,
}

impl<'a> Place<'a> {
    fn at(root: &'a Value, schema: &'a Value) -> Self {
        let referred = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        let or_null = schema["anyOf"].as_array().filter(|_| !schema["properties"].is_object());
        let only = or_null.and_then(|kinds| {
            let kinds: Vec<_> = kinds.iter().filter(|kind| kind["type"] != "null").collect();
            if let [only] = kinds[..] { Some(only) } else { None }
        });
        match (referred, only) {
            (Some(name), _) => {
                let name = name.trim_start_matches("#/definitions/");
                Self::at(root, &root["definitions"][name])
            }
            (None, Some(only)) => Self::at(root, only),
            (None, None) => Self { root, schema },
        }
    }

    fn is(&self, kind: &str) -> bool {
        let kinds = &self.schema["type"];
        kinds == kind || kinds.as_array().is_some_and(|kinds| kinds.iter().any(|it| it == kind))
    }

    /// The words that may stand here; none where it is no choice.
    fn choices(&self) -> Vec<&'a str> {
        let listed = self.schema["enum"].as_array().into_iter().flatten();
        let described = self.schema["oneOf"].as_array().into_iter().flatten();
        let described = described.flat_map(|one| {
            let several = one["enum"].as_array().into_iter().flatten();
            one.get("const").into_iter().chain(several)
        });
        listed.chain(described).filter_map(Value::as_str).collect()
    }

    /// Either of several objects.
    fn alternatives(&self) -> Vec<&'a Value> {
        let several =
            self.schema["anyOf"].as_array().filter(|_| !self.schema["properties"].is_object());
        several.into_iter().flatten().filter(|one| one["properties"].is_object()).collect()
    }

    fn members(&self) -> Vec<(&'a str, &'a Value)> {
        let of = |schema: &'a Value| schema["properties"].as_object().into_iter().flatten();
        let all = self.alternatives().into_iter().chain([self.schema]).flat_map(of);
        all.map(|(name, member)| (name.as_str(), member)).collect()
    }

    fn required(&self) -> Vec<&'a str> {
        self.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn takes(&self, value: &Value) -> bool {
        match value {
            Value::Bool(_) => self.is("boolean"),
            Value::Number(number) => {
                self.is("integer")
                    && (number.is_u64() || (number.is_i64() && !self.counts_from_zero()))
            }
            Value::String(_) => self.is("string") && self.choices().is_empty(),
            // An array's items and an object's members are places of their own.
            Value::Array(items) => self.is("array") && items.is_empty(),
            Value::Object(_) => self.is("object") && self.required().is_empty(),
            Value::Null => true,
        }
    }

    fn counts_from_zero(&self) -> bool {
        self.schema["minimum"].as_i64().is_some_and(|least| least >= 0)
    }

    /// What is said where something else stands.
    fn expected(&self) -> String {
        let kind = if !self.choices().is_empty() {
            format!("one of {}", self.choices().join(", "))
        } else if !self.alternatives().is_empty() {
            let either: Vec<_> = self.members().into_iter().map(|(name, _)| name).collect();
            format!("an object with {}", either.join(" or "))
        } else if self.is("string") {
            "a string".to_owned()
        } else if self.is("boolean") {
            "true or false".to_owned()
        } else if self.is("integer") {
            assert!(self.counts_from_zero(), "{}", self.schema);
            "a whole number, 0 or more,".to_owned()
        } else if self.is("array") {
            "an array".to_owned()
        } else {
            match &self.required()[..] {
                [] => "an object".to_owned(),
                [only] => format!("an object with {only}"),
                [all @ .., last] => format!("an object with {} and {last}", all.join(", ")),
            }
        };
        format!("{kind} is expected")
    }
}

/// One command, broken in one place.
struct Broken {
    pointer: String,
    content: Value,
    expected: String,
}

struct Breaking<'a> {
    whole: &'a Value,
    broken: Vec<Broken>,
    /// Members that a sample has, and so were entered: `<description of the object>/<member>`.
    entered: BTreeSet<String>,
}

impl Breaking<'_> {
    fn all(&mut self, place: &Place<'_>, pointer: &str, sample: &Value) {
        for (name, member) in place.members() {
            let at = format!("{pointer}/{name}");
            let member = Place::at(place.root, member);
            if place.required().contains(&name) {
                self.add(&at, None, "is required");
            }
            self.others(&member, &at);
            if let Some(sample) = sample.get(name).filter(|sample| !sample.is_null()) {
                self.entered.insert(format!("{}/{name}", place.schema["description"]));
                self.all(&member, &at, sample);
            }
        }
        for (index, item) in sample.as_array().into_iter().flatten().enumerate() {
            let at = format!("{pointer}/{index}");
            let place = Place::at(place.root, &place.schema["items"]);
            self.others(&place, &at);
            self.all(&place, &at, item);
        }
        if let (true, Some(members)) = (!place.alternatives().is_empty(), sample.as_object()) {
            assert_eq!(members.len(), 1, "{pointer}");
        }
    }

    fn others(&mut self, place: &Place<'_>, at: &str) {
        for other in kinds().into_iter().filter(|kind| !place.takes(kind)) {
            let expected = match &other {
                // What is missing is named before what is expected.
                Value::Object(_) if !place.required().is_empty() => {
                    self.add(
                        &format!("{at}/{}", place.required()[0]),
                        Some((at, other)),
                        "is required",
                    );
                    continue;
                }
                Value::Array(items) if place.is("array") => {
                    assert!(!items.is_empty());
                    let item = Place::at(place.root, &place.schema["items"]);
                    let first = items.iter().position(|it| !item.takes(it));
                    let at_item = format!("{at}/{}", first.expect("none is right"));
                    self.add(&at_item, Some((at, other)), &item.expected());
                    continue;
                }
                _ => place.expected(),
            };
            self.add(at, Some((at, other)), &expected);
        }
    }

    fn add(&mut self, pointer: &str, put: Option<(&str, Value)>, expected: &str) {
        let mut content = self.whole.clone();
        let (at, value) = put.map_or((pointer, None), |(at, value)| (at, Some(value)));
        let (parent, name) = at.rsplit_once('/').expect("a member");
        match (content.pointer_mut(parent).expect("a sample"), value) {
            (Value::Object(members), Some(value)) => drop(members.insert(name.to_owned(), value)),
            (Value::Object(members), None) => drop(members.remove(name)),
            (Value::Array(items), Some(value)) => {
                items[name.parse::<usize>().expect("an index")] = value;
            }
            (other, _) => panic!("{parent} is {other}"),
        }
        let (pointer, expected) = (pointer.to_owned(), expected.to_owned());
        self.broken.push(Broken { pointer, content, expected });
    }
}

fn samples(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/golden");
    let files =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let of_name = files.filter(|path| {
        path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}.")))
    });
    of_name.map(|path| parse(&std::fs::read(path).expect("a file")).expect("a sample")).collect()
}

/// Objects of a schema, by what is said of them, with their members.
fn members_of(schema: &Value) -> BTreeSet<String> {
    let definitions = schema["definitions"].as_object().into_iter().flatten().map(|(_, it)| it);
    let members = |one: &Value| {
        let names = one["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
        names.map(|name| format!("{}/{name}", one["description"])).collect::<Vec<_>>()
    };
    definitions.chain([schema]).flat_map(members).collect()
}

#[test]
fn each_member_that_is_missing_or_wrong_is_named_in_plain_words() {
    let (mut count, mut wrong, mut entered, mut known) =
        (0, Vec::new(), BTreeSet::new(), BTreeSet::new());
    for published in messages().filter(|message| message.exchange == Exchange::Share) {
        let read = commands().into_iter().find(|(name, _)| *name == published.name);
        let (name, read) = read.unwrap_or_else(|| panic!("{} is not read here", published.name));
        let schema = schema(published);
        known.extend(members_of(&schema));
        for sample in samples(name) {
            read(sample.clone()).expect("a sample is right");
            let mut breaking =
                Breaking { whole: &sample, broken: Vec::new(), entered: BTreeSet::new() };
            let root = Place { root: &schema, schema: &schema };
            breaking.all(&root, "", &sample);
            entered.append(&mut breaking.entered);
            for Broken { pointer, content, expected } in breaking.broken {
                count += 1;
                let detail = match read(content.clone()) {
                    Ok(()) => "it was read".to_owned(),
                    Err(error) => error.to_string(),
                };
                if detail != format!("{pointer}: {expected}") || ours(&detail, &expected) {
                    wrong.push(format!("{name}: {detail:?}, not \"{pointer}: {expected}\""));
                }
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 2_000, "{count}");
    // A call's members are broken where a sample has a call; and so on.
    let never: Vec<_> = known.difference(&entered).collect();
    assert!(never.is_empty(), "no sample has {never:#?}");
}

/// Whether a detail has words of ours. Names of the contract may be such words: `map`, `option`.
fn ours(detail: &str, expected: &str) -> bool {
    let sentence = detail.split_once(": ").map_or(detail, |(_, sentence)| sentence);
    sentence != expected && OURS.iter().any(|word| sentence.to_lowercase().contains(word))
}

#[test]
fn text_that_is_no_id_and_no_time_is_named_and_cut() {
    let long = "x".repeat(100_000);
    let actor = json!({ "id": "7", "name": "Ada", "role": "agent" });
    for (read, content, pointer, sentence) in [
        (
            command::<TicketBind>().1,
            json!({ "share_id": long, "ticket_id": "1" }),
            "/share_id",
            "is not a UUID or 40 hex digits",
        ),
        (
            command::<TicketBind>().1,
            json!({ "share_id": "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10", "ticket_id": long }),
            "/ticket_id",
            "is not a ticket id: 1 to 128 characters, none of them a control character",
        ),
        (
            command::<TicketUpdate>().1,
            json!({ "ticket_id": "1", "actor": actor, "occurred_at": long }),
            "/occurred_at",
            "is not a date and time with an offset, such as 2026-03-01T10:00:00Z (RFC 3339)",
        ),
        (
            command::<TicketUpdate>().1,
            json!({ "ticket_id": "1", "actor": actor, "occurred_at": "2026-03-01T10:00:00Z",
                "status": long }),
            "/status",
            "one of new, open, pending, hold, solved, closed is expected",
        ),
    ] {
        let detail = read(content).expect_err("it is malformed").to_string();
        assert!(detail.starts_with(&format!("{pointer}: ")), "{detail}");
        assert!(detail.ends_with(sentence), "{detail}");
        assert!(detail.chars().count() < LONGEST, "{} characters", detail.chars().count());
    }
}

#[test]
fn a_member_whose_name_has_no_end_is_named_and_cut() {
    let body = json!({ "custom_fields": { "k".repeat(400_000): "\0" } }).to_string();
    let detail = parse(body.as_bytes()).expect_err("text with NUL").to_string();
    assert!(detail.starts_with("/custom_fields/kkk"), "{detail:.100}");
    assert!(detail.ends_with("text may not contain the character NUL"), "it ends otherwise");
    assert!(detail.chars().count() < LONGEST, "{} characters", detail.chars().count());
}
