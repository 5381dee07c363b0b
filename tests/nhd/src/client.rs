//! A partner's client: one call, with the redirects that its dialect follows.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use crate::desk::PartnerCall;
use crate::dialect::verdict::{Next, next};
use crate::dialect::{Habits, Verdict, head};

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub location: Option<String>,
    pub body: String,
}

/// Makes calls; blocks.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient(Agent);

impl HttpClient {
    /// Trusts this authority, in PEM, and waits so long for an answer.
    pub fn new(authority: &str, timeout: Duration) -> Self {
        let certificates: Vec<Certificate<'static>> = ureq::tls::parse_pem(authority.as_bytes())
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from(certificates))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .build();
        Self(config.into())
    }

    /// Makes a call as a dialect does; every answer on the way, and what it came to.
    pub fn call(&self, habits: &Habits, call: &PartnerCall) -> (Verdict, Vec<Answer>) {
        let headers = head::headers(habits, &call.token, call.is_invite);
        let body = call.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut answers = Vec::new();
        let mut url = call.url.clone();
        loop {
            let answer = match self.ask(&call.method, &url, &headers, body.as_bytes()) {
                Ok(answer) => answer,
                Err(failed) => return (Verdict::Silent(failed.to_string()), answers),
            };
            let followed = u8::try_from(answers.len()).unwrap_or(u8::MAX);
            let step = next(habits, followed, answer.status, answer.location.as_deref());
            answers.push(answer);
            match step {
                Next::CallAt(there) => url = there,
                Next::End(verdict) => return (verdict, answers),
            }
        }
    }

    /// One request, whoever asks.
    pub fn ask(
        &self,
        method: &Method,
        url: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method.clone()).uri(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = match method {
            &Method::GET => self.0.run(request.body(())?)?,
            _ => self.0.run(request.body(body)?)?,
        };
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let (content_type, location) = (header("content-type"), header("location"));
        Ok(Answer {
            status: response.status().as_u16(),
            content_type: content_type.unwrap_or_default(),
            location,
            body: response.body_mut().read_to_string()?,
        })
    }
}
