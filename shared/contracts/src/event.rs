//! What auditors are told at the exchange `events`: what became of which command, item by item. No
//! address, no comment's text, no field's value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AccountName, AgreementId, Decision, Item, ItemOutcome, Message, Reason, Receipt,
    ReceiptOutcome, ShareId, Timestamp,
};

/// A command was decided. Its receipt went to the account at the same time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandDecided {
    /// Whose command it was.
    pub account: AccountName,
    /// The command's `message_id`.
    pub command_id: String,
    /// The command's `type`.
    pub command_type: String,
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// The service that answered it.
    pub decided_by: String,
    /// What became of it.
    pub outcome: ReceiptOutcome,
    /// Why, when it was not simply applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The agreement it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_id: Option<AgreementId>,
    /// The share it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// The chain's revision after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// What became of each item.
    pub decisions: Vec<ItemDecided>,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ItemDecided {
    /// The share it would cross.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<ShareId>,
    /// What it is.
    pub item: Item,
    /// What became of it.
    pub outcome: ItemOutcome,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl Message for CommandDecided {
    const NAME: &'static str = "command.decided.v1";
}

impl CommandDecided {
    /// What a receipt to `account` comes to, without what a ticket says.
    #[must_use]
    pub fn of(
        account: &AccountName,
        receipt: Receipt,
        arrived_at: Timestamp,
        decided_by: &str,
    ) -> Self {
        let Receipt {
            command_id,
            command_type,
            outcome,
            reason,
            agreement_id,
            share_id,
            revision,
            decisions,
            ..
        } = receipt;
        let account = account.clone();
        let decided_by = decided_by.to_owned();
        let decisions = decisions.into_iter().map(ItemDecided::from).collect();
        Self {
            account,
            command_id,
            command_type,
            arrived_at,
            decided_by,
            outcome,
            reason,
            agreement_id,
            share_id,
            revision,
            decisions,
        }
    }

    /// `<account>.<entity>.<outcome>`, as in `acme.ticket.partial`: an auditor binds to what it
    /// wants to know.
    #[must_use]
    pub fn routing_key(&self) -> String {
        let named = self.command_type.split('.').next().unwrap_or_default();
        let entity = if ENTITIES.contains(&named) { named } else { "other" };
        let outcome = match self.outcome {
            ReceiptOutcome::Applied => "applied",
            ReceiptOutcome::Partial => "partial",
            ReceiptOutcome::Rejected => "rejected",
            ReceiptOutcome::Ignored => "ignored",
        };
        format!("{}.{entity}.{outcome}", self.account)
    }
}

impl From<Decision> for ItemDecided {
    fn from(decision: Decision) -> Self {
        let Decision { share_id, item, outcome, reason, .. } = decision;
        Self { share_id, item, outcome, reason }
    }
}

/// What commands are about; a refused one may name anything.
const ENTITIES: [&str; 4] = ["account", "agreement", "share", "ticket"];

/// The keys of all events, as a pattern for the broker.
pub const KEYS: &str =
    "^[a-z0-9-]+\\.(account|agreement|share|ticket|other)\\.(applied|partial|rejected|ignored)$";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(command_type: &str) -> CommandDecided {
        let mut receipt = Receipt::new("u1", command_type, ReceiptOutcome::Partial);
        receipt.detail = Some("a word of the ticket".into());
        receipt.decisions = vec![
            Decision::withheld(Item::CustomField("order".into()), Reason::CustomFieldsNotSynced)
                .holding(Some(json!("4711"))),
        ];
        let at = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        CommandDecided::of(&AccountName::new("acme").unwrap(), receipt, at, "field-sync")
    }

    #[test]
    fn what_a_ticket_says_is_not_told() {
        let told = serde_json::to_string(&event("ticket.update.v1")).unwrap();
        assert!(
            told.contains("custom_field:order") && told.contains("custom_fields_not_synced"),
            "{told}"
        );
        assert!(!told.contains("4711") && !told.contains("a word"), "{told}");
    }

    #[test]
    fn a_key_is_made_of_known_words_whatever_the_command_called_itself() {
        let pattern = regex_lite(KEYS);
        for (command_type, key) in [
            ("ticket.update.v1", "acme.ticket.partial"),
            ("agreement.invite.v1", "acme.agreement.partial"),
            ("#.x", "acme.other.partial"),
            ("", "acme.other.partial"),
        ] {
            let told = event(command_type).routing_key();
            assert_eq!(told, key);
            assert!(pattern(&told), "{told}");
        }
    }

    /// What the broker makes of the pattern, without a library for it: three words, the last two
    /// from their lists.
    fn regex_lite(pattern: &'static str) -> impl Fn(&str) -> bool {
        move |key| {
            let words: Vec<&str> = key.split('.').collect();
            let [account, entity, outcome] = words.as_slice() else { return false };
            !account.is_empty() && [entity, outcome].iter().all(|word| pattern.contains(**word))
        }
    }
}
