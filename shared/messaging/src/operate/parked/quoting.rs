//! A parked message's detail, as far as it may be shown. Of what a rule could not decide, or nobody
//! could read, it is what the rule, the database or the parser said, and may quote the message. So
//! it is shown only to who asks for the message's body.

use crate::park_reason::ParkReason;

const QUOTING: [ParkReason; 2] = [ParkReason::Poison, ParkReason::Undecodable];
const WITHHELD: &str = "it may quote the message; `parked show ID --body` has it";

/// What of a row's `detail` may be shown.
pub(crate) fn detail(reason: &str, detail: String, with_body: bool) -> String {
    let quotes = QUOTING.iter().any(|quoting| quoting.code() == reason);
    if quotes && !with_body { WITHHELD.to_owned() } else { detail }
}

/// The same of the audit's `because`, which begins with the reason of parking.
pub(super) fn because(text: String, with_body: bool) -> String {
    let reason = text.split_once(": ").map(|(reason, _)| reason.to_owned());
    match reason {
        Some(reason) if detail(&reason, String::new(), with_body) == WITHHELD => {
            format!("{reason}: {WITHHELD}")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_quote_is_shown_with_the_body_alone() {
        let text = || "a rule panicked: \"The pump leaks\"".to_owned();
        for reason in ["poison", "undecodable"] {
            assert_eq!(detail(reason, text(), false), WITHHELD);
            assert_eq!(detail(reason, text(), true), text());
            let because = |with_body| because(format!("{reason}: {}", text()), with_body);
            assert_eq!(because(false), format!("{reason}: {WITHHELD}"));
            assert_eq!(because(true), format!("{reason}: {}", text()));
        }
        assert_eq!(detail("dead_lettered", text(), false), text());
        assert_eq!(
            because("mended by hand: see above".to_owned(), false),
            "mended by hand: see above"
        );
    }
}
