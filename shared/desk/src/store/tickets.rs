//! Tickets with the comments that somebody asks for.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::{Comment, Ticket};

/// Locks tickets, in the order of their ids, and reads them with those of their comments that
/// `comments` names: by id, or by account and number.
pub async fn lock(
    connection: &mut PgConnection,
    ids: &[Uuid],
    numbers: &[(String, String)],
    comments: &[String],
) -> sqlx::Result<Vec<(String, Uuid, Ticket)>> {
    if ids.is_empty() && numbers.is_empty() {
        return Ok(Vec::new());
    }
    let (accounts, numbers): (Vec<&str>, Vec<&str>) =
        numbers.iter().map(|(account, number)| (account.as_str(), number.as_str())).unzip();
    let rows: Vec<(String, Uuid, Json<Ticket>)> = sqlx::query_as(
        "select account, id, held from desk_ticket
         where id = any($1) or id in (
             select id from unnest($2::text[], $3::text[]) wanted (account, number)
             join desk_ticket using (account, number))
         order by id for update",
    )
    .bind(ids)
    .bind(accounts)
    .bind(numbers)
    .fetch_all(&mut *connection)
    .await?;
    let mut tickets: Vec<_> =
        rows.into_iter().map(|(account, id, Json(ticket))| (account, id, ticket)).collect();
    if comments.is_empty() {
        return Ok(tickets);
    }
    let found: Vec<Uuid> = tickets.iter().map(|(_, id, _)| *id).collect();
    let rows: Vec<(Uuid, String, Json<Comment>)> = sqlx::query_as(
        "select ticket, id, content from desk_comment where ticket = any($1) and id = any($2)",
    )
    .bind(found)
    .bind(comments)
    .fetch_all(connection)
    .await?;
    let mut held: BTreeMap<Uuid, BTreeMap<String, Comment>> = BTreeMap::new();
    for (ticket, id, Json(comment)) in rows {
        held.entry(ticket).or_default().insert(id, comment);
    }
    for (_, id, ticket) in &mut tickets {
        ticket.comments = held.remove(id).unwrap_or_default();
    }
    Ok(tickets)
}

/// Saves tickets that changed: their fields, and of their comments those that are given. Each with
/// its account, its id and whether it is new.
pub async fn save(
    connection: &mut PgConnection,
    changed: &[(&str, Uuid, &Ticket, bool)],
) -> sqlx::Result<()> {
    for (account, id, ticket, is_new) in changed {
        let held = Json(Ticket { comments: BTreeMap::new(), ..(*ticket).clone() });
        let statement = if *is_new {
            "insert into desk_ticket (id, account, number, held) values ($1, $2, $3, $4)"
        } else {
            "update desk_ticket set number = $3, held = $4, updated_at = now()
             where id = $1 and account = $2"
        };
        sqlx::query(statement)
            .bind(id)
            .bind(account)
            .bind(&ticket.number)
            .bind(held)
            .execute(&mut *connection)
            .await?;
    }
    let comments: Vec<(Uuid, &String, Json<&Comment>)> = changed
        .iter()
        .flat_map(|(_, ticket, held, _)| {
            held.comments_as_they_came().map(|(id, comment)| (*ticket, id, Json(comment)))
        })
        .collect();
    if comments.is_empty() {
        return Ok(());
    }
    let tickets: Vec<Uuid> = comments.iter().map(|(ticket, ..)| *ticket).collect();
    let ids: Vec<&str> = comments.iter().map(|(_, id, _)| id.as_str()).collect();
    let contents: Vec<&Json<&Comment>> = comments.iter().map(|(_, _, content)| content).collect();
    sqlx::query(
        "insert into desk_comment (ticket, id, content)
         select * from unnest($1::uuid[], $2::text[], $3::jsonb[])
         on conflict (ticket, id) do update set content = excluded.content",
    )
    .bind(tickets)
    .bind(ids)
    .bind(contents)
    .execute(connection)
    .await
    .map(drop)
}
