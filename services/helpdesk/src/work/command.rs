//! Commands, as the outbox keeps them.

use contracts::AccountName;
use desk::model;
use desk::outbox::{Accepted, Request, accept_within};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::By;
use super::settle::SettleError;
use crate::clock::new_id;
use crate::rules::sharing::Share;
use crate::store::comment::Comment;

/// Keeps a command of the account's, to be sent with the transaction.
pub(super) async fn send(
    connection: &mut PgConnection,
    account: &AccountName,
    command_type: &str,
    content: Value,
) -> Result<(), SettleError> {
    let request = Request {
        account: account.clone(),
        key: new_id().to_string(),
        command_type: command_type.to_owned(),
        hash: Request::hash_of(command_type, &content),
        content,
    };
    request.check()?;
    match accept_within(connection, &request).await? {
        Accepted::NoSuchAccount => Err(SettleError::NoSuchAccount),
        _ => Ok(()),
    }
}

/// An update of a ticket: what changed, who changed it and when. A copy is named by its share,
/// which holds before its number is known to the line.
pub(super) fn update(
    number: i64,
    shares: &[Share],
    held: Option<&model::Ticket>,
    changed: Map<String, Value>,
    by: &By,
) -> Value {
    let mut content = changed;
    let inbound =
        shares.iter().find(|share| share.live && share.side == contracts::delivery::Side::Receiver);
    match inbound {
        Some(share) => content.insert("share_id".into(), json!(share.id)),
        None => content.insert("ticket_id".into(), json!(number.to_string())),
    };
    if let Some(revision) = held.and_then(|held| base_revision(held, &content)) {
        content.insert("base_revision".into(), json!(revision));
    }
    content.insert("actor".into(), json!(by.actor));
    content.insert("occurred_at".into(), json!(by.now));
    Value::Object(content)
}

/// The lowest revision held among the fields that a command touches.
fn base_revision(held: &model::Ticket, content: &Map<String, Value>) -> Option<u64> {
    let sent = model::SentCommand::of("ticket.update.v1", &Value::Object(content.clone()))?;
    let revisions = sent.fields.keys().filter_map(|field| held.fields.get(field));
    revisions.map(|(_, revision)| *revision).min()
}

/// A comment as a command carries it.
pub(super) fn told(comment: &Comment) -> Value {
    let mut told = json!({
        "id": comment.id,
        "author": {
            "id": comment.author_id,
            "name": comment.author_name,
            "role": comment.author_role,
        },
        "body": comment.body,
        "public": comment.public,
        "authored_at": contracts::Timestamp::from(comment.at),
    });
    if let Some(html) = &comment.html_body {
        told["html_body"] = json!(html);
    }
    if !comment.attachments.is_empty() {
        told["attachments"] = json!(comment.attachments.0);
    }
    // The line keeps the recording here, and tells the transcript as lines of text.
    if let Some(call) = &comment.call {
        told["call"] = json!(call.0);
    }
    told
}
