//! The rules of status, tags and custom fields: functions of values. They read no clock, make no id
//! and do no I/O.

pub mod comparison;
mod crossing;
mod draft;
mod eligibility;
mod matching;
mod options;
mod precedence;
mod propagate;
mod publisher_changes;
mod records;
mod resync;
mod schema;
mod share;
mod state;
mod status;
mod tags;
mod take_over;
mod touched;
mod transfer;
mod types;
mod value;

#[cfg(test)]
mod histories;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod superseded;

pub use resync::{Held, held};
pub use schema::{Schema, SchemaField, Schemas, fields_on_form};
pub use state::{ChainFields, Field, FieldState, OwnChange, Value};
pub use touched::Touched;
pub use transfer::{Decision, Way, decide};

/// Why something does not cross, or was not accepted at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// The reason.
    pub reason: contracts::Reason,
    /// The same for people: whose schema, and what is wrong.
    pub detail: Option<String>,
}

impl Withheld {
    /// A reason that says it all.
    #[must_use]
    pub fn because(reason: contracts::Reason) -> Self {
        Self { reason, detail: None }
    }

    /// A reason with a sentence for people.
    #[must_use]
    pub fn with_detail(reason: contracts::Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: Some(detail.into()) }
    }

    /// The decision about `item` that says so.
    #[must_use]
    pub fn decision(self, item: contracts::Item) -> contracts::Decision {
        let decision = contracts::Decision::withheld(item, self.reason);
        match self.detail {
            Some(detail) => decision.with_detail(detail),
            None => decision,
        }
    }
}
