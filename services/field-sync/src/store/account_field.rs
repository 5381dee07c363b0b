//! Tables `account_schema` and `account_field`: what `account_fact` says of accounts' custom
//! fields, a row a field.

use std::collections::BTreeSet;

use contracts::AccountName;
use contracts::comparable::comparable;
use contracts::fields::TicketField;
use contracts::sync::AccountFact;
use line::facts;
use messaging::DecideError;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use crate::rules::{SchemaField, fields_on_form};

/// Accounts whose facts are read whole at a time: each may have half a MiB.
const AT_A_TIME: usize = 8;

/// One field of an account, or a title: as it is at a version of the account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub account: &'a AccountName,
    pub version: u64,
    /// A key, or a title as titles are compared.
    pub name: &'a str,
}

/// Writes the rows of accounts whose rows are of another version than their fact, or not there. A
/// fact that another batch holds at the moment is left to it: this one may hold chains that the
/// other waits for. What was `told` in this batch need not be read.
pub(crate) async fn renew<'a>(
    connection: &mut PgConnection,
    accounts: impl IntoIterator<Item = &'a AccountName>,
    told: &[&AccountFact],
) -> Result<(), DecideError> {
    let names: BTreeSet<&str> = accounts.into_iter().map(AccountName::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let behind: Vec<(String, i64)> = sqlx::query_as(
        "select account, account_fact.version
         from account_fact left join account_schema schema using (account)
         where account = any($1) and schema.version is distinct from account_fact.version
         order by account for update of account_fact skip locked",
    )
    .bind(names.into_iter().collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    let mut unread = Vec::new();
    for (account, version) in behind {
        let is_it = |fact: &&&AccountFact| {
            fact.account.as_str() == account && stored_version(fact.version) == version
        };
        match told.iter().find(is_it) {
            Some(fact) => write(&mut *connection, fact).await?,
            None => unread.push(account),
        }
    }
    for account in unread {
        let fact: Json<AccountFact> =
            sqlx::query_scalar("select fact from account_fact where account = $1")
                .bind(account)
                .fetch_one(&mut *connection)
                .await?;
        write(&mut *connection, &fact.0).await?;
    }
    Ok(())
}

/// Writes the rows of an account, whose fact is locked, where they differ from what is there.
async fn write(connection: &mut PgConnection, fact: &AccountFact) -> sqlx::Result<()> {
    let (account, fields) = (fact.account.as_str(), fields_on_form(fact));
    let keys: Vec<&str> = fields.iter().map(|(field, _)| field.key.as_str()).collect();
    sqlx::query(
        "insert into account_schema (account, version) values ($1, $2)
         on conflict (account) do update set version = excluded.version",
    )
    .bind(account)
    .bind(stored_version(fact.version))
    .execute(&mut *connection)
    .await?;
    sqlx::query("delete from account_field where account = $1 and key <> all ($2)")
        .bind(account)
        .bind(&keys)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "insert into account_field (account, key, title, on_default_form, field)
         select $1, key, told.title, told.on_default_form, told.field
         from unnest($2::text[], $3::text[], $4::boolean[], $5::jsonb[])
           as told (key, title, on_default_form, field)
         left join (select * from account_field where account = $1) as held using (key)
         where (told.title, told.on_default_form, told.field)
           is distinct from (held.title, held.on_default_form, held.field)
         on conflict (account, key) do update set
           title = excluded.title, on_default_form = excluded.on_default_form,
           field = excluded.field",
    )
    .bind(account)
    .bind(&keys)
    .bind(fields.iter().map(|(field, _)| comparable(&field.title)).collect::<Vec<_>>())
    .bind(fields.iter().map(|(_, on_form)| *on_form).collect::<Vec<_>>())
    .bind(fields.iter().map(|(field, _)| Json(*field)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// The title of each key, as titles are compared; none where the account has no such field. An
/// account whose rows are not of that version is absent.
pub(super) async fn titles(
    connection: &mut PgConnection,
    asked: &[Asked<'_>],
) -> sqlx::Result<Vec<(String, String, Option<String>)>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let query = "select asked.account, asked.name, field.title
        from unnest($1::text[], $2::bigint[], $3::text[]) as asked (account, version, name)
        join account_schema schema on schema.account = asked.account
            and schema.version = asked.version
        left join account_field field on field.account = asked.account and field.key = asked.name";
    let (accounts, versions, names) = columns(asked);
    sqlx::query_as(query).bind(accounts).bind(versions).bind(names).fetch_all(connection).await
}

/// A field that an account has under a title, or that it has none.
#[derive(FromRow)]
pub(super) struct TitledRow {
    pub account: String,
    pub title: String,
    on_default_form: Option<bool>,
    field: Option<Json<TicketField>>,
}

impl TitledRow {
    /// The field, ordered for looking up.
    pub fn field(&self) -> Option<SchemaField> {
        let field = self.field.as_ref()?;
        Some(SchemaField::new(field, self.on_default_form?))
    }
}

/// The fields with each title. An account whose rows are not of that version is absent.
pub(super) async fn titled(
    connection: &mut PgConnection,
    asked: &[Asked<'_>],
) -> sqlx::Result<Vec<TitledRow>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let query = "select asked.account, asked.name as title, field.on_default_form, field.field
        from unnest($1::text[], $2::bigint[], $3::text[]) as asked (account, version, name)
        join account_schema schema on schema.account = asked.account
            and schema.version = asked.version
        left join account_field field on field.account = asked.account and field.title = asked.name
        order by field.key";
    let (accounts, versions, names) = columns(asked);
    sqlx::query_as(query).bind(accounts).bind(versions).bind(names).fetch_all(connection).await
}

fn columns<'a>(asked: &[Asked<'a>]) -> (Vec<&'a str>, Vec<i64>, Vec<&'a str>) {
    let accounts = asked.iter().map(|asked| asked.account.as_str()).collect();
    let versions = asked.iter().map(|asked| stored_version(asked.version)).collect();
    (accounts, versions, asked.iter().map(|asked| asked.name).collect())
}

/// The fields of accounts as their facts say them now, a few accounts at a time: for those whose
/// rows are of another version.
pub(super) async fn from_facts(
    connection: &mut PgConnection,
    accounts: &BTreeSet<AccountName>,
    mut take: impl FnMut(&AccountName, u64, Vec<SchemaField>),
) -> sqlx::Result<()> {
    let names: Vec<&AccountName> = accounts.iter().collect();
    for some in names.chunks(AT_A_TIME) {
        let some: BTreeSet<AccountName> = some.iter().copied().cloned().collect();
        for fact in facts::whole_accounts(&mut *connection, &some).await? {
            let fields = fields_on_form(&fact).into_iter();
            let fields = fields.map(|(field, on_form)| SchemaField::new(field, on_form));
            take(&fact.account, fact.version, fields.collect());
        }
    }
    Ok(())
}

fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
