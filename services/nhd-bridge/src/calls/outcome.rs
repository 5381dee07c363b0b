//! A call is made, and what came of it kept.

use std::time::Duration;

use contracts::command::{AgreementDeactivate, AgreementDecline};
use contracts::delivery::{AgreementStatus, Side};
use contracts::{Actor, Message, Role};
use desk::outbox::accept_within;
use sqlx::PgConnection;
use uuid::Uuid;

use super::call::{Wanted, ask};
use super::wording::{Ended, Wording};
use super::{CallError, Calls};
use crate::rules::called::{CallKind, Made, Meaning, Shown, given_up, meaning, meaning_of_shown};
use crate::store::agreement::{self, AgreementRow};
use crate::store::call::{self as queue, CallRow};
use crate::store::health::{self, NewAttempt};
use crate::store::shared;

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
        let mut wording = Wording::of(agreement, kind);
        let token = format!("{}:{key}", agreement.uuid);
        loop {
            let Wording { media, may_change_media, sent_as, .. } = wording;
            let said = self.message(row, agreement, (kind, key), media).await?;
            let Some(mut said) = said else {
                let meaning = Meaning::Taken;
                return Ok(Ended { meaning, heard: None, media, as_open: false });
            };
            wording.put(&mut said);
            let wanted = Wanted {
                method: sent_as.method(),
                url: &format!("{}{}", agreement.partner_url, said.path),
                token: &token,
                media,
                body: said.body.as_ref(),
                timeout: self.settings.timeout,
            };
            let mut heard = ask(&self.egress, wanted.clone()).await;
            let failures = u32::try_from(row.failures).unwrap_or_default();
            let made = Made { kind: sent_as, failures, was_begun: row.was_begun, may_change_media };
            let mut meaning = meaning(made, heard.answered);
            if meaning == Meaning::ReadBack {
                let (shown, why) = self.read_back(agreement, wanted, kind).await;
                meaning = meaning_of_shown(made, shown);
                heard.reason = heard.reason.map(|reason| format!("{reason}; {why}"));
            }
            if let Some(ended) = wording.after(&said, meaning, heard) {
                return Ok(ended);
            }
        }
    }

    /// What the partner has of what it was sent: a success is what a read-back shows. The same for
    /// people.
    async fn read_back(
        &self,
        agreement: &AgreementRow,
        wanted: Wanted<'_>,
        kind: CallKind,
    ) -> (Shown, String) {
        let sent = wanted.body.and_then(|body| body["status"].as_str());
        let uuid = wanted.url.rsplit('/').next().unwrap_or_default();
        let question = Wanted { method: "GET", body: None, ..wanted.clone() };
        let heard = ask(&self.egress, question).await;
        let is_success = heard.status.is_some_and(|status| (200..300).contains(&status));
        let it = heard.json.as_ref().filter(|json| {
            let text = json["uuid"].as_str().unwrap_or_default();
            text.eq_ignore_ascii_case(uuid) || text.eq_ignore_ascii_case(&agreement.uuid)
        });
        let Some(it) = it.filter(|_| is_success) else {
            let is_gone = kind == CallKind::Unshare && heard.status == Some(404);
            let why = heard.reason.unwrap_or_else(|| "nothing that can be read".to_owned());
            let shown = if is_gone { Shown::Done } else { Shown::Nothing };
            return (shown, format!("read back: {why}"));
        };
        let status = it["status"].as_str();
        let shown = Shown::there(kind, sent, status);
        (shown, format!("read back: it is there, {}", status.unwrap_or("without a status")))
    }

    async fn keep(
        &self,
        connection: &mut PgConnection,
        (row, kind): (&CallRow, CallKind),
        agreement: &AgreementRow,
        ended: Ended,
    ) -> sqlx::Result<()> {
        let Ended { mut meaning, heard, media, as_open } = ended;
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
                if as_open {
                    let (kind, position) = (CallKind::Update, row.position);
                    queue::enqueue(connection, &agreement.id, &row.ticket, kind, position).await?;
                }
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
