//! Mails to end users: from the table to the mail server.

mod words;

use std::time::Duration;

use contracts::Timestamp;
use mail::{
    Connection, Letter, LetterError, Mail, MailOutcome, MailTable, Mailbox, Outage, QueuedMail,
    Server, TryOutcome, letter,
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::clock::now;
use crate::store::mail::{self as store, DueMail};

/// The table of mails, with what they are made and sent with.
#[derive(Debug)]
pub struct EndUserMails {
    /// The service's schema.
    pub pool: PgPool,
    /// Where mails go.
    pub server: Server,
    /// Who they are from.
    pub from: Mailbox,
    /// What links begin with.
    pub public_url: String,
}

impl EndUserMails {
    fn compose(&self, due: &DueMail) -> Result<Option<Mail>, LetterError> {
        let Some(words) = words::of(due, &self.public_url, now().utc()) else { return Ok(None) };
        // Named as the account, sent by the address that the mail server takes.
        let name = mail::one_line(&due.organisation);
        let from = Mailbox::new(Some(name), self.from.email.clone());
        let made = letter(Letter {
            id: due.id,
            from: &from,
            name: &due.name,
            recipient: &due.recipient,
            made_at: due.created_at.into(),
            subject: words.subject,
            plain: words.plain,
            html: None,
        })?;
        Ok(Some(made))
    }
}

impl MailTable for EndUserMails {
    type Row = DueMail;

    fn queued(row: &DueMail) -> QueuedMail {
        QueuedMail {
            id: row.id,
            caused_by: row.kind.clone(),
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            created_at: row.created_at.into(),
        }
    }

    fn longest(&self) -> Duration {
        self.server.longest()
    }

    async fn claim(
        &self,
        now: Timestamp,
        until: Timestamp,
        most: usize,
    ) -> sqlx::Result<Vec<DueMail>> {
        store::claim(&self.pool, now, until, most).await
    }

    async fn hand_over(
        &self,
        open: &mut Option<Connection>,
        row: &DueMail,
    ) -> Result<TryOutcome, Outage> {
        match self.compose(row) {
            Ok(Some(mail)) => self.server.hand_over(open, &mail).await,
            Ok(None) => {
                let why = "what it was to tell is no longer there, or was redacted";
                Ok(TryOutcome::Permanent(why.to_owned()))
            }
            Err(error) => Ok(TryOutcome::Permanent(error.to_string())),
        }
    }

    async fn record(&self, id: Uuid, next: &MailOutcome, now: Timestamp) -> sqlx::Result<()> {
        store::record(&self.pool, id, next, now).await
    }

    async fn release(&self, ids: &[Uuid], now: Timestamp) -> sqlx::Result<()> {
        store::release(&self.pool, ids, now).await
    }
}
