//! The bridge to third-party systems, as pages ask it: how its calls go, and what is done about it.

use std::time::Duration;

use bootstrap::Secret;
use desk::calls::{CallAct, CallHealth};
use egress::header::AUTHORIZATION;
use egress::{
    Egress, HeaderValue, HttpCall, IpNet, Method, Ports, Response, SetupError, StatusCode,
};
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

/// How long a page waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the bridge is, as a section of an edge's file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BridgeConfig {
    /// Where its `pages.listen` is reached; empty: pages say nothing of calls.
    #[serde(deserialize_with = "base")]
    pub url: String,
    /// Its `pages.secret`.
    #[serde(deserialize_with = "Secret::of_door")]
    pub secret: Secret,
    secret_file: String,
}

fn base<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let is_web = |url: Url| ["http", "https"].contains(&url.scheme());
    if text.is_empty() || Url::parse(&text).is_ok_and(is_web) && !text.ends_with('/') {
        return Ok(text);
    }
    Err(de::Error::custom(
        "it must be an http or https address without a slash at its end, or empty",
    ))
}

/// What asks the bridge. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Bridge {
    egress: Egress,
    url: String,
    secret: Secret,
}

/// What the bridge says of an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Known(Box<CallHealth>),
    /// It has not heard of the agreement.
    Unknown,
    /// It does not answer.
    Nothing,
}

impl Bridge {
    /// Asks there; nothing where there is no bridge.
    ///
    /// # Errors
    /// No client can be made.
    pub fn open(config: &BridgeConfig) -> Result<Option<Self>, SetupError> {
        if config.url.is_empty() {
            return Ok(None);
        }
        // The operator gave the URL: it may lead inside, and nothing else is called.
        let all: Vec<IpNet> = vec![
            IpNet::new_assert([0, 0, 0, 0].into(), 0),
            IpNet::new_assert([0_u16; 8].into(), 0),
        ];
        let settings = egress::EgressSettings {
            allow: all.clone(),
            plain_http: all,
            ports: vec![Ports::all()],
            ..egress::EgressSettings::default()
        };
        let (url, secret) = (config.url.clone(), config.secret.clone());
        Ok(Some(Self { egress: Egress::new(settings)?, url, secret }))
    }

    /// How the calls of an agreement of this address go.
    pub(crate) async fn health(&self, address: &str, agreement: &str) -> Said {
        let path = format!("/pages/{address}/agreements/{agreement}");
        let Some(answer) = self.ask(Method::GET, &path).await else { return Said::Nothing };
        match answer.status() {
            StatusCode::OK => {
                let body = answer.collect().await.unwrap_or_default();
                serde_json::from_slice(&body)
                    .map_or(Said::Nothing, |known| Said::Known(Box::new(known)))
            }
            StatusCode::NOT_FOUND => Said::Unknown,
            status => {
                tracing::warn!(status = status.as_u16(), "the bridge does not tell how calls go");
                Said::Nothing
            }
        }
    }

    /// Has it done; whether it was.
    pub(crate) async fn act(&self, address: &str, agreement: &str, act: CallAct) -> bool {
        let path = format!("/pages/{address}/agreements/{agreement}/{}", act.word());
        let answer = self.ask(Method::POST, &path).await;
        answer.is_some_and(|answer| answer.status().is_success())
    }

    async fn ask(&self, method: Method, path: &str) -> Option<Response> {
        let shown = HeaderValue::from_str(&format!("Bearer {}", self.secret.reveal())).ok()?;
        let call = HttpCall::new(method, format!("{}{path}", self.url))
            .header(AUTHORIZATION, shown)
            .total_timeout(PATIENCE);
        match self.egress.send(call).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(cause = error.to_string(), "the bridge does not answer");
                None
            }
        }
    }
}
