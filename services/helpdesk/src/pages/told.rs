//! Who else is told of a ticket's public replies, and the address of a placeholder.

use axum::extract::State;
use axum::response::Response;
use web::{Failure, StaffRole, Viewer};

use super::form::Sent;
use super::new::is_address;
use super::{Number, Pages, by, done, failure};
use crate::work::told::{self, NoAddress};

/// Adds a CC, or takes one away.
pub(super) async fn ccs(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let by = by(&viewer)?;
    let changed = if let Some(person) = sent.text("remove") {
        told::remove_cc(pages.pool(), &by, number, person).await
    } else {
        let email = sent.text("email").unwrap_or_default();
        if !is_address(email) {
            return Err(Failure::Invalid(viewer.say("cc.error").into_owned()));
        }
        let name = sent.name("name").unwrap_or(email);
        told::add_cc(pages.pool(), &by, number, (name, email)).await
    };
    changed
        .map_err(|error| failure(&viewer, error))?
        .map_err(|why| Failure::Conflict(viewer.say(no_address(why)).into_owned()))?;
    Ok(done(&pages, number, "said.saved"))
}

fn no_address(why: NoAddress) -> &'static str {
    match why {
        NoAddress::Partners => "cc.partners",
        NoAddress::TooMany => "cc.many",
    }
}

/// Gives the placeholder who asked an address.
pub(super) async fn address(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let email = sent.text("email").unwrap_or_default();
    if !is_address(email) {
        return Err(Failure::Invalid(viewer.say("cc.error").into_owned()));
    }
    told::give_address(pages.pool(), &by(&viewer)?, number, email)
        .await
        .map_err(|error| failure(&viewer, error))?
        .map_err(|why| Failure::Conflict(viewer.say(no_address(why)).into_owned()))?;
    Ok(done(&pages, number, "said.saved"))
}
