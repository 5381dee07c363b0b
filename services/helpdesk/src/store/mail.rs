//! Mails, until each is sent or given up.

use chrono::{DateTime, Utc};
use contracts::Timestamp;
use mail::MailOutcome;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::rules::people::EndUser;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTopic<'a> {
    /// A request became this ticket.
    Opened(i64),
    /// A public comment of a ticket.
    Said(i64, &'a str),
}

/// A mail to a person, by the id under which it is kept once.
#[derive(Clone, Copy, Debug)]
pub struct ToPerson<'a> {
    /// Its row.
    pub id: Uuid,
    /// Whom it goes to.
    pub person: &'a EndUser,
    /// What it is about.
    pub about: MailTopic<'a>,
}

/// Keeps mails to people, to be sent after the transaction; once for each of their ids. The
/// language of each is the person's, else the account's.
///
/// # Errors
/// The database.
pub async fn to_people(
    connection: &mut PgConnection,
    account: &str,
    mails: &[ToPerson<'_>],
) -> sqlx::Result<()> {
    if mails.is_empty() {
        return Ok(());
    }
    let about = |mail: &ToPerson<'_>| match mail.about {
        MailTopic::Opened(ticket) => ("opened", ticket, None),
        MailTopic::Said(ticket, comment) => ("said", ticket, Some(comment.to_owned())),
    };
    let (mut kinds, mut tickets, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, ticket, comment) in mails.iter().map(about) {
        kinds.push(kind);
        tickets.push(ticket);
        comments.push(comment);
    }
    let of_person = |of: fn(&EndUser) -> &str| -> Vec<&str> {
        mails.iter().map(|mail| of(mail.person)).collect()
    };
    sqlx::query(
        "insert into mail (id, account, kind, recipient, name, language, ticket, person, comment)
         select new.id, $1, new.kind, new.recipient, new.name, coalesce(
                 known.language,
                 (select language from account_setting where account = $1), 'en'),
             new.ticket, new.person, new.comment
         from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                 $8::text[]) as new (id, kind, recipient, name, ticket, person, comment)
             left join person known on known.account = $1 and known.id = new.person
         on conflict do nothing",
    )
    .bind(account)
    .bind(mails.iter().map(|mail| mail.id).collect::<Vec<_>>())
    .bind(kinds)
    .bind(of_person(|person| person.email.as_deref().unwrap_or_default()))
    .bind(of_person(|person| &person.name))
    .bind(tickets)
    .bind(of_person(|person| &person.id))
    .bind(comments)
    .execute(connection)
    .await
    .map(drop)
}

/// Whom a rule mails: whoever asked, or an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleRecipient {
    /// Whoever asked.
    Person(String),
    /// An agent.
    Agent(Uuid),
}

/// Keeps mails of rules about a ticket: their ids, to whom, and what they say. Whoever has no
/// address or may not sign in gets none.
///
/// # Errors
/// The database.
pub async fn of_rules(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
    mails: &[(Uuid, RuleRecipient, &str)],
) -> sqlx::Result<()> {
    let (mut people, mut agents) = (Vec::new(), Vec::new());
    for (_, to, _) in mails {
        let (person, agent) = match to {
            RuleRecipient::Person(id) => (Some(id.as_str()), None),
            RuleRecipient::Agent(id) => (None, Some(*id)),
        };
        people.push(person);
        agents.push(agent);
    }
    sqlx::query(
        "insert into mail (id, account, kind, recipient, name, language, ticket, person, text)
         select new.id, $1, 'rule', coalesce(asker.email, asker.given_email, agent.email),
             coalesce(asker.name, agent.name),
             coalesce(asker.language, agent.language, setting.language, 'en'),
             $2, new.person, new.text
         from unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[])
                 as new (id, text, person, agent)
             left join person asker on asker.account = $1 and asker.id = new.person
             left join web_person agent on agent.account = $1 and agent.id = new.agent
                 and agent.disabled_at is null
             left join account_setting setting on setting.account = $1
         where coalesce(asker.email, asker.given_email, agent.email) is not null",
    )
    .bind(account)
    .bind(ticket)
    .bind(mails.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind(mails.iter().map(|(.., text)| *text).collect::<Vec<_>>())
    .bind(people)
    .bind(agents)
    .execute(connection)
    .await
    .map(drop)
}

/// Keeps the one mail by which an address is confirmed.
///
/// # Errors
/// The database.
pub async fn to_confirm(
    connection: &mut PgConnection,
    account: &str,
    confirmation: Uuid,
    (email, name, language): (&str, &str, &str),
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into mail (id, account, kind, recipient, name, language, confirmation)
         values ($1, $2, 'confirm', $3, $4, $5, $1) on conflict do nothing",
    )
    .bind(confirmation)
    .bind(account)
    .bind(email)
    .bind(name)
    .bind(language)
    .execute(connection)
    .await
    .map(drop)
}

/// A mail that is due, with what it tells as it is now.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DueMail {
    /// Its row.
    pub id: Uuid,
    /// `confirm`, `opened`, `said` or `rule`.
    pub kind: String,
    /// The recipient's address.
    pub recipient: String,
    /// The recipient's name.
    pub name: String,
    /// A language's tag.
    pub language: String,
    /// The confirmation that it asks for.
    pub confirmation: Option<Uuid>,
    /// The ticket that it speaks of.
    pub ticket: Option<i64>,
    /// The person that it goes to, where it is none of the account's agents.
    pub person: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The account's address.
    pub address: String,
    /// How the account calls itself.
    pub organisation: String,
    /// What its links are signed with.
    pub link_key: Option<Vec<u8>>,
    /// The ticket's subject.
    pub subject: Option<String>,
    /// Who wrote the comment.
    pub author: Option<String>,
    /// What they wrote; nothing where it was redacted.
    pub body: Option<String>,
    /// What a rule wrote.
    pub text: Option<String>,
}

/// Takes up to `most` mails that are due at `now`, oldest first, and keeps them from everybody else
/// until `until`.
///
/// # Errors
/// The database.
pub async fn claim(
    pool: &PgPool,
    now: Timestamp,
    until: Timestamp,
    most: usize,
) -> sqlx::Result<Vec<DueMail>> {
    let mut due: Vec<DueMail> = sqlx::query_as(
        "with due as materialized (
             select id from mail where state = 'pending' and next_attempt_at <= $1
             order by next_attempt_at limit $3 for update skip locked
         ), claimed as (
             update mail set next_attempt_at = $2 from due where mail.id = due.id
             returning mail.*
         )
         select claimed.id, kind, recipient, claimed.name, claimed.language,
             confirmation, claimed.ticket, person, attempts, claimed.created_at, text,
             desk.address, desk.display_name as organisation, setting.link_key, ticket.subject,
             said.author_name as author,
             case when said.redacted then null else said.body end as body
         from claimed join desk_account desk on desk.account = claimed.account
         left join account_setting setting on setting.account = claimed.account
         left join ticket on ticket.account = claimed.account and ticket.number = claimed.ticket
         left join comment said on said.account = claimed.account
             and said.ticket = claimed.ticket and said.id = claimed.comment",
    )
    .bind(now.utc())
    .bind(until.utc())
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    due.sort_by_key(|mail| mail.created_at);
    Ok(due)
}

/// Records what became of a mail after a try that ended at `now`.
///
/// # Errors
/// The database.
pub async fn record(
    pool: &PgPool,
    id: Uuid,
    next: &MailOutcome,
    now: Timestamp,
) -> sqlx::Result<()> {
    let (state, reason, next_attempt_at, sent_at) = match next {
        MailOutcome::Sent => ("sent", None, None, Some(now.utc())),
        MailOutcome::Again { at, reason } => {
            ("pending", Some(reason.as_str()), Some(at.utc()), None)
        }
        MailOutcome::Failed { reason } => ("failed", Some(reason.as_str()), None, None),
    };
    sqlx::query(
        "update mail set state = $2, reason = $3, next_attempt_at = $4, sent_at = $5,
             attempts = attempts + 1
         where id = $1 and state = 'pending'",
    )
    .bind(id)
    .bind(state)
    .bind(reason)
    .bind(next_attempt_at)
    .bind(sent_at)
    .execute(pool)
    .await
    .map(drop)
}

/// Gives claimed mails back untried: they are due at once.
///
/// # Errors
/// The database.
pub async fn release(pool: &PgPool, ids: &[Uuid], now: Timestamp) -> sqlx::Result<()> {
    sqlx::query("update mail set next_attempt_at = $2 where id = any($1) and state = 'pending'")
        .bind(ids)
        .bind(now.utc())
        .execute(pool)
        .await
        .map(drop)
}
