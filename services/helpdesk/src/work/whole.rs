//! Whole tickets, as a share tells them.

use std::collections::BTreeMap;

use contracts::Timestamp;
use contracts::delivery::Side;
use serde_json::Value;
use sqlx::PgConnection;

use super::command::told;
use crate::rules::people::EndUser;
use crate::rules::publish::{self, Asker, COMMENTS};
use crate::rules::sharing::Share;
use crate::store::comment::{self, Comment};
use crate::store::person;
use crate::store::ticket::Kept;

/// Tickets, each with its shares and the first of what was said here, in two statements for all.
pub(super) async fn whole(
    connection: &mut PgConnection,
    account: &str,
    tickets: &[(Kept, Vec<Share>)],
) -> sqlx::Result<Vec<Value>> {
    let numbers: Vec<i64> = tickets.iter().map(|(kept, _)| kept.ticket.number).collect();
    let askers: Vec<&str> =
        tickets.iter().map(|(kept, _)| kept.ticket.requester.as_str()).collect();
    let said = comment::first_own(connection, account, &numbers, COMMENTS).await?;
    let people = person::of_ids(connection, account, &askers).await?;
    Ok(tickets.iter().map(|(kept, shares)| one(kept, shares, &said, &people)).collect())
}

fn one(
    kept: &Kept,
    shares: &[Share],
    said: &BTreeMap<i64, Vec<Comment>>,
    people: &BTreeMap<String, EndUser>,
) -> Value {
    let ticket = &kept.ticket;
    let said: Vec<Value> = said.get(&ticket.number).into_iter().flatten().map(told).collect();
    let known = people.get(&ticket.requester);
    let name = known.map_or(&kept.requester_name, |person| &person.name);
    let asker = Asker { id: &ticket.requester, name };
    let copy_of = shares.iter().find(|share| share.side == Side::Receiver);
    let copy_of = copy_of.map(|share| share.id.as_str());
    publish::whole(ticket, &asker, Timestamp::from(kept.created_at), copy_of, &said)
}
