//! Agreements with partners.

use contracts::delivery::{AgreementStatus, Side};
use contracts::sharing_url::host_of;
use contracts::{AccountName, Actor};
use desk::outbox::Request;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// An agreement as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AgreementRow {
    /// Deskmesh's id.
    pub id: String,
    /// The partner's account.
    pub account: String,
    /// The address that the partner shares with.
    pub home: String,
    /// The protocol's id.
    pub uuid: String,
    /// `sender` or `receiver`.
    pub partner_is: String,
    /// Where the partner is called.
    pub partner_url: String,
    /// The access key, encrypted.
    pub sealed_key: Vec<u8>,
    /// Its name.
    pub name: Option<String>,
    /// The version that `status` was told with.
    pub version: i64,
    /// Where it stands.
    pub status: String,
    /// Whether the partner's URL is proven.
    pub proof: String,
    /// The media type that the partner took.
    pub media: Option<String>,
    /// Whether the partner is called about the agreement at this moment, or as soon as somebody is
    /// free to.
    pub is_called: bool,
}

const SELECT: &str = "select id, account, home, uuid, partner_is, partner_url, sealed_key, name,
    version, status, proof, media,
    exists (select from call where call.agreement = agreement.id and call.ticket = ''
        and (call.leased_until >= now()
             or (call.due_at <= now() and agreement.paused_at is null))) as is_called
    from agreement";

impl AgreementRow {
    /// Which party the partner is.
    #[must_use]
    pub fn partner_is(&self) -> Side {
        if self.partner_is == "sender" { Side::Sender } else { Side::Receiver }
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> AgreementStatus {
        match self.status.as_str() {
            "pending" => AgreementStatus::Pending,
            "accepted" => AgreementStatus::Accepted,
            "declined" => AgreementStatus::Declined,
            _ => AgreementStatus::Inactive,
        }
    }

    /// Whether whoever holds the key is known to answer at the partner's URL.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proof == "proven"
    }

    /// Whether it is accepted, and the partner is just being asked for its proof.
    #[must_use]
    pub fn awaits_proof(&self) -> bool {
        self.status() == AgreementStatus::Accepted && self.proof == "none" && self.is_called
    }

    /// What the partner calls itself. An agreement that it was invited to has our name, not its
    /// own.
    #[must_use]
    pub fn organisation(&self) -> String {
        let own = self.name.clone().filter(|_| self.partner_is() == Side::Sender);
        own.unwrap_or_else(|| host_of(&self.partner_url).to_owned())
    }

    /// A decision of the partner's about it. One of a kind is all there can be: a repeat is
    /// answered by the first one's receipt.
    ///
    /// # Errors
    /// The row holds no account's name.
    pub fn decision(&self, word: &str, command: &str, actor: &Actor) -> sqlx::Result<Request> {
        let content = json!({ "agreement_id": self.id, "actor": actor });
        let request =
            Request::new(self.account()?, format!("{word} {}", self.id), command, content);
        Ok(request.known_by(&json!({ "agreement_id": self.id })))
    }

    /// The partner's account.
    ///
    /// # Errors
    /// The row holds no account's name.
    pub fn account(&self) -> sqlx::Result<AccountName> {
        AccountName::new(self.account.as_str()).map_err(|error| sqlx::Error::Decode(error.into()))
    }
}

/// The word of a status.
#[must_use]
pub const fn word(status: AgreementStatus) -> &'static str {
    match status {
        AgreementStatus::Pending => "pending",
        AgreementStatus::Accepted => "accepted",
        AgreementStatus::Declined => "declined",
        AgreementStatus::Inactive => "inactive",
    }
}

/// An agreement that begins.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub id: &'a str,
    pub account: &'a str,
    pub home: &'a str,
    pub uuid: &'a str,
    pub partner_is: Side,
    pub partner_url: &'a str,
    pub sealed_key: &'a [u8],
    pub name: Option<&'a str>,
    /// `message_id` of the invite that a partner sent.
    pub invite_key: Option<&'a str>,
    /// The network address it came from.
    pub source: Option<&'a str>,
    /// The media type that the partner is known to read.
    pub media: Option<&'a str>,
}

/// Keeps it; whether it is new.
///
/// # Errors
/// The database.
pub async fn insert(connection: &mut PgConnection, new: New<'_>) -> sqlx::Result<bool> {
    let partner_is = if new.partner_is == Side::Sender { "sender" } else { "receiver" };
    let inserted = sqlx::query(
        "insert into agreement (id, account, home, uuid, partner_is, partner_url, sealed_key, name,
             invite_key, source, media)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing",
    )
    .bind(new.id)
    .bind(new.account)
    .bind(new.home)
    .bind(new.uuid)
    .bind(partner_is)
    .bind(new.partner_url)
    .bind(new.sealed_key)
    .bind(new.name)
    .bind(new.invite_key)
    .bind(new.source)
    .bind(new.media)
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// The agreement of this uuid at an address.
///
/// # Errors
/// The database.
pub async fn at(
    connection: &mut PgConnection,
    home: &str,
    uuid: &str,
) -> sqlx::Result<Option<AgreementRow>> {
    sqlx::query_as(AssertSqlSafe(format!("{SELECT} where home = $1 and uuid = $2")))
        .bind(home)
        .bind(uuid)
        .fetch_optional(connection)
        .await
}

/// The agreement of this id, locked.
///
/// # Errors
/// The database.
pub async fn locked(connection: &mut PgConnection, id: &str) -> sqlx::Result<Option<AgreementRow>> {
    // What refers to it may be written meanwhile: its key stays.
    sqlx::query_as(AssertSqlSafe(format!("{SELECT} where id = $1 for no key update")))
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// The agreement of this id.
///
/// # Errors
/// The database.
pub async fn find(pool: &PgPool, id: &str) -> sqlx::Result<Option<AgreementRow>> {
    sqlx::query_as(AssertSqlSafe(format!("{SELECT} where id = $1")))
        .bind(id)
        .fetch_optional(pool)
        .await
}

/// What was told of it. A lower version than the last changes nothing; whether this one did.
///
/// # Errors
/// The database.
pub async fn told(
    connection: &mut PgConnection,
    id: &str,
    version: i64,
    status: AgreementStatus,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update agreement set version = $2, status = $3 where id = $1 and version < $2",
    )
    .bind(id)
    .bind(version)
    .bind(word(status))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether its URL is proven: `proven`, `none` or `refused`.
///
/// # Errors
/// The database.
pub async fn proof(connection: &mut PgConnection, id: &str, proof: &str) -> sqlx::Result<()> {
    sqlx::query("update agreement set proof = $2 where id = $1 and proof <> $2")
        .bind(id)
        .bind(proof)
        .execute(connection)
        .await
        .map(drop)
}

/// The partner has another URL, which is to be proven.
///
/// # Errors
/// The database.
pub async fn moved(connection: &mut PgConnection, id: &str, url: &str) -> sqlx::Result<()> {
    sqlx::query("update agreement set partner_url = $2, proof = 'none', media = null where id = $1")
        .bind(id)
        .bind(url)
        .execute(connection)
        .await
        .map(drop)
}

/// It has another name.
///
/// # Errors
/// The database.
pub async fn renamed(connection: &mut PgConnection, id: &str, name: &str) -> sqlx::Result<()> {
    sqlx::query("update agreement set name = $2 where id = $1")
        .bind(id)
        .bind(name)
        .execute(connection)
        .await
        .map(drop)
}

/// The line refused the invite that a partner sent: then there is no agreement. It counts all the
/// same for whoever guesses addresses.
///
/// # Errors
/// The database.
pub async fn refused(
    connection: &mut PgConnection,
    account: &str,
    invite_key: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "with gone as (
             delete from agreement where account = $1 and invite_key = $2 and version = 0
             returning source)
         insert into refused_invite (source) select source from gone",
    )
    .bind(account)
    .bind(invite_key)
    .execute(connection)
    .await
    .map(drop)
}

/// How many invites there are that nobody proved: for this address, and of the last day from this
/// source and in all.
///
/// # Errors
/// The database.
pub async fn unproven(
    connection: &mut PgConnection,
    home: &str,
    source: &str,
) -> sqlx::Result<(i64, i64, i64)> {
    sqlx::query_as(
        "with today as (
             select source from agreement
             where partner_is = 'sender' and created_at > now() - interval '1 day'
             union all
             select source from refused_invite where at > now() - interval '1 day')
         select (select count(*) from agreement
                 where home = $1 and proof = 'none' and partner_is = 'sender'
                     and status = 'pending'),
             (select count(*) from today where source = $2),
             (select count(*) from today)",
    )
    .bind(home)
    .bind(source)
    .fetch_one(connection)
    .await
}

/// Invites that partners sent so many days ago, and that nobody decided or withdrew, the oldest
/// first.
///
/// # Errors
/// The database.
pub async fn undecided_for(pool: &PgPool, days: i32) -> sqlx::Result<Vec<AgreementRow>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "{SELECT} where proof = 'none' and partner_is = 'sender' and status = 'pending'
             and version > 0 and created_at < now() - make_interval(days => $1)
             and not exists (
                 select from desk_outbox asked where asked.account = agreement.account
                     and asked.entity = 'agreement' and asked.key = 'deactivate ' || agreement.id)
         order by created_at limit 100"
    )))
    .bind(days)
    .fetch_all(pool)
    .await
}
