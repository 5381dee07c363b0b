//! What was said on tickets, here and elsewhere.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::comment::Call;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

/// One comment.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Comment {
    /// Unique in all of Deskmesh.
    pub id: String,
    /// Who wrote it: a person here, or a placeholder.
    pub author_id: String,
    /// Their name.
    pub author_name: String,
    /// Their role: `admin`, `agent` or `end_user`.
    pub author_role: String,
    /// The partner it came from.
    pub received_from: Option<String>,
    /// Whether whoever asked sees it.
    pub public: bool,
    /// Plain text.
    pub body: String,
    /// The same as HTML, cleaned before it is shown.
    pub html_body: Option<String>,
    /// Its files, each as the contract's `Attachment`.
    pub attachments: Json<Vec<Value>>,
    /// The call that it is about.
    pub call: Option<Json<Call>>,
    /// Whether it was blanked.
    pub redacted: bool,
    /// When it was written.
    pub at: DateTime<Utc>,
}

const COLUMNS: &str =
    "id, author_id, author_name, author_role, received_from, public, body, html_body,
    attachments, call, redacted, at";

/// Keeps comments of a ticket; one that is there already stays as it is. The ids of the new ones.
///
/// # Errors
/// The database.
pub async fn insert(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
    comments: &[Comment],
) -> sqlx::Result<Vec<String>> {
    let mut added = Vec::new();
    for comment in comments {
        let done = sqlx::query(
            "insert into comment (account, ticket, id, author_id, author_name, author_role,
                 received_from, public, body, html_body, attachments, redacted, at, call)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             on conflict do nothing",
        )
        .bind(account)
        .bind(ticket)
        .bind(&comment.id)
        .bind(&comment.author_id)
        .bind(&comment.author_name)
        .bind(&comment.author_role)
        .bind(&comment.received_from)
        .bind(comment.public)
        .bind(&comment.body)
        .bind(&comment.html_body)
        .bind(&comment.attachments)
        .bind(comment.redacted)
        .bind(comment.at)
        .bind(&comment.call)
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() > 0 {
            added.push(comment.id.clone());
        }
    }
    Ok(added)
}

/// The newest comments of a ticket, in the order in which they were written.
///
/// # Errors
/// The database.
pub async fn newest(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
    limit: i64,
) -> sqlx::Result<Vec<Comment>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from comment where account = $1 and ticket = $2
         order by at desc, place desc limit $3"
    ));
    let mut comments: Vec<Comment> = sqlx::query_as(statement)
        .bind(account)
        .bind(ticket)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    comments.reverse();
    Ok(comments)
}

/// The newest public comments of a ticket, in their order.
///
/// # Errors
/// The database.
pub async fn public(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
    limit: i64,
) -> sqlx::Result<Vec<Comment>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from comment where account = $1 and ticket = $2 and public
         order by at desc, place desc limit $3"
    ));
    let mut comments: Vec<Comment> = sqlx::query_as(statement)
        .bind(account)
        .bind(ticket)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    comments.reverse();
    Ok(comments)
}

/// All comments of a ticket that were written here, in their order.
///
/// # Errors
/// The database.
pub async fn all(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
) -> sqlx::Result<Vec<Comment>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from comment where account = $1 and ticket = $2 order by at, place"
    ));
    sqlx::query_as(statement).bind(account).bind(ticket).fetch_all(connection).await
}

/// A comment with the number of its ticket.
#[derive(sqlx::FromRow)]
struct OfTicket {
    ticket: i64,
    #[sqlx(flatten)]
    comment: Comment,
}

/// Of each of these tickets the first comments that were written here and are not redacted, `most`
/// of one at most.
///
/// # Errors
/// The database.
pub async fn first_own(
    connection: &mut PgConnection,
    account: &str,
    tickets: &[i64],
    most: usize,
) -> sqlx::Result<BTreeMap<i64, Vec<Comment>>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select asked.ticket, said.* from unnest($2::bigint[]) asked (ticket)
         cross join lateral (select {COLUMNS}, place from comment
             where account = $1 and ticket = asked.ticket
                 and received_from is null and not redacted
             order by at, place limit $3) said
         order by said.at, said.place"
    ));
    let rows: Vec<OfTicket> = sqlx::query_as(statement)
        .bind(account)
        .bind(tickets)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    let mut comments: BTreeMap<i64, Vec<Comment>> = BTreeMap::new();
    for OfTicket { ticket, comment } in rows {
        comments.entry(ticket).or_default().push(comment);
    }
    Ok(comments)
}

/// Blanks a comment, or takes one file from it.
///
/// # Errors
/// The database.
pub async fn redact(
    connection: &mut PgConnection,
    account: &str,
    comment: &str,
    attachment: Option<&str>,
) -> sqlx::Result<()> {
    let statement = if attachment.is_some() {
        "update comment set attachments = coalesce((select jsonb_agg(file)
             from jsonb_array_elements(attachments) file where file ->> 'id' <> $3), '[]')
         where account = $1 and id = $2"
    } else {
        "update comment set body = '', html_body = null, attachments = '[]',
             call = null, redacted = true
         where account = $1 and id = $2 and $3::text is null"
    };
    sqlx::query(statement)
        .bind(account)
        .bind(comment)
        .bind(attachment)
        .execute(connection)
        .await
        .map(drop)
}
