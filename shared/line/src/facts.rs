//! Accounts and agreements as last told by agreement-service.

use std::collections::{BTreeMap, BTreeSet};

use contracts::sync::{AccountFact, AgreementFact, Fact};
use contracts::{AccountName, AgreementId};
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use sqlx::types::Json;

/// Keeps what the facts of a batch say, where it is newer than what is held. An older one changes
/// nothing.
///
/// # Errors
/// What the database says.
pub async fn learn<'a>(
    connection: &mut PgConnection,
    facts: impl IntoIterator<Item = &'a Fact>,
) -> sqlx::Result<()> {
    let mut accounts: BTreeMap<&AccountName, &AccountFact> = BTreeMap::new();
    let mut agreements: BTreeMap<&AgreementId, &AgreementFact> = BTreeMap::new();
    for fact in facts {
        if let Some(account) = fact.change.account() {
            let newest = accounts.entry(&account.account).or_insert(account);
            if account.version > newest.version {
                *newest = account;
            }
        }
        for agreement in fact.change.agreements() {
            let newest = agreements.entry(&agreement.agreement_id).or_insert(agreement);
            if agreement.version > newest.version {
                *newest = agreement;
            }
        }
    }
    if !accounts.is_empty() {
        sqlx::query(
            "insert into account_fact (account, version, fact)
             select * from unnest($1::text[], $2::bigint[], $3::jsonb[])
             on conflict (account) do update set version = excluded.version, fact = excluded.fact
             where account_fact.version < excluded.version",
        )
        .bind(accounts.keys().map(ToString::to_string).collect::<Vec<_>>())
        .bind(accounts.values().map(|fact| version(fact.version)).collect::<Vec<_>>())
        .bind(accounts.values().map(Json).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if !agreements.is_empty() {
        sqlx::query(
            "insert into agreement_fact (agreement_id, version, fact)
             select * from unnest($1::text[], $2::bigint[], $3::jsonb[])
             on conflict (agreement_id) do update set version = excluded.version, fact = excluded.fact
             where agreement_fact.version < excluded.version",
        )
        .bind(agreements.keys().map(ToString::to_string).collect::<Vec<_>>())
        .bind(agreements.values().map(|fact| version(fact.version)).collect::<Vec<_>>())
        .bind(agreements.values().map(Json).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    }
    Ok(())
}

fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Accounts by name; an account not told of yet is absent.
///
/// # Errors
/// What the database says.
pub async fn accounts(
    connection: &mut PgConnection,
    names: &BTreeSet<AccountName>,
) -> sqlx::Result<BTreeMap<AccountName, AccountFact>> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let facts: Vec<AccountFact> =
        load(connection, "select fact from account_fact where account = any($1)", names).await?;
    Ok(facts.into_iter().map(|fact| (fact.account.clone(), fact)).collect())
}

/// Agreements by id; an agreement not told of yet is absent.
///
/// # Errors
/// What the database says.
pub async fn agreements(
    connection: &mut PgConnection,
    ids: &BTreeSet<AgreementId>,
) -> sqlx::Result<BTreeMap<AgreementId, AgreementFact>> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let facts: Vec<AgreementFact> =
        load(connection, "select fact from agreement_fact where agreement_id = any($1)", ids)
            .await?;
    Ok(facts.into_iter().map(|fact| (fact.agreement_id.clone(), fact)).collect())
}

/// Those of the agreements that are known to be inactive: they end their hops. One that is not
/// known yet does not.
///
/// # Errors
/// What the database says.
pub async fn inactive(
    connection: &mut PgConnection,
    ids: &BTreeSet<AgreementId>,
) -> sqlx::Result<BTreeSet<AgreementId>> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    // Asked for with every batch, of all its hops: the database looks, so that only what matters is
    // read.
    let query = "select agreement_id from agreement_fact where agreement_id = any($1) and fact ->> \
        'status' = 'inactive'";
    let inactive: Vec<String> = sqlx::query_scalar(query).bind(ids).fetch_all(connection).await?;
    inactive
        .into_iter()
        .map(|id| AgreementId::new(id).map_err(|error| sqlx::Error::Decode(error.into())))
        .collect()
}

/// Where no mail of an account may go: the support addresses of all partners that it has an
/// accepted agreement with. An account without any is absent.
///
/// # Errors
/// What the database says.
pub async fn partners_support_addresses(
    connection: &mut PgConnection,
    accounts: &BTreeSet<AccountName>,
) -> sqlx::Result<BTreeMap<AccountName, Vec<String>>> {
    if accounts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, Json<Vec<String>>)> = sqlx::query_as(
        "select own.account, partner.fact -> 'support_addresses'
         from unnest($1::text[]) as own (account)
         cross join lateral (
           select fact ->> 'receiver' as account from agreement_fact
           where fact ->> 'sender' = own.account and fact ->> 'status' = 'accepted'
           union
           select fact ->> 'sender' from agreement_fact
           where fact ->> 'receiver' = own.account and fact ->> 'status' = 'accepted'
         ) as agreed
         join account_fact partner on partner.account = agreed.account
         order by own.account, partner.account",
    )
    .bind(accounts.iter().map(ToString::to_string).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let mut addresses: BTreeMap<AccountName, Vec<String>> = BTreeMap::new();
    for (account, partners) in rows {
        if let Some(name) = accounts.iter().find(|name| name.as_str() == account) {
            addresses.entry(name.clone()).or_default().extend(partners.0);
        }
    }
    Ok(addresses)
}

async fn load<T: DeserializeOwned + Send + Unpin + 'static>(
    connection: &mut PgConnection,
    query: &'static str,
    keys: Vec<String>,
) -> sqlx::Result<Vec<T>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Json<T>> = sqlx::query_scalar(query).bind(keys).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
