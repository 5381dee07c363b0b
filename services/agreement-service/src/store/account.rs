//! Table `account`.

use std::collections::{BTreeMap, BTreeSet};

use contracts::address::Party;
use contracts::command::{Admin, DeskLimits};
use contracts::{AccountName, Timestamp};
use messaging::DecideError;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{Wanted, list, read_version, read_word, stored, version, word};
use crate::rules::state::{Account, Attribute, Contact, FieldOptions, Settings};

const TABLE: &str = "account";

#[derive(Serialize, sqlx::FromRow)]
struct Row {
    name: String,
    address: String,
    display_name: String,
    kind: String,
    operated_by: Option<String>,
    may_operate: bool,
    third_parties: bool,
    sharing_url: Option<String>,
    admins: Json<Vec<Admin>>,
    settings: Json<Settings>,
    attribute_versions: Json<BTreeMap<Attribute, u64>>,
    attribute_arrivals: Json<BTreeMap<Attribute, Timestamp>>,
    limits: Option<Json<HeldLimits>>,
    show_fields: Option<Json<HeldShowFields>>,
    version: i64,
}

/// What the desk can hold, with what set it. Beside the other settings, because an earlier release
/// would neither read the attribute's name nor keep the setting.
#[derive(Serialize, Deserialize)]
struct HeldLimits {
    limits: DeskLimits,
    version: u64,
    #[serde(default)]
    set_at: Option<Timestamp>,
}

impl HeldLimits {
    fn of(account: &Account) -> Option<Self> {
        let version = *account.attribute_versions.get(&Attribute::Limits)?;
        let set_at = account.attribute_arrivals.get(&Attribute::Limits).copied();
        Some(Self { limits: account.settings.limits, version, set_at })
    }

    fn join(self, account: &mut Account) {
        account.settings.limits = self.limits;
        account.attribute_versions.insert(Attribute::Limits, self.version);
        account.attribute_arrivals.extend(self.set_at.map(|at| (Attribute::Limits, at)));
    }
}

/// Whether partners are told all of its fields, with what set it; beside the other settings as the
/// limits are.
#[derive(Serialize, Deserialize)]
struct HeldShowFields {
    show_fields: bool,
    version: u64,
    #[serde(default)]
    set_at: Option<Timestamp>,
}

impl HeldShowFields {
    fn of(account: &Account) -> Option<Self> {
        let version = *account.attribute_versions.get(&Attribute::ShowFields)?;
        let set_at = account.attribute_arrivals.get(&Attribute::ShowFields).copied();
        Some(Self { show_fields: account.settings.show_fields, version, set_at })
    }

    fn join(self, account: &mut Account) {
        account.settings.show_fields = self.show_fields;
        account.attribute_versions.insert(Attribute::ShowFields, self.version);
        account.attribute_arrivals.extend(self.set_at.map(|at| (Attribute::ShowFields, at)));
    }
}

/// Attributes that have a column of their own.
const APART: [Attribute; 2] = [Attribute::Limits, Attribute::ShowFields];

/// Of what is kept per attribute, what is stored as such.
fn stored_as_such<T: Clone>(of: &BTreeMap<Attribute, T>) -> Json<BTreeMap<Attribute, T>> {
    let others = of.iter().filter(|(attribute, _)| !APART.contains(attribute));
    Json(others.map(|(attribute, value)| (*attribute, value.clone())).collect())
}

impl From<&Account> for Row {
    fn from(account: &Account) -> Self {
        Self {
            name: account.name.to_string(),
            address: account.address.clone(),
            display_name: account.display_name.clone(),
            kind: word(&account.kind),
            operated_by: account.operated_by.as_ref().map(ToString::to_string),
            may_operate: account.may_operate,
            third_parties: account.third_parties,
            sharing_url: account.sharing_url.clone(),
            admins: Json(account.admins.clone()),
            settings: Json(account.settings.clone()),
            attribute_versions: stored_as_such(&account.attribute_versions),
            attribute_arrivals: stored_as_such(&account.attribute_arrivals),
            limits: HeldLimits::of(account).map(Json),
            show_fields: HeldShowFields::of(account).map(Json),
            version: version(account.version),
        }
    }
}

impl TryFrom<Row> for Account {
    type Error = DecideError;

    fn try_from(row: Row) -> Result<Self, DecideError> {
        let name = |text: String| AccountName::new(text).map_err(|error| stored(TABLE, &error));
        let mut account = Self {
            name: name(row.name)?,
            address: row.address,
            display_name: row.display_name,
            kind: read_word(TABLE, row.kind)?,
            operated_by: row.operated_by.map(name).transpose()?,
            may_operate: row.may_operate,
            third_parties: row.third_parties,
            sharing_url: row.sharing_url,
            admins: row.admins.0,
            settings: row.settings.0,
            attribute_versions: row.attribute_versions.0,
            attribute_arrivals: row.attribute_arrivals.0,
            // Loaded beside it, where they are needed.
            field_options: FieldOptions::default(),
            version: read_version(TABLE, row.version)?,
        };
        if let Some(Json(limits)) = row.limits {
            limits.join(&mut account);
        }
        if let Some(Json(show_fields)) = row.show_fields {
            show_fields.join(&mut account);
        }
        Ok(account)
    }
}

/// Locks and loads the accounts of a batch, with the parties of its agreements. Parties never
/// change, so they can be looked up before the agreement itself is locked.
pub(super) async fn load(
    connection: &mut PgConnection,
    wanted: &Wanted,
) -> Result<Vec<Account>, DecideError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select name, address, display_name, kind, operated_by, may_operate, third_parties, \
         sharing_url, admins, settings, attribute_versions, attribute_arrivals, limits,
         show_fields, version
         from account
         where name = any($1)
            or address = any($2)
            or sharing_url = any($3)
            or name = any(array(select unnest(array[sender, receiver]) from agreement
            where agreement_id = any($4)))
         order by name
         for update",
    )
    .bind(list(&wanted.names))
    .bind(list(&wanted.addresses))
    .bind(list(&wanted.sharing_urls))
    .bind(list(&wanted.agreements))
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// Lets no name be registered while an account is let operate those below its own; registrations of
/// other kinds go on beside each other. Comes before all other locks.
pub(super) async fn lock_names(
    connection: &mut PgConnection,
    alone: bool,
) -> Result<(), DecideError> {
    let lock = if alone {
        "select pg_advisory_xact_lock(hashtext(current_schema() || '.names'))"
    } else {
        "select pg_advisory_xact_lock_shared(hashtext(current_schema() || '.names'))"
    };
    sqlx::query(lock).execute(connection).await?;
    Ok(())
}

/// The account that stands for third-party systems. It never changes once there is one, so it is
/// read without a lock.
pub(super) async fn third_parties(
    connection: &mut PgConnection,
) -> Result<Option<AccountName>, DecideError> {
    let name: Option<String> = sqlx::query_scalar("select name from account where third_parties")
        .fetch_optional(connection)
        .await?;
    name.map(AccountName::new).transpose().map_err(|error| stored(TABLE, &error))
}

/// Per account one whose name begins with its own and `-`, and that it does not operate. In bytes
/// `.` comes next after `-`.
pub(super) async fn foreign_below(
    connection: &mut PgConnection,
    operators: &BTreeSet<String>,
) -> Result<BTreeMap<AccountName, AccountName>, DecideError> {
    if operators.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select operator, account.name
         from unnest($1::text[]) as wanted (operator)
         cross join lateral (
           select name from account
           where name collate \"C\" >= wanted.operator || '-'
             and name collate \"C\" < wanted.operator || '.'
             and operated_by is distinct from wanted.operator
           limit 1) as account",
    )
    .bind(list(operators))
    .fetch_all(connection)
    .await?;
    let name = |text: String| AccountName::new(text).map_err(|error| stored(TABLE, &error));
    rows.into_iter().map(|(operator, account)| Ok((name(operator)?, name(account)?))).collect()
}

#[derive(sqlx::FromRow)]
struct ContactRow {
    name: String,
    address: String,
    display_name: String,
    sharing_url: Option<String>,
    admins: Json<Vec<Admin>>,
    locale: Option<String>,
    support_addresses: Json<Vec<String>>,
}

impl TryFrom<ContactRow> for Contact {
    type Error = DecideError;

    fn try_from(row: ContactRow) -> Result<Self, DecideError> {
        let account = AccountName::new(row.name).map_err(|error| stored(TABLE, &error))?;
        Ok(Self {
            party: Party {
                account,
                address: row.address,
                display_name: row.display_name,
                sharing_url: row.sharing_url,
            },
            admins: row.admins.0,
            locale: row.locale,
            support_addresses: row.support_addresses.0,
        })
    }
}

/// Reads what is told of accounts, without their fields and statuses, which may be large. Locks
/// nothing.
pub(super) async fn contacts(
    connection: &mut PgConnection,
    names: &[String],
) -> Result<Vec<Contact>, DecideError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<ContactRow> = sqlx::query_as(
        "select name, address, display_name, sharing_url, admins, settings ->> 'locale' as locale,
           coalesce(settings -> 'support_addresses', '[]') as support_addresses
         from account
         where name = any($1)",
    )
    .bind(names)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Contact::try_from).collect()
}

/// Saves accounts that were not there.
pub(super) async fn insert(
    connection: &mut PgConnection,
    accounts: impl Iterator<Item = &Account>,
) -> Result<(), DecideError> {
    let rows: Vec<Row> = accounts.map(Row::from).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into account
           (name, address, display_name, kind, operated_by, may_operate, third_parties, sharing_url,
           admins, settings, attribute_versions, attribute_arrivals, limits, show_fields, version)
         select name, address, display_name, kind, operated_by, may_operate, third_parties,
         sharing_url, admins, settings, attribute_versions, attribute_arrivals, limits,
         show_fields, version
         from jsonb_to_recordset($1) as given (
           name text, address text, display_name text, kind text, operated_by text,
           may_operate boolean, third_parties boolean, sharing_url text,
           admins jsonb, settings jsonb, attribute_versions jsonb, attribute_arrivals jsonb,
           limits jsonb, show_fields jsonb, version bigint)
         order by name",
    )
    .bind(Json(rows))
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves accounts that have other content now. Name, kind, operator and sharing URL never change.
pub(super) async fn update(
    connection: &mut PgConnection,
    accounts: impl Iterator<Item = &Account>,
) -> Result<(), DecideError> {
    let rows: Vec<Row> = accounts.map(Row::from).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update account
         set address = given.address,
             display_name = given.display_name,
             may_operate = given.may_operate,
             third_parties = given.third_parties,
             admins = given.admins,
             settings = given.settings,
             attribute_versions = given.attribute_versions,
             attribute_arrivals = given.attribute_arrivals,
             limits = given.limits,
             show_fields = given.show_fields,
             version = given.version
         from jsonb_to_recordset($1) as given (
           name text, address text, display_name text, may_operate boolean, third_parties boolean,
           admins jsonb, settings jsonb, attribute_versions jsonb, attribute_arrivals jsonb,
           limits jsonb, show_fields jsonb, version bigint)
         where account.name = given.name",
    )
    .bind(Json(rows))
    .execute(connection)
    .await?;
    Ok(())
}
