//! Content read member by member, so that what is wrong is said in the contract's words and those
//! of JSON, and not in those of the types that it is read into.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde_json::Value;

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberFlaw {
    member: Option<&'static str>,
    sentence: String,
}

impl MemberFlaw {
    /// The member that is missing in the object which is read.
    pub(crate) fn member(&self) -> Option<&'static str> {
        self.member
    }

    fn of(sentence: impl Into<String>) -> Self {
        Self { member: None, sentence: sentence.into() }
    }

    fn one_of(choices: &[&str]) -> Self {
        Self::of(format!("one of {} is expected", choices.join(", ")))
    }

    /// `expected` says what a type can be read from: serde's own words for the simple ones, and
    /// those of the attribute `expecting` for an object.
    fn expected(expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let words = match expected.as_str() {
            "a boolean" => "true or false",
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more,",
            "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
            "f32" | "f64" => "a number",
            "a sequence" => "an array",
            "a map" => "an object",
            object if object.starts_with("struct ") => "an object",
            other => other,
        };
        Self::of(format!("{words} is expected"))
    }
}

impl fmt::Display for MemberFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for MemberFlaw {}

impl de::Error for MemberFlaw {
    fn custom<T: fmt::Display>(sentence: T) -> Self {
        Self::of(sentence.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(expected)
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::expected(expected)
    }

    fn unknown_variant(_: &str, choices: &'static [&'static str]) -> Self {
        Self::one_of(choices)
    }

    fn missing_field(name: &'static str) -> Self {
        Self { member: Some(name), sentence: "is required".to_owned() }
    }
}

/// Parsed content. An object is read from an object alone, as the contract has it, and never from
/// an array of its members' values.
#[derive(Debug)]
pub(crate) struct Members(pub(crate) Value);

impl IntoDeserializer<'_, MemberFlaw> for Members {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Members {
    type Error = MemberFlaw;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MemberFlaw> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, Some(number)) => visitor.visit_f64(number),
                (None, None, None) => Err(MemberFlaw::expected(&visitor)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Members));
                let read = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(read)
            }
            Value::Object(members) => visitor.visit_map(MapDeserializer::new(
                members.into_iter().map(|(name, member)| (name, Members(member))),
            )),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MemberFlaw> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, MemberFlaw> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MemberFlaw> {
        if self.0.is_object() {
            self.deserialize_any(visitor)
        } else {
            Err(MemberFlaw::expected(&visitor))
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        choices: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MemberFlaw> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.into_deserializer()),
            Value::Object(members)
                if members.len() == 1
                    && members.keys().all(|name| choices.contains(&name.as_str())) =>
            {
                let members = members.into_iter().map(|(name, member)| (name, Members(member)));
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(members)))
            }
            _ => Err(MemberFlaw::one_of(choices)),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}
