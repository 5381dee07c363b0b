//! Where the services answer, and how they are asked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use contracts::topology::Service;
use timeline::{Target, Trail};
use ureq::Agent;
use ureq::http::StatusCode;
use url::{Url, form_urlencoded};

/// A little longer than a service takes to give up.
const LIMIT: Duration = Duration::from_secs(12);
/// Names in one question, at most; a service takes no more.
const NAMES: usize = 500;

/// The addresses of the services: any replica of each, written as
/// `share-dispatcher=http://host:9090,comment-sync=…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Services {
    addresses: BTreeMap<&'static str, Url>,
    /// What the services ask for, from who is not on their host.
    secret: Option<String>,
}

/// Text that is no list of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicesError(String);

/// A secret stands in it.
impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addresses.fmt(f)
    }
}

impl fmt::Display for ServicesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ServicesError {}

impl FromStr for Services {
    type Err = ServicesError;

    fn from_str(text: &str) -> Result<Self, ServicesError> {
        let mut addresses = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || {
                ServicesError(format!("{part:?} is not of the form comment-sync=http://host:9090"))
            };
            let (name, address) = part.split_once('=').ok_or_else(wrong)?;
            let service: Service = name
                .parse()
                .map_err(|_| ServicesError(format!("{name:?} is no service of Deskmesh")))?;
            let url = Url::parse(address)
                .ok()
                .filter(|url| url.scheme() == "http" && url.has_host())
                .ok_or_else(wrong)?;
            addresses.insert(service.name(), url);
        }
        Ok(Self { addresses, secret: None })
    }
}

impl Services {
    /// The same, asked with what `http.trace_secret` holds.
    #[must_use]
    pub fn with_secret(self, secret: String) -> Self {
        Self { secret: Some(secret), ..self }
    }

    /// Whether its address is given, and its host is known by name: a list of addresses may name
    /// edges that are not deployed.
    #[must_use]
    pub fn has(&self, service: Service) -> bool {
        let url = self.addresses.get(service.name());
        url.is_some_and(|url| url.socket_addrs(|| None).is_ok())
    }

    /// Asks one service. The error says what is wrong with which address.
    pub(super) fn ask(&self, service: Service, query: &str) -> Result<Trail, String> {
        let url = self.address(service, "/trace", Some(query))?;
        let (status, body) = read(&url, self.secret.as_deref(), LIMIT)?;
        if !status.is_success() {
            return Err(format!("{}: {status}: {}", url.authority(), body.trim()));
        }
        serde_json::from_str(&body)
            .map_err(|error| format!("{}: not a trail: {error}", url.authority()))
    }

    /// Reads a page of a service, whatever its status. The error says what is wrong with which
    /// address.
    ///
    /// # Errors
    /// When its address is not given, or it does not answer within `limit`.
    pub fn read(
        &self,
        service: Service,
        path: &str,
        limit: Duration,
    ) -> Result<(StatusCode, String), String> {
        read(&self.address(service, path, None)?, None, limit)
    }

    /// Where a service answers `path`.
    ///
    /// # Errors
    /// When its address is not given.
    pub fn address(
        &self,
        service: Service,
        path: &str,
        query: Option<&str>,
    ) -> Result<Url, String> {
        let mut url = self.addresses.get(service.name()).ok_or("its address is not given")?.clone();
        url.set_path(path);
        url.set_query(query);
        Ok(url)
    }
}

fn read(url: &Url, secret: Option<&str>, limit: Duration) -> Result<(StatusCode, String), String> {
    let failed = |error: ureq::Error| format!("{}: {error}", url.authority());
    let config =
        Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false).build();
    let agent: Agent = config.into();
    let mut request = agent.get(url.as_str());
    if let Some(secret) = secret {
        request = request.header("authorization", format!("Bearer {secret}"));
    }
    let mut response = request.call().map_err(failed)?;
    let body = response.body_mut().read_to_string().map_err(failed)?;
    Ok((response.status(), body))
}

/// The question about what a person asks for.
pub(super) fn of_target(target: &Target) -> String {
    let what = match target {
        Target::Ticket(_) => "ticket",
        Target::Share(_) => "share",
        Target::Agreement(_) => "agreement",
        Target::Message(_) => "message",
    };
    form_urlencoded::Serializer::new(String::new()).append_pair(what, target.name()).finish()
}

/// The question about names that belong together.
pub(super) fn of_names(names: &[String]) -> String {
    let pairs = names.iter().take(NAMES).map(|name| ("name", name));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_wrong_ones_named() {
        let services: Services =
            "share-dispatcher=http://127.0.0.1:1, comment-sync=http://host:2".parse().unwrap();
        assert_eq!(services.addresses.len(), 2);
        for wrong in ["share-dispatcher", "other=http://h", "notifier=ftp://h", "notifier=http://"]
        {
            assert!(wrong.parse::<Services>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_edge_whose_host_is_not_known_is_not_deployed() {
        // A label of more than 63 letters is no name: no server is asked for it.
        let nowhere = "x".repeat(64);
        let given = format!("gateway=http://127.0.0.1:1,nhd-bridge=http://{nowhere}:9090");
        let services: Services = given.parse().unwrap();
        let has = Service::EDGES.map(|edge| services.has(edge));
        assert_eq!(has, [true, false, false]);
    }

    #[test]
    fn what_is_asked_for_survives_the_query() {
        assert_eq!(of_target(&Target::Ticket("acme/a b&c".into())), "ticket=acme%2Fa+b%26c");
        assert_eq!(of_names(&["o:1".into(), "acme/1".into()]), "name=o%3A1&name=acme%2F1");
    }

    #[test]
    fn a_service_that_is_not_there_is_a_sentence() {
        let services: Services = "notifier=http://127.0.0.1:1".parse().unwrap();
        let cause = services.ask(Service::Notifier, "ticket=acme/1").unwrap_err();
        assert!(cause.starts_with("127.0.0.1:1"), "{cause}");
        assert_eq!(services.ask(Service::CommentSync, "").unwrap_err(), "its address is not given");
    }
}
