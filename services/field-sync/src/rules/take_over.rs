//! A hop that is new: the receiver's copy takes over what the sender's copy holds.

use contracts::sync::Hop;
use line::HopTraversal;

use super::Withheld;
use super::crossing::{Crossed, cross};
use super::records::{Records, Stamp};
use super::schema::Schemas;
use super::state::Field;

/// What became of one field.
#[derive(Debug)]
pub struct TakenOver {
    /// The sender's field.
    pub field: Field,
    /// What it is for the receiver, or why it stayed.
    pub result: Result<Crossed, Withheld>,
}

/// Takes over every field that holds something and that the far copy has no record of. Whose change
/// it was, and when, goes with it; the revision is the chain's now.
pub fn take_over(
    hop: &Hop,
    revision: u64,
    records: &mut Records,
    schemas: &Schemas,
) -> Vec<TakenOver> {
    let crossing = HopTraversal::outbound(hop);
    let held = records.of(&hop.near).into_iter().filter(|(_, state)| state.value.is_something());
    let mut taken = Vec::new();
    for (field, state) in held {
        let result = cross(&crossing, &field, &state.value, records, schemas);
        if let Ok(crossed) = &result
            && records.get(&crossing.to, &crossed.field).is_none()
        {
            let stamp = Stamp { account: state.account, revision, occurred_at: state.occurred_at };
            records.set(&crossing.to, crossed.field.clone(), crossed.value.clone(), &stamp);
        }
        taken.push(TakenOver { field, result });
    }
    taken
}

/// New hops in the order in which they can take over: a near copy that is itself new comes first.
#[must_use]
pub fn in_order<'a>(new: &[&'a Hop]) -> Vec<&'a Hop> {
    let mut waiting = new.to_vec();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let (later, now): (Vec<_>, Vec<_>) =
            waiting.iter().partition(|hop| waiting.iter().any(|other| other.far() == hop.near));
        if now.is_empty() {
            // A chain is a tree, so this cannot be; a circle would take over in the order it was
            // told.
            ordered.extend(later);
            break;
        }
        ordered.extend(now);
        waiting = later;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::super::scene::three;
    use super::*;

    #[test]
    fn hops_take_over_outwards() {
        let hops = three();
        let expected: Vec<_> = hops.iter().collect();
        assert_eq!(in_order(&[&hops[1], &hops[0]]), expected);
        assert_eq!(in_order(&[&hops[0], &hops[1]]), expected);
    }
}
