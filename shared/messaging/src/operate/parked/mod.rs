//! What operators see of the messages set aside, and what they do with them. A replay and a discard
//! are messages themselves, so that everything goes through the one step; they are published
//! confirmed before the row is closed, and a second one does no harm.

mod audit;
mod body;
mod course;
mod filter;
mod look;
pub(crate) mod quoting;
mod work;

pub use audit::{AuditLine, Done, audit};
pub use body::ParkedBody;
pub use filter::ParkedFilter;
pub use look::{Details, ParkedMessage, Pile, WaitingDeliveries, list, piles, show, waiting};
pub use work::{ActionOutcome, ActionPlan, PlanLine, carry_out, plan};

pub(crate) use audit::{NewAuditLine, record};

/// What a person does with a parked message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParkedAction {
    /// It is to be decided, or delivered, after all. A command counts as arriving when it first
    /// did.
    Replay,
    /// It is not to be decided: its publisher is answered `rejected`, `discarded`. Desks' commands
    /// only.
    Discard {
        /// Why; the publisher reads it in the receipt.
        because: String,
    },
}
