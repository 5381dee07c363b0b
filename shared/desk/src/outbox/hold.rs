//! Commands that an edge holds back until it has done something for them, as copying the files that
//! they name. Later commands about the same ticket wait behind one that is held, but for
//! redactions.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::accept::{own_tickets, save_changed};
use super::request::{Request, entity_of};

/// One file of a comment, by what a command says of it.
#[derive(Clone, Copy, Debug)]
pub struct FileOfComment<'a> {
    /// The comment's id.
    pub comment: &'a str,
    /// The attachment's id.
    pub attachment: &'a str,
    /// Its link.
    pub url: &'a str,
}

/// Holds back a request that was accepted in this transaction; returns its number.
///
/// # Errors
/// The database fails: the transaction must not be committed.
pub async fn hold(connection: &mut PgConnection, request: &Request) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "update desk_outbox set due_at = 'infinity'
         where account = $1 and entity = $2 and key = $3 and receipt is null returning number",
    )
    .bind(request.account.as_str())
    .bind(entity_of(&request.command_type))
    .bind(&request.key)
    .fetch_one(connection)
    .await
}

/// Lets a command go that was held, before those that came after it; whether it was.
///
/// # Errors
/// The database fails: the transaction must not be committed.
pub async fn release(connection: &mut PgConnection, number: i64) -> sqlx::Result<bool> {
    let released = sqlx::query(
        "update desk_outbox set due_at = created_at where number = $1 and due_at = 'infinity'",
    )
    .bind(number)
    .execute(connection)
    .await?;
    Ok(released.rows_affected() > 0)
}

/// Puts other words in the place of a file of a command that is held: members of `sent` in the
/// command, those of `at_home` in the account's own ticket. Whether the command still names the
/// file: a redaction may have taken it away.
///
/// # Errors
/// The database fails: the transaction must not be committed.
pub async fn replace_file(
    connection: &mut PgConnection,
    number: i64,
    file: FileOfComment<'_>,
    sent: &Value,
    at_home: &Value,
) -> sqlx::Result<bool> {
    let Some((account, content)) = body(connection, number, false).await? else { return Ok(false) };
    // Tickets are locked before commands, as whoever redacts does.
    let loaded = own_tickets(connection, &account, &content, &[file.comment.to_owned()]).await?;
    let Some((_, mut content)) = body(connection, number, true).await? else { return Ok(false) };
    if !replace_in_command(&mut content, file, sent) {
        return Ok(false);
    }
    sqlx::query("update desk_outbox set body = $2 where number = $1")
        .bind(number)
        .bind(content.to_string())
        .execute(&mut *connection)
        .await?;
    let mut changed = Vec::new();
    for (_, id, mut ticket) in loaded {
        let comment = ticket.comments.get_mut(file.comment);
        let held = comment.and_then(|it| it.attachments.get_mut(file.attachment));
        if let Some(held) = held.filter(|it| it["url"] == file.url) {
            put(held, at_home);
            changed.push((id, ticket));
        }
    }
    save_changed(connection, &account, &changed).await?;
    Ok(true)
}

/// The account and the content of a command that is held.
async fn body(
    connection: &mut PgConnection,
    number: i64,
    lock: bool,
) -> sqlx::Result<Option<(String, Value)>> {
    let statement = if lock {
        "select account, body from desk_outbox where number = $1 and due_at = 'infinity' for update"
    } else {
        "select account, body from desk_outbox where number = $1 and due_at = 'infinity'"
    };
    let row: Option<(String, String)> =
        sqlx::query_as(statement).bind(number).fetch_optional(connection).await?;
    let Some((account, body)) = row else { return Ok(None) };
    let content = serde_json::from_str(&body).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some((account, content)))
}

fn replace_in_command(content: &mut Value, file: FileOfComment<'_>, members: &Value) -> bool {
    let mut found = false;
    for place in ["/comments", "/ticket/comments"] {
        let comments = content.pointer_mut(place).and_then(Value::as_array_mut);
        for comment in comments.into_iter().flatten().filter(|it| it["id"] == file.comment) {
            let files = comment.get_mut("attachments").and_then(Value::as_array_mut);
            for held in files.into_iter().flatten() {
                if held["id"] == file.attachment && held["url"] == file.url {
                    put(held, members);
                    found = true;
                }
            }
        }
    }
    found
}

fn put(object: &mut Value, members: &Value) {
    for (name, value) in members.as_object().into_iter().flatten() {
        object[name.as_str()] = json!(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_where_comment_id_and_link_are_the_same() {
        let file = |id: &str, url: &str| json!({ "id": id, "filename": "a", "url": url });
        let comments = json!([
            { "id": "c1", "attachments": [file("a", "https://one"), file("a", "https://two")] },
            { "id": "c2", "attachments": [file("a", "https://one")] },
            { "id": "c3", "attachments": "none" }, "no comment"]);
        let one = FileOfComment { comment: "c1", attachment: "a", url: "https://one" };
        for place in ["comments", "ticket"] {
            let mut content = json!({ "comments": comments });
            if place == "ticket" {
                content = json!({ "ticket": content });
            }
            assert!(replace_in_command(&mut content, one, &json!({ "url": "https://copy" })));
            let text = content.to_string();
            assert_eq!(text.matches("https://copy").count(), 1, "{text}");
            assert_eq!(text.matches("https://one").count(), 1, "{text}");
            assert!(text.contains("https://two"), "{text}");
            assert!(!replace_in_command(&mut content, one, &json!({})), "it is replaced already");
        }
    }
}
