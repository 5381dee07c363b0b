//! Which custom field of one account belongs to which of another, and what a value becomes on the
//! way.

use contracts::Reason;
use contracts::comparable::comparable;
use contracts::compatibility::{Passing, passing};
use contracts::fields::FieldValue;

use super::Withheld;
use super::schema::{Schema, SchemaField, is_system};
use super::state::MAX_NAME;
use super::types::{implied, pass};
use super::value::{check, spelled};

/// One side of a pair of fields.
#[derive(Clone, Copy, Debug)]
enum Side<'a> {
    /// A field that the account has defined.
    Defined(&'a Schema, &'a SchemaField),
    /// A field of an account that takes any title: of whatever type the other one is.
    Open,
}

/// A field of one account and the one of another that belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    from: Side<'a>,
    to: Side<'a>,
    title: &'a str,
}

impl<'a> Pair<'a> {
    /// Finds what belongs to the field `key` of `from` in `to`. An account that nothing is known of
    /// has no field.
    ///
    /// # Errors
    /// Why nothing belongs to it: no such field, or not one only, a system field, types or options
    /// that do not fit.
    pub fn find(
        from: Option<&'a Schema>,
        key: &'a str,
        to: Option<&'a Schema>,
    ) -> Result<Self, Withheld> {
        let unknown = |whose: &str| {
            Withheld::with_detail(
                Reason::NoSuchField,
                format!("{whose} has not told its fields yet"),
            )
        };
        let from = from.ok_or_else(|| unknown("the account that it comes from"))?;
        let (side, title) = source(from, key)?;
        let to = to.ok_or_else(|| unknown("the partner"))?;
        let pair = Self { from: side, to: target(to, title)?, title };
        pair.fits()?;
        Ok(pair)
    }

    /// The receiving account's key; nothing where that takes any title, which is its key then.
    #[must_use]
    pub fn key(&self) -> Option<&'a str> {
        match self.to {
            Side::Defined(_, field) => Some(&field.key),
            Side::Open => None,
        }
    }

    /// The title as the account it comes from writes it.
    #[must_use]
    pub fn title(&self) -> &'a str {
        self.title
    }

    /// Whether the receiving account shows the field.
    ///
    /// # Errors
    /// It is not on the default form.
    pub fn is_shown(&self) -> Result<(), Withheld> {
        match self.to {
            Side::Defined(schema, field) if !field.on_default_form => Err(Withheld::with_detail(
                Reason::NotOnDefaultForm,
                format!("{} is not on it", named(schema, field)),
            )),
            _ => Ok(()),
        }
    }

    /// The pair seen from the other side.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { from: self.to, to: self.from, title: self.title }
    }

    /// What a value becomes.
    ///
    /// # Errors
    /// It has no counterpart that the receiving field takes.
    pub fn image(&self, value: &FieldValue) -> Result<FieldValue, Withheld> {
        let Side::Defined(schema, field) = self.to else { return Ok(value.clone()) };
        let how = match self.from {
            Side::Defined(_, from) => passing(from.field_type, field.field_type),
            Side::Open if check(value, field).is_ok() => Some(Passing::AsIs),
            Side::Open => {
                implied(value).map_or(Some(Passing::AsIs), |from| passing(from, field.field_type))
            }
        };
        let bad = |problem: &str| {
            Withheld::with_detail(Reason::BadValue, format!("{} {problem}", named(schema, field)))
        };
        let image = how
            .and_then(|how| pass(value, how))
            .ok_or_else(|| bad("cannot hold this value exactly"))?;
        check(&image, field).map_err(|problem| bad(&problem))?;
        Ok(spelled(image, field))
    }

    fn fits(&self) -> Result<(), Withheld> {
        let (Side::Defined(_, from), Side::Defined(schema, to)) = (self.from, self.to) else {
            return Ok(());
        };
        if passing(from.field_type, to.field_type).is_none() {
            return Err(Withheld::with_detail(
                Reason::TypeMismatch,
                format!("{} is of another type", named(schema, to)),
            ));
        }
        if !from.options_agree_with(to) {
            let detail =
                format!("{} has other tags for options of the same name", named(schema, to));
            return Err(Withheld::with_detail(Reason::OptionTagsDiffer, detail));
        }
        Ok(())
    }
}

/// The field `key` of the account a value comes from, and its title.
fn source<'a>(schema: &'a Schema, key: &'a str) -> Result<(Side<'a>, &'a str), Withheld> {
    if schema.open_fields {
        return if is_system(key) {
            Err(system(schema, key))
        } else {
            Ok((Side::Open, key.trim()))
        };
    }
    let field = schema.field(key).ok_or_else(|| no_such(schema, "key", key))?;
    if is_system(key) || is_system(&field.title) {
        return Err(system(schema, key));
    }
    only_one(schema, field.folded_title(), &field.title)?;
    Ok((Side::Defined(schema, field), &field.title))
}

/// The field of the receiving account with a title.
fn target<'a>(schema: &'a Schema, title: &str) -> Result<Side<'a>, Withheld> {
    if schema.open_fields {
        return Ok(Side::Open);
    }
    let folded = comparable(title);
    let field = schema.titled(&folded).next().ok_or_else(|| no_such(schema, "title", title))?;
    only_one(schema, &folded, title)?;
    if is_system(&field.key) {
        Err(system(schema, &field.key))
    } else {
        Ok(Side::Defined(schema, field))
    }
}

/// Checks a publisher's own value against its own schema; the tags of its options come out as it
/// registered them.
///
/// # Errors
/// No such field, a system field, or a value that does not fit. Nothing of it is kept then.
pub fn own(
    publisher: Option<&Schema>,
    key: &str,
    sent: &serde_json::Value,
) -> Result<FieldValue, Withheld> {
    let publisher = publisher.ok_or_else(|| {
        Withheld::with_detail(
            Reason::NoSuchField,
            "the publisher's account has not told its fields yet",
        )
    })?;
    if is_system(key) {
        return Err(system(publisher, key));
    }
    let value = FieldValue::from_json(sent);
    if publisher.open_fields {
        let bad = |problem: &str| {
            Withheld::with_detail(Reason::BadValue, format!("{}: {problem}", publisher.account))
        };
        if key.chars().count() > MAX_NAME {
            return Err(bad(&format!("a title has at most {MAX_NAME} characters")));
        }
        return value.ok_or_else(|| bad(&format!("no field can hold the value of {key:?}")));
    }
    let field = publisher.field(key).ok_or_else(|| no_such(publisher, "key", key))?;
    if is_system(&field.title) {
        return Err(system(publisher, key));
    }
    let bad = |problem: &str| {
        Withheld::with_detail(Reason::BadValue, format!("{} {problem}", named(publisher, field)))
    };
    let value = value.ok_or_else(|| bad("cannot hold such a value"))?;
    check(&value, field).map_err(|problem| bad(&problem))?;
    Ok(spelled(value, field))
}

fn only_one(schema: &Schema, folded: &str, title: &str) -> Result<(), Withheld> {
    if schema.titled(folded).count() == 1 {
        return Ok(());
    }
    Err(Withheld::with_detail(
        Reason::TitleNotUnique,
        format!("{} has several fields with the title {title:?}", schema.account),
    ))
}

fn no_such(schema: &Schema, what: &str, name: &str) -> Withheld {
    Withheld::with_detail(
        Reason::NoSuchField,
        format!("{} has no field with the {what} {name:?}", schema.account),
    )
}

fn system(schema: &Schema, name: &str) -> Withheld {
    Withheld::with_detail(
        Reason::SystemField,
        format!("{name:?} of {} is a system field", schema.account),
    )
}

fn named(schema: &Schema, field: &SchemaField) -> String {
    format!("{}'s field {:?}", schema.account, field.title)
}

#[cfg(test)]
mod tests;
