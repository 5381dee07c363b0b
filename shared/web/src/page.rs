//! A page: what stands around its content.

use std::borrow::Cow;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::assets;
use crate::failure::Failure;
use crate::html::Html;
use crate::lost::Lost;
use crate::reader::Reader;
use crate::serve::Asked;
use crate::viewer::Viewer;
use crate::{sign_in, views};

/// An entry of the top navigation.
#[derive(Clone, Debug)]
pub struct NavItem {
    section: &'static str,
    path: Cow<'static, str>,
    icon: &'static str,
    label: &'static str,
    /// What waits for somebody there: how many, and the key of what they are.
    waits: Option<(i64, &'static str)>,
}

impl NavItem {
    /// `section` is what [`Page::section`] names, `label` the key of its text.
    #[must_use]
    pub fn new(
        label: &'static str,
        section: &'static str,
        path: impl Into<Cow<'static, str>>,
        icon: &'static str,
    ) -> Self {
        Self { section, path: path.into(), icon, label, waits: None }
    }
}

/// The search in the top bar: asks `action?q=`.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Where it leads.
    pub action: &'static str,
    /// The key of its label.
    pub label: &'static str,
}

/// A group of links beside the content.
#[derive(Clone, Debug, Default)]
pub struct SideGroup {
    /// Its heading.
    pub title: String,
    /// Its links.
    pub links: Vec<SideLink>,
}

/// A link beside the content.
#[derive(Clone, Debug)]
pub struct SideLink {
    path: String,
    label: String,
    count: Option<(u64, bool)>,
    is_current: bool,
}

impl SideLink {
    /// A link.
    #[must_use]
    pub fn new(path: impl Into<String>, label: impl Into<String>) -> Self {
        Self { path: path.into(), label: label.into(), count: None, is_current: false }
    }

    /// With how many there are.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some((count, false));
        self
    }

    /// With how many wait for somebody: marked.
    #[must_use]
    pub fn waiting(mut self, count: u64) -> Self {
        self.count = Some((count, true));
        self
    }

    /// Marked as where the reader is, if `is_current`.
    #[must_use]
    pub fn current_if(mut self, is_current: bool) -> Self {
        self.is_current = is_current;
        self
    }
}

/// What stands around a page's content.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    viewer: &'a Viewer,
    title: String,
    section: &'static str,
    crumbs: Vec<(String, String)>,
    side: Vec<SideGroup>,
    class: &'static str,
    live: Option<String>,
    renewed: Option<Renewed>,
    status: StatusCode,
}

/// What of a page is looked at again, where.
#[derive(Clone, Debug)]
struct Renewed {
    path: String,
    parts: String,
}

/// Parts of the frame that change as a page's own do.
const FRAME_PARTS: [&str; 2] = ["#topnav", "#side"];

impl<'a> Page<'a> {
    /// A page of somebody who is signed in.
    #[must_use]
    pub fn new(viewer: &'a Viewer, title: impl Into<String>) -> Self {
        Self {
            viewer,
            title: title.into(),
            section: "",
            crumbs: Vec::new(),
            side: Vec::new(),
            class: "",
            live: None,
            renewed: None,
            status: StatusCode::OK,
        }
    }

    /// Which entry of the top navigation it belongs to.
    #[must_use]
    pub fn section(mut self, section: &'static str) -> Self {
        self.section = section;
        self
    }

    /// A page above this one; the outermost first. The page itself comes last by its title.
    #[must_use]
    pub fn crumb(mut self, path: impl Into<String>, label: impl Into<String>) -> Self {
        self.crumbs.push((path.into(), label.into()));
        self
    }

    /// Links beside the content.
    #[must_use]
    pub fn side(mut self, side: Vec<SideGroup>) -> Self {
        self.side = side;
        self
    }

    /// A class of `<main>`: `main--form`, `main--wide`.
    #[must_use]
    pub fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// The stream that tells the page when to look again (`/live`), from what the page was made of
    /// on: what is told between making the page and opening the stream is not missed.
    #[must_use]
    pub fn live(mut self, path: &str) -> Self {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.live = Some(format!("{path}{mark}after={}", self.viewer.position));
        self
    }

    /// The parts, each by its id, that are looked at again whenever the stream says so, all by one
    /// request to `path`, which is the page's own; with them what stands around the page.
    #[must_use]
    pub fn renews(mut self, path: impl Into<String>, parts: &[&str]) -> Self {
        let parts = FRAME_PARTS.iter().chain(parts);
        let parts = parts.map(|part| format!("{part}:outerMorph")).collect::<Vec<_>>().join(",");
        self.renewed = Some(Renewed { path: path.into(), parts });
        self
    }

    /// Another status than 200: 422 with a form that has errors, 409 with what changed.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The page with its content.
    ///
    /// # Errors
    /// The content cannot be made.
    pub fn body(self, content: &impl Template) -> Result<Response, Failure> {
        let content = content.render().map_err(|error| Failure::internal(&error))?;
        let frame = Frame {
            reader: &self.viewer.reader,
            site: &self.viewer.asked,
            viewer: Some(self.viewer),
            title: &self.title,
            section: self.section,
            crumbs: &self.crumbs,
            side: &self.side,
            class: self.class,
            live: self.live.as_deref(),
            renewed: self.renewed.as_ref(),
            said: self.viewer.asked.said(),
            content: Html::trusted(content),
        };
        frame.answer(self.status)
    }
}

/// A page without navigation, for whoever is not signed in: its content has a `<main>` of its own.
pub(crate) fn bare(
    asked: &Asked,
    title: &str,
    status: StatusCode,
    content: &impl Template,
) -> Result<Response, Failure> {
    let content = content.render().map_err(|error| Failure::internal(&error))?;
    let bare = Bare { reader: &asked.reader, title, content: Html::trusted(content) };
    html(status, bare.render())
}

/// A page of whoever is not signed in, with nothing but the brand above it.
pub(crate) fn of_visitor(
    asked: &Asked,
    title: &str,
    status: StatusCode,
    content: &impl Template,
) -> Result<Response, Failure> {
    let content = content.render().map_err(|error| Failure::internal(&error))?;
    let frame = Frame {
        reader: &asked.reader,
        site: asked,
        viewer: None,
        title,
        section: "",
        crumbs: &[],
        side: &[],
        class: "main--form",
        live: None,
        renewed: None,
        said: asked.said(),
        content: Html::trusted(content),
    };
    frame.answer(status)
}

/// A failure as a page: with navigation, if somebody is signed in.
pub(crate) fn of_failure(
    asked: &Asked,
    viewer: Option<&Viewer>,
    failure: &Failure,
    lost: &Lost,
) -> Result<Response, Failure> {
    let reader = &asked.reader;
    let status = failure.status();
    let word = match failure {
        Failure::Conflict(_) => "conflict",
        Failure::Forbidden(_) => "forbidden",
        Failure::Invalid(_) => "invalid",
        Failure::TooMany(_) => "too_many",
        Failure::Unavailable => "unavailable",
        Failure::NotFound => "not_found",
        Failure::SignedOut => "signed_out",
        Failure::Internal | Failure::SignIn(_) => "internal",
    };
    let title = reader.say(&format!("failure.{word}")).into_owned();
    let is_signed_out = *failure == Failure::SignedOut;
    let sign_in = sign_in::path_and_back(&lost.page);
    let content = FailurePage {
        title: &title,
        hint: &reader.say(&format!("failure.{word}.hint")),
        detail: failure.detail(),
        typed: if is_signed_out { &lost.typed } else { &[] },
        typed_title: &reader.say("failure.typed"),
        home: if is_signed_out { &sign_in } else { asked.site.home },
        back: &reader.say(if is_signed_out { "sign_in.title" } else { "failure.back" }),
    };
    let content = content.render().map_err(|error| Failure::internal(&error))?;
    let frame = Frame {
        reader,
        site: asked,
        viewer,
        title: &title,
        section: "",
        crumbs: &[],
        side: &[],
        class: "main--form",
        live: None,
        renewed: None,
        said: None,
        content: Html::trusted(content),
    };
    frame.answer(status)
}

#[derive(Template)]
#[template(path = "frame.html")]
struct Frame<'a> {
    reader: &'a Reader,
    site: &'a Asked,
    viewer: Option<&'a Viewer>,
    title: &'a str,
    section: &'static str,
    crumbs: &'a [(String, String)],
    side: &'a [SideGroup],
    class: &'a str,
    live: Option<&'a str>,
    renewed: Option<&'a Renewed>,
    said: Option<Html>,
    content: Html,
}

impl Frame<'_> {
    fn answer(&self, status: StatusCode) -> Result<Response, Failure> {
        html(status, self.render())
    }

    fn nav(&self) -> Vec<NavItem> {
        let Some(viewer) = self.viewer else { return Vec::new() };
        let mut nav = (self.site.site.nav)(viewer);
        for item in nav.iter_mut().filter(|item| item.section == "sharing") {
            item.waits = (viewer.invites > 0).then_some((viewer.invites, "frame.invites"));
        }
        nav
    }

    fn search(&self) -> Option<Search> {
        self.site.site.search.filter(|_| self.viewer.is_some())
    }
}

#[derive(Template)]
#[template(path = "bare.html")]
struct Bare<'a> {
    reader: &'a Reader,
    title: &'a str,
    content: Html,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    title: &'a str,
    hint: &'a str,
    detail: &'a str,
    typed: &'a [String],
    typed_title: &'a str,
    home: &'a str,
    back: &'a str,
}

fn html(status: StatusCode, markup: askama::Result<String>) -> Result<Response, Failure> {
    let markup = markup.map_err(|error| Failure::internal(&error))?;
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    Ok((status, [(CONTENT_TYPE, content_type)], markup).into_response())
}
