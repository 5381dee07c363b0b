//! What desks do in a history: whichever ticket or agreement the numbers choose.

use serde_json::{Value, json};

use super::{NAMES, World, admin};

impl World {
    pub(super) fn settings(&mut self, account: usize, mut settings: Value) {
        self.desks[account].version += 1;
        settings["version"] = json!(self.desks[account].version);
        settings["actor"] = admin();
        self.publish(account, "account.update.v1", settings);
    }

    pub(super) fn invite(&mut self, sender: usize, receiver: usize, kind: u8) {
        let comments = if kind & 1 == 0 { "public_and_private" } else { "private_only" };
        let terms =
            json!({ "comments": comments, "tags": kind & 2 == 0, "custom_fields": kind & 4 == 0 });
        let id = format!("{:08x}-0000-4000-9000-000000000000", self.published.len());
        let receiver = if kind & 8 == 0 {
            json!({ "address": NAMES[receiver] })
        } else {
            let host = NAMES[receiver].to_uppercase();
            json!({ "sharing_url": format!("HTTPS://{host}.example:443/sharing/?x") })
        };
        let invite =
            json!({ "agreement_id": id, "receiver": receiver, "terms": terms, "actor": admin() });
        self.publish(sender, "agreement.invite.v1", invite);
    }

    /// A desk asks what a share or an update would come to.
    pub(super) fn try_out(&mut self, account: usize, which: usize, how: u8) {
        self.tries_out = true;
        if how.is_multiple_of(2) {
            self.share(account, which, how / 2);
        } else {
            self.update(account, which, how / 2);
        }
        self.tries_out = false;
    }

    pub(super) fn share(&mut self, account: usize, which: usize, how: u8) {
        let desk = &self.desks[account];
        let number = desk.tickets[which % desk.tickets.len()].clone();
        let agreements = desk.outbound();
        if agreements.is_empty() {
            return;
        }
        let agreement_id = agreements[usize::from(how) % agreements.len()].agreement_id.to_string();
        let held = desk.model.ticket(&number).cloned().unwrap_or_default();
        let seen = held.seen();
        let status = seen.get("status").cloned().unwrap_or_else(|| json!({ "value": "open" }));
        let tags = seen.keys().filter_map(|field| field.strip_prefix("tag:"));
        let tags: Vec<Value> =
            tags.map(|name| json!({ "name": name, "added_by": "user" })).collect();
        let order = format!("{}-order", NAMES[account]);
        let fields =
            seen.get(&format!("custom_field:{order}")).map(|value| json!({ order.clone(): value }));
        let copy_of = desk.copies.get(&number).cloned();
        let comments = match how % 2 {
            0 => vec![self.comment(account, how)],
            _ => Vec::new(),
        };
        self.shares += 1;
        let share_id = format!("{:08x}-0000-4000-8000-000000000000", self.shares);
        let ticket = json!({
            "id": number, "copy_of": copy_of, "subject": "Pump", "status": status["value"],
            "custom_status": status.get("custom_status"),
            "requester": { "id": "r", "name": "Requester", "role": "end_user" },
            "tags": tags, "custom_fields": fields.unwrap_or_else(|| json!({})),
            "comments": comments,
        });
        let occurred_at = self.time(skew(how));
        let share = json!({ "agreement_id": agreement_id, "share_id": share_id, "actor": agent(),
            "ticket": ticket, "occurred_at": occurred_at });
        self.publish(account, "ticket.share.v1", share);
    }

    fn comment(&mut self, account: usize, how: u8) -> Value {
        self.comments += 1;
        let id = format!("{}/{}", NAMES[account], self.comments);
        let files = if how & 16 == 0 {
            json!([])
        } else {
            json!([{ "id": "f", "filename": "f", "url": "https://files.example/f" }])
        };
        json!({ "id": id, "body": format!("text of {id}"), "public": how & 8 == 0,
            "attachments": files })
    }

    pub(super) fn update(&mut self, account: usize, which: usize, how: u8) {
        let number = self.desks[account].tickets[which % self.desks[account].tickets.len()].clone();
        let mut update =
            json!({ "ticket_id": number, "actor": agent(), "occurred_at": self.time(skew(how)) });
        let pick = usize::from(how / 4) % 5;
        let field = match how % 4 {
            0 => {
                let status = ["new", "open", "pending", "hold", "solved"][pick];
                update["status"] = json!(status);
                if account == 2 && (status == "pending" || status == "hold") {
                    update["custom_status"] =
                        json!(if status == "hold" { "parts" } else { "waiting" });
                }
                "status".to_owned()
            }
            1 => {
                let (name, change) =
                    (["vip", "urgent"][pick % 2], if pick < 3 { "add" } else { "remove" });
                let by = if change == "add" { "added_by" } else { "removed_by" };
                update["tags"] = json!({ change: [{ "name": name, by: "user" }] });
                format!("tag:{name}")
            }
            2 => {
                let key = format!("{}-order", NAMES[account]);
                update["custom_fields"] = json!({
                    key.clone(): if pick == 0 {
                        json!({ "clear": true })
                    } else {
                        json!(format!("no {pick}"))
                    },
                });
                format!("custom_field:{key}")
            }
            _ => {
                update["comments"] = json!([self.comment(account, how / 4)]);
                String::new()
            }
        };
        if how & 64 != 0 && !field.is_empty() {
            let base = self.desks[account].model.base_revision(&number, &[&field]);
            update["base_revision"] = json!(base);
        }
        self.publish(account, "ticket.update.v1", update);
    }

    pub(super) fn unshare(&mut self, account: usize, which: usize) {
        let number = self.desks[account].tickets[which % self.desks[account].tickets.len()].clone();
        self.publish(
            account,
            "ticket.unshare.v1",
            json!({ "ticket_id": number, "actor": agent() }),
        );
    }

    pub(super) fn deactivate(&mut self, account: usize, which: usize) {
        let known: Vec<String> = self.desks[account].agreements.keys().cloned().collect();
        if !known.is_empty() {
            let content = json!({ "agreement_id": known[which % known.len()], "actor": admin() });
            self.publish(account, "agreement.deactivate.v1", content);
        }
    }

    pub(super) fn accept(&mut self, account: usize, which: usize) {
        let known: Vec<String> = self.desks[account].agreements.keys().cloned().collect();
        if !known.is_empty() {
            let content = json!({ "agreement_id": known[which % known.len()], "actor": admin() });
            self.publish(account, "agreement.accept.v1", content);
        }
    }

    /// A desk redacts a comment of its own, or the one file that a comment has.
    pub(super) fn redact(&mut self, account: usize, which: usize, how: u8) {
        let number = self.desks[account].tickets[which % self.desks[account].tickets.len()].clone();
        let own = format!("{}/", NAMES[account]);
        let Some(ticket) = self.desks[account].model.ticket(&number) else { return };
        let comments: Vec<String> =
            ticket.comments.keys().filter(|id| id.starts_with(&own)).cloned().collect();
        if !comments.is_empty() {
            let comment_id = &comments[which % comments.len()];
            let file = how.is_multiple_of(4).then_some("f");
            let redact = json!({ "ticket_id": number, "comment_id": comment_id,
                "attachment_id": file, "actor": agent() });
            self.publish(account, "ticket.redact.v1", redact);
        }
    }
}

fn agent() -> Value {
    json!({ "id": "7", "name": "Agent", "role": "agent" })
}

/// A desk's clock is off by some seconds, either way; some of them are in the future.
fn skew(how: u8) -> i64 {
    i64::from(how % 13) - 9
}
