//! What desks publish.

use contracts::Timestamp;
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::board::token;
use crate::population::{actor, ends, number, share, shared};

/// When the update with this number occurs, as its desk tells it: each a second after the one
/// before, so that each is the newest.
///
/// # Panics
/// Never.
#[must_use]
pub fn occurs(update: usize) -> Timestamp {
    let begin = Timestamp::parse("2026-01-01T00:00:00Z").expect("a date");
    begin.plus_seconds(i64::try_from(update).unwrap_or_default())
}

/// A command that is ready to be published.
#[derive(Clone, Debug)]
pub struct Work {
    /// Whose.
    pub account: String,
    pub message_type: &'static str,
    /// Its routing key.
    pub key: String,
    /// Who is told in the end, where that is known.
    pub partner: String,
    /// What it says.
    pub body: String,
}

/// What a desk does to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Comment,
    /// One custom field.
    Field,
    Both,
    /// A new share with five comments.
    Share,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Comment, Self::Field, Self::Both, Self::Share];

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Comment => "update with one comment",
            Self::Field => "update with one field",
            Self::Both => "update with a comment and a field",
            Self::Share => "share with five comments",
        }
    }

    /// The command with this number on the board, about one of `tickets` tickets of such accounts.
    #[must_use]
    pub fn work(self, update: usize, tickets: usize, accounts: Accounts) -> Work {
        let ticket = update % tickets;
        let (account, partner) = ends(ticket);
        let token = token(update);
        let comment = |id: String| accounts.comment(&format!("{account}/{id}"));
        if self == Self::Share {
            let comments: Vec<Value> =
                (0..5).map(|index| comment(format!("{token}-{index}"))).collect();
            // A ticket that nobody has shared yet, of the same two accounts.
            return Work {
                partner,
                ..shared(ticket % 100 + 100 * (1_000_000 + update), accounts, &comments)
            };
        }
        let mut content = json!({
            "ticket_id": number(ticket), "share_id": share(ticket), "actor": actor("agent"),
            "occurred_at": occurs(update),
        });
        if matches!(self, Self::Comment | Self::Both) {
            content["comments"] = json!([comment(token.clone())]);
        }
        if matches!(self, Self::Field | Self::Both) {
            content["custom_fields"] = accounts.changed(&token);
        }
        Work { partner, ..Work::other(&account, "ticket.update.v1", &content) }
    }
}

impl Work {
    /// A command of which only the receipt is waited for.
    #[must_use]
    pub fn other(account: &str, message_type: &'static str, content: &Value) -> Self {
        let stem = message_type.rsplit_once('.').map_or(message_type, |(stem, _)| stem);
        Self {
            account: account.to_owned(),
            message_type,
            key: format!("{account}.{stem}"),
            partner: String::new(),
            body: content.to_string(),
        }
    }
}
