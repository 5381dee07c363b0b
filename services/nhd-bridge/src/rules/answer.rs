//! What a partner is answered. Of the codes that mean a failure only those stand here that every
//! known client takes for one: Zendesk's raises an error on 400, 409, 412, 413, 415 and 429.

use contracts::{Reason, Receipt, ReceiptOutcome};

/// A refusal: a code, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: Why,
    /// The same for people: what is wrong, and what to do.
    pub sentence: String,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No token.
    NoToken,
    /// The token opens nothing here, or the agreement does not allow it.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// Another method.
    Method,
    /// It did not arrive in time.
    Late,
    /// What was sent cannot be taken.
    Content,
    /// Not now.
    Busy,
}

impl Why {
    /// The status code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NoToken => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Method => 405,
            Self::Late => 408,
            Self::Content => 422,
            Self::Busy => 503,
        }
    }
}

impl Refusal {
    /// A refusal with its sentence.
    #[must_use]
    pub fn new(why: Why, sentence: impl Into<String>) -> Self {
        Self { why, sentence: sentence.into() }
    }

    /// What was sent cannot be taken.
    #[must_use]
    pub fn content(sentence: impl Into<String>) -> Self {
        Self::new(Why::Content, sentence)
    }

    /// The agreement does not allow it.
    #[must_use]
    pub fn forbidden(sentence: impl Into<String>) -> Self {
        Self::new(Why::Forbidden, sentence)
    }
}

/// What a receipt means to whoever asked.
///
/// # Errors
/// The command was rejected.
pub fn of_receipt(receipt: &Receipt) -> Result<(), Refusal> {
    if receipt.outcome != ReceiptOutcome::Rejected {
        return Ok(());
    }
    let reason = receipt.reason;
    let why = match reason {
        Some(
            Reason::UnknownAccount
            | Reason::InvitesDeclined
            | Reason::InviteToSelf
            | Reason::AgreementNotAccepted
            | Reason::AgreementInactive
            | Reason::AlreadyDecided
            | Reason::AccountRenamed
            | Reason::NotTheSender
            | Reason::NotTheReceiver
            | Reason::ReceiverCannotUnshare
            | Reason::UnknownAgreement,
        ) => Why::Forbidden,
        Some(Reason::NotShared) => Why::NotFound,
        _ => Why::Content,
    };
    let code = reason.map_or("rejected", Reason::code);
    let sentence = match &receipt.detail {
        Some(detail) => format!("{code}: {detail}"),
        None => code.to_owned(),
    };
    Err(Refusal::new(why, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_is_told_what_it_does_not_know() {
        // Zendesk's client takes these for failures and raises on every other code.
        let quiet = [401, 403, 404, 405, 408, 410, 422, 500, 503];
        for why in [
            Why::NoToken,
            Why::Forbidden,
            Why::NotFound,
            Why::Method,
            Why::Late,
            Why::Content,
            Why::Busy,
        ] {
            assert!(quiet.contains(&why.status()), "{why:?}");
        }
    }

    #[test]
    fn a_rejection_is_answered_by_its_reason() {
        let receipt = |outcome, reason: Option<Reason>| Receipt {
            reason,
            ..Receipt::new("1", "ticket.update.v1", outcome)
        };
        for outcome in [ReceiptOutcome::Applied, ReceiptOutcome::Partial, ReceiptOutcome::Ignored] {
            assert_eq!(of_receipt(&receipt(outcome, Some(Reason::Unchanged))), Ok(()));
        }
        for (reason, status) in [
            (Reason::UnknownAccount, 403),
            (Reason::AgreementInactive, 403),
            (Reason::NotShared, 404),
            (Reason::Malformed, 422),
            (Reason::TooLarge, 422),
            (Reason::TicketClosed, 422),
        ] {
            let refusal = of_receipt(&receipt(ReceiptOutcome::Rejected, Some(reason))).unwrap_err();
            assert_eq!(refusal.why.status(), status, "{reason:?}");
            assert!(refusal.sentence.contains(reason.code()));
        }
    }
}
