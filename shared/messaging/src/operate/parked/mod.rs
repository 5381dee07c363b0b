//! What operators see of the messages set aside, and what they do with them. A replay and a discard
//! are messages themselves, so that everything goes through the one step; they are published
//! confirmed before the row is closed, and a second one does no harm.

mod audit;
mod body;
mod course;
mod filter;
mod look;
mod overview;
pub(crate) mod quoting;
mod work;

pub use audit::{AuditLine, Done, audit};
pub use body::ParkedBody;
pub use filter::ParkedFilter;
pub use look::{Details, ParkedMessage, Pile, WaitingDeliveries, list, piles, show, waiting};
pub use overview::{ParkedGroup, RecentAction, groups, recent};
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

/// Characters of a reason for a discard, at most.
const LONGEST_REASON: usize = 500;

impl ParkedAction {
    /// A discard for a reason that its publisher can be told: it stands in a header and in a
    /// receipt.
    ///
    /// # Errors
    /// What is wrong with the reason.
    pub fn discard(because: &str) -> Result<Self, &'static str> {
        match because.trim() {
            "" => Err("a reason is needed, in words"),
            text if text.chars().count() > LONGEST_REASON => {
                Err("a reason has at most 500 characters")
            }
            text if text.contains(char::is_control) => Err("a reason is one line of text"),
            text => Ok(Self::Discard { because: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_for_a_discard_is_one_line_of_words() {
        let because = |text: &str| ParkedAction::Discard { because: text.to_owned() };
        assert_eq!(ParkedAction::discard(" sent twice "), Ok(because("sent twice")));
        assert_eq!(ParkedAction::discard(&"é".repeat(500)), Ok(because(&"é".repeat(500))));
        for wrong in ["", "  ", "two\nlines", &"x".repeat(501)] {
            assert!(ParkedAction::discard(wrong).is_err(), "{wrong:?}");
        }
    }
}
