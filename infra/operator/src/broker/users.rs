//! Users of the broker: what they may do, and who is logged in.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Broker, segment};
use crate::error::{Error, Result};
use crate::wait;

/// The management API tells of a new connection up to five seconds late.
const CONNECTIONS_KNOWN: Duration = Duration::from_secs(6);
/// How long the broker may take to close connections.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// A user as the broker keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    pub name: String,
    /// What it is beyond an ordinary user, as `administrator`: nothing, for an account.
    #[serde(default)]
    pub tags: Vec<String>,
    password_hash: String,
    hashing_algorithm: String,
}

/// What a user may configure, write and read in a virtual host, as regular expressions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PermissionRow {
    /// The virtual host.
    pub vhost: String,
    /// What it may declare and delete.
    pub configure: String,
    /// What it may publish to.
    pub write: String,
    /// What it may consume.
    pub read: String,
}

/// Which keys a user may write to a topic exchange, and bind from it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeyRow {
    /// The virtual host.
    pub vhost: String,
    pub exchange: String,
    /// The keys it may publish with.
    pub write: String,
    /// The keys it may bind with.
    pub read: String,
}

impl Broker {
    /// Creates a user, or changes its password and tags.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn put_user(&self, user: &str, password: &str, tags: &str) -> Result<()> {
        let (path, body) =
            (format!("/users/{}", segment(user)), json!({ "password": password, "tags": tags }));
        match self.put(&path, &body) {
            // Somebody else was making the same user at the same moment: now it is there to be
            // changed.
            Err(Error::Refused { status: 400, body: answer, .. })
                if answer.contains("user_already_exists") =>
            {
                self.put(&path, &body)
            }
            answered => answered,
        }
    }

    /// Deletes a user; one that is not there is fine.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn delete_user(&self, user: &str) -> Result<()> {
        self.delete(&format!("/users/{}", segment(user)))
    }

    /// Sets what a user may configure, write and read in a virtual host, as regular expressions.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn put_permissions(
        &self,
        vhost: &str,
        user: &str,
        configure: &str,
        write: &str,
        read: &str,
    ) -> Result<()> {
        let path = format!("/permissions/{}/{}", segment(vhost), segment(user));
        self.put(&path, &json!({ "configure": configure, "write": write, "read": read }))
    }

    /// Sets which keys a user may write to and bind from a topic exchange, as regular expressions.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn put_topic_permission(
        &self,
        vhost: &str,
        user: &str,
        exchange: &str,
        write: &str,
        read: &str,
    ) -> Result<()> {
        let path = format!("/topic-permissions/{}/{}", segment(vhost), segment(user));
        self.put(&path, &json!({ "exchange": exchange, "write": write, "read": read }))
    }

    /// The keys that a user may write to a topic exchange; `None` when nothing is set.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn topic_write_permission(
        &self,
        vhost: &str,
        user: &str,
        exchange: &str,
    ) -> Result<Option<String>> {
        let path = format!("/topic-permissions/{}/{}", segment(vhost), segment(user));
        let rows = match self.call("GET", &path, None) {
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            answered => answered?,
        };
        let rows = rows.as_array().cloned().unwrap_or_default();
        let row = rows.iter().find(|row| row["exchange"] == exchange);
        Ok(row.and_then(|row| row["write"].as_str()).map(str::to_owned))
    }

    /// Limits a user: `limit` is `max-connections` or `max-channels`.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn put_user_limit(&self, user: &str, limit: &str, value: u32) -> Result<()> {
        self.put(
            &format!("/user-limits/{}/{}", segment(user), segment(limit)),
            &json!({ "value": value }),
        )
    }

    /// The user of that name, if there is one.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn user(&self, user: &str) -> Result<Option<User>> {
        match self.read(&format!("/users/{}", segment(user))) {
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            answered => answered.map(Some),
        }
    }

    /// The names of the users that may do anything in a virtual host.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn users_in(&self, vhost: &str) -> Result<Vec<String>> {
        let rows: Vec<Value> = self.read(&format!("/vhosts/{}/permissions", segment(vhost)))?;
        Ok(rows.iter().filter_map(|row| row["user"].as_str()).map(str::to_owned).collect())
    }

    /// Takes all tags from a user, and leaves its password.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn untag_user(&self, user: &User) -> Result<()> {
        let body = json!({ "password_hash": user.password_hash,
            "hashing_algorithm": user.hashing_algorithm, "tags": "" });
        self.put(&format!("/users/{}", segment(&user.name)), &body)
    }

    /// What a user may do, in every virtual host.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn permissions(&self, user: &str) -> Result<Vec<PermissionRow>> {
        self.read(&format!("/users/{}/permissions", segment(user)))
    }

    /// Which keys a user may use, in every virtual host.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn key_rows(&self, user: &str) -> Result<Vec<KeyRow>> {
        self.read(&format!("/users/{}/topic-permissions", segment(user)))
    }

    /// What a user may hold open at a time, as `max-connections` 20.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn user_limits(&self, user: &str) -> Result<Vec<(String, u64)>> {
        let rows = self.call("GET", &format!("/user-limits/{}", segment(user)), None)?;
        let limits = rows[0]["value"].as_object().cloned().unwrap_or_default();
        Ok(limits
            .into_iter()
            .filter_map(|(name, value)| value.as_u64().map(|value| (name, value)))
            .collect())
    }

    /// The names of a user's connections; one that is younger than five seconds may be missing.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub fn connections(&self, user: &str) -> Result<Vec<String>> {
        let rows: Vec<Value> = self.read("/connections?columns=name,user")?;
        let of_user = rows.iter().filter(|row| row["user"] == user);
        Ok(of_user.filter_map(|row| row["name"].as_str()).map(str::to_owned).collect())
    }

    /// Closes all connections of a user, also those that the management API does not tell of yet.
    /// Names those that were seen.
    ///
    /// # Errors
    /// When the broker refuses or does not answer, or a connection does not end.
    pub fn close_connections(&self, user: &str) -> Result<BTreeSet<String>> {
        let begun = Instant::now();
        let mut closed = BTreeSet::new();
        wait::until(&format!("the connections of {user} closed"), CLOSE_LIMIT, || {
            let open = self.connections(user)?;
            let mut failed = None;
            for connection in &open {
                match self.delete(&format!("/connections/{}", segment(connection))) {
                    // The broker answers so for a connection that is ending by itself. If it is
                    // still there, the next round asks again.
                    Err(refused @ Error::Refused { status: 500, .. }) => failed = Some(refused),
                    answered => answered?,
                }
            }
            closed.extend(open.iter().cloned());
            let sure = begun.elapsed() > CONNECTIONS_KNOWN && open.is_empty();
            Ok(if sure {
                ControlFlow::Break(())
            } else {
                let last = failed.map(|it| format!("; {it}")).unwrap_or_default();
                ControlFlow::Continue(format!("{} open{last}", open.len()))
            })
        })?;
        Ok(closed)
    }
}
