//! JSON as desks write it, read in one pass: what is wrong is said with its place, a member that is
//! given twice is found, and nothing is in it that no database takes.
//!
//! Only a body that cannot be read so is looked at a second time, for what programs often write
//! that JSON or its numbers have no room for ([`mended`]).

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// Nesting that no message of the contract comes near.
const MAX_DEPTH: usize = 32;

/// Why a text was not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JsonFlaw {
    /// Innermost first.
    steps: Vec<String>,
    /// What is wrong, where it is not the grammar of JSON.
    sentence: Option<String>,
}

impl JsonFlaw {
    /// The JSON pointer (RFC 6901) of what was being read; `/` for the whole.
    pub fn pointer(&self) -> String {
        if self.steps.is_empty() {
            return "/".to_owned();
        }
        let step = |step: &String| format!("/{}", escaped(step));
        self.steps.iter().rev().map(step).collect()
    }
}

/// A step of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Reads a text as one value, with every `null` member left out, which means the same.
///
/// # Errors
/// Where it cannot be read, and why.
pub(crate) fn read(text: &str) -> Result<Value, (JsonFlaw, String)> {
    let mut flaw = JsonFlaw::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Reader { flaw: &mut flaw, depth: 0 }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let sentence = flaw.sentence.take();
        let sentence = sentence.unwrap_or_else(|| format!("the body is not JSON: {error}"));
        (flaw, sentence)
    })
}

struct Reader<'a> {
    flaw: &'a mut JsonFlaw,
    depth: usize,
}

impl Reader<'_> {
    fn inner(&mut self) -> Reader<'_> {
        Reader { flaw: &mut *self.flaw, depth: self.depth + 1 }
    }

    fn refuse<E: de::Error>(&mut self, sentence: impl Into<String>) -> E {
        self.flaw.sentence = Some(sentence.into());
        E::custom("refused")
    }

    fn no_nul<E: de::Error>(&mut self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            return Err(self.refuse("text may not contain the character NUL"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(self.refuse(format!("nested deeper than {MAX_DEPTH}")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(mut self, text: &str) -> Result<Value, E> {
        self.no_nul(text)?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: de::Error>(mut self, text: String) -> Result<Value, E> {
        self.no_nul(&text)?;
        Ok(Value::String(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        loop {
            match items.next_element_seed(self.inner()) {
                Ok(Some(item)) => all.push(item),
                Ok(None) => return Ok(Value::Array(all)),
                Err(error) => {
                    self.flaw.steps.push(all.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let (mut all, mut nulls) = (Map::new(), false);
        while let Some(name) = members.next_key::<String>()? {
            self.no_nul(&name)?;
            let member = match members.next_value_seed(self.inner()) {
                Ok(member) => member,
                Err(error) => {
                    self.flaw.steps.push(name);
                    return Err(error);
                }
            };
            nulls |= member.is_null();
            match all.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(member);
                }
                // Which one counts is read differently by every program.
                Entry::Occupied(taken) => {
                    self.flaw.steps.push(taken.key().clone());
                    return Err(self.refuse("is given twice in one object"));
                }
            }
        }
        if nulls {
            all.retain(|_, member| !member.is_null());
        }
        Ok(Value::Object(all))
    }
}

/// A body that can be read after all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mended {
    pub value: Value,
    /// Where half of a surrogate pair was replaced, as JSON pointers.
    pub replaced: Vec<String>,
}

/// Reads a text that [`read`] could not: each half of a surrogate pair, as JavaScript writes it
/// when it cuts an emoji in two, becomes U+FFFD; a number beyond what a number can be becomes one
/// that no member of the contract takes, so that it is refused where it means something and passed
/// over where it does not. Nothing where there is neither.
///
/// # Errors
/// What is still wrong.
pub(crate) fn mended(text: &str) -> Option<Result<Mended, (JsonFlaw, String)>> {
    let value = match read(&substituted(text, "fffd")?) {
        Ok(value) => value,
        Err(flaw) => return Some(Err(flaw)),
    };
    let mut replaced = Vec::new();
    // Read again with another character in the same places: the difference is where they are.
    if let Some(Ok(other)) = substituted(text, "fffe").map(|text| read(&text)) {
        differences(&value, &other, &mut String::new(), &mut replaced);
    }
    Some(Ok(Mended { value, replaced }))
}

/// The text with each half of a surrogate pair as `\u<hex>` and each number that is too large as
/// one that is not whole, all in their places and of their lengths; nothing where there are none.
fn substituted(text: &str, hex: &str) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut in_text, mut any) = (0, false, false);
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => match surrogate(&bytes[at..]) {
                Some(Surrogate::Pair) => at += 11,
                Some(Surrogate::Half) => {
                    bytes[at + 2..at + 6].copy_from_slice(hex.as_bytes());
                    (at, any) = (at + 5, true);
                }
                None => at += 1,
            },
            b'-' | b'0'..=b'9' if !in_text => {
                let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                let end = at + bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                if is_too_large(&bytes[at..end]) {
                    bytes[at..end].fill(b'5');
                    bytes[at..at + 2].copy_from_slice(b"0.");
                    any = true;
                }
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    if any { String::from_utf8(bytes).ok() } else { None }
}

enum Surrogate {
    Pair,
    Half,
}

/// The surrogate that an escape begins with, if it does.
fn surrogate(escape: &[u8]) -> Option<Surrogate> {
    let unit = |at: usize| {
        let escape = escape.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?;
        u16::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
    };
    match unit(0)? {
        0xd800..=0xdbff if matches!(unit(6), Some(0xdc00..=0xdfff)) => Some(Surrogate::Pair),
        0xd800..=0xdfff => Some(Surrogate::Half),
        _ => None,
    }
}

fn is_too_large(number: &[u8]) -> bool {
    let number = std::str::from_utf8(number).ok().and_then(|text| text.parse::<f64>().ok());
    number.is_some_and(f64::is_infinite)
}

fn differences(one: &Value, other: &Value, at: &mut String, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, member) in one {
                within(at, name, |at| match other.get(name) {
                    Some(other) => differences(member, other, at, found),
                    None => found.push(at.clone()),
                });
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                within(at, &index.to_string(), |at| differences(one, other, at, found));
            }
        }
        _ if one != other => found.push(at.clone()),
        _ => {}
    }
}

fn within(at: &mut String, step: &str, look: impl FnOnce(&mut String)) {
    let length = at.len();
    at.push('/');
    at.push_str(&escaped(step));
    look(at);
    at.truncate(length);
}

/// The JSON pointer of what stands at the end of a text that was cut there.
pub(crate) fn place_at_end(text: &str) -> String {
    read(text).map_or_else(|(flaw, _)| flaw.pointer(), |_| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn halves_of_pairs_are_replaced_in_their_places_and_whole_pairs_stay() {
        let mended = |text: &str| mended(text).map(|read| read.expect("it can be read now"));
        let text =
            r#"{"a":"\ud83d\ude00 \ud83d","b":["\uDE00\ud83d\ude00",{"c/d":"\\ud83d"}],"e":"�"}"#;
        let read = mended(text).unwrap();
        assert_eq!(
            read.value,
            json!({ "a": "😀 \u{fffd}", "b": ["\u{fffd}😀", { "c/d": "\\ud83d" }], "e": "\u{fffd}" })
        );
        assert_eq!(read.replaced, ["/a", "/b/0"], "what was there already is not named");
        assert_eq!(mended(r#"{"a":"\\ud83d \ud83d\ude00","b":1e300}"#), None);
        let read = mended(r#"{"a":{"\udfff":1}}"#).unwrap();
        assert_eq!(read.replaced, ["/a/\u{fffd}"]);
    }

    #[test]
    fn numbers_that_are_too_large_are_no_whole_numbers_and_named_nowhere() {
        for number in ["1e400", "-1E+400", "1e309", "123456789.5e999999"] {
            let read = mended(&format!(r#"{{"a":[{number},"1e400"]}}"#)).unwrap().unwrap();
            assert!(read.value["a"][0].is_f64(), "{number}");
            assert_eq!(read.value["a"][1], "1e400");
            assert_eq!(read.replaced, [""; 0]);
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1.0e300..1.0e300).prop_map(Value::from),
            "[^\0]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[^\0]{0,4}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// One unit of text as a program may write it, and whether it is half a pair.
    fn unit() -> impl Strategy<Value = (String, bool)> {
        prop_oneof![
            3 => Just(("a".to_owned(), false)),
            1 => Just((r"\\u".to_owned(), false)),
            1 => Just((r#"\""#.to_owned(), false)),
            1 => Just((r"\ud83d\ude00".to_owned(), false)),
            1 => (0xdc00_u16..=0xdfff).prop_map(|low| (format!("\\u{low:04X}"), true)),
            // Followed by something that is no other half.
            1 => (0xd800_u16..=0xdbff).prop_map(|high| (format!("\\u{high:04x}."), true)),
        ]
    }

    proptest! {
        #[test]
        fn what_serde_json_reads_is_read_the_same(value in json()) {
            // Not the value itself: a fraction may be read as its neighbour.
            let text = value.to_string();
            prop_assert_eq!(read(&text), Ok(serde_json::from_str(&text).expect("it is JSON")));
        }

        #[test]
        fn a_text_cut_anywhere_has_a_place_and_nothing_to_mend(
            value in json(),
            part in 0_usize..1000,
        ) {
            let text = json!({ "x": value, "y": [1] }).to_string();
            let end = text.len() * part / 1000;
            let end = (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            let (flaw, _) = read(&text[..end]).unwrap_err();
            prop_assert!(flaw.pointer().starts_with('/'));
            prop_assert_eq!(mended(&text[..end]), None);
        }

        #[test]
        fn text_of_any_units_is_read(units in proptest::collection::vec(unit(), 0..20)) {
            let text: String = units.iter().map(|(unit, _)| unit.as_str()).collect();
            let body = format!(r#"{{"body":"{text}","other":"\ud83d\ude00"}}"#);
            let halves = units.iter().filter(|(_, is_half)| *is_half).count();
            let value = match mended(&body) {
                Some(mended) => {
                    let mended = mended.expect("it can be read");
                    prop_assert_eq!(&mended.replaced, &["/body"]);
                    mended.value
                }
                None => read(&body).expect("it can be read as it is"),
            };
            let found = value["body"].as_str().unwrap_or_default().matches('\u{fffd}').count();
            prop_assert_eq!(found, halves);
        }
    }
}
