//! Signing in the first time, by a link.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::failure::{Failure, see_other};
use crate::html::Html;
use crate::page::bare;
use crate::people::{self, Linked};
use crate::reader::Reader;
use crate::role::StaffRole;
use crate::serve::{Asked, Web};
use crate::sign_in::{NewPassword, Wrong, with_cookie};
use crate::token::Token;
use crate::{password, session, views};

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage<'a> {
    reader: &'a Reader,
    linked: &'a Linked,
    text: Html,
    wrong: Option<Wrong>,
    shortest: usize,
    use_of: Use,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// To sign in and set a password.
    Password,
    /// To sign in, of admins whose organisation has no passwords here: so that somebody comes in
    /// when its provider is gone.
    SignIn,
    /// For nothing: their provider signs them in.
    Nothing,
}

impl Use {
    fn of(web: &Web, linked: &Linked) -> Self {
        match (linked.is_provider_required && web.oidc.is_some(), linked.role()) {
            (false, _) => Self::Password,
            (true, StaffRole::Admin) => Self::SignIn,
            (true, _) => Self::Nothing,
        }
    }

    /// The key of its text.
    fn text(self) -> &'static str {
        match self {
            Self::Password => "link.text",
            Self::SignIn => "link.text.sign_in",
            Self::Nothing => "link.text.provider",
        }
    }
}

impl<'a> LinkPage<'a> {
    fn has(&self, use_of: Use) -> bool {
        self.use_of == use_of
    }

    fn error(&self, input: &str) -> Option<&Html> {
        self.wrong.as_ref().and_then(|wrong| wrong.of(input))
    }

    fn of(reader: &'a Reader, linked: &'a Linked, use_of: Use) -> Self {
        let values: [(&str, &dyn std::fmt::Display); 2] =
            [("organisation", &linked.organisation), ("email", &linked.email)];
        let text = reader.html_with(use_of.text(), &values);
        Self { reader, linked, text, wrong: None, shortest: password::SHORTEST, use_of }
    }
}

/// Shows whose link it is, and changes nothing: mail programs follow links before people do.
pub(crate) async fn page(
    State(web): State<Web>,
    Extension(asked): Extension<Arc<Asked>>,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    let (_, linked) = linked(&web, &asked, &token).await?;
    let page = LinkPage::of(&asked.reader, &linked, Use::of(&web, &linked));
    bare(&asked, &asked.reader.say("link.title"), StatusCode::OK, &page)
}

async fn linked(web: &Web, asked: &Asked, token: &str) -> Result<(Token, Linked), Failure> {
    let gone = || Failure::Invalid(asked.reader.say("link.gone").into_owned());
    let token = Token::read(token).ok_or_else(gone)?;
    let linked = people::linked(&web.pool, &token).await?.ok_or_else(gone)?;
    Ok((token, linked))
}

pub(crate) async fn use_up(
    State(web): State<Web>,
    Extension(asked): Extension<Arc<Asked>>,
    Path(token): Path<String>,
    Form(given): Form<NewPassword>,
) -> Result<Response, Failure> {
    let (token, linked) = linked(&web, &asked, &token).await?;
    let use_of = Use::of(&web, &linked);
    let wrong = if use_of == Use::Password { given.wrong(&asked.reader) } else { None };
    if wrong.is_some() || use_of == Use::Nothing {
        let page = LinkPage { wrong, ..LinkPage::of(&asked.reader, &linked, use_of) };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return bare(&asked, &asked.reader.say("link.title"), status, &page);
    }
    let password = (use_of == Use::Password).then_some(given.password);
    let person = people::use_link(&web.pool, &token, password).await?;
    let gone = || Failure::Invalid(asked.reader.say("link.gone").into_owned());
    let session = session::start(&web.pool, person.ok_or_else(gone)?).await?;
    Ok(with_cookie(see_other(asked.site.home), session::cookie(&session)?))
}
