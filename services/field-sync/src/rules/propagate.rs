//! One accepted change on its way outwards, hop by hop, each judged by the value at its own near
//! end.

use std::collections::BTreeMap;

use contracts::delivery::StatusDelivered;
use contracts::fields::StatusValue;
use contracts::{CopyId, Decision, Item, ItemOutcome, Reason, ShareId};
use line::{CopyFields, HopTraversal};

use super::crossing::{Crossed, cross};
use super::records::{Records, Stamp};
use super::schema::Schemas;
use super::state::{Field, Value};

/// The way from the publisher's copy, and what has been decided on it.
#[derive(Debug)]
pub struct Walk<'a> {
    /// The publisher's copy.
    pub copy: &'a CopyId,
    /// The way, nearest first.
    pub crossings: &'a [HopTraversal],
    /// The share that the command makes: its copy gets all it holds anyway, so nothing is left out
    /// because it is there already.
    pub new_share: Option<&'a ShareId>,
    /// All accounts' settings.
    pub schemas: &'a Schemas,
    /// Whether the publisher is told what copies beyond its partner's would get.
    pub tells_beyond: bool,
    /// What each copy is told.
    pub changes: BTreeMap<CopyId, CopyFields>,
    /// Decisions for the publisher: about hops that touch its own copy only.
    pub decisions: Vec<Decision>,
}

impl Walk<'_> {
    /// Carries what the publisher's copy now holds in `field` outwards. A hop that withholds it
    /// ends the way; one on which both copies agree does not.
    pub fn carry(
        &mut self,
        field: &Field,
        item: &Item,
        told: Option<&serde_json::Value>,
        stamp: &Stamp,
        records: &mut Records,
    ) {
        let mut reached: BTreeMap<&CopyId, Field> = BTreeMap::from([(self.copy, field.clone())]);
        for crossing in self.crossings {
            let Some(here) = reached.get(&crossing.from).cloned() else { continue };
            let Some(value) = records.get(&crossing.from, &here).map(|held| held.value.clone())
            else {
                continue;
            };
            let decision = match cross(crossing, &here, &value, records, self.schemas) {
                Err(withheld) => withheld.decision(item.clone()),
                Ok(crossed) => {
                    reached.insert(&crossing.to, crossed.field.clone());
                    let decision = self.arrived(crossing, &crossed, item);
                    if !crossed.agree {
                        add(
                            self.changes.entry(crossing.to.clone()).or_default(),
                            &crossed.field,
                            &crossed.value,
                        );
                        records.set(&crossing.to, crossed.field, crossed.value, stamp);
                    }
                    decision
                }
            };
            if crossing.from == *self.copy {
                self.decisions.push(decision.over(&crossing.hop.share_id).holding(told.cloned()));
            } else if self.tells_beyond && decision.outcome != ItemOutcome::Withheld {
                // That it arrives is told, and nothing of how that organisation calls it.
                let arrives = Decision::new(item.clone(), ItemOutcome::Transferred);
                self.decisions.push(arrives.beyond());
            }
        }
    }

    fn arrived(&self, crossing: &HopTraversal, crossed: &Crossed, item: &Item) -> Decision {
        if crossed.agree && self.new_share != Some(&crossing.hop.share_id) {
            return Decision::new(item.clone(), ItemOutcome::Unchanged).because(Reason::Unchanged);
        }
        outcome(crossed, item)
    }
}

/// The decision about an item that crossed.
#[must_use]
pub fn outcome(crossed: &Crossed, item: &Item) -> Decision {
    let decision = Decision::new(item.clone(), crossed.outcome);
    match crossed.reason {
        Some(reason) => decision.because(reason),
        None => decision,
    }
}

/// Adds a value to what a copy is told.
pub fn add(told: &mut CopyFields, field: &Field, value: &Value) {
    match (field, value) {
        (_, Value::Status(StatusValue { value, custom_status })) => {
            told.status =
                Some(StatusDelivered { status: *value, custom_status: custom_status.clone() });
        }
        (Field::Tag(name), Value::Tag(true)) => told.tags_added.push(name.clone()),
        (Field::Tag(name), Value::Tag(false)) => told.tags_removed.push(name.clone()),
        (Field::Custom(key), Value::Custom(value)) => {
            told.custom_fields.insert(key.clone(), value.clone());
        }
        // A record's value is of its field's sort; the store refuses any other.
        _ => {}
    }
}
