//! An edge's own door for the operator: accounts that it keeps, and their tokens.

use std::time::Duration;

use contracts::command::Admin;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ureq::Agent;

use crate::error::{Error, Result};

/// How long an edge may take: a registration goes through the whole line.
const LIMIT: Duration = Duration::from_secs(45);

/// Where an edge answers the operator, and what it wants to be shown.
#[derive(Clone)]
pub struct EdgeApi {
    /// Its address, `http://gateway.deskmesh.svc:8081`.
    pub url: String,
    /// The secret of its `operator.secret_file`.
    pub secret: String,
}

impl std::fmt::Debug for EdgeApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EdgeApi").field("url", &self.url).finish_non_exhaustive()
    }
}

/// An account that an edge keeps now.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Kept {
    /// Its name, `gateway-acme`.
    pub account: String,
    /// What partners invite, `acme`.
    pub address: String,
    /// Whether it was registered before.
    pub registered_already: bool,
    /// A token that was made for it.
    pub token: ToldToken,
    /// How its first admin signs in on the edge's pages, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,
}

/// A link by which somebody signs in once and sets a password, told once.
#[derive(Clone, Deserialize, Serialize)]
pub struct SignIn {
    /// By what they sign in from then on.
    pub email: String,
    /// The link.
    pub link: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

/// An account whose people an edge lets sign in.
#[derive(Clone, Deserialize, Serialize)]
pub struct KeptForPeople {
    /// Its name, `helpdesk-acme`.
    pub account: String,
    /// What partners invite, `acme`.
    pub address: String,
    /// Whether it was registered before.
    pub registered_already: bool,
    /// A link by which its first admin signs in once.
    pub sign_in: String,
}

impl std::fmt::Debug for KeptForPeople {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptForPeople").field("account", &self.account).finish_non_exhaustive()
    }
}

/// A token, told once.
#[derive(Clone, Deserialize, Serialize)]
pub struct ToldToken {
    /// By what it is revoked.
    pub id: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The token itself.
    pub secret: String,
}

impl std::fmt::Debug for ToldToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToldToken").field("id", &self.id).finish_non_exhaustive()
    }
}

impl EdgeApi {
    /// Has the edge register an account and make a token for it; again: a further token.
    ///
    /// # Errors
    /// The edge does not answer, or refuses: its own words.
    pub fn add(
        &self,
        account: &str,
        address: &str,
        display_name: Option<&str>,
        admins: &[Admin],
    ) -> Result<Kept> {
        self.post(account, address, display_name, admins)
    }

    /// Has the edge register an account and make a sign-in link for the first of its admins; again:
    /// a new link.
    ///
    /// # Errors
    /// The edge does not answer, or refuses: its own words.
    pub fn add_people(
        &self,
        account: &str,
        address: &str,
        display_name: Option<&str>,
        admins: &[Admin],
    ) -> Result<KeptForPeople> {
        self.post(account, address, display_name, admins)
    }

    fn post<T: DeserializeOwned>(
        &self,
        account: &str,
        address: &str,
        display_name: Option<&str>,
        admins: &[Admin],
    ) -> Result<T> {
        let wanted = json!({ "account": account, "address": address,
            "display_name": display_name, "admins": admins });
        let what = || format!("having {account} added at {}", self.url);
        let unexpected = |detail: String| Error::Unexpected { what: what(), detail };
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .build()
            .into();
        let mut response = agent
            .post(format!("{}/operator/accounts", self.url.trim_end_matches('/')))
            .header("Authorization", format!("Bearer {}", self.secret))
            .send_json(&wanted)
            .map_err(|error| unexpected(error.to_string()))?;
        let status = response.status().as_u16();
        let body: Value =
            response.body_mut().read_json().map_err(|error| unexpected(error.to_string()))?;
        if status != 201 {
            let detail = body["detail"].as_str().unwrap_or("no reason").to_owned();
            return Err(unexpected(format!("{status}: {detail}")));
        }
        serde_json::from_value(body).map_err(|error| unexpected(error.to_string()))
    }
}
