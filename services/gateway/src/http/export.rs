//! All that an account holds, as lines of JSON.
//!
//! It is read page by page, so that a slow reader holds up nobody, and none of it is older than the
//! cursor in its first line: what is told after that cursor may be in it already, and nothing is
//! missed.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use desk::store::{account, read};
use futures_util::stream::try_unfold;
use messaging::cause;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Api;
use super::auth::Caller;
use super::limits::Open;
use super::problem::{Refusal, not_found};
use super::state::{cursor, shown_share, shown_ticket};
use crate::clock::now;
use crate::rules::scope;

/// Agreements or shares that are read at once.
const PAGE: i64 = 200;

/// `GET /v1/export`.
pub(crate) async fn export(State(api): State<Api>, caller: Caller) -> Result<Response, Refusal> {
    caller.may(scope::READ)?;
    let open = api.limits.open(&caller.account)?;
    let kept = account::find(&api.pool, &caller.account).await?;
    let kept = kept.ok_or_else(|| not_found("account"))?;
    let cursor = cursor(&api, &caller).await?;
    let first = json!({ "kind": "account", "account": kept.account, "address": kept.address,
        "display_name": kept.display_name, "cursor": cursor, "exported_at": now() });
    let tickets = read::ticket_ids(&api.pool, &caller.account).await?.into_iter();
    let account = caller.account;
    let export = Export {
        api,
        account,
        part: Part::First(first),
        told: Told::default(),
        after: String::new(),
        tickets,
        _open: open,
    };
    let lines = Body::from_stream(try_unfold(export, |export| async move {
        export.next().await.inspect_err(|error| {
            tracing::warn!(cause = cause(error), "an export broke off");
        })
    }));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

/// What comes next.
enum Part {
    First(Value),
    Agreements,
    Shares,
    Tickets,
    Nothing,
}

/// How much was told, for the last line: without it an export that broke off looks whole.
#[derive(Default)]
struct Told {
    agreements: usize,
    shares: usize,
    tickets: usize,
}

struct Export {
    api: Api,
    account: String,
    part: Part,
    told: Told,
    /// The last agreement or share.
    after: String,
    tickets: std::vec::IntoIter<Uuid>,
    _open: Open,
}

impl Export {
    async fn next(mut self) -> sqlx::Result<Option<(Bytes, Self)>> {
        loop {
            let lines = match std::mem::replace(&mut self.part, Part::Nothing) {
                Part::First(first) => {
                    self.part = Part::Agreements;
                    vec![first]
                }
                Part::Agreements => self.agreements().await?,
                Part::Shares => self.shares().await?,
                Part::Tickets => self.ticket().await?,
                Part::Nothing => return Ok(None),
            };
            if !lines.is_empty() {
                let mut text = String::new();
                for line in &lines {
                    writeln!(text, "{line}").ok();
                }
                return Ok(Some((Bytes::from(text), self)));
            }
        }
    }

    async fn agreements(&mut self) -> sqlx::Result<Vec<Value>> {
        let page = read::agreements(&self.api.pool, &self.account, &self.after, PAGE).await?;
        let last = page.last().and_then(|it| it["agreement_id"].as_str());
        last.unwrap_or_default().clone_into(&mut self.after);
        self.part = if self.after.is_empty() { Part::Shares } else { Part::Agreements };
        self.told.agreements += page.len();
        let lines = page.iter().map(|it| json!({ "kind": "agreement", "agreement": it }));
        Ok(lines.collect())
    }

    async fn shares(&mut self) -> sqlx::Result<Vec<Value>> {
        let page = read::shares(&self.api.pool, &self.account, &self.after, PAGE).await?;
        self.after = page.last().map(|it| it.share_id.clone()).unwrap_or_default();
        self.part = if self.after.is_empty() { Part::Tickets } else { Part::Shares };
        self.told.shares += page.len();
        let lines = page.iter().map(|it| json!({ "kind": "share", "share": shown_share(it) }));
        Ok(lines.collect())
    }

    async fn ticket(&mut self) -> sqlx::Result<Vec<Value>> {
        let Some(id) = self.tickets.next() else {
            let Told { agreements, shares, tickets } = self.told;
            return Ok(vec![json!({ "kind": "end", "agreements": agreements, "shares": shares,
                "tickets": tickets })]);
        };
        self.part = Part::Tickets;
        let mut connection = self.api.pool.acquire().await?;
        let row = read::ticket_of_id(&mut connection, &self.account, id).await?;
        self.told.tickets += usize::from(row.is_some());
        let line = row.map(|row| json!({ "kind": "ticket", "ticket": shown_ticket(&row) }));
        Ok(line.into_iter().collect())
    }
}
