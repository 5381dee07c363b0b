//! What is asked for, as JSON or as a query: which messages, and what is to be done with them.

use std::num::NonZeroU32;
use std::time::Duration;

use messaging::ParkReason;
use messaging::parked::{ParkedAction, ParkedFilter};
use serde::Deserialize;
use url::form_urlencoded;
use uuid::Uuid;

/// Messages a second that may be asked for.
const FASTEST: u32 = 1000;
/// Messages that may be named by their ids.
const IDS: usize = 1000;
/// Messages that one list has, at most, and where nothing is said.
const LISTED: (u32, u32) = (200, 20);
/// Characters of a name, at most.
const NAME: usize = 100;

/// An action, and the messages that it is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WantedAction {
    pub action: ParkedAction,
    pub filter: ParkedFilter,
}

/// Who carries it out, and how fast.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HowCarriedOut {
    pub by: String,
    pub rate: NonZeroU32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    action: String,
    because: Option<String>,
    #[serde(default)]
    ids: Vec<Uuid>,
    reason: Option<String>,
    account: Option<String>,
    message_type: Option<String>,
    limit: Option<u32>,
    newer_than_seconds: Option<u64>,
    older_than_seconds: Option<u64>,
    by: Option<String>,
    rate: Option<u32>,
}

/// Reads the body of a plan.
pub(super) fn action(body: &[u8]) -> Result<WantedAction, String> {
    read(asked(body)?).map(|(wanted, ..)| wanted)
}

/// Reads the body of an action that is to be carried out.
pub(super) fn carried_out(body: &[u8]) -> Result<(WantedAction, HowCarriedOut), String> {
    let (wanted, by, rate) = read(asked(body)?)?;
    let by = name(by.as_deref().unwrap_or_default())?;
    let rate = rate.filter(|rate| *rate <= FASTEST).and_then(NonZeroU32::new);
    let rate = rate.ok_or_else(|| format!("`rate` is 1 to {FASTEST} messages a second"))?;
    Ok((wanted, HowCarriedOut { by, rate }))
}

/// Reads the query of a list.
pub(super) fn listed(query: &str) -> Result<ParkedFilter, String> {
    let mut filter = ParkedFilter { limit: Some(LISTED.1), ..ParkedFilter::default() };
    for (key, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        match key.as_str() {
            // A form that was sent with nothing in it asks for all.
            _ if value.is_empty() => {}
            "reason" => filter.reason = Some(reason(&value)?),
            "account" => filter.account = Some(value),
            "message_type" => filter.message_type = Some(value),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=LISTED.0).contains(limit));
                let why = || format!("`limit` is 1 to {} messages", LISTED.0);
                filter.limit = Some(limit.ok_or_else(why)?);
            }
            other => return Err(format!("`{other}` is nothing that messages are listed by")),
        }
    }
    Ok(filter)
}

fn asked(body: &[u8]) -> Result<Asked, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn read(asked: Asked) -> Result<(WantedAction, Option<String>, Option<u32>), String> {
    let action = match (asked.action.as_str(), &asked.because) {
        ("replay", None) => ParkedAction::Replay,
        ("replay", Some(_)) => return Err("`because` is for a discard alone".to_owned()),
        ("discard", because) => ParkedAction::discard(because.as_deref().unwrap_or_default())?,
        (other, _) => return Err(format!("`{other}` is no action: `replay` or `discard`")),
    };
    if asked.ids.len() > IDS {
        return Err(format!("{} ids, more than {IDS}", asked.ids.len()));
    }
    let filter = ParkedFilter {
        ids: asked.ids,
        reason: asked.reason.as_deref().map(reason).transpose()?,
        account: asked.account,
        message_type: asked.message_type,
        older_than: asked.older_than_seconds.map(Duration::from_secs),
        newer_than: asked.newer_than_seconds.map(Duration::from_secs),
        limit: None,
    };
    if filter.is_everything() {
        return Err("say which messages: `ids`, or at least one filter".to_owned());
    }
    let filter = ParkedFilter { limit: asked.limit, ..filter };
    Ok((WantedAction { action, filter }, asked.by, asked.rate))
}

fn reason(code: &str) -> Result<ParkReason, String> {
    let found = ParkReason::ALL.into_iter().find(|reason| reason.code() == code);
    found.ok_or_else(|| format!("`{code}` is no reason for which messages are parked"))
}

/// A name as it stands in the audit.
fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NAME || text.contains(char::is_control) {
        return Err(format!("`by` is who does it, one line of at most {NAME} characters"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_an_action_with_messages() {
        let wanted = action(
            br#"{"action": "replay", "reason": "poison", "account": "acme", "limit": 212,
                 "message_type": "ticket.update.v1", "newer_than_seconds": 3600}"#,
        );
        let filter = ParkedFilter {
            reason: Some(ParkReason::Poison),
            account: Some("acme".to_owned()),
            message_type: Some("ticket.update.v1".to_owned()),
            newer_than: Some(Duration::from_hours(1)),
            limit: Some(212),
            ..ParkedFilter::default()
        };
        assert_eq!(wanted, Ok(WantedAction { action: ParkedAction::Replay, filter }));
    }

    #[test]
    fn what_is_no_action_is_refused_with_a_sentence() {
        for (body, why) in [
            (r#"{"action": "replay"}"#, "say which messages"),
            (r#"{"action": "replay", "limit": 5}"#, "say which messages"),
            (r#"{"action": "replay", "reason": "boredom"}"#, "`boredom` is no reason"),
            (r#"{"action": "replay", "reason": "poison", "because": "x"}"#, "for a discard alone"),
            (r#"{"action": "discard", "reason": "poison"}"#, "a reason is needed"),
            (r#"{"action": "burn", "reason": "poison"}"#, "`burn` is no action"),
            (r#"{"action": "replay", "reasons": "poison"}"#, "unknown field `reasons`"),
            ("[]", "expected"),
        ] {
            let refused = action(body.as_bytes()).expect_err(body);
            assert!(refused.contains(why), "{body}: {refused}");
        }
    }

    #[test]
    fn it_is_carried_out_by_somebody_at_a_rate() {
        let body = |more: &str| format!(r#"{{"action": "replay", "reason": "poison"{more}}}"#);
        let read = |more: &str| carried_out(body(more).as_bytes());
        let (_, how) = read(r#", "by": " Dana ", "rate": 50"#).unwrap();
        assert_eq!((how.by.as_str(), how.rate.get()), ("Dana", 50));
        for wrong in [
            "",
            r#", "by": "Dana""#,
            r#", "by": "Dana", "rate": 0"#,
            r#", "by": "Dana", "rate": 1001"#,
            r#", "by": " ", "rate": 50"#,
            r#", "by": "a\nb", "rate": 50"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_query_says_which_are_listed() {
        let filter = listed("reason=poison&account=acme&message_type=&limit=5").unwrap();
        assert_eq!((filter.reason, filter.limit), (Some(ParkReason::Poison), Some(5)));
        assert_eq!((filter.account.as_deref(), filter.message_type), (Some("acme"), None));
        assert_eq!(listed("").unwrap().limit, Some(20));
        for wrong in ["limit=0", "limit=201", "reason=none", "colour=red"] {
            assert!(listed(wrong).is_err(), "{wrong}");
        }
    }
}
