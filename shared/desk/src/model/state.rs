//! A ticket as a desk says that it holds it.

use serde_json::{Value, json};

use super::{Comment, SentCommand, Ticket};

impl Ticket {
    /// For an update's `base_revision`: the lowest revision held among the fields that it sets.
    #[must_use]
    pub fn base_revision(&self, update: &Value) -> Option<u64> {
        let fields = SentCommand::of("ticket.update.v1", update)?.fields;
        let held = fields.keys().filter_map(|field| self.fields.get(field));
        held.map(|(_, revision)| *revision).min()
    }

    /// What is held, in the shape of `ticket.state.v1`: what `deskmesh-operator certify` asks a
    /// desk for.
    #[must_use]
    pub fn state(&self, share: &str) -> Value {
        let named = |prefix: &'static str| {
            let fields = self.fields.iter();
            fields.filter_map(move |(field, held)| Some((field.strip_prefix(prefix)?, held)))
        };
        let status = self.fields.get("status").map(|(value, revision)| {
            json!({ "value": value["value"], "custom_status": value["custom_status"],
                "revision": revision })
        });
        let tags = named("tag:").map(|(name, (present, revision))| {
            json!({ "name": name, "present": present, "revision": revision })
        });
        let fields = named("custom_field:").map(|(key, (value, revision))| {
            (key.to_owned(), json!({ "value": value, "revision": revision }))
        });
        json!({
            "share_id": share,
            "ticket_id": self.number,
            "revision": self.fields.values().map(|(_, revision)| revision).max(),
            "status": status.unwrap_or_else(|| json!({ "value": null, "revision": 0 })),
            "tags": tags.collect::<Vec<_>>(),
            "custom_fields": fields.collect::<serde_json::Map<_, _>>(),
            "comments": self.comments.iter().map(shown).collect::<Vec<_>>(),
        })
    }
}

fn shown((id, comment): (&String, &Comment)) -> Value {
    let mut shown = json!(comment);
    shown["id"] = json!(id);
    shown["attachments"] = comment.attachments.values().cloned().collect();
    shown
}

#[cfg(test)]
mod tests {
    use contracts::delivery::{DeliveryBody, TicketState};

    use serde_json::json;

    use super::Ticket;
    use crate::Model;

    #[test]
    fn an_update_is_based_on_the_oldest_field_that_it_sets() {
        let mut ticket = Ticket::default();
        ticket.set("status", json!({ "value": "open" }), 7);
        ticket.set("tag:a", json!(true), 3);
        ticket.set("custom_field:order", json!("7"), 1);
        let tags = json!({ "remove": [{ "name": "a", "removed_by": "user" }] });
        for (update, base) in [
            (json!({ "status": "hold" }), Some(7)),
            (json!({ "status": "hold", "tags": tags }), Some(3)),
            (json!({ "custom_fields": { "new": 1 } }), None),
            (json!({ "comments": [] }), None),
        ] {
            assert_eq!(ticket.base_revision(&update), base, "{update}");
        }
    }

    #[test]
    fn what_was_restored_is_said_again() {
        let share = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        let body = format!(
            r#"{{"share_id":"{share}","ticket_id":"7","revision":4,
            "status":{{"value":"open","custom_status":"vip","revision":4}},
            "tags":[{{"name":"a","present":true,"revision":1}},
                {{"name":"b","present":false,"revision":3}}],
            "custom_fields":{{"order":{{"value":{{"clear":true}},"revision":2}}}},
            "comments":[{{"id":"acme/1","author":{{"id":"p","name":"Ada","role":"end_user",
                "placeholder":true}},"body":"Hi","public":false,
                "attachments":[{{"id":"f","filename":"f","url":"https://a.example/f"}}]}}]}}"#
        );
        let mut model = Model::default();
        model.take(&DeliveryBody::read("ticket.state.v1", body.as_bytes()).unwrap());
        let state = model.shared(share).unwrap().state(share);
        let read: TicketState = serde_json::from_value(state).unwrap();
        assert_eq!(read, serde_json::from_str(&body).unwrap());
    }
}
