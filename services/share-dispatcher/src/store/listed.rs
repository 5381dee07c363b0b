//! Pages of an account's shares.

use std::collections::BTreeMap;

use contracts::command::{ShareList, page_size};
use contracts::ids::one_spelling;
use contracts::{AccountName, ChainId, Timestamp};
use line::hops::HopRow;
use messaging::DecideError;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use crate::rules::ListedShare;

/// One page that was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    account: AccountName,
    message_id: String,
    after: String,
    agreement: Option<String>,
    most: i64,
}

impl Asked {
    /// The page of a command, and one share more, which says that the list goes on.
    pub fn by(account: &AccountName, message_id: &str, list: &ShareList) -> Self {
        Self {
            account: account.clone(),
            message_id: message_id.to_owned(),
            after: one_spelling(list.cursor.clone().unwrap_or_default()),
            agreement: list.agreement_id.as_ref().map(ToString::to_string),
            most: i64::from(page_size(list.limit).unwrap_or_default()) + 1,
        }
    }
}

/// Shares by who asks with which command.
pub(super) type Shares = BTreeMap<(AccountName, String), Vec<ListedShare>>;

/// A hop with what its share is known by.
#[derive(FromRow)]
pub(super) struct ShareRow {
    #[sqlx(flatten)]
    hop: HopRow,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl ShareRow {
    /// The share, and which chain it is in.
    pub fn read(self) -> Result<(ChainId, ListedShare), DecideError> {
        let (chain, hop, _) = self.hop.read()?;
        let (started_at, ended_at) =
            (Timestamp::from(self.started_at), self.ended_at.map(Timestamp::from));
        Ok((chain, ListedShare { hop, started_at, ended_at }))
    }
}

#[derive(FromRow)]
struct Row {
    page: i64,
    #[sqlx(flatten)]
    share: ShareRow,
}

/// Loads all pages of a batch by one query: per page the next shares in order, of either side.
pub(super) async fn load(
    connection: &mut PgConnection,
    pages: &[Asked],
) -> Result<Shares, DecideError> {
    if pages.is_empty() {
        return Ok(Shares::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select asked.page, found.*, share.started_at, share.ended_at
         from unnest($1::text[], $2::text[], $3::text[],
         $4::bigint[]) with ordinality as asked (account, after, agreement, most, page)
         cross join lateral (
           (select * from hop where sender = asked.account and share_id > asked.after
              and (asked.agreement is null or agreement_id = asked.agreement) order by share_id
              limit asked.most)
           union all
           (select * from hop where receiver = asked.account and share_id > asked.after
              and (asked.agreement is null or agreement_id = asked.agreement) order by share_id
              limit asked.most)
           order by share_id limit asked.most
         ) as found
         join share using (share_id)
         order by asked.page, share_id",
    )
    .bind(pages.iter().map(|asked| asked.account.to_string()).collect::<Vec<_>>())
    .bind(pages.iter().map(|asked| asked.after.clone()).collect::<Vec<_>>())
    .bind(pages.iter().map(|asked| asked.agreement.clone()).collect::<Vec<_>>())
    .bind(pages.iter().map(|asked| asked.most).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let mut listed = Shares::new();
    for row in rows {
        let Some(asked) = usize::try_from(row.page - 1).ok().and_then(|page| pages.get(page))
        else {
            continue;
        };
        let (_, share) = row.share.read()?;
        listed.entry((asked.account.clone(), asked.message_id.clone())).or_default().push(share);
    }
    Ok(listed)
}
