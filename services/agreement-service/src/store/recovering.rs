//! Accounts that are recovered, page by page.

use messaging::DecideError;
use sqlx::PgConnection;

use super::{Wanted, stored};
use crate::rules::recover::{AGREEMENTS, AccountPage};

/// Finds out whom the pages of a batch are about, and wants those, each with one agreement more,
/// which tells that there are more.
pub(super) async fn add(
    connection: &mut PgConnection,
    wanted: &mut Wanted,
) -> Result<(), DecideError> {
    for page in wanted.recovering.clone() {
        let Some(account) = account(&mut *connection, &page).await? else { continue };
        let most = i64::try_from(AGREEMENTS + 1).map_err(|error| stored("agreement", &error))?;
        let ids: Vec<String> = sqlx::query_scalar(
            "select agreement_id from agreement
             where sender = $1 and agreement_id > $2 order by agreement_id limit $3",
        )
        .bind(&account)
        .bind(page.within.map(|(_, agreement)| agreement).unwrap_or_default())
        .bind(most)
        .fetch_all(&mut *connection)
        .await?;
        wanted.agreements.extend(ids);
        wanted.with_options.insert(account.clone());
        wanted.names.insert(account);
    }
    Ok(())
}

/// In bytes, as the rules compare names.
async fn account(
    connection: &mut PgConnection,
    page: &AccountPage,
) -> sqlx::Result<Option<String>> {
    if let Some((account, _)) = &page.within {
        return Ok(Some(account.clone()));
    }
    sqlx::query_scalar(
        "select name from account where name collate \"C\" > $1
         order by name collate \"C\" limit 1",
    )
    .bind(&page.after)
    .fetch_optional(connection)
    .await
}
