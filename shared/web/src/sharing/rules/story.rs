//! What became of a ticket under one share, the newest first: what this account sent and what the
//! line said to it, and what it was told.

use contracts::{Decision, ItemOutcome, Reason, Receipt, ReceiptOutcome};

use super::withheld::is_mendable;

/// A step of the story.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, RFC 3339.
    pub at: String,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// This account sent a command of this type.
    Sent {
        /// Its type.
        command_type: String,
        /// What the line said; nothing while it waits.
        receipt: Option<Box<Receipt>>,
        /// What became of its items over this share.
        decisions: Vec<Decision>,
    },
    /// It was told something of this type.
    Told {
        /// Its type.
        message_type: String,
    },
}

/// How a step looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All went as it was meant.
    Fine,
    /// Something stayed or changed, as agreed.
    Kept,
    /// Something stayed that can be mended, or the whole was refused.
    Bad,
    /// No answer yet.
    Waits,
}

impl Step {
    /// A command of the account, seen from one share.
    #[must_use]
    pub fn sent(at: String, command_type: String, receipt: Option<Receipt>, share: &str) -> Self {
        let over =
            |decision: &&Decision| decision.share_id.as_ref().is_none_or(|it| it.as_str() == share);
        let decisions = receipt.iter().flat_map(|receipt| &receipt.decisions);
        let decisions = decisions.filter(over).cloned().collect();
        Self { at, what: What::Sent { command_type, receipt: receipt.map(Box::new), decisions } }
    }

    /// How it looks.
    #[must_use]
    pub fn tone(&self) -> Tone {
        let What::Sent { receipt, decisions, .. } = &self.what else { return Tone::Fine };
        let Some(receipt) = receipt else { return Tone::Waits };
        if receipt.outcome == ReceiptOutcome::Rejected {
            return Tone::Bad;
        }
        let stayed = || decisions.iter().filter(|it| stays(it));
        if stayed().any(|it| it.reason.is_some_and(is_mendable)) {
            Tone::Bad
        } else if stayed().next().is_some() {
            Tone::Kept
        } else {
            Tone::Fine
        }
    }

    /// Whether something did not cross, or waits.
    #[must_use]
    pub fn is_about_what_stayed(&self) -> bool {
        self.tone() != Tone::Fine
    }
}

/// Whether an item did not cross.
#[must_use]
pub fn stays(decision: &Decision) -> bool {
    matches!(decision.outcome, ItemOutcome::Withheld | ItemOutcome::Superseded)
}

/// The one thing to say first: why the newest that stayed did so.
#[must_use]
pub fn verdict(steps: &[Step]) -> Option<(Reason, usize)> {
    let step = steps.iter().find(|step| step.tone() == Tone::Bad)?;
    let What::Sent { receipt: Some(receipt), decisions, .. } = &step.what else { return None };
    if receipt.outcome == ReceiptOutcome::Rejected {
        return receipt.reason.map(|reason| (reason, 1));
    }
    let mendable = || decisions.iter().filter(|it| stays(it) && it.reason.is_some_and(is_mendable));
    mendable().next().and_then(|it| it.reason).map(|reason| (reason, mendable().count()))
}

/// One story of both, the newest first.
#[must_use]
pub fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by(|one, other| other.at.cmp(&one.at));
    steps
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SHARE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
    const OTHER: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f11";

    fn step(at: &str, outcome: &str, decisions: &serde_json::Value) -> Step {
        let reason = (outcome == "rejected").then_some("ticket_closed");
        let receipt = json!({ "command_id": "k", "command_type": "ticket.update.v1",
            "outcome": outcome, "reason": reason, "decisions": decisions });
        let receipt = serde_json::from_value(receipt).unwrap();
        Step::sent(at.to_owned(), "ticket.update.v1".to_owned(), Some(receipt), SHARE)
    }

    fn withheld(reason: &str, share: &str) -> serde_json::Value {
        json!({ "item": "status", "outcome": "withheld", "reason": reason, "share_id": share })
    }

    #[test]
    fn a_step_looks_as_bad_as_what_stayed_over_this_share() {
        for (outcome, decisions, tone) in [
            ("applied", json!([]), Tone::Fine),
            ("partial", json!([withheld("status_not_synced", SHARE)]), Tone::Kept),
            ("partial", json!([withheld("type_mismatch", SHARE)]), Tone::Bad),
            ("partial", json!([withheld("type_mismatch", OTHER)]), Tone::Fine),
            ("rejected", json!([]), Tone::Bad),
        ] {
            assert_eq!(step("t", outcome, &decisions).tone(), tone, "{outcome} {decisions}");
        }
        let waits = Step::sent("t".into(), "ticket.update.v1".into(), None, SHARE);
        assert_eq!(waits.tone(), Tone::Waits);
    }

    #[test]
    fn the_newest_that_can_be_mended_is_said_first() {
        let steps = in_order(vec![
            step("2026-11-27T10:00:00Z", "rejected", &json!([])),
            step("2026-11-27T10:02:00Z", "partial", &json!([withheld("status_not_synced", SHARE)])),
            step(
                "2026-11-27T10:01:00Z",
                "partial",
                &json!([withheld("type_mismatch", SHARE), withheld("no_such_field", SHARE)]),
            ),
        ]);
        assert_eq!(steps[0].at, "2026-11-27T10:02:00Z");
        assert_eq!(verdict(&steps), Some((Reason::TypeMismatch, 2)));
        assert_eq!(verdict(&steps[..1]), None);
    }
}
