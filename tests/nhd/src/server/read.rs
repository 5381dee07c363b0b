//! What others write, as a partner reads it.

use serde_json::Value;

use crate::dialect::{Habits, time};
use crate::held::{PartnerComment, PartnerFile, PartnerPerson, PartnerTerms, TicketChange};

/// A member that is there and not null.
pub fn given<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

pub fn text(body: &Value, name: &str) -> Option<String> {
    given(body, name).and_then(Value::as_str).map(str::to_owned)
}

pub fn person(value: &Value) -> Option<PartnerPerson> {
    Some(PartnerPerson {
        uuid: text(value, "uuid")?,
        name: text(value, "name").unwrap_or_default(),
        role: text(value, "role"),
    })
}

pub fn terms(body: &Value) -> PartnerTerms {
    let flag = |name| given(body, name).and_then(Value::as_bool);
    PartnerTerms {
        allows_public_comments: flag("allows_public_comments"),
        sync_tags: flag("sync_tags"),
        sync_custom_fields: flag("sync_custom_fields"),
    }
}

/// What an update changes.
pub fn change(body: &Value, habits: &Habits) -> TicketChange {
    let items = |name| given(body, name).and_then(Value::as_array);
    let comments = items("comments").into_iter().flatten();
    let fields = given(body, "custom_fields").and_then(Value::as_object);
    TicketChange {
        status: text(body, "status"),
        custom_status: text(body, "custom_status"),
        tags: items("tags")
            .map(|tags| tags.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        custom_fields: fields.cloned().unwrap_or_default(),
        comments: comments.filter_map(|it| comment(it, habits)).collect(),
        actor: given(body, "current_actor").and_then(person),
    }
}

fn comment(value: &Value, habits: &Habits) -> Option<PartnerComment> {
    let public = given(value, "public").and_then(Value::as_bool);
    let files = given(value, "attachments").and_then(Value::as_array).into_iter().flatten();
    Some(PartnerComment {
        uuid: text(value, "uuid")?,
        author: given(value, "author").and_then(person).unwrap_or_default(),
        body: text(value, "body").unwrap_or_default(),
        public: public.unwrap_or(habits.absent_public.is_public()),
        authored_at: text(value, "authored_at").and_then(|at| time::read(&at)),
        files: files.filter_map(file).collect(),
        is_own: false,
    })
}

fn file(value: &Value) -> Option<PartnerFile> {
    Some(PartnerFile {
        url: text(value, "url")?,
        filename: text(value, "filename")?,
        content_type: text(value, "content_type"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn null_is_no_change() {
        let nulls = json!({ "status": null, "tags": null, "custom_fields": null, "comments": [] });
        assert_eq!(change(&nulls, &Dialect::Zendesk.habits()), TicketChange::default());
    }

    #[test]
    fn the_same_comment_is_public_to_one_and_private_to_the_other() {
        let body = json!({ "comments": [{ "uuid": "c1", "body": "Hello" }] });
        let of = |dialect: Dialect| change(&body, &dialect.habits()).comments[0].public;
        assert!(of(Dialect::Zendesk));
        assert!(!of(Dialect::JavaScript));
    }
}
