//! Custom fields.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use contracts::fields::{FieldOption, FieldType, TicketField};
use web::{Failure, Page, Reader, StaffRole, Viewer, see_other_said};

use super::side;
use crate::pages::confirm::{self, Question};
use crate::pages::form::Sent;
use crate::pages::{Choice, Pages, by, settle_failure};
use crate::rules::field::{TYPES, key_of};
use crate::store::field;
use crate::work::settings;

const HERE: &str = "/settings/fields";

#[derive(Template)]
#[template(path = "fields.html")]
struct List<'a> {
    t: &'a Reader,
    fields: Vec<Row>,
    types: Vec<Choice>,
    /// What was typed of a field that was not added.
    new: Typed,
}

/// What stands in a form of a field, and what is wrong with it.
#[derive(Default)]
struct Typed {
    title: String,
    /// One a line, `name = tag`.
    options: String,
    error: Option<String>,
}

struct Row {
    key: String,
    title: String,
    kind: String,
    has_options: bool,
    form: Typed,
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    show(&pages, &viewer, &Sent::default(), None).await
}

/// The forms, one of them as it was sent and with what is wrong with it.
async fn show(
    pages: &Pages,
    viewer: &Viewer,
    sent: &Sent,
    wrong: Option<Wrong>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let fields = field::list(&mut connection, &viewer.account).await?;
    let kind = |of: FieldType| viewer.say(&format!("type.{}", of.name())).into_owned();
    let error = wrong.map(|wrong| wrong.text(viewer));
    let status = error.as_ref().map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let typed = |key: &str| {
        let is_it = error.is_some() && sent.text("key").unwrap_or_default() == key;
        is_it.then(|| Typed {
            title: sent.one("title").unwrap_or_default().to_owned(),
            options: sent.one("options").unwrap_or_default().to_owned(),
            error: error.clone(),
        })
    };
    let row = |field: TicketField| Row {
        kind: kind(field.field_type),
        has_options: has_options(field.field_type),
        form: typed(&field.key).unwrap_or_else(|| Typed {
            title: field.title.clone(),
            options: lines(&field.options),
            error: None,
        }),
        key: field.key,
        title: field.title,
    };
    let chosen = sent.one("type").unwrap_or_default();
    let choice = |of: FieldType| Choice::new(of.name(), kind(of), of.name() == chosen);
    let body = List {
        t: viewer,
        fields: fields.into_iter().map(row).collect(),
        types: TYPES.into_iter().map(choice).collect(),
        new: typed("").unwrap_or_default(),
    };
    Page::new(viewer, viewer.say("settings.fields"))
        .section("settings")
        .side(side(viewer, HERE))
        .status(status)
        .body(&body)
}

fn has_options(of: FieldType) -> bool {
    [FieldType::Tagger, FieldType::Multiselect].contains(&of)
}

fn lines(options: &[FieldOption]) -> String {
    let line = |option: &FieldOption| format!("{} = {}", option.name, option.tag);
    options.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Why a field is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    /// It lacks a title or options.
    Lacks,
    /// Two of its options have this tag.
    Twice(String),
}

impl Wrong {
    fn text(&self, viewer: &Viewer) -> String {
        match self {
            Self::Lacks => viewer.say("fields.error").into_owned(),
            Self::Twice(tag) => viewer.say_with("fields.twice", &[("tag", tag)]).into_owned(),
        }
    }
}

/// Options as they are typed: one a line, its name, and after `=` its tag.
fn options(text: &str) -> Result<Vec<FieldOption>, Wrong> {
    let mut options: Vec<FieldOption> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, tag) = line.split_once('=').unwrap_or((line, line));
        let tag = key_of(tag.trim(), &[]);
        if options.iter().any(|option| option.tag == tag) {
            return Err(Wrong::Twice(tag));
        }
        options.push(FieldOption { name: name.trim().to_owned(), tag });
    }
    Ok(options)
}

/// The field that a form describes.
fn wanted(key: &str, field_type: FieldType, sent: &Sent) -> Result<TicketField, Wrong> {
    let title = sent.name("title").ok_or(Wrong::Lacks)?;
    let options = if has_options(field_type) {
        options(sent.one("options").unwrap_or_default())?
    } else {
        Vec::new()
    };
    if has_options(field_type) && options.is_empty() {
        return Err(Wrong::Lacks);
    }
    Ok(TicketField {
        key: key.to_owned(),
        title: title.to_owned(),
        field_type,
        options,
        pattern: None,
        pattern_checked: true,
    })
}

pub(in crate::pages) async fn save(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let mut connection = pages.pool().acquire().await?;
    let known = field::list(&mut connection, &viewer.account).await?;
    drop(connection);
    let key = sent.text("key").unwrap_or_default();
    let held = known.iter().find(|field| field.key == key);
    if !key.is_empty() && held.is_none() {
        return Err(Failure::NotFound);
    }
    let named = sent.one("type").and_then(|word| TYPES.into_iter().find(|it| it.name() == word));
    let field_type = held.map(|field| field.field_type).or(named).ok_or(Failure::NotFound)?;
    let wanted = match wanted(key, field_type, &sent) {
        Ok(wanted) => wanted,
        Err(wrong) => return show(&pages, &viewer, &sent, Some(wrong)).await,
    };
    settings::save_field(pages.pool(), &by(&viewer)?, wanted)
        .await
        .map_err(|error| settle_failure(&viewer, error))?;
    pages.sent();
    Ok(see_other_said(HERE, "said.saved"))
}

pub(in crate::pages) async fn delete(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(key): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    if !confirm::is_sure(&sent) {
        let mut connection = pages.pool().acquire().await?;
        let known = field::list(&mut connection, &viewer.account).await?;
        let field = known.iter().find(|field| field.key == key).ok_or(Failure::NotFound)?;
        let question =
            Question::of(&viewer, "delete_field", &field.title, format!("{HERE}/{key}/delete"))
                .back_to(HERE)
                .in_settings(side(&viewer, HERE));
        return confirm::ask(&viewer, &sent, &question);
    }
    let done = settings::delete_field(pages.pool(), &by(&viewer)?, &key)
        .await
        .map_err(|error| settle_failure(&viewer, error))?;
    if !done {
        return Err(Failure::NotFound);
    }
    pages.sent();
    Ok(see_other_said(HERE, "said.saved"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_lines_with_a_name_and_a_tag() {
        let read = options("LX-40 = lx_40\n\nLX 60\n").unwrap();
        let pairs: Vec<(&str, &str)> =
            read.iter().map(|option| (option.name.as_str(), option.tag.as_str())).collect();
        assert_eq!(pairs, [("LX-40", "lx_40"), ("LX 60", "lx_60")]);
        assert_eq!(options("LX-40\nAgain = lx_40"), Err(Wrong::Twice("lx_40".to_owned())));
    }
}
