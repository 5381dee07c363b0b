//! A request's query, refused in the API's own words.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer};

use super::Api;
use super::problem::Refusal;
use crate::rules::problem::{Problem, Why};

/// A whole number from one to another, as the document says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Between<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Between<LEAST, MOST> {
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Between<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(from)?;
        if (LEAST..=MOST).contains(&number) {
            return Ok(Self(number));
        }
        Err(de::Error::custom(format!("it must be {LEAST} to {MOST}, not {number}")))
    }
}

/// How many of a page are asked for, where nothing else is said.
const USUALLY: i64 = 50;
/// Of a page, at most.
pub(crate) const MOST: u64 = 200;
/// Seconds that a request may ask to wait, at most.
pub(crate) const LONGEST_WAIT: u64 = 60;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Paged {
    /// `next` of the page before.
    pub after: Option<String>,
    limit: Option<Between<1, MOST>>,
}

impl Paged {
    /// How many it may have.
    pub fn limit(&self) -> i64 {
        let asked = self.limit.and_then(|limit| i64::try_from(limit.get()).ok());
        asked.unwrap_or(USUALLY)
    }
}

/// A query of this shape.
#[derive(Debug)]
pub(crate) struct CheckedQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Api> for CheckedQuery<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let query = Query::<T>::from_request_parts(parts, api).await;
        query.map(|Query(asked)| Self(asked)).map_err(|rejection| {
            let detail = format!("the query cannot be read: {}", rejection.body_text());
            Refusal(Problem::new(Why::Malformed, detail))
        })
    }
}
