//! Pages of all live shares, for a recovery.

use std::collections::BTreeMap;

use contracts::command::{ShareRecover, page_size};
use contracts::ids::one_spelling;
use contracts::{AccountName, ChainId, ShareId};
use messaging::DecideError;
use sqlx::PgConnection;

use super::listed::{ShareRow, Shares};

/// One page that was asked for.
#[derive(Debug)]
pub(super) struct Live {
    account: AccountName,
    message_id: String,
    after: String,
    most: i64,
}

impl Live {
    /// The page of a command, and one share more, which says that there are more.
    pub fn after(account: &AccountName, message_id: &str, recover: &ShareRecover) -> Self {
        Self {
            account: account.clone(),
            message_id: message_id.to_owned(),
            after: one_spelling(recover.cursor.clone().unwrap_or_default()),
            most: i64::from(page_size(recover.limit).unwrap_or_default()) + 1,
        }
    }
}

/// Loads the pages, and which chain each share is in. One that ends meanwhile is known as ended by
/// its chain, which is loaded under its lock.
pub(super) async fn load(
    connection: &mut PgConnection,
    pages: &[Live],
) -> Result<(Shares, BTreeMap<ShareId, ChainId>), DecideError> {
    let (mut found, mut chains) = (Shares::new(), BTreeMap::new());
    for page in pages {
        let rows: Vec<ShareRow> = sqlx::query_as(
            "select hop.*, share.started_at, share.ended_at from hop join share using (share_id)
             where not hop.ended and share_id > $1 order by share_id limit $2",
        )
        .bind(&page.after)
        .bind(page.most)
        .fetch_all(&mut *connection)
        .await?;
        let mut shares = Vec::with_capacity(rows.len());
        for row in rows {
            let (chain, share) = row.read()?;
            chains.insert(share.hop.share_id.clone(), chain);
            shares.push(share);
        }
        found.insert((page.account.clone(), page.message_id.clone()), shares);
    }
    Ok((found, chains))
}
