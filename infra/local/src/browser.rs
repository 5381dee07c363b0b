//! Somebody at an edge's pages, who signs in, sends forms and looks, as a browser without scripts
//! does.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use url::form_urlencoded::Serializer;

use crate::error::{Error, Result};
use crate::wait;

/// How long a page, and what is waited for on it, may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Somebody at an edge's pages.
#[derive(Clone, Debug)]
pub struct Browser {
    agent: Agent,
    url: String,
    cookie: String,
}

/// What a page answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Where it leads on to.
    pub location: String,
    /// The page.
    pub page: String,
}

impl Browser {
    /// Nobody in particular yet; `authority` is whom to trust, in PEM, where pages have TLS.
    #[must_use]
    pub fn open(url: &str, authority: Option<&[u8]>) -> Self {
        let certificates: Vec<Certificate<'static>> =
            ureq::tls::parse_pem(authority.unwrap_or(b""))
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from(certificates))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let agent: Agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        Self { agent, url: url.to_owned(), cookie: String::new() }
    }

    /// Uses a sign-in link, which sets the password.
    ///
    /// # Errors
    /// When the link does not work.
    pub fn sign_in_first(&mut self, link: &str, password: &str) -> Result<()> {
        let path = link.strip_prefix(&self.url).unwrap_or(link).to_owned();
        self.post(&path, &[("password", password), ("again", password)]).map(drop)
    }

    /// Looks at a page.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&self, path: &str) -> Result<Answer> {
        let request = self
            .agent
            .get(format!("{}{path}", self.url))
            .header("cookie", &self.cookie)
            .header("accept-language", "en");
        let response = request.call().map_err(|error| self.unexpected(path, &error.to_string()))?;
        self.answer(path, response)
    }

    /// Sends a form, whatever the answer is.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(&mut self, path: &str, form: &[(&str, &str)]) -> Result<Answer> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("origin", &self.url)
            .header("cookie", &self.cookie)
            .header("accept-language", "en")
            .header("content-type", "application/x-www-form-urlencoded");
        let response =
            request.send(body).map_err(|error| self.unexpected(path, &error.to_string()))?;
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap_or_default();
            cookie.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        }
        self.answer(path, response)
    }

    /// Sends a form that is taken; the page, or nothing where it leads on to another.
    ///
    /// # Errors
    /// When it is not taken, with what the page says.
    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Result<String> {
        let Answer { status, page, .. } = self.send(path, form)?;
        if [200, 303].contains(&status) {
            return Ok(page);
        }
        Err(self.unexpected(path, &format!("{status}: {page}")))
    }

    /// Waits until a page has this in it; the page.
    ///
    /// # Errors
    /// When it does not within half a minute, with what it has instead.
    pub fn shows(&self, path: &str, text: &str) -> Result<String> {
        wait::until(&format!("{text:?} on {path}"), LIMIT, || {
            let Answer { status, page, .. } = self.get(path)?;
            Ok(if page.contains(text) {
                ControlFlow::Break(page)
            } else {
                ControlFlow::Continue(format!("{status}: {page}"))
            })
        })
    }

    /// What stands between two texts of a page.
    ///
    /// # Errors
    /// When the page has them not.
    pub fn between(&self, path: &str, page: &str, before: &str, after: &str) -> Result<String> {
        let found = page.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        let found = found.map(|(found, _)| found.to_owned());
        found.ok_or_else(|| self.unexpected(path, &format!("{before:?} is not in {page}")))
    }

    fn answer(&self, path: &str, mut response: ureq::http::Response<ureq::Body>) -> Result<Answer> {
        let status = response.status().as_u16();
        let location = response.headers().get("location");
        let location = location.and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        let page = response.body_mut().read_to_string();
        let page = page.map_err(|error| self.unexpected(path, &error.to_string()))?;
        Ok(Answer { status, location, page })
    }

    fn unexpected(&self, path: &str, detail: &str) -> Error {
        let detail: String = detail.chars().take(4_000).collect();
        Error::Start { what: format!("using {}{path}", self.url), detail }
    }
}
