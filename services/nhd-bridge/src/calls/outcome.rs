//! A call is made, and what came of it kept.

use std::time::Duration;

use contracts::command::{AgreementDeactivate, AgreementDecline};
use contracts::delivery::{AgreementStatus, Side};
use contracts::{Actor, Message, Role};
use desk::outbox::accept_within;
use sqlx::PgConnection;
use uuid::Uuid;

use super::call::{Heard, Wanted, ask};
use super::message::{JSON, Message as Said, X_JSON};
use super::{CallError, Calls};
use crate::rules::called::{CallKind, Made, Meaning, Shown, given_up, meaning, meaning_of_shown};
use crate::store::agreement::{self, AgreementRow};
use crate::store::call::{self as queue, CallRow};
use crate::store::health::{self, NewAttempt};
use crate::store::shared;

/// What a call came to, in the end.
struct Ended {
    meaning: Meaning,
    heard: Option<Heard>,
    media: &'static str,
}

impl Calls {
    /// Makes one call and keeps what came of it.
    pub(super) async fn one(&self, row: CallRow, lease: Uuid) -> Result<(), CallError> {
        let kind = row.kind()?;
        let Some(agreement) = agreement::find(&self.pool, &row.agreement).await? else {
            return Ok(());
        };
        let key = self.keys.open(&agreement.id, &agreement.sealed_key)?;
        let ended = self.tried(&row, &agreement, kind, &key).await?;
        let mut transaction = self.pool.begin().await?;
        // The agreement first, then its ticket, then the call: as everywhere else.
        let called = agreement;
        let agreement = agreement::locked(&mut transaction, &called.id).await?;
        // The partner moved meanwhile: what was heard says nothing of where it is now.
        let Some(agreement) = agreement.filter(|now| now.partner_url == called.partner_url) else {
            drop(transaction);
            return Ok(queue::release(&self.pool, row.id, lease, Duration::ZERO).await?);
        };
        shared::locked(&mut transaction, &row.agreement, &row.ticket).await?;
        // Somebody else has it by now, if this took too long.
        if queue::is_held(&mut transaction, row.id, lease).await? {
            self.keep(&mut transaction, (&row, kind), &agreement, ended).await?;
            transaction.commit().await?;
            self.new_command.notify_one();
        }
        Ok(())
    }

    /// Calls, in other words where the partner asks for them.
    async fn tried(
        &self,
        row: &CallRow,
        agreement: &AgreementRow,
        kind: CallKind,
        key: &str,
    ) -> Result<Ended, CallError> {
        let mut media = if agreement.media.as_deref() == Some(X_JSON) { X_JSON } else { JSON };
        let mut may_change_media = agreement.media.is_none();
        let mut sent_as = kind;
        // What was answered to a share that may have been there already.
        let mut refused = None;
        let token = format!("{}:{key}", agreement.uuid);
        loop {
            let said = self.message(row, agreement, (kind, key), media).await?;
            let Some(Said { path, body }) = said else {
                return Ok(Ended { meaning: Meaning::Taken, heard: None, media });
            };
            let url = format!("{}{path}", agreement.partner_url);
            let wanted = Wanted {
                method: sent_as.method(),
                url: &url,
                token: &token,
                media,
                body: body.as_ref(),
                timeout: self.settings.timeout,
            };
            let heard = ask(&self.egress, wanted.clone()).await;
            let failures = u32::try_from(row.failures).unwrap_or_default();
            let made = Made { kind: sent_as, failures, was_begun: row.was_begun, may_change_media };
            match meaning(made, heard.answered) {
                Meaning::OtherMedia => {
                    (media, may_change_media) = (X_JSON, false);
                }
                Meaning::AsUpdate => (sent_as, refused) = (CallKind::Update, Some(heard)),
                // It was not there: it was refused for what it says.
                Meaning::UnknownTicket if refused.is_some() => {
                    return Ok(Ended { meaning: Meaning::Refused, heard: refused, media });
                }
                Meaning::ReadBack => {
                    let shown = self.read_back(agreement, wanted, kind).await;
                    let meaning = meaning_of_shown(made, shown);
                    if meaning != Meaning::OtherMedia {
                        return Ok(Ended { meaning, heard: Some(heard), media });
                    }
                    (media, may_change_media) = (X_JSON, false);
                }
                meaning => return Ok(Ended { meaning, heard: Some(heard), media }),
            }
        }
    }

    /// What the partner has of what it was sent: a success is what a read-back shows.
    async fn read_back(
        &self,
        agreement: &AgreementRow,
        wanted: Wanted<'_>,
        kind: CallKind,
    ) -> Shown {
        let sent = wanted.body.and_then(|body| body["status"].as_str());
        let uuid = wanted.url.rsplit('/').next().unwrap_or_default();
        let question = Wanted { method: "GET", body: None, ..wanted.clone() };
        let heard = ask(&self.egress, question).await;
        let is_success = heard.status.is_some_and(|status| (200..300).contains(&status));
        let it = heard.json.as_ref().filter(|json| {
            let text = json["uuid"].as_str().unwrap_or_default();
            text.eq_ignore_ascii_case(uuid) || text.eq_ignore_ascii_case(&agreement.uuid)
        });
        match it.filter(|_| is_success) {
            None if kind == CallKind::Unshare && heard.status == Some(404) => Shown::Done,
            None => Shown::Nothing,
            Some(it) => Shown::there(kind, sent, it["status"].as_str()),
        }
    }

    async fn keep(
        &self,
        connection: &mut PgConnection,
        (row, kind): (&CallRow, CallKind),
        agreement: &AgreementRow,
        ended: Ended,
    ) -> sqlx::Result<()> {
        let Ended { mut meaning, heard, media } = ended;
        let mut delay = None;
        if let Meaning::Again(asked) = meaning {
            let failures = u32::try_from(row.failures).unwrap_or_default().saturating_add(1);
            delay = self.settings.schedule.delay(failures, asked, fastrand::f64());
            if delay.is_none() {
                meaning = given_up(kind);
            }
        }
        let reason = heard.as_ref().and_then(|heard| heard.reason.as_deref());
        let why = reason.unwrap_or("it could not be sent");
        let is_taken = meaning == Meaning::Taken;
        match (meaning, delay) {
            (Meaning::Again(_), Some(delay)) => {
                queue::again(connection, row.id, delay).await?;
                health::failed(connection, &agreement.id, why, true).await?;
            }
            _ => queue::done(connection, row.id).await?,
        }
        match meaning {
            Meaning::Taken if heard.is_some() => {
                health::succeeded(connection, &agreement.id, Some(media)).await?;
                taken(connection, agreement, kind).await?;
            }
            Meaning::Over => {
                health::failed(connection, &agreement.id, why, false).await?;
                over(connection, agreement, why).await?;
            }
            Meaning::Refused => {
                health::failed(connection, &agreement.id, why, false).await?;
                if kind == CallKind::Share {
                    ended_there(connection, row).await?;
                }
            }
            Meaning::UnknownTicket => {
                health::failed(connection, &agreement.id, why, false).await?;
                ended_there(connection, row).await?;
                queue::enqueue(connection, &agreement.id, "", CallKind::Prove, None).await?;
            }
            _ => {}
        }
        let Some(heard) = heard else { return Ok(()) };
        let outcome = word(meaning);
        metrics::counter!("deskmesh_nhd_calls_total", "kind" => kind.word(), "outcome" => outcome)
            .increment(1);
        metrics::histogram!("deskmesh_nhd_call_seconds").record(heard.duration.as_secs_f64());
        let new = NewAttempt {
            agreement: &agreement.id,
            account: &agreement.account,
            position: row.position,
            ticket: &row.ticket,
            kind: kind.word(),
            duration_ms: i32::try_from(heard.duration.as_millis()).unwrap_or(i32::MAX),
            outcome,
            status: heard.status.map(i32::from),
            reason: heard.reason.as_deref().filter(|_| !is_taken),
            answer: Some(heard.start.as_str()).filter(|text| !is_taken && !text.is_empty()),
        };
        health::attempt(connection, &new).await
    }
}

/// What a call came to, as it is shown.
fn word(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Taken => "taken",
        Meaning::Over => "over",
        Meaning::Refused => "refused",
        Meaning::UnknownTicket => "unknown_ticket",
        _ => "failed",
    }
}

/// The partner answered at its URL.
async fn taken(
    connection: &mut PgConnection,
    agreement: &AgreementRow,
    kind: CallKind,
) -> sqlx::Result<()> {
    let proves = matches!(kind, CallKind::Accept | CallKind::Prove);
    // It may have ended meanwhile.
    if proves && agreement.status() == AgreementStatus::Accepted {
        agreement::proof(connection, &agreement.id, "proven").await?;
    }
    Ok(())
}

/// The partner has no such ticket: nothing more is called for it, and its changes are not taken.
async fn ended_there(connection: &mut PgConnection, row: &CallRow) -> sqlx::Result<()> {
    queue::drop_tickets(connection, &row.agreement, Some(&row.ticket)).await?;
    let held = shared::locked(connection, &row.agreement, &row.ticket).await?;
    let Some(held) = held else { return Ok(()) };
    shared::set_state(connection, &held.share_id, "refused").await
}

/// The partner wants nothing more of the agreement: it ends here too, and both sides are told why.
async fn over(
    connection: &mut PgConnection,
    agreement: &AgreementRow,
    why: &str,
) -> sqlx::Result<()> {
    agreement::proof(connection, &agreement.id, "refused").await?;
    queue::drop_tickets(connection, &agreement.id, None).await?;
    let never_began =
        agreement.partner_is() == Side::Receiver && agreement.status() == AgreementStatus::Pending;
    let (command_type, word) = if never_began {
        (AgreementDecline::NAME, "decline")
    } else {
        (AgreementDeactivate::NAME, "deactivate")
    };
    let name = format!("the bridge, because the partner answered: {why}");
    let name: String = name.chars().take(200).collect();
    let actor =
        Actor { id: "bridge".to_owned(), name, role: Role::Admin, email: None, phone: None };
    let request = agreement.decision(word, command_type, &actor)?;
    accept_within(connection, &request).await.map(drop)
}
