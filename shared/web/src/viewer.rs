//! Who is signed in.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use contracts::{AccountName, Actor};
use uuid::Uuid;

use crate::failure::Failure;
use crate::reader::Reader;
use crate::role::StaffRole;
use crate::serve::Asked;

/// Who is signed in, and how pages are shown to them. An extractor: without a session a page leads
/// to sign-in and back.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The account that the session is bound to.
    pub account: String,
    /// What partners invite.
    pub address: String,
    /// How the account calls itself.
    pub organisation: String,
    /// The person.
    pub person: Uuid,
    /// How the person is called.
    pub name: String,
    /// The person's address; it never leaves the account.
    pub email: String,
    /// What the person may do.
    pub role: StaffRole,
    pub(crate) session: Vec<u8>,
    /// How much the account had been told before the page was made.
    pub(crate) position: i64,
    /// Invites that wait for a decision, of an admin's account.
    pub(crate) invites: i64,
    pub(crate) reader: Reader,
    pub(crate) asked: Arc<Asked>,
}

impl Viewer {
    /// Refuses whoever has a lesser role.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], which says whom to ask.
    pub fn must_be(&self, role: StaffRole) -> Result<(), Failure> {
        if self.role >= role {
            return Ok(());
        }
        let key =
            if role == StaffRole::Admin { "failure.only_admins" } else { "failure.only_agents" };
        Err(Failure::Forbidden(self.say(key).into_owned()))
    }

    /// The account as the contract has it.
    ///
    /// # Errors
    /// It is none that the line knows.
    pub fn account_name(&self) -> Result<AccountName, Failure> {
        AccountName::new(self.account.as_str()).map_err(|error| Failure::internal(&error))
    }

    /// The person as commands name them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let role = match self.role {
            StaffRole::Admin => contracts::Role::Admin,
            StaffRole::Agent | StaffRole::LightAgent => contracts::Role::Agent,
        };
        let (id, name) = (self.person.to_string(), self.name.clone());
        Actor { id, name, role, email: None, phone: None }
    }
}

impl Deref for Viewer {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        if let Some(viewer) = parts.extensions.get::<Self>() {
            return Ok(viewer.clone());
        }
        // A part of a page is not replaced by the sign-in page.
        let is_part = parts.headers.contains_key("hx-request");
        if [Method::GET, Method::HEAD].contains(&parts.method) && !is_part {
            let back = parts.uri.path_and_query().map_or("/", |it| it.as_str());
            return Err(Failure::SignIn(crate::sign_in::path_and_back(back)));
        }
        Err(Failure::SignedOut)
    }
}
