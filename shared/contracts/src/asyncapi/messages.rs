//! Every message that a desk sends or is told, with what a document says of it.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{commands::COMMANDS, deliveries::DELIVERIES};
use crate::Message;
use crate::delivery::DeliveryBody;
use crate::topology::Exchange;

/// A message as third parties are told of it.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Its `type`.
    pub name: &'static str,
    /// Through which exchange it goes: `share` for a command, `desk` for a delivery.
    pub exchange: Exchange,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// Its schema among others.
    pub(super) payload: fn(&mut SchemaGenerator) -> Schema,
    /// Its schema alone.
    pub(super) whole: fn(SchemaGenerator) -> Schema,
}

/// All of them: commands, then deliveries.
pub fn messages() -> impl Iterator<Item = &'static Published> {
    COMMANDS.iter().chain(DELIVERIES)
}

pub(super) const fn command<M: Message + JsonSchema>(
    title: &'static str,
    description: &'static str,
) -> Published {
    published::<M>(M::NAME, Exchange::Share, title, description)
}

pub(super) const fn delivery<T: JsonSchema>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
) -> Published {
    published::<T>(name, Exchange::Desk, title, description)
}

const fn published<T: JsonSchema>(
    name: &'static str,
    exchange: Exchange,
    title: &'static str,
    description: &'static str,
) -> Published {
    let (payload, whole) =
        (SchemaGenerator::subschema_for::<T>, SchemaGenerator::into_root_schema_for::<T>);
    Published { name, exchange, title, description, payload, whole }
}

impl Published {
    /// `<entity>.<verb>`: the type without its version, the routing key without its account.
    #[must_use]
    pub fn entity_and_verb(&self) -> &'static str {
        self.name.rsplit_once(".v").map_or(self.name, |(stem, _version)| stem)
    }

    /// What it asks for or tells, in a sentence: the documentation of its type, or of its variant
    /// where several share a type.
    pub(super) fn summary(&self) -> String {
        match DeliveryBody::NAMES.iter().position(|name| *name == self.name) {
            Some(position) => DeliveryBody::SENTENCES[position].trim().to_owned(),
            None => super::schemas::description(&super::schema(self)).to_owned(),
        }
    }
}
