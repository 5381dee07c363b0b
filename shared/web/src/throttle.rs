//! How often somebody may try to sign in: counted for a login from one place, for a login from
//! everywhere and for a place, in the database, so that replicas count together.

use std::fmt::Write as _;
use std::net::IpAddr;

use sha2::{Digest, Sha256};
use sqlx::PgPool;

/// Minutes after which a count begins anew.
pub(crate) const MINUTES: i32 = 10;

/// What one try counts for, each with how many may fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tries(Vec<(String, i32)>);

/// Tries at one login from one place.
pub(crate) const HERE: i32 = 5;
/// At one login from anywhere: more, because whoever counts it up locks somebody else out.
const ANYWHERE: i32 = 50;
/// From one place, whatever the login: an office is one place.
const PLACE: i32 = 200;

impl Tries {
    /// Of a login (account's address and person's) from a place.
    pub fn of(account: &str, email: &str, place: Option<IpAddr>) -> Self {
        let login = format!("{}\n{}", account.to_lowercase(), email.to_lowercase());
        let here = place.map(network).unwrap_or_default();
        Self(vec![
            (hashed(&format!("here\n{login}\n{here}")), HERE),
            (hashed(&format!("login\n{login}")), ANYWHERE),
            (of_place(place), PLACE),
        ])
    }

    /// From a place, whatever is tried there.
    pub fn at(place: Option<IpAddr>) -> Self {
        Self(vec![(of_place(place), PLACE)])
    }

    /// Of other things by their names, and from a place if that has a bound.
    pub fn named(counted: &[(&str, i32)], place: Option<IpAddr>, of_place: Option<i32>) -> Self {
        let place = format!("visit\n{}", place.map(network).unwrap_or_default());
        let of_place = of_place.map(|most| (place.as_str(), most));
        let all = counted.iter().copied().chain(of_place);
        Self(all.map(|(what, most)| (hashed(what), most)).collect())
    }

    /// How many tries are left before it pauses.
    pub async fn left(&self, pool: &PgPool) -> sqlx::Result<i32> {
        let names: Vec<&str> = self.0.iter().map(|(counted, _)| counted.as_str()).collect();
        let rows: Vec<(String, i32)> = sqlx::query_as(
            "select counted, failures from web_failure
             where counted = any($1) and since > now() - make_interval(mins => $2)",
        )
        .bind(names)
        .bind(MINUTES)
        .fetch_all(pool)
        .await?;
        let left = self.0.iter().map(|(counted, most)| {
            let failed = rows.iter().find(|(known, _)| known == counted);
            most - failed.map_or(0, |(_, failures)| *failures)
        });
        Ok(left.min().unwrap_or(0).max(0))
    }

    /// Counts a try before it is made, so that many at once are counted too.
    pub async fn count(&self, pool: &PgPool) -> sqlx::Result<()> {
        let names: Vec<&str> = self.0.iter().map(|(counted, _)| counted.as_str()).collect();
        sqlx::query(
            "insert into web_failure (counted, failures)
             select counted, 1 from unnest($1::text[]) counted order by counted
             on conflict (counted) do update set
                 failures = case when web_failure.since > now() - make_interval(mins => $2)
                     then web_failure.failures + 1 else 1 end,
                 since = case when web_failure.since > now() - make_interval(mins => $2)
                     then web_failure.since else now() end",
        )
        .bind(names)
        .bind(MINUTES)
        .execute(pool)
        .await
        .map(drop)
    }

    /// It was right: what counted for this login begins anew, and the place gets its try back.
    pub async fn forget(&self, pool: &PgPool) -> sqlx::Result<()> {
        let names: Vec<&str> = self.0.iter().take(2).map(|(counted, _)| counted.as_str()).collect();
        sqlx::query("delete from web_failure where counted = any($1)")
            .bind(names)
            .execute(pool)
            .await?;
        Self(self.0.get(2..).unwrap_or_default().to_vec()).give_back(pool).await
    }

    /// It was right: each gets its try back.
    pub async fn give_back(&self, pool: &PgPool) -> sqlx::Result<()> {
        let names: Vec<&str> = self.0.iter().map(|(counted, _)| counted.as_str()).collect();
        sqlx::query("update web_failure set failures = failures - 1 where counted = any($1)")
            .bind(names)
            .execute(pool)
            .await
            .map(drop)
    }
}

fn of_place(place: Option<IpAddr>) -> String {
    hashed(&format!("place\n{}", place.map(network).unwrap_or_default()))
}

/// It must not be read off who tried what.
fn hashed(what: &str) -> String {
    let mut text = String::new();
    for byte in &Sha256::digest(what.as_bytes())[..16] {
        write!(text, "{byte:02x}").ok();
    }
    text
}

/// Of IPv6 the network of a subscriber: they have addresses without number.
fn network(place: IpAddr) -> String {
    match place.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_subscriber_is_one_place() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn a_login_is_counted_whatever_its_case_and_told_by_nothing() {
        let place = Some("192.0.2.1".parse().unwrap());
        let one = Tries::of("acme", "Jo@acme.example", place);
        assert_eq!(one, Tries::of("ACME", "jo@ACME.example", place));
        assert_ne!(one, Tries::of("globex", "jo@acme.example", place));
        assert!(!format!("{one:?}").contains("acme"), "{one:?}");
    }
}
