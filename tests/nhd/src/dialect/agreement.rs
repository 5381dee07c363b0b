//! Bodies about agreements.

use serde_json::{Map, Value, json};

use super::shape::{put, shaped};
use super::ticket::person;
use super::{Dialect, Habits, UpdateBody};
use crate::held::{AgreementEnd, PartnerAgreement, PartnerPerson, Standing};

/// The members that a dialect has.
fn declared(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Zendesk => &[
            "receiver_url",
            "sender_url",
            "status",
            "uuid",
            "access_key",
            "name",
            "current_actor",
            "sync_tags",
            "sync_custom_fields",
            "allows_public_comments",
        ],
        Dialect::JavaScript => &[
            "receiver_url",
            "sender_url",
            "status",
            "uuid",
            "access_key",
            "name",
            "deactivated_by",
            "current_actor",
            "sync_tags",
            "sync_custom_fields",
            "allows_public_comments",
        ],
        Dialect::RequestTracker => &[
            "receiver_url",
            "sender_url",
            "status",
            "uuid",
            "access_key",
            "name",
            "deactivated_by",
        ],
    }
}

/// What changes at an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgreementChange {
    Standing(Standing),
    /// What no account of Deskmesh takes: back to accepted.
    Reactivated,
    Name(String),
}

/// The first word about an agreement.
#[must_use]
pub fn invite(habits: &Habits, agreement: &PartnerAgreement, actor: &PartnerPerson) -> Value {
    let mut body = shaped(declared(habits.dialect), whole(agreement, actor), habits.unmeant);
    if habits.dialect == Dialect::RequestTracker {
        body["deactivated_by"] = Value::Null;
    }
    body
}

/// The word about a change, after it was made to `agreement`.
#[must_use]
pub fn update(
    habits: &Habits,
    agreement: &PartnerAgreement,
    change: &AgreementChange,
    actor: &PartnerPerson,
) -> Value {
    let meant = match (habits.dialect, habits.update) {
        (_, UpdateBody::Whole) => whole(agreement, actor),
        (Dialect::RequestTracker, _) => bare(agreement.end, change),
        _ => {
            let mut meant = bare(agreement.end, change);
            meant.insert("uuid".to_owned(), json!(agreement.uuid));
            meant.insert("access_key".to_owned(), json!(agreement.access_key));
            meant.insert("current_actor".to_owned(), person(habits, actor));
            meant
        }
    };
    shaped(declared(habits.dialect), meant, habits.unmeant)
}

/// The change and nothing else.
fn bare(end: AgreementEnd, change: &AgreementChange) -> Map<String, Value> {
    let object = match change {
        AgreementChange::Standing(Standing::Inactive) => {
            json!({ "status": "inactive", "deactivated_by": end.word() })
        }
        AgreementChange::Standing(standing) => json!({ "status": standing.word() }),
        AgreementChange::Reactivated => json!({ "status": "accepted", "deactivated_by": "" }),
        AgreementChange::Name(name) => json!({ "name": name }),
    };
    object.as_object().cloned().unwrap_or_default()
}

/// All that there is to say.
fn whole(agreement: &PartnerAgreement, actor: &PartnerPerson) -> Map<String, Value> {
    let mut whole = Map::new();
    put(&mut whole, "uuid", Some(agreement.uuid.as_str()));
    put(&mut whole, "name", Some(agreement.name.as_str()));
    put(&mut whole, "status", Some(agreement.standing.word()));
    put(&mut whole, "sender_url", Some(agreement.sender_url.as_str()));
    put(&mut whole, "receiver_url", Some(agreement.receiver_url.as_str()));
    put(&mut whole, "access_key", Some(agreement.access_key.as_str()));
    put(&mut whole, "deactivated_by", agreement.deactivated_by.map(AgreementEnd::word));
    put(&mut whole, "sync_tags", agreement.terms.sync_tags);
    put(&mut whole, "sync_custom_fields", agreement.terms.sync_custom_fields);
    put(&mut whole, "allows_public_comments", agreement.terms.allows_public_comments);
    let of = json!({ "uuid": actor.uuid, "name": actor.name, "role": actor.role });
    whole.insert("current_actor".to_owned(), of);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::PartnerTerms;

    fn agreement(end: AgreementEnd) -> PartnerAgreement {
        PartnerAgreement {
            uuid: "a1".to_owned(),
            access_key: "k1".to_owned(),
            end,
            sender_url: "https://us.example/sharing".to_owned(),
            receiver_url: "https://them.example/sharing".to_owned(),
            name: "Us".to_owned(),
            standing: Standing::Pending,
            deactivated_by: None,
            terms: PartnerTerms::everything(),
        }
    }

    fn ada() -> PartnerPerson {
        PartnerPerson { uuid: "p1".to_owned(), name: "Ada".to_owned(), role: None }
    }

    fn names(body: &Value) -> Vec<&str> {
        body.as_object().expect("an object").keys().map(String::as_str).collect()
    }

    #[test]
    fn an_invite_says_the_terms_where_the_dialect_has_words_for_them() {
        let said = Dialect::ALL.map(|dialect| {
            let body = invite(&dialect.habits(), &agreement(AgreementEnd::Sender), &ada());
            assert_eq!(body["status"], "pending", "{dialect:?}");
            assert_eq!(body["access_key"], "k1", "{dialect:?}");
            body["allows_public_comments"] == json!(true)
        });
        assert_eq!(said, [true, true, false]);
    }

    #[test]
    fn request_trackers_invite_is_these_seven_members() {
        let habits = Dialect::RequestTracker.habits();
        let body = invite(&habits, &agreement(AgreementEnd::Sender), &ada());
        let seven = [
            "access_key",
            "deactivated_by",
            "name",
            "receiver_url",
            "sender_url",
            "status",
            "uuid",
        ];
        assert_eq!(names(&body), seven);
        assert_eq!(body["deactivated_by"], Value::Null);
    }

    #[test]
    fn zendesks_change_is_full_of_nulls() {
        let accepted = AgreementChange::Standing(Standing::Accepted);
        let habits = Dialect::Zendesk.habits();
        let body = update(&habits, &agreement(AgreementEnd::Receiver), &accepted, &ada());
        assert_eq!(body["status"], "accepted");
        for name in ["receiver_url", "sender_url", "name", "sync_tags", "allows_public_comments"] {
            assert_eq!(body.get(name), Some(&Value::Null), "{name}");
        }
        assert_eq!(body.get("deactivated_by"), None, "it has no such member");
    }

    #[test]
    fn request_tracker_says_the_change_alone() {
        let said = |change| {
            let habits = Dialect::RequestTracker.habits();
            update(&habits, &agreement(AgreementEnd::Receiver), &change, &ada())
        };
        let accepted = said(AgreementChange::Standing(Standing::Accepted));
        assert_eq!(accepted, json!({ "status": "accepted" }));
        let ended = said(AgreementChange::Standing(Standing::Inactive));
        assert_eq!(ended, json!({ "status": "inactive", "deactivated_by": "receiver" }));
        let again = said(AgreementChange::Reactivated);
        assert_eq!(again, json!({ "status": "accepted", "deactivated_by": "" }));
    }

    #[test]
    fn the_javascript_client_says_all_of_it_again() {
        let renamed = AgreementChange::Name("Us, renamed".to_owned());
        let body = update(
            &Dialect::JavaScript.habits(),
            &agreement(AgreementEnd::Sender),
            &renamed,
            &ada(),
        );
        assert_eq!(body["sender_url"], "https://us.example/sharing");
        assert_eq!(body["sync_tags"], true);
        assert_eq!(body.get("deactivated_by"), None);
    }
}
