//! Who may look: whoever shows the secret, as a program with each request, as a person once for a
//! session. Kept in memory: after a restart everybody signs in again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use operator::secret::new_password;
use sha2::{Digest, Sha256};
use url::Url;

/// Shorter ones could be guessed in spite of the limit on tries.
const SHORTEST: usize = 16;
/// How long somebody stays signed in.
const SESSION: Duration = Duration::from_hours(12);
/// Sessions at a time; the oldest makes room.
const SESSIONS: usize = 1_000;
/// Wrong secrets within [`PAUSE`], from one address and from all.
const TRIES: u32 = 10;
const TRIES_OF_ALL: u32 = 100;
/// After how long wrong secrets are forgotten.
pub const PAUSE: Duration = Duration::from_mins(1);

/// What became of a try to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    Right,
    Wrong,
    /// Too many were wrong: this one was not even looked at.
    TooMany,
}

pub struct Access {
    secret: Option<[u8; 32]>,
    /// The origin that browsers reach it by, where it is given.
    origin: Option<String>,
    sessions: Mutex<HashMap<[u8; 32], Instant>>,
    wrong: Mutex<Wrong>,
}

#[derive(Default)]
struct Wrong {
    since: Option<Instant>,
    all: u32,
    by_place: HashMap<IpAddr, u32>,
}

impl Access {
    /// Access by a secret, or without one.
    ///
    /// # Errors
    /// When the secret is too short, or `url` is no address of a web page.
    pub fn new(secret: Option<&str>, url: Option<&str>) -> anyhow::Result<Self> {
        if let Some(secret) = secret {
            let length = secret.chars().count();
            ensure!(
                length >= SHORTEST,
                "the console's secret has {length} characters: it needs at least {SHORTEST}"
            );
        }
        let origin = url.map(|url| {
            let read = Url::parse(url).ok().filter(|it| ["http", "https"].contains(&it.scheme()));
            let read =
                read.with_context(|| format!("--console-url {url} is no http(s) address"))?;
            anyhow::Ok(read.origin().ascii_serialization())
        });
        Ok(Self {
            secret: secret.map(hash),
            origin: origin.transpose()?,
            sessions: Mutex::default(),
            wrong: Mutex::default(),
        })
    }

    /// Whether anybody has to sign in.
    pub fn is_closed(&self) -> bool {
        self.secret.is_some()
    }

    pub fn is_https(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.starts_with("https:"))
    }

    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Holds a secret against ours; `place` is where it comes from.
    pub fn try_secret(&self, shown: &str, place: IpAddr, now: Instant) -> Tried {
        let mut wrong = locked(&self.wrong);
        if wrong.since.is_none_or(|since| now.duration_since(since) >= PAUSE) {
            *wrong = Wrong { since: Some(now), ..Wrong::default() };
        }
        let here = wrong.by_place.get(&place).copied().unwrap_or_default();
        if here >= TRIES || wrong.all >= TRIES_OF_ALL {
            return Tried::TooMany;
        }
        // Hashes are compared: how many of their bytes are alike says nothing about the secret.
        if self.secret == Some(hash(shown)) {
            return Tried::Right;
        }
        wrong.all += 1;
        *wrong.by_place.entry(place).or_default() += 1;
        Tried::Wrong
    }

    /// A new session; what its cookie holds.
    pub fn open(&self, now: Instant) -> String {
        let token = new_password();
        let mut sessions = locked(&self.sessions);
        sessions.retain(|_, since| now.duration_since(*since) < SESSION);
        if sessions.len() >= SESSIONS
            && let Some(oldest) =
                sessions.iter().min_by_key(|(_, since)| **since).map(|(hash, _)| *hash)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(hash(&token), now);
        token
    }

    pub fn is_open(&self, token: &str, now: Instant) -> bool {
        locked(&self.sessions)
            .get(&hash(token))
            .is_some_and(|since| now.duration_since(*since) < SESSION)
    }

    pub fn close(&self, token: &str) {
        locked(&self.sessions).remove(&hash(token));
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What another request left half done is one entry more or less.
fn locked<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of some length";

    fn place(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn whoever_guesses_pauses_and_nobody_else_does() {
        let access = Access::new(Some(SECRET), None).unwrap();
        let now = Instant::now();
        assert_eq!(access.try_secret(SECRET, place(1), now), Tried::Right);
        for _ in 0..TRIES {
            assert_eq!(access.try_secret("wrong", place(1), now), Tried::Wrong);
        }
        assert_eq!(access.try_secret(SECRET, place(1), now), Tried::TooMany);
        assert_eq!(access.try_secret(SECRET, place(2), now), Tried::Right);
        assert_eq!(access.try_secret(SECRET, place(1), now + PAUSE), Tried::Right);
    }

    #[test]
    fn many_places_that_guess_pause_together() {
        let access = Access::new(Some(SECRET), None).unwrap();
        let now = Instant::now();
        for try_number in 0..TRIES_OF_ALL {
            let place = place(u8::try_from(try_number / TRIES).unwrap());
            assert_eq!(access.try_secret("wrong", place, now), Tried::Wrong);
        }
        assert_eq!(access.try_secret(SECRET, place(200), now), Tried::TooMany);
    }

    #[test]
    fn a_session_ends_by_itself_and_by_its_person() {
        let access = Access::new(Some(SECRET), None).unwrap();
        let now = Instant::now();
        let (one, other) = (access.open(now), access.open(now));
        assert!(access.is_open(&one, now) && access.is_open(&other, now));
        access.close(&one);
        assert!(!access.is_open(&one, now) && access.is_open(&other, now));
        assert!(!access.is_open(&other, now + SESSION) && !access.is_open("", now));
    }

    #[test]
    fn sessions_do_not_grow_without_end() {
        let access = Access::new(Some(SECRET), None).unwrap();
        let now = Instant::now();
        let first = access.open(now);
        for second in 1..=SESSIONS {
            access.open(now + Duration::from_secs(second as u64));
        }
        assert!(!access.is_open(&first, now), "the oldest makes room");
    }

    #[test]
    fn what_cannot_protect_is_refused() {
        assert!(Access::new(Some("short"), None).is_err());
        assert!(Access::new(None, Some("ftp://console")).is_err());
        let access = Access::new(None, Some("https://console.example/any/path")).unwrap();
        assert_eq!(access.origin(), Some("https://console.example"));
        assert!(access.is_https() && !access.is_closed());
    }
}
