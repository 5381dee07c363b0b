//! Custom fields.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use contracts::fields::{FieldOption, FieldType, TicketField};
use web::{Failure, Page, Reader, Role, Viewer, see_other_said};

use super::side;
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
}

struct Row {
    key: String,
    title: String,
    kind: String,
    has_options: bool,
    /// One a line, `name = tag`.
    options: String,
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(Role::Admin)?;
    let mut connection = pages.pool().acquire().await?;
    let fields = field::list(&mut connection, &viewer.account).await?;
    let kind = |of: FieldType| viewer.say(&format!("type.{}", of.name())).into_owned();
    let row = |field: TicketField| Row {
        kind: kind(field.field_type),
        has_options: has_options(field.field_type),
        options: field
            .options
            .iter()
            .map(|option| format!("{} = {}", option.name, option.tag))
            .collect::<Vec<_>>()
            .join("\n"),
        key: field.key,
        title: field.title,
    };
    let types = TYPES.into_iter().map(|of| Choice::new(of.name(), kind(of), false)).collect();
    let body = List { t: &viewer, fields: fields.into_iter().map(row).collect(), types };
    Page::new(&viewer, viewer.say("settings.fields"))
        .section("settings")
        .side(side(&viewer, HERE))
        .body(&body)
}

fn has_options(of: FieldType) -> bool {
    [FieldType::Tagger, FieldType::Multiselect].contains(&of)
}

/// Options as they are typed: one a line, its name, and after `=` its tag.
fn options(text: &str) -> Vec<FieldOption> {
    let mut options: Vec<FieldOption> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, tag) = line.split_once('=').unwrap_or((line, line));
        let tag = key_of(tag.trim(), &[]);
        if options.iter().all(|option| option.tag != tag) {
            options.push(FieldOption { name: name.trim().to_owned(), tag });
        }
    }
    options
}

pub(in crate::pages) async fn save(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(Role::Admin)?;
    let mut connection = pages.pool().acquire().await?;
    let known = field::list(&mut connection, &viewer.account).await?;
    drop(connection);
    let key = sent.text("key").unwrap_or_default();
    let held = known.iter().find(|field| field.key == key);
    if !key.is_empty() && held.is_none() {
        return Err(Failure::NotFound);
    }
    let title = sent.text("title").unwrap_or_default();
    let named = sent.one("type").and_then(|word| TYPES.into_iter().find(|it| it.name() == word));
    let field_type = held.map(|field| field.field_type).or(named).ok_or(Failure::NotFound)?;
    let wanted = TicketField {
        key: key.to_owned(),
        title: title.to_owned(),
        field_type,
        options: if has_options(field_type) {
            options(sent.one("options").unwrap_or_default())
        } else {
            Vec::new()
        },
        pattern: None,
        pattern_checked: true,
    };
    let lacks = has_options(field_type) && wanted.options.is_empty();
    if title.is_empty() || title.chars().count() > 100 || lacks {
        return Err(Failure::Invalid(viewer.say("fields.error").into_owned()));
    }
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
) -> Result<Response, Failure> {
    viewer.must_be(Role::Admin)?;
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
        let read = options("LX-40 = lx_40\n\nLX 60\nAgain = lx_40\n");
        let pairs: Vec<(&str, &str)> =
            read.iter().map(|option| (option.name.as_str(), option.tag.as_str())).collect();
        assert_eq!(pairs, [("LX-40", "lx_40"), ("LX 60", "lx_60")]);
    }
}
