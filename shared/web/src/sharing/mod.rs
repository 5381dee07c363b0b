//! The Ticket sharing pages, for any account that an edge keeps. Only admins see them.

mod agreement;
mod calls;
mod decide;
mod doctor;
mod invite;
mod list;
mod rehearsal;
pub mod rules;
mod settings;
mod shares;
mod store;
mod story;

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use contracts::delivery::AgreementState;
use contracts::{Receipt, ReceiptOutcome};
use serde_json::Value;

use crate::bridge::Bridge;
use crate::failure::Failure;
use crate::live::EdgeDesk;
use crate::oidc::Oidc;
use crate::page::{Page, SideGroup};
use crate::viewer::Viewer;

/// What an edge is to these pages.
pub trait SharingEdge: Clone + Send + Sync + 'static {
    /// Its half of the contract.
    fn desk(&self) -> &EdgeDesk;

    /// What asks the bridge to third-party systems, where there is one.
    fn bridge(&self) -> Option<&Bridge> {
        None
    }

    /// What asks identity providers, where the operator allows them.
    fn oidc(&self) -> Option<&Oidc> {
        None
    }

    /// A page that stands beside the one of people, at `path`.
    fn beside_people<'a>(&self, _viewer: &'a Viewer, page: Page<'a>, _path: &str) -> Page<'a> {
        page
    }

    /// Its page of a ticket, where it has pages of tickets.
    fn ticket_path(&self, _number: &str) -> Option<String> {
        None
    }

    /// The newest tickets of the viewer's account, each as the contract's `SharedTicket`, for a
    /// rehearsal; none where the edge has no tickets.
    fn newest_tickets(
        &self,
        _viewer: &Viewer,
        _limit: usize,
    ) -> impl Future<Output = Result<Vec<Value>, Failure>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Notes what an admin did, where the edge keeps such notes: `what` is a key of its texts,
    /// `subject` what it was done to.
    fn note(
        &self,
        _viewer: &Viewer,
        _what: &'static str,
        _subject: &str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send {
        async { Ok(()) }
    }

    /// Links beside the pages: the edge's other settings.
    fn side(&self, _viewer: &Viewer) -> Vec<SideGroup> {
        Vec::new()
    }
}

/// How long a page waits for a command's receipt.
const WAIT: Duration = Duration::from_secs(5);
/// How long it then waits for what the account is told.
const SETTLE: Duration = Duration::from_secs(2);
const FORM_BYTES: usize = 16 * 1024;

/// The pages under `/sharing`. They need `/live` of [`live::router`](crate::live::router).
pub fn router<E: SharingEdge>(edge: E) -> Router {
    Router::new()
        .route("/sharing", get(list::page::<E>))
        .route("/sharing/opt-out", post(settings::save_opt_out::<E>))
        .route("/sharing/show-fields", post(settings::save_show_fields::<E>))
        .route("/sharing/invite", get(invite::form::<E>).post(invite::send::<E>))
        .route("/sharing/agreements/{id}", get(agreement::page::<E>))
        .route("/sharing/agreements/{id}/decide", post(decide::decide::<E>))
        .route("/sharing/agreements/{id}/deactivate", post(decide::deactivate::<E>))
        .route("/sharing/agreements/{id}/calls", post(calls::act::<E>))
        .route("/sharing/agreements/{id}/compare", post(doctor::compare::<E>))
        .route("/sharing/agreements/{id}/rehearse", post(rehearsal::rehearse::<E>))
        .route("/sharing/tickets", get(shares::page::<E>))
        .route("/sharing/tickets/{share}", get(story::page::<E>))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .with_state(edge)
}

/// A page of these.
fn framed<'a, E: SharingEdge>(edge: &E, viewer: &'a Viewer, title: impl Into<String>) -> Page<'a> {
    Page::new(viewer, title).section("sharing").side(edge.side(viewer)).live("/live")
}

/// Why the line refused it, and what to do, for people.
fn refusal(viewer: &Viewer, receipt: &Receipt) -> Option<String> {
    if receipt.outcome != ReceiptOutcome::Rejected {
        return None;
    }
    let reason = receipt.reason?;
    Some(format!("{}. {}", viewer.reason(reason), viewer.what_to_do(reason)))
}

/// Waits until the account was told that an agreement changed, but not for ever: the page that
/// follows shows what is known then.
async fn settled(
    desk: &EdgeDesk,
    account: &str,
    id: &str,
    before: Option<&AgreementState>,
) -> Result<(), Failure> {
    let mut waiting = desk.heads.wait(account);
    let deadline = tokio::time::Instant::now() + SETTLE;
    loop {
        let position = desk.position(account).await?;
        let known = store::agreement(&desk.pool, account, id).await?;
        if known.as_ref().map(|known| known.version) > before.map(|before| before.version) {
            return Ok(());
        }
        tokio::select! {
            () = waiting.beyond(position) => {}
            () = tokio::time::sleep_until(deadline) => return Ok(()),
            () = desk.shutdown.cancelled() => return Ok(()),
        }
    }
}
