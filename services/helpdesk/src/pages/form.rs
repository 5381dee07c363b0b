//! What a form sends.

use axum::extract::{Form, FromRequest, Request};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;
use web::Failure;

use crate::rules::name::is_name;

/// The fields of a form in their order; one of several values is there several times.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent(Vec<(String, String)>);

impl Sent {
    /// These fields, if a database takes them.
    pub fn of(fields: Vec<(String, String)>) -> Option<Self> {
        let has_nul =
            fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0'));
        (!has_nul).then_some(Self(fields))
    }

    /// The first value of a field.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same without blanks around it; nothing for an empty one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.one(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The same if it can be a name.
    pub fn name(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| is_name(text))
    }

    /// All its values.
    pub fn all(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.clone()).collect()
    }

    /// All of them.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0
    }

    /// The same with a field more for each of these values, in place of those it had.
    pub fn with_each<'a>(&self, name: &str, values: impl Iterator<Item = &'a str>) -> Self {
        let others = self.0.iter().filter(|(known, _)| known != name).cloned();
        Self(others.chain(values.map(|value| (name.to_owned(), value.to_owned()))).collect())
    }

    /// An id, or the absence of one that the form offers as a choice.
    pub fn id(&self, name: &str) -> Option<Uuid> {
        self.text(name).and_then(|id| Uuid::parse_str(id).ok())
    }
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, state)
            .await
            .map_err(IntoResponse::into_response)?;
        Self::of(fields).ok_or_else(|| Failure::Invalid(String::new()).into_response())
    }
}
