//! Commands whose every text is a marked secret, made of the contract's golden samples: a field
//! that is added to a sample is planted without a word here.

use std::fs;
use std::path::Path;

use contracts::topology::entry_of;
use local::test_environment;
use serde_json::{Value, json};
use stages::{Line, LineMessage};

/// Stands in every planted text, and nowhere else.
pub const MARK: &str = "zq7xplanted";
/// Fields that name something. Logs have such names, so that a person can ask what became of it.
const NAMES: [&str; 12] = [
    "account",
    "address",
    "agreement_id",
    "attachment_id",
    "comment_id",
    "copy_of",
    "cursor",
    "id",
    "key",
    "operated_by",
    "share_id",
    "ticket_id",
];
/// Fields that have to be one of the texts that the account's settings have, or of a form that a
/// rule asks for: a command with another is refused as a whole.
const CHOSEN: [&str; 4] = ["custom_status", "default_form", "locale", "tag"];

/// A command of a desk.
#[derive(Clone, Debug)]
pub struct PlantedCommand {
    /// The sample's name, and what was done to it.
    pub what: String,
    pub kind: String,
    pub content: Value,
}

/// Every golden command: its type, its content.
pub fn samples() -> Vec<PlantedCommand> {
    let folder =
        test_environment::target().parent().expect("a workspace").join("shared/contracts/golden");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("samples")
        .map(|entry| entry.expect("a sample").path())
        .collect();
    files.sort();
    files.iter().filter_map(|file| read(file)).collect()
}

fn read(file: &Path) -> Option<PlantedCommand> {
    let name = file.file_name()?.to_str()?.strip_suffix(".json")?;
    let kind = name.splitn(4, '.').take(3).collect::<Vec<_>>().join(".");
    entry_of(&kind)?;
    let text = fs::read_to_string(file).expect("a sample");
    let content = serde_json::from_str(&text).expect("a sample is JSON");
    Some(PlantedCommand { what: name.to_owned(), kind, content })
}

impl PlantedCommand {
    /// With other values of these fields, wherever they stand.
    pub fn with(mut self, values: &[(&str, &str)]) -> Self {
        for (pointer, value) in values {
            if let Some(place) = self.content.pointer_mut(pointer) {
                *place = json!(value);
            }
        }
        self
    }

    /// The same with a secret in every text that may be any text; still a proper command.
    pub fn planted(&self) -> Self {
        let mut planted = self.clone();
        for place in places(&self.content) {
            let name = field(&place);
            if NAMES.contains(&name) || CHOSEN.contains(&name) {
                continue;
            }
            for text in texts(planted.at(&place), &place) {
                let changed = planted.changed(&place, json!(text));
                if changed.is_read() {
                    planted = changed;
                    break;
                }
            }
        }
        planted
    }

    /// One command for each place, with a secret there: where it does not fit, most of all.
    pub fn misfits(&self) -> Vec<Self> {
        let planted = |place: String| {
            let text = format!("{MARK} misfit of {place}");
            let changed = self.changed(&place, json!(text));
            // What may be any name is one.
            let is_name = NAMES.contains(&field(&place)) && changed.is_read();
            (!is_name).then(|| Self { what: format!("{} {place}", self.what), ..changed })
        };
        places(&self.content).into_iter().filter_map(planted).collect()
    }

    /// Whether its service can read it.
    fn is_read(&self) -> bool {
        let service = entry_of(&self.kind).expect("a command has an entry");
        // As admission does, which leaves out what is null.
        let Ok(content) = messaging::parse(self.content.to_string().as_bytes()) else {
            return false;
        };
        Line::read(service, &LineMessage::internal(String::new(), &self.kind, content, 0)).is_ok()
    }

    fn at(&self, place: &str) -> &Value {
        self.content.pointer(place).expect("a place of it")
    }

    fn changed(&self, place: &str, value: Value) -> Self {
        let mut changed = self.clone();
        *changed.content.pointer_mut(place).expect("a place of it") = value;
        changed
    }
}

/// A JSON pointer to each value, also to objects and arrays.
fn places(content: &Value) -> Vec<String> {
    let below = |step: &str, value: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        let mut places = vec![format!("/{step}")];
        places.extend(self::places(value).iter().map(|place| format!("/{step}{place}")));
        places
    };
    match content {
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| below(name, value)).collect()
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, value)| below(&index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    }
}

/// The field that a place belongs to: of an item of an array, the array's.
fn field(place: &str) -> &str {
    place.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or_default()
}

/// Secrets of the value's own form, likeliest first. None for what is no text.
fn texts(value: &Value, place: &str) -> Vec<String> {
    let Some(text) = value.as_str() else { return Vec::new() };
    let word = place.trim_start_matches('/').replace(['/', '_'], "-");
    let url = if text.contains("{ticket_id}") { "/{ticket_id}" } else { "" };
    let html = format!("<p>{MARK} <b>{word}</b></p>");
    let texts = [
        (text.starts_with("https://"), format!("https://desk.example/{MARK}-{word}{url}")),
        (text.contains('@'), format!("{MARK}-{word}@secret.example")),
        (text.starts_with('+'), format!("+49 {MARK} {word}")),
        (text.starts_with('<'), html),
        (true, format!("{MARK} of {word}")),
    ];
    texts.into_iter().filter_map(|(is_such, text)| is_such.then_some(text)).collect()
}

/// Every way in which a library prints bytes or texts: as they are, as numbers, in base64 and in
/// hexadecimal digits.
pub fn shapes() -> Vec<String> {
    let numbers = MARK.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let hex = MARK.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let mut shapes = vec![MARK.to_owned(), numbers, hex];
    // Where it begins within three bytes; a first or last letter that depends on its neighbours is
    // left out.
    for lead in 0..3 {
        let bytes = [vec![0; lead], MARK.bytes().collect()].concat();
        let text = base64(&bytes);
        let first = (lead * 8).div_ceil(6);
        shapes.push(text[first..bytes.len() * 8 / 6].to_owned());
    }
    shapes
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.chunks(6)
        .map(|six| {
            let number = (0..6).fold(0, |sum, at| sum * 2 + six.get(at).copied().unwrap_or(0));
            char::from(LETTERS[usize::from(number)])
        })
        .collect()
}

#[test]
fn every_field_of_every_command_is_planted() {
    let samples = samples();
    assert!(samples.len() > 20, "{}", samples.len());
    let planted: String =
        samples.iter().map(|sample| sample.planted().content.to_string()).collect();
    for word in ["subject", "body", "html-body", "url", "recording-url", "transcript", "email"] {
        assert!(planted.contains(&format!("-{word}")), "{word} is in no command: {planted}");
    }
    let misfits: usize = samples.iter().map(|sample| sample.misfits().len()).sum();
    assert!(misfits > 300, "{misfits}");
    assert_eq!(base64(b"\0zq7x")[2..6], shapes()[4][..4], "{:?}", shapes());
}
