//! Accounts and agreements as last told by agreement-service.

use std::collections::{BTreeMap, BTreeSet};

use contracts::address::Party;
use contracts::command::{AccountKind, DeskLimits};
use contracts::delivery::AgreementStatus;
use contracts::fields::CustomStatuses;
use contracts::sync::{AccountFact, AgreementFact, Fact};
use contracts::{AccountName, AgreementId, Epoch};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use sqlx::types::Json;

/// An account without its fields and statuses, which may be large.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountBasics {
    /// The account.
    pub account: AccountName,
    /// Rises with every change, also of what is not here.
    pub version: u64,
    /// Its public address.
    pub address: String,
    /// How it calls itself.
    pub display_name: String,
    /// What kind of desk it has.
    pub kind: AccountKind,
    /// Who publishes for it.
    pub operated_by: Option<AccountName>,
    /// Whether its attachments stay.
    pub secure_downloads: bool,
    /// Whether Deskmesh mails the CCs of its tickets.
    pub notify_ccs: bool,
    /// Language of notices.
    pub locale: Option<String>,
    /// Link to a ticket, with `{ticket_id}`.
    pub link_template: Option<String>,
    /// Addresses and `@domains` that no notice may go to.
    pub support_addresses: Vec<String>,
    /// Whether it takes custom fields of any title.
    pub open_fields: bool,
    /// Where a third-party system is reached.
    #[serde(default)]
    pub sharing_url: Option<String>,
}

impl AccountBasics {
    /// The account as its partners see it.
    #[must_use]
    pub fn party(&self) -> Party {
        Party {
            account: self.account.clone(),
            address: self.address.clone(),
            display_name: self.display_name.clone(),
            sharing_url: self.sharing_url.clone(),
        }
    }
}

impl From<&AccountFact> for AccountBasics {
    fn from(fact: &AccountFact) -> Self {
        Self {
            account: fact.account.clone(),
            version: fact.version,
            address: fact.address.clone(),
            display_name: fact.display_name.clone(),
            kind: fact.kind,
            operated_by: fact.operated_by.clone(),
            secure_downloads: fact.secure_downloads,
            notify_ccs: fact.notify_ccs,
            locale: fact.locale.clone(),
            link_template: fact.link_template.clone(),
            support_addresses: fact.support_addresses.clone(),
            open_fields: fact.open_fields,
            sharing_url: fact.sharing_url.clone(),
        }
    }
}

/// A fact that comes again with every change, each time whole.
pub trait Versioned {
    /// Rises with every change.
    fn version(&self) -> u64;
}

impl Versioned for AccountFact {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Versioned for AgreementFact {
    fn version(&self) -> u64 {
        self.version
    }
}

impl<T: Versioned> Versioned for &T {
    fn version(&self) -> u64 {
        (*self).version()
    }
}

/// Keeps what is told under `key` where it is newer than what is held: the newest wins, in whatever
/// order facts come and however often. Of the same version the first one stays.
pub fn keep_newest<K: Ord, T: Versioned>(held: &mut BTreeMap<K, T>, key: K, told: T) {
    if held.get(&key).is_none_or(|held| held.version() < told.version()) {
        held.insert(key, told);
    }
}

/// Accounts and agreements as a stage without a database learns them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Accounts.
    pub accounts: BTreeMap<AccountName, AccountFact>,
    /// Agreements.
    pub agreements: BTreeMap<AgreementId, AgreementFact>,
}

impl Facts {
    /// Takes over what is newer than what is held.
    pub fn learn(&mut self, fact: &Fact) {
        if let Some(account) = fact.change.account() {
            keep_newest(&mut self.accounts, account.account.clone(), account.clone());
        }
        for agreement in fact.change.agreements() {
            keep_newest(&mut self.agreements, agreement.agreement_id.clone(), agreement.clone());
        }
    }

    /// Agreements that are known to be inactive: they end their hops.
    #[must_use]
    pub fn inactive(&self) -> BTreeSet<AgreementId> {
        let agreements = self.agreements.values();
        agreements
            .filter(|agreement| agreement.status == AgreementStatus::Inactive)
            .map(|agreement| agreement.agreement_id.clone())
            .collect()
    }
}

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
    let mut epoch = Epoch::default();
    for fact in facts {
        epoch = epoch.max(fact.epoch.unwrap_or_default());
        if let Some(account) = fact.change.account() {
            keep_newest(&mut accounts, &account.account, account);
        }
        for agreement in fact.change.agreements() {
            keep_newest(&mut agreements, &agreement.agreement_id, agreement);
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
             on conflict (agreement_id) do update
                 set version = excluded.version, fact = excluded.fact
             where agreement_fact.version < excluded.version",
        )
        .bind(agreements.keys().map(ToString::to_string).collect::<Vec<_>>())
        .bind(agreements.values().map(|fact| version(fact.version)).collect::<Vec<_>>())
        .bind(agreements.values().map(Json).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    messaging::epoch::learn(connection, epoch).await
}

fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Accounts by name, without their fields and statuses; an account not told of yet is absent.
///
/// # Errors
/// What the database says.
pub async fn accounts(
    connection: &mut PgConnection,
    names: &BTreeSet<AccountName>,
) -> sqlx::Result<BTreeMap<AccountName, AccountBasics>> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let query = "select basics from account_basics where account = any($1)";
    let accounts: Vec<AccountBasics> = load(connection, query, names).await?;
    Ok(accounts.into_iter().map(|account| (account.account.clone(), account)).collect())
}

/// What desks can hold, by account; one whose desk can hold everything is absent.
///
/// # Errors
/// What the database says.
pub async fn limits(
    connection: &mut PgConnection,
    names: &BTreeSet<AccountName>,
) -> sqlx::Result<BTreeMap<AccountName, DeskLimits>> {
    #[derive(Deserialize)]
    struct Row {
        account: AccountName,
        limits: DeskLimits,
    }
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let query = "select jsonb_build_object('account', account, 'limits', basics -> 'limits') \
        from account_basics where account = any($1) and basics -> 'limits' is not null";
    let rows: Vec<Row> = load(connection, query, names).await?;
    Ok(rows.into_iter().map(|row| (row.account, row.limits)).collect())
}

/// Custom statuses by account, each with the version of the account that has them; an account not
/// told of yet is absent.
///
/// # Errors
/// What the database says.
pub async fn custom_statuses(
    connection: &mut PgConnection,
    names: &BTreeSet<AccountName>,
) -> sqlx::Result<BTreeMap<AccountName, (u64, CustomStatuses)>> {
    #[derive(Deserialize)]
    struct Row {
        account: AccountName,
        version: u64,
        custom_statuses: CustomStatuses,
    }
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let query = "select to_jsonb(account_basics) - 'basics' from account_basics where account = \
        any($1)";
    let rows: Vec<Row> = load(connection, query, names).await?;
    Ok(rows.into_iter().map(|row| (row.account, (row.version, row.custom_statuses))).collect())
}

/// Accounts by name, whole: with all their fields. Far dearer than what most messages touch of
/// them.
///
/// # Errors
/// What the database says.
pub async fn whole_accounts(
    connection: &mut PgConnection,
    names: &BTreeSet<AccountName>,
) -> sqlx::Result<Vec<AccountFact>> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    load(connection, "select fact from account_fact where account = any($1)", names).await
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
        "select own.account, partner.basics -> 'support_addresses'
         from unnest($1::text[]) as own (account)
         cross join lateral (
           select fact ->> 'receiver' as account from agreement_fact
           where fact ->> 'sender' = own.account and fact ->> 'status' = 'accepted'
           union
           select fact ->> 'sender' from agreement_fact
           where fact ->> 'receiver' = own.account and fact ->> 'status' = 'accepted'
         ) as agreed
         join account_basics partner on partner.account = agreed.account
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

#[cfg(test)]
mod tests {
    use contracts::sync::{Change, CommandRef, Remarks};
    use contracts::{ReceiptOutcome, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn account(version: u64, display_name: &str) -> AccountFact {
        let name = AccountName::new("acme").unwrap();
        let registered = AccountFact::registered(name, AccountKind::Connected);
        AccountFact { version, display_name: display_name.into(), ..registered }
    }

    fn told(account: &AccountFact) -> Fact {
        let command = CommandRef {
            account: account.account.clone(),
            message_id: "m".into(),
            command_type: "account.update.v1".into(),
            received_at: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
            remarks: Remarks::default(),
        };
        Fact {
            change: Change::Account(Box::new(account.clone())),
            receipt: command.receipt(ReceiptOutcome::Applied),
            command,
            deliveries: Vec::new(),
            notices: Vec::new(),
            compare: None,
            epoch: None,
        }
    }

    #[test]
    fn basics_are_read_from_what_the_trigger_leaves_of_a_fact() {
        let fact = AccountFact {
            operated_by: Some(AccountName::new("hooli").unwrap()),
            locale: Some("de".into()),
            support_addresses: vec!["@acme.example".into()],
            open_fields: true,
            ..account(3, "Acme")
        };
        let mut left = serde_json::json!(fact);
        for dropped in ["ticket_fields", "custom_statuses", "default_form"] {
            assert!(left.as_object_mut().unwrap().remove(dropped).is_some(), "{dropped}");
        }
        let basics: AccountBasics = serde_json::from_value(left).unwrap();
        assert_eq!(basics, AccountBasics::from(&fact));
        assert_eq!(basics.party(), fact.party());
    }

    #[test]
    fn of_one_version_the_first_told_stays() {
        let mut facts = Facts::default();
        for name in ["first", "second"] {
            facts.learn(&told(&account(1, name)));
        }
        assert_eq!(facts.accounts.values().next().unwrap().display_name, "first");
    }

    proptest! {
        #[test]
        fn the_newest_wins_in_whatever_order_and_however_often(
            versions in prop::collection::vec(1_u64..6, 1..12),
        ) {
            let mut facts = Facts::default();
            for version in &versions {
                facts.learn(&told(&account(*version, &version.to_string())));
            }
            let held = facts.accounts.values().next().unwrap();
            let newest = versions.iter().max().unwrap();
            prop_assert_eq!((held.version, &held.display_name), (*newest, &newest.to_string()));
        }
    }
}
