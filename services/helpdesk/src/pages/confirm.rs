//! What cannot be undone is asked once, on a page of its own, so that it is asked without script
//! too.

use askama::Template;
use axum::response::Response;
use web::{Failure, Page, Reader, SideGroup, Viewer};

use super::form::Sent;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// In a word or two, as a question.
    pub title: String,
    /// What it comes to.
    pub text: String,
    /// What the button says that does it.
    pub do_it: String,
    /// Where the form was sent, and is sent again.
    pub action: String,
    /// Where to go instead.
    pub back: Back,
    /// Of which section of the navigation it is.
    pub section: &'static str,
    /// Links beside it.
    pub side: Vec<SideGroup>,
}

impl Question {
    /// What is asked about `name`, by the texts `confirm.….what`; it goes back to the form that was
    /// sent, of tickets.
    pub fn of(viewer: &Viewer, what: &str, name: &str, action: String) -> Self {
        let say = |part: &str| {
            viewer.say_with(&format!("confirm.{part}.{what}"), &[("name", &name)]).into_owned()
        };
        Self {
            title: say("ask"),
            text: say("text"),
            do_it: say("do"),
            action,
            back: Back::ToForm,
            section: "tickets",
            side: Vec::new(),
        }
    }

    /// The same with another way back.
    pub fn back_to(self, path: impl Into<String>) -> Self {
        Self { back: Back::To(path.into()), ..self }
    }

    /// The same among the settings, with the links beside them.
    pub fn in_settings(self, side: Vec<SideGroup>) -> Self {
        Self { section: "settings", side, ..self }
    }
}

/// The way back.
#[derive(Clone, Debug)]
pub(super) enum Back {
    /// A page.
    To(String),
    /// The form that was sent, with what was typed in it.
    ToForm,
}

#[derive(Template)]
#[template(path = "sure.html")]
struct Confirm<'a> {
    t: &'a Reader,
    question: &'a Question,
    fields: &'a [(String, String)],
}

/// Whether it was asked and said.
pub(super) fn is_sure(sent: &Sent) -> bool {
    sent.one("sure") == Some("yes")
}

/// The page that asks. What was sent is sent again with the answer.
pub(super) fn ask(viewer: &Viewer, sent: &Sent, question: &Question) -> Result<Response, Failure> {
    let body = Confirm { t: viewer, question, fields: sent.fields() };
    Page::new(viewer, question.title.clone())
        .section(question.section)
        .side(question.side.clone())
        .class("main--form")
        .body(&body)
}
