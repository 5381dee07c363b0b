//! Files that lie elsewhere are copied before the command that names them is sent: desks of other
//! organisations cannot log in where they lie, and a link into somebody's network is none.
//!
//! A command is answered once it is stored, however long its files take; so it is stored with what
//! is to be copied, and held. Whichever replica copies puts the link to the copy in the place of
//! the other one and lets the command go, in one transaction.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use egress::{Egress, HeaderValue, HttpCall, Redirects, Response, header};
use messaging::{cause, timeout};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::keep::{KeepError, StoredFile, Upload};
use crate::rules::capability::Capability;
use crate::rules::fetch::{FaultKind, FetchFault, RetryDecision, next, refused, unreachable};
use crate::rules::name;
use crate::store::copy::{self, Copied, CopyRow};
use crate::{Files, new_id, store};

/// How often is looked for what is due.
const LOOK: Duration = Duration::from_millis(200);
/// How long a database that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a copy is held by a replica that is silent; what one that died held goes on after it.
const LEASE: Duration = Duration::from_secs(30);
/// Copies of one replica at a time.
const AT_ONCE: usize = 32;
/// Copies that are taken at once, so that one account takes no more than a few.
const TAKEN: usize = 4;
/// Redirects that are followed, each held to the same rules as the link.
const REDIRECTS: u8 = 5;
/// How long a copy may take.
const LONGEST: Duration = Duration::from_mins(10);

/// How long a stop waits for the database.
const ENDING: Duration = Duration::from_secs(5);

/// What copies.
#[derive(Clone, Debug)]
struct Copying {
    files: Files,
    egress: Egress,
    new_command: Arc<Notify>,
    lease: Uuid,
}

/// Copies until it is told to stop, and tells `new_command` of each command that may be sent. Every
/// edge that accepts commands with [`crate::follow`] runs it; several replicas share the work.
///
/// # Errors
/// None: whatever fails is tried again.
pub async fn copy(
    files: Files,
    egress: Egress,
    new_command: Arc<Notify>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let copying = Copying { files, egress, new_command, lease: new_id() };
    let mut working = JoinSet::new();
    while !stop.is_cancelled() {
        let pause = match desk::turn(&stop, copying.turn(&mut working)).await {
            None => break,
            Some(Ok(())) => LOOK,
            Some(Err(error)) => {
                tracing::warn!(cause = cause(&error), "files cannot be copied; they wait");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = working.join_next(), if pause == LOOK => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    working.shutdown().await;
    let letting_go = copy::let_go(&copying.files.pool, copying.lease);
    if let Err(error) = timeout::database(ENDING, letting_go).await {
        tracing::warn!(cause = cause(&error), "files are held until their lease ends");
    }
    Ok(())
}

impl Copying {
    async fn turn(&self, working: &mut JoinSet<()>) -> sqlx::Result<()> {
        let free = AT_ONCE.saturating_sub(working.len()).min(TAKEN);
        if free == 0 {
            return Ok(());
        }
        let limit = i64::try_from(free).unwrap_or_default();
        for row in copy::claim(&self.files.pool, (self.lease, LEASE), limit).await? {
            let copying = self.clone();
            // A database that falls silent gives its place back as well.
            working.spawn(async move {
                tokio::time::timeout(LONGEST + LEASE, copying.one(row)).await.ok();
            });
        }
        Ok(())
    }

    async fn one(&self, row: CopyRow) {
        let ended = tokio::select! {
            ended = self.to_its_end(&row) => ended,
            never = self.hold(&row) => match never {},
        };
        match ended {
            Ok(()) => self.new_command.notify_one(),
            Err(error) => {
                // Nobody holds it any more: its lease ends, and it is copied again.
                tracing::warn!(cause = cause(&error), command = row.command, "a copy is not used");
            }
        }
    }

    async fn to_its_end(&self, row: &CopyRow) -> sqlx::Result<()> {
        match self.fetch(row).await {
            Ok(kept) => self.put_in_place(row, kept).await,
            Err(fault) => self.failed(row, &fault).await,
        }
    }

    /// Holds a copy for as long as it is worked on.
    async fn hold(&self, row: &CopyRow) -> Infallible {
        loop {
            tokio::time::sleep(LEASE / 5).await;
            let held = copy::renew(&self.files.pool, (row, self.lease), LEASE).await;
            if let Err(error) = held {
                tracing::warn!(cause = cause(&error), "a copy's lease could not be renewed");
            }
        }
    }

    async fn fetch(&self, row: &CopyRow) -> Result<StoredFile, FetchFault> {
        let call = HttpCall::get(row.url.as_str())
            .redirects(Redirects::anywhere(REDIRECTS))
            // It is the store that finds it too large, and says so.
            .answer_bytes(u64::MAX)
            .total_timeout(LONGEST);
        let answer = self.egress.send(call).await;
        let answer = answer.map_err(|error| unreachable(error.code(), error.to_string()))?;
        if answer.status() != egress::StatusCode::OK {
            return Err(refused(answer.status().as_u16()));
        }
        let upload = Upload {
            account: row.account.clone(),
            filename: row.filename.clone(),
            content_type: content_type(row, &answer),
            announced: answer.announced(),
            body: Body::from_stream(answer.into_stream()),
        };
        self.files.keep(upload).await.map_err(|error| self.not_kept(&error))
    }

    fn not_kept(&self, error: &KeepError) -> FetchFault {
        let settings = &self.files.settings;
        let fault =
            |code: &str, detail: String, kind| FetchFault { code: code.to_owned(), detail, kind };
        match error {
            KeepError::TooLarge => {
                let detail = format!("a file may have {} bytes", settings.file_bytes);
                fault("too_large", detail, FaultKind::Lasting)
            }
            KeepError::Quota => {
                let most = settings.account_bytes;
                let detail = format!("the account's files may take {most} bytes; delete some");
                fault("quota_exceeded", detail, FaultKind::Lasting)
            }
            KeepError::BrokeOff => {
                fault("broke_off", "the file did not arrive whole".to_owned(), FaultKind::Passing)
            }
            KeepError::Busy | KeepError::Chance | KeepError::Store(_) | KeepError::Database(_) => {
                tracing::warn!(cause = cause(error), "a file was not copied; it waits");
                fault("not_stored", "it cannot be kept now".to_owned(), FaultKind::Ours)
            }
        }
    }

    async fn put_in_place(&self, row: &CopyRow, kept: StoredFile) -> sqlx::Result<()> {
        let (pool, file) = (&self.files.pool, kept.file.id);
        let Some(capability) = Capability::of_url(&kept.url, &self.files.settings.origin) else {
            return Ok(());
        };
        let copied = Copied {
            file,
            url: kept.url,
            capability,
            content_type: kept.file.content_type,
            size: kept.size,
        };
        metrics::counter!("deskmesh_files_copied_total", "outcome" => "copied").increment(1);
        if !copy::copied(pool, (row, self.lease), copied).await? {
            store::give_up(pool, file).await?;
        }
        Ok(())
    }

    async fn failed(&self, row: &CopyRow, fault: &FetchFault) -> sqlx::Result<()> {
        let (pool, held) = (&self.files.pool, (row, self.lease));
        let before = u32::try_from(row.attempts).unwrap_or_default();
        let (outcome, kept) = match next(fault.kind, before) {
            RetryDecision::Again(delay) => {
                let counts = fault.kind != FaultKind::Ours;
                ("failed", copy::again(pool, held, (fault, counts), delay).await)
            }
            RetryDecision::GiveUp => ("given_up", copy::given_up(pool, held, fault).await),
        };
        metrics::counter!("deskmesh_files_copied_total", "outcome" => outcome).increment(1);
        kept
    }
}

/// What the account says that it is, or else the server that has it.
fn content_type(row: &CopyRow, answer: &Response) -> String {
    let said = row.content_type.as_deref().map(str::as_bytes);
    let told = answer.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    name::content_type(said.or(told))
}
