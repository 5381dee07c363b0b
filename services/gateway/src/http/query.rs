//! A request's query, refused in the API's own words.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Api;
use super::problem::Refusal;
use crate::rules::problem::{Problem, Why};

/// A query of this shape.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let query = Query::<T>::from_request_parts(parts, api).await;
        query.map(|Query(asked)| Self(asked)).map_err(|rejection| {
            let detail = format!("the query cannot be read: {}", rejection.body_text());
            Refusal(Problem::new(Why::Malformed, detail))
        })
    }
}
