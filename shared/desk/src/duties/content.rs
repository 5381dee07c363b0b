//! What a desk does with the content of a delivery: shows it, records it, and does not send it
//! back.

use std::collections::BTreeMap;

use contracts::Timestamp;
use contracts::comment::SharedComment;
use contracts::delivery::{DeliveryBody, TicketCreated, TicketUpdated};
use url::{Host, Url};

/// Days that a message id is remembered for.
const REMEMBERED_DAYS: i64 = 30;

/// A form of the desk's tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// What it is called.
    pub name: String,
    /// Whether it is the account's default.
    pub default: bool,
}

/// The form that a received ticket is shown in: the account's default, whatever the original has
///
#[must_use]
pub fn form_of<'a>(created: &TicketCreated, forms: &'a [Form]) -> Option<&'a Form> {
    forms.iter().find(|form| form.default).filter(|_| created.form == "default")
}

/// An entry in a ticket's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// What changed.
    pub item: String,
    /// The display name of who did it.
    pub by: String,
}

/// What is entered in a ticket's history for an update: nothing for custom fields, whose change is
/// on record where it was made.
#[must_use]
pub fn history_of(updated: &TicketUpdated) -> Vec<HistoryEntry> {
    let tags = updated
        .tags
        .iter()
        .flat_map(|tags| tags.add.iter().chain(&tags.remove))
        .map(|tag| format!("tag:{tag}"));
    let items = updated.status.iter().map(|_| "status".to_owned()).chain(tags);
    let actor = updated.actor.iter().flat_map(|actor| std::iter::repeat(actor.name.clone()));
    let comments = updated
        .comments
        .iter()
        .map(|it| HistoryEntry { item: format!("comment:{}", it.id), by: it.author.name.clone() });
    items.zip(actor).map(|(item, by)| HistoryEntry { item, by }).chain(comments).collect()
}

/// A comment as it may be put on a page: its HTML without anything that runs or reaches out by
/// itself, or its text.
#[must_use]
pub fn shown_html(comment: &SharedComment) -> String {
    match &comment.html_body {
        // An image is fetched by the reader's browser without anybody's care.
        Some(html) => ammonia::Builder::default().rm_tags(["img"]).clean(html).to_string(),
        None => ammonia::clean_text(&comment.body),
    }
}

/// Whether a link may be fetched by the desk's servers: https, and not into the desk's own network.
#[must_use]
pub fn may_fetch(link: &str) -> bool {
    let Ok(url) = Url::parse(link) else { return false };
    let outside = match url.host() {
        Some(Host::Domain(name)) => {
            name.contains('.') && !name.ends_with(".localhost") && !name.ends_with(".internal")
        }
        // Nobody gives out a file by number, and a number may be the desk's own.
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => false,
    };
    url.scheme() == "https" && outside && url.username().is_empty() && url.password().is_none()
}

/// Who made a change of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody who works at the desk.
    Agent,
    /// A trigger or an automation of the desk.
    Rule,
    /// A delivery.
    Sharing,
}

/// A change of a ticket as the desk records it, before it decides what to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedChange {
    /// `status`, `tag:<name>`, `custom_field:<key>`, `comment:<id>`.
    pub item: String,
    /// Who made it.
    pub origin: Origin,
}

/// The changes that a delivery makes on a ticket.
#[must_use]
pub fn changes_in(told: &DeliveryBody) -> Vec<RecordedChange> {
    let (status, tags, fields, comments) = match told {
        DeliveryBody::TicketCreated(created) => {
            (true, created.tags.clone(), &created.custom_fields, &created.comments)
        }
        DeliveryBody::TicketUpdated(updated) => {
            let tags = updated.tags.clone().unwrap_or_default();
            (
                updated.status.is_some(),
                [tags.add, tags.remove].concat(),
                &updated.custom_fields,
                &updated.comments,
            )
        }
        _ => return Vec::new(),
    };
    let items = status.then(|| "status".to_owned()).into_iter();
    let items = items.chain(tags.iter().map(|tag| format!("tag:{tag}")));
    let items = items.chain(fields.keys().map(|key| format!("custom_field:{key}")));
    let items = items.chain(comments.iter().map(|comment| format!("comment:{}", comment.id)));
    items.map(|item| RecordedChange { item, origin: Origin::Sharing }).collect()
}

/// What a desk publishes of the changes of a ticket: all of its own, and nothing that it was told.
#[must_use]
pub fn to_publish(changes: &[RecordedChange]) -> Vec<&RecordedChange> {
    changes.iter().filter(|change| change.origin != Origin::Sharing).collect()
}

/// The ids of messages that came, for as long as one may come again.
#[derive(Clone, Debug, Default)]
pub struct MessageIds(BTreeMap<String, Timestamp>);

impl MessageIds {
    /// Whether a message is new; remembers it, and forgets those of more than 30 days ago.
    pub fn is_new(&mut self, id: &str, now: Timestamp) -> bool {
        let oldest = now.plus_seconds(-REMEMBERED_DAYS * 24 * 60 * 60);
        self.0.retain(|_, came| *came >= oldest);
        self.0.insert(id.to_owned(), now).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{comment, created, person, receipt, updated};
    use super::*;
    use serde_json::{Value, json};

    fn update(changes: &Value) -> TicketUpdated {
        let DeliveryBody::TicketUpdated(updated) = updated(changes) else { panic!() };
        *updated
    }

    fn html(html: &str) -> String {
        let mut comment = comment(1, "Text");
        comment["html_body"] = json!(html);
        shown_html(&serde_json::from_value(comment).unwrap())
    }

    #[test]
    fn r_97_values_of_custom_fields_have_no_history() {
        let fields = json!({ "order": "A-1" });
        assert_eq!(history_of(&update(&json!({ "custom_fields": fields }))), []);
        let all = update(&json!({
            "custom_fields": fields, "actor": person(3, "Otto"), "status": "solved",
            "tags": { "add": ["vip"], "remove": ["new"] }, "comments": [comment(1, "Text")],
        }));
        let entries: Vec<(String, String)> =
            history_of(&all).into_iter().map(|entry| (entry.item, entry.by)).collect();
        let expected = [
            ("status", "Otto"),
            ("tag:vip", "Otto"),
            ("tag:new", "Otto"),
            ("comment:acme/1", "Ada"),
        ];
        assert_eq!(entries, expected.map(|(item, by)| (item.to_owned(), by.to_owned())));
    }

    #[test]
    fn r_99_a_received_ticket_has_the_default_form() {
        let DeliveryBody::TicketCreated(created) = created(&json!({})) else { panic!() };
        let form = |name: &str, default: bool| Form { name: name.to_owned(), default };
        let forms = [form("Returns", false), form("Everyday", true)];
        assert_eq!(form_of(&created, &forms), Some(&forms[1]));
        assert_eq!(form_of(&created, &forms[..1]), None);
    }

    #[test]
    fn nothing_in_html_runs_or_reaches_out() {
        for (came, shown) in [
            ("<p>Hello <b>there</b></p>", "<p>Hello <b>there</b></p>"),
            ("<script>steal()</script>Hello", "Hello"),
            ("<p onclick=\"steal()\" style=\"position:fixed\">Hello</p>", "<p>Hello</p>"),
            ("<img src=\"https://x.example/1\" onerror=\"steal()\">Hello", "Hello"),
            ("<iframe src=\"https://x.example\"></iframe>Hello", "Hello"),
        ] {
            assert_eq!(html(came), shown, "{came}");
        }
        assert!(!html("<a href=\"javascript:steal()\">Hello</a>").contains("javascript"));
        let plain = shown_html(&serde_json::from_value(comment(1, "<b>a</b>")).unwrap());
        assert!(!plain.contains('<'), "{plain}");
    }

    #[test]
    fn links_are_fetched_from_outside_by_https_alone() {
        assert!(may_fetch("https://files.acme.example/1?token=2"));
        for link in [
            "http://files.acme.example/1",
            "file:///etc/passwd",
            "https://127.0.0.1/1",
            "https://[::1]/1",
            "https://2130706433/1",
            "https://localhost/1",
            "https://files.localhost/1",
            "https://metadata.google.internal/",
            "https://files/1",
            "https://user:password@files.acme.example/1",
            "1",
        ] {
            assert!(!may_fetch(link), "{link}");
        }
    }

    #[test]
    fn what_was_told_is_not_published_and_what_was_done_is() {
        let told = [
            created(&json!({ "tags": ["vip"], "custom_fields": { "order": "1" } })),
            updated(&json!({ "status": "open", "tags": { "add": [], "remove": ["vip"] },
                    "comments": [comment(1, "Text")] })),
            receipt("ticket.update.v1", 10, "applied"),
        ];
        let mut changes: Vec<RecordedChange> = told.iter().flat_map(changes_in).collect();
        let items: Vec<&str> = changes.iter().map(|change| change.item.as_str()).collect();
        assert_eq!(
            items,
            ["status", "tag:vip", "custom_field:order", "status", "tag:vip", "comment:acme/1"]
        );
        assert!(to_publish(&changes).is_empty());
        let own = [Origin::Agent, Origin::Rule]
            .map(|origin| RecordedChange { item: "tag:gold".to_owned(), origin });
        changes.extend(own.clone());
        assert_eq!(to_publish(&changes), own.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_message_id_is_known_for_thirty_days() {
        let mut known = MessageIds::default();
        let at = |day: u32| Timestamp::parse(&format!("2026-03-{day:02}T10:00:00Z")).unwrap();
        assert!(known.is_new("1", at(1)));
        assert!(!known.is_new("1", at(1)));
        assert!(known.is_new("2", at(1)));
        assert!(!known.is_new("2", at(31)), "30 days later to the second");
        assert!(known.is_new("1", at(31).plus_seconds(1)), "and then no longer");
    }
}
