//! What belongs together, for whoever asks what became of a ticket.

use messaging::Related;
use sqlx::{FromRow, PgConnection};
use timeline::Share;

#[derive(FromRow)]
struct Row {
    chain: String,
    share_id: String,
    agreement_id: String,
    sender: String,
    near_ticket: String,
    receiver: String,
    far_ticket: Option<String>,
    ended: bool,
}

/// All shares of the chains that any of the names belongs to: a ticket as `account/number`, a
/// share, a chain. An agreement's shares are not looked for, because it may have a great many.
pub(crate) async fn related(
    connection: &mut PgConnection,
    names: &[String],
) -> sqlx::Result<Related> {
    let (accounts, tickets): (Vec<&str>, Vec<&str>) =
        names.iter().filter_map(|name| name.split_once('/')).unzip();
    let rows: Vec<Row> = sqlx::query_as(
        "with named as (
           select chain from unnest($1::text[], $2::text[]) as given (account, ticket_id)
           join ticket using (account, ticket_id)
           union select chain from share where share_id = any($3)
           union select id from chain where id = any($3))
         select chain, share_id, agreement_id, sender, near_ticket, receiver, far_ticket, ended
         from hop where chain in (select chain from named) order by share_id",
    )
    .bind(accounts)
    .bind(tickets)
    .bind(names)
    .fetch_all(connection)
    .await?;
    let mut related = Related::default();
    for row in rows {
        related.names.extend([
            row.chain,
            row.share_id.clone(),
            format!("{}/{}", row.sender, row.near_ticket),
        ]);
        related
            .names
            .extend(row.far_ticket.iter().map(|number| format!("{}/{number}", row.receiver)));
        related.shares.push(Share {
            share_id: row.share_id,
            agreement_id: row.agreement_id,
            sender: row.sender,
            sender_ticket: row.near_ticket,
            receiver: row.receiver,
            receiver_ticket: row.far_ticket,
            ended: row.ended,
        });
    }
    Ok(related)
}
