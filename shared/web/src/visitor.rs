//! Whoever asks without a session: pages that people reach by a link, and how often they may try.

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use askama::Template;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use sqlx::PgPool;

use crate::failure::Failure;
use crate::page;
use crate::reader::Reader;
use crate::serve::Asked;
use crate::throttle::{MINUTES, Tries};

/// Whoever asks, known by nothing. An extractor; also of who is signed in, for pages that are the
/// same for both.
#[derive(Clone, Debug)]
pub struct Visitor {
    asked: Arc<Asked>,
    place: Option<IpAddr>,
}

impl Visitor {
    /// A page without navigation.
    ///
    /// # Errors
    /// The content cannot be made.
    pub fn page(
        &self,
        title: &str,
        status: StatusCode,
        content: &impl Template,
    ) -> Result<Response, Failure> {
        page::of_visitor(&self.asked, title, status, content)
    }

    /// Counts a try: for each of these, and for the place it comes from if that has a bound. Who
    /// has no more left is told to wait.
    ///
    /// # Errors
    /// [`Failure::TooMany`], or the database.
    pub async fn tries(
        &self,
        pool: &PgPool,
        counted: &[(&str, i32)],
        of_place: Option<i32>,
    ) -> Result<(), Failure> {
        let tries = Tries::named(counted, self.place, of_place);
        if tries.left(pool).await? == 0 {
            let text = self.say_with("visitor.paused", &[("minutes", &MINUTES)]);
            return Err(Failure::TooMany(text.into_owned()));
        }
        Ok(tries.count(pool).await?)
    }
}

impl Deref for Visitor {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.asked.reader
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let place = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Ok(Self { asked: Asked::of(&parts.extensions)?, place })
    }
}
