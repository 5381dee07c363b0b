//! Views: conditions as SQL. What a condition means is said once, in `rules::condition`; tests hold
//! the two against each other.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::search::PART;
use super::ticket::{COLUMNS, Kept, Row};
use crate::rules::condition::{ANY, Condition, Conditions, ME, NONE, Operator, Subject};
use crate::rules::custom_status::TicketStatus;
use crate::rules::ticket::{STATUSES, status_word, tags_of};

/// Tickets are counted so far.
pub const COUNTED: i64 = 1000;

/// The place after which a page goes on: when the last ticket changed, and its number.
pub type After = (DateTime<Utc>, i64);

/// A page of the tickets of which conditions hold, the newest change first.
///
/// # Errors
/// The database.
pub async fn page(
    connection: &mut PgConnection,
    account: &str,
    me: Uuid,
    conditions: &Conditions,
    after: Option<After>,
    limit: i64,
) -> sqlx::Result<Vec<Kept>> {
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from ticket where account = "));
    query.push_bind(account.to_owned());
    filter(&mut query, conditions, me);
    if let Some((at, number)) = after {
        query.push(" and (updated_at, number) < (").push_bind(at);
        query.push(", ").push_bind(number).push(")");
    }
    query.push(" order by updated_at desc, number desc limit ").push_bind(limit);
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    rows.into_iter().map(Row::read).collect()
}

/// How many tickets each has, [`COUNTED`] at most, in one statement.
///
/// # Errors
/// The database.
pub async fn counts(
    connection: &mut PgConnection,
    account: &str,
    me: Uuid,
    views: &[&Conditions],
) -> sqlx::Result<Vec<i64>> {
    if views.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("");
    for (place, conditions) in views.iter().enumerate() {
        query.push(if place == 0 { "" } else { " union all " });
        query.push("select ").push(place).push(" as place, count(*) as count from (");
        query.push("select from ticket where account = ").push_bind(account.to_owned());
        filter(&mut query, conditions, me);
        query.push(" limit ").push_bind(COUNTED).push(") counted");
    }
    query.push(" order by place");
    let rows: Vec<(i32, i64)> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(_, count)| count).collect())
}

/// Numbers of tickets for an automation, the oldest change first.
///
/// # Errors
/// The database.
pub async fn numbers(
    connection: &mut PgConnection,
    account: &str,
    conditions: &Conditions,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    let mut query = QueryBuilder::new("select number from ticket where account = ");
    query.push_bind(account.to_owned());
    filter(&mut query, conditions, Uuid::nil());
    query.push(" order by updated_at, number limit ").push_bind(limit);
    query.build_query_scalar().fetch_all(connection).await
}

fn filter(query: &mut QueryBuilder<Postgres>, conditions: &Conditions, me: Uuid) {
    for condition in &conditions.all {
        query.push(" and (");
        one(query, condition, me);
        query.push(")");
    }
    if conditions.any.is_empty() {
        return;
    }
    query.push(" and (false");
    for condition in &conditions.any {
        query.push(" or (");
        one(query, condition, me);
        query.push(")");
    }
    query.push(")");
}

fn one(query: &mut QueryBuilder<Postgres>, condition: &Condition, me: Uuid) {
    let value = condition.value.as_str();
    let not = if condition.op == Operator::IsNot { "not " } else { "" };
    match &condition.on {
        // Of triggers alone: nothing happens to a ticket that is looked at.
        Subject::Ticket => drop(query.push("false")),
        Subject::UpdateVia => {
            query.push(not).push("updated_via = ").push_bind(value.to_owned());
        }
        Subject::Channel => drop(query.push(not).push("channel = ").push_bind(value.to_owned())),
        Subject::ReceivedFrom => partner(query, "received_from", not, value),
        Subject::SentTo => partner(query, "sent_to", not, value),
        Subject::Status => status(query, condition, not),
        Subject::Tags => {
            if condition.op == Operator::IncludesNone {
                query.push("not ");
            }
            query.push("tags && ").push_bind(tags_of(value).into_iter().collect::<Vec<_>>());
        }
        Subject::SubjectText => {
            if value.chars().count() >= PART {
                query.push("letters_of(subject) @> letters_of(").push_bind(value.to_owned());
                query.push(") and ");
            }
            query.push("strpos(lower(subject), lower(").push_bind(value.to_owned()).push(")) > 0");
        }
        Subject::Group => named(query, "group_id", not, value, me),
        Subject::Assignee => named(query, "assignee", not, value, me),
        Subject::Requester => {
            query.push(not).push("requester = ").push_bind(value.to_owned());
        }
        Subject::HoursSinceUpdate => {
            query.push("updated_at <= now() - make_interval(hours => ");
            query.push_bind(value.trim().parse::<i32>().unwrap_or(i32::MAX)).push(")");
        }
        Subject::Field(key) => field(query, key, condition, not),
    }
}

fn partner(query: &mut QueryBuilder<Postgres>, column: &str, not: &str, value: &str) {
    query.push(not).push("(").push(column).push(match value {
        NONE => " is null",
        _ => " is not null",
    });
    // No index helps `is not distinct from`.
    if ![ANY, NONE].contains(&value) {
        query.push(" and ").push(column).push(" = ").push_bind(value.to_owned());
    }
    query.push(")");
}

fn status(query: &mut QueryBuilder<Postgres>, condition: &Condition, not: &str) {
    let Some(TicketStatus { category, custom }) = TicketStatus::read(&condition.value) else {
        query.push(not).push("false");
        return;
    };
    if condition.op == Operator::Below {
        // Words of ours, and not bound: the index of what is unsolved is found by them.
        let below = STATUSES.into_iter().filter(|it| *it < category);
        let below: Vec<String> = below.map(|it| format!("'{}'", status_word(it))).collect();
        query.push("status = any(array[").push(below.join(", ")).push("]::text[])");
        return;
    }
    query.push(not).push("(status = ").push_bind(status_word(category));
    if let Some(key) = custom {
        query.push(" and custom_status is not distinct from ").push_bind(key);
    }
    query.push(")");
}

fn named(query: &mut QueryBuilder<Postgres>, column: &str, not: &str, value: &str, me: Uuid) {
    query.push(not).push("(").push(column);
    if value == NONE {
        query.push(" is null)");
        return;
    }
    let id = if value == ME { Some(me) } else { Uuid::parse_str(value).ok() };
    query.push(" is not null and ").push(column).push(" = ").push_bind(id.unwrap_or_default());
    query.push(")");
}

fn field(query: &mut QueryBuilder<Postgres>, key: &str, condition: &Condition, not: &str) {
    let held = |query: &mut QueryBuilder<Postgres>| {
        // Options have no order; a cleared field has no text.
        query.push("coalesce(case jsonb_typeof(fields -> ");
        query.push_bind(key.to_owned());
        query.push(
            ") when 'array' then (select string_agg(distinct tag, ' ' order by tag)
                 from jsonb_array_elements_text(fields -> ",
        );
        query.push_bind(key.to_owned());
        query.push(") tag) when 'object' then '' else fields ->> ");
        query.push_bind(key.to_owned()).push(" end, '')");
    };
    if condition.op == Operator::Contains {
        query.push("strpos(lower(");
        held(query);
        query.push("), lower(").push_bind(condition.value.clone()).push(")) > 0");
    } else {
        if condition.op == Operator::Is {
            found(query, key, &condition.value);
        }
        query.push(not).push("(");
        held(query);
        query.push(" = ").push_bind(condition.value.clone()).push(")");
    }
}

/// What an index finds of the tickets whose field may have this text: as a text, as options, as a
/// number or a yes.
fn found(query: &mut QueryBuilder<Postgres>, key: &str, text: &str) {
    // A field that is not there has no text either.
    if text.is_empty() {
        return;
    }
    let options: Vec<&str> = text.split(' ').collect();
    let read = serde_json::from_str(text).ok();
    let other = read.filter(|it: &Value| it.is_number() || it.is_boolean());
    let texts = [Value::from(text), Value::from(vec![text]), Value::from(options)];
    let values = texts.into_iter().chain(other);
    for (place, value) in values.enumerate() {
        query.push(if place == 0 { "(" } else { " or " });
        query.push("fields @> ").push_bind(json!({ key: value }));
    }
    query.push(") and ");
}
