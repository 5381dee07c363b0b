//! `RabbitMQ`'s management API: virtual hosts, users, rights, queues.

mod users;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::address::{self, segment};
use crate::error::{Error, Result};
use crate::wait;

pub use users::{KeyRow, PermissionRow, User};

/// Removing a virtual host full of quorum queues takes the broker several seconds.
const REQUEST_LIMIT: Duration = Duration::from_mins(1);
/// How long a queue that crashed may take to be back.
const RESTART_LIMIT: Duration = Duration::from_mins(1);

/// A client of the management API, logged in as the administrator of its address.
#[derive(Clone, Debug)]
pub struct Broker {
    agent: Agent,
    url: String,
}

/// How many messages a queue holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QueueDepth {
    /// The queue's name.
    pub name: String,
    /// Ready and unacknowledged messages. A quorum queue tells it with a delay, see
    /// [`Broker::queues`].
    #[serde(default)]
    pub messages: u64,
}

/// A queue, and who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QueueReading {
    /// The queue's name.
    pub name: String,
    /// Ready and unacknowledged messages.
    #[serde(default)]
    pub messages: u64,
    #[serde(default)]
    pub consumers: u64,
}

/// What a queue was declared with, and what the policies add to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QueueSettings {
    /// The queue's name.
    pub name: String,
    #[serde(default)]
    pub arguments: Value,
    /// What the policies that match it come to; `None` in the first seconds after it was declared.
    #[serde(default, rename = "effective_policy_definition")]
    pub policy: Option<Value>,
}

impl Broker {
    /// Makes a client; `management_url` carries user and password.
    #[must_use]
    pub fn new(management_url: &str) -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(REQUEST_LIMIT)).http_status_as_error(false);
        // Only then, because reading the system's certificates costs a moment.
        let config = if management_url.starts_with("https://") {
            config.tls_config(system_certificates())
        } else {
            config
        };
        Self { agent: config.build().into(), url: management_url.trim_end_matches('/').to_owned() }
    }

    /// Checks that the node is up and has no memory or disk alarm.
    ///
    /// # Errors
    /// When it does not answer, or answers with an alarm.
    pub fn check_alarms(&self) -> Result<()> {
        self.call("GET", "/health/checks/local-alarms", None).map(drop)
    }

    /// The versions of the broker and of Erlang below it.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn version(&self) -> Result<String> {
        let overview = self.call("GET", "/overview?disable_stats=true", None)?;
        let version = |of: &str| overview[of].as_str().unwrap_or("unknown").to_owned();
        Ok(format!("{} on Erlang {}", version("rabbitmq_version"), version("erlang_version")))
    }

    /// Creates a virtual host, if it is not there, and lets the administrator into it.
    ///
    /// # Errors
    /// When the broker refuses or does not answer, as all methods here.
    pub fn create_vhost(&self, vhost: &str) -> Result<()> {
        self.put(&format!("/vhosts/{}", segment(vhost)), &json!({}))?;
        let administrator = address::parse("MANAGEMENT_URL", &self.url)?;
        let administrator =
            if administrator.username().is_empty() { "guest" } else { administrator.username() };
        self.put_permissions(vhost, administrator, ".*", ".*", ".*")
    }

    /// Deletes a virtual host with all it holds; one that is not there is fine.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn delete_vhost(&self, vhost: &str) -> Result<()> {
        self.delete(&format!("/vhosts/{}", segment(vhost)))
    }

    /// Creates what `definitions` (`RabbitMQ`'s own format) has for a virtual host: policies,
    /// exchanges, queues and bindings.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn import_definitions(&self, vhost: &str, definitions: &Value) -> Result<()> {
        let mut part = serde_json::Map::new();
        for kind in ["policies", "exchanges", "queues", "bindings"] {
            let objects = definitions[kind].as_array().cloned().unwrap_or_default();
            part.insert(kind.to_owned(), objects.into_iter().map(without_vhost).collect());
        }
        self.load(&format!("/definitions/{}", segment(vhost)), vhost, &part.into())
    }

    /// Creates everything in `definitions`, users and rights as well, as a node does that loads the
    /// file when it starts. Those of one virtual host, which has to be there.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn load_definitions(&self, vhost: &str, definitions: &Value) -> Result<()> {
        self.load("/definitions", vhost, definitions)
    }

    fn load(&self, path: &str, vhost: &str, definitions: &Value) -> Result<()> {
        let before: BTreeSet<String> =
            self.queues(vhost)?.into_iter().map(|queue| queue.name).collect();
        declared(
            &format!("POST {path}"),
            || self.call("POST", path, Some(definitions)).map(drop),
            || {
                let after = self.queues(vhost)?.into_iter().map(|queue| queue.name);
                after
                    .filter(|queue| !before.contains(queue))
                    .try_for_each(|queue| self.delete_queue(vhost, &queue))
            },
        )
    }

    /// What a virtual host holds, in `RabbitMQ`'s own format: policies, exchanges, queues and
    /// bindings.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn definitions(&self, vhost: &str) -> Result<Value> {
        self.call("GET", &format!("/definitions/{}", segment(vhost)), None)
    }

    /// All queues of a virtual host with their settings.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn queue_settings(&self, vhost: &str) -> Result<Vec<QueueSettings>> {
        self.read(&format!(
            "/queues/{}?columns=name,arguments,effective_policy_definition",
            segment(vhost)
        ))
    }

    /// Declares a durable queue; one that is there with the same arguments is fine.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn declare_queue(&self, vhost: &str, queue: &str, arguments: &Value) -> Result<()> {
        let path = format!("/queues/{}/{}", segment(vhost), segment(queue));
        let queue_itself = json!({ "durable": true, "auto_delete": false, "arguments": arguments });
        declared(&format!("PUT {path}"), || self.put(&path, &queue_itself), || self.delete(&path))
    }

    /// Deletes a queue with its messages; one that is not there is fine.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn delete_queue(&self, vhost: &str, queue: &str) -> Result<()> {
        self.delete(&format!("/queues/{}/{}", segment(vhost), segment(queue)))
    }

    /// Sets a policy on the queues that match `pattern`; of several that match, the highest
    /// priority counts alone.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn put_policy(
        &self,
        vhost: &str,
        name: &str,
        pattern: &str,
        priority: u32,
        definition: &Value,
    ) -> Result<()> {
        let path = format!("/policies/{}/{}", segment(vhost), segment(name));
        let policy = json!({ "pattern": pattern, "apply-to": "queues", "priority": priority,
            "definition": definition });
        self.put(&path, &policy)
    }

    /// Takes a policy away; one that is not there is fine.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn delete_policy(&self, vhost: &str, name: &str) -> Result<()> {
        self.delete(&format!("/policies/{}/{}", segment(vhost), segment(name)))
    }

    /// Binds a queue to an exchange; a binding that is there is fine.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn bind(&self, vhost: &str, exchange: &str, queue: &str, key: &str) -> Result<()> {
        let path =
            format!("/bindings/{}/e/{}/q/{}", segment(vhost), segment(exchange), segment(queue));
        self.call("POST", &path, Some(&json!({ "routing_key": key, "arguments": {} }))).map(drop)
    }

    /// Takes a binding away; one that is not there is fine.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn unbind(&self, vhost: &str, exchange: &str, queue: &str, key: &str) -> Result<()> {
        let path =
            format!("/bindings/{}/e/{}/q/{}", segment(vhost), segment(exchange), segment(queue));
        let bindings = self.call("GET", &path, None)?;
        // The broker names a binding by a spelling of its own.
        let named = |binding: &&Value| binding["routing_key"] == key;
        let name = bindings
            .as_array()
            .and_then(|all| all.iter().find(named))
            .and_then(|binding| binding["properties_key"].as_str());
        name.map_or(Ok(()), |name| self.delete(&format!("{path}/{}", segment(name))))
    }

    /// The queues that `exchange` leads messages with exactly this binding key into.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn bound(&self, vhost: &str, exchange: &str, key: &str) -> Result<Vec<String>> {
        let path = format!("/exchanges/{}/{}/bindings/source", segment(vhost), segment(exchange));
        let bindings = self.call("GET", &path, None)?;
        let led = |binding: &&Value| {
            binding["routing_key"] == key && binding["destination_type"] == "queue"
        };
        let queue = |binding: &Value| binding["destination"].as_str().map(str::to_owned);
        Ok(bindings.as_array().into_iter().flatten().filter(led).filter_map(queue).collect())
    }

    /// All queues of a virtual host with their depth, which is up to five seconds old; a passive
    /// declare over AMQP tells it exactly.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn queues(&self, vhost: &str) -> Result<Vec<QueueDepth>> {
        let path =
            format!("/queues/{}?disable_stats=true&enable_queue_totals=true", segment(vhost));
        self.read(&path)
    }

    /// How many messages a queue holds, up to five seconds ago; `None` when there is no such queue.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn queue_depth(&self, vhost: &str, queue: &str) -> Result<Option<u64>> {
        Ok(self.queues(vhost)?.into_iter().find(|it| it.name == queue).map(|it| it.messages))
    }

    /// All queues of a virtual host with their depth and their consumers, up to five seconds ago.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn reading(&self, vhost: &str) -> Result<Vec<QueueReading>> {
        self.read(&format!("/queues/{}?columns=name,messages,consumers", segment(vhost)))
    }

    fn read<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.call("GET", path, None)?;
        T::deserialize(&answer).map_err(|unexpected| Error::Unexpected {
            what: format!("GET {path}"),
            detail: format!("{unexpected} in {answer}"),
        })
    }

    fn put(&self, path: &str, body: &Value) -> Result<()> {
        self.call("PUT", path, Some(body)).map(drop)
    }

    fn delete(&self, path: &str) -> Result<()> {
        match self.call("DELETE", path, None) {
            Err(Error::Refused { status: 404, .. }) => Ok(()),
            answered => answered.map(drop),
        }
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let request = format!("{method} {path}");
        let no_answer = |source: ureq::Error| Error::Management {
            request: request.clone(),
            source: Box::new(source),
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let sent = Request::builder()
            .method(method)
            .uri(format!("{}/api{path}", self.url))
            .header("content-type", "application/json")
            .body(body)
            .map_err(|invalid| no_answer(invalid.into()))?;
        let mut response = self.agent.run(sent).map_err(no_answer)?;
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(no_answer)?;
        if status.is_success() {
            // Most answers have no body at all.
            return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
        }
        Err(Error::Refused { request, status: status.as_u16(), body: text })
    }
}

/// TLS as the services have it to the broker: ring, and whom this machine trusts.
fn system_certificates() -> TlsConfig {
    let trusted = rustls_native_certs::load_native_certs().certs;
    let trusted: Vec<_> = trusted.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
    TlsConfig::builder()
        .root_certs(RootCerts::from(trusted))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

/// Declares queues, anew when one of them crashed over it; `undo` takes away what the declaration
/// left behind.
///
/// `RabbitMQ` 3.10 crashes a new quorum queue whose first tick comes before its first election is
/// over, as it may on a busy machine. The queue restarts by itself, without the configuration that
/// its declaration was about to give it.
fn declared(
    what: &str,
    declare: impl Fn() -> Result<()>,
    undo: impl Fn() -> Result<()>,
) -> Result<()> {
    wait::until(what, RESTART_LIMIT, || match declare() {
        Err(Error::Refused { body, .. }) if body.contains("gen_statem,call") => {
            undo()?;
            Ok(ControlFlow::Continue(body))
        }
        answered => answered.map(ControlFlow::Break),
    })
}

fn without_vhost(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("vhost");
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers one request a connection, with these statuses and bodies in turn; gives back the
    /// methods that were asked for.
    fn answering(
        answers: Vec<(&'static str, &'static str)>,
    ) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://guest:guest@{}", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let mut methods = Vec::new();
            for (status, body) in answers {
                let (mut connection, _) = listener.accept().unwrap();
                let mut read = Vec::new();
                while !(read.ends_with(b"}")
                    || read.starts_with(b"DELETE") && read.ends_with(b"\r\n\r\n"))
                {
                    let mut part = [0; 1024];
                    let length = connection.read(&mut part).unwrap();
                    read.extend_from_slice(&part[..length]);
                }
                methods.push(String::from_utf8_lossy(&read).split(' ').next().unwrap().to_owned());
                let length = body.len();
                write!(
                    connection,
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: \
                    close\r\n\r\n{body}"
                )
                .unwrap();
            }
            methods
        });
        (url, served)
    }

    #[test]
    fn a_queue_that_crashed_while_it_was_declared_is_declared_again() {
        let crash = concat!(
            r#"{"error":"bad_request","reason":"{{function_clause,"#,
            r#"[{rabbit_quorum_queue,handle_tick,[]}]},\n {gen_statem,call,[{a,b},30000]}}"}"#,
        );
        let (url, served) = answering(vec![
            ("400 Bad Request", crash),
            ("204 No Content", ""),
            ("201 Created", ""),
        ]);
        Broker::new(&url).declare_queue("vhost", "desk.acme", &json!({})).unwrap();
        assert_eq!(served.join().unwrap(), ["PUT", "DELETE", "PUT"]);
    }

    #[test]
    fn a_refusal_is_not_asked_about_again() {
        let refusal = concat!(
            r#"{"error":"bad_request","#,
            r#""reason":"inequivalent arg 'x-queue-type' for queue 'desk.acme'"}"#,
        );
        let (url, served) = answering(vec![("400 Bad Request", refusal)]);
        let refused = Broker::new(&url).declare_queue("vhost", "desk.acme", &json!({}));
        assert!(matches!(refused, Err(Error::Refused { status: 400, .. })), "{refused:?}");
        assert_eq!(served.join().unwrap(), ["PUT"]);
    }
}
