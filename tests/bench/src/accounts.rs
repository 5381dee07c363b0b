//! The two sorts of accounts that updates are measured with: plain ones, which have as little as
//! there can be, and real ones, which have what desks have.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// Custom fields of a real account.
const FIELDS: usize = 150;
/// Of so many one is a drop-down.
const DROP_DOWN_EACH: usize = 3;
/// Options of a drop-down.
const OPTIONS: usize = 50;
/// Fields that a real ticket has a value in.
const SET: usize = 30;
/// Which of them an update changes; of text.
const CHANGED: usize = 1;
/// Characters of a real comment.
const TEXT_LENGTH: usize = 1_000;
/// Bytes of the same as HTML.
const HTML_LENGTH: usize = 2_048;

/// A comment of the usual length.
const TEXT: &str = "The seal is replaced and the pump runs again since this morning. Could you \
    please check the pressure on your side before the weekend, and tell us whether the second \
    valve still drips? We have ordered another one in any case, which arrives on Tuesday.";

static LONG_TEXT: LazyLock<String> =
    LazyLock::new(|| TEXT.chars().cycle().take(TEXT_LENGTH).collect());

static HTML: LazyLock<String> = LazyLock::new(|| {
    let mut html = String::with_capacity(HTML_LENGTH);
    while html.len() < HTML_LENGTH {
        html.push_str("<p style=\"margin: 0 0 1em\">The seal is <b>replaced</b> &amp; runs.</p>\n");
    }
    html
});

/// What accounts have, and their tickets and comments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accounts {
    /// One field without options, which every ticket has; short comments.
    #[default]
    Plain,
    /// 150 fields, 50 of them drop-downs of 50 options; 30 set per ticket; comments of 1,000
    /// characters, and the same as 2 KB of HTML.
    Real,
}

impl Accounts {
    /// An account's custom fields, as it tells them.
    #[must_use]
    pub fn fields(self) -> Vec<Value> {
        match self {
            Self::Plain => vec![json!({ "key": "order", "title": "Order", "type": "text" })],
            Self::Real => (0..FIELDS).map(field).collect(),
        }
    }

    /// The keys of the fields on its default form.
    #[must_use]
    pub fn form(self) -> Vec<Value> {
        self.fields().iter().map(|field| field["key"].clone()).collect()
    }

    /// The values that a ticket is shared with.
    #[must_use]
    pub fn set(self) -> Value {
        match self {
            Self::Plain => json!({ "order": "4711" }),
            Self::Real => {
                Value::Object((0..SET).map(|number| (key(number), value(number))).collect())
            }
        }
    }

    /// The one value that an update changes.
    #[must_use]
    pub fn changed(self, to: &str) -> Value {
        let key = match self {
            Self::Plain => "order".to_owned(),
            Self::Real => key(CHANGED),
        };
        Value::Object(Map::from_iter([(key, json!(to))]))
    }

    /// A comment.
    #[must_use]
    pub fn comment(self, id: &str) -> Value {
        match self {
            Self::Plain => json!({ "id": id, "body": TEXT }),
            Self::Real => json!({ "id": id, "body": *LONG_TEXT, "html_body": *HTML }),
        }
    }
}

fn key(number: usize) -> String {
    format!("field_{number}")
}

/// One field of a real account.
fn field(number: usize) -> Value {
    let (key, title) = (key(number), format!("Field number {number}"));
    let options = |field_type: &str| {
        let option = |option: usize| {
            json!({
                "name": format!("Option {option} of field {number}"),
                "tag": tag(number, option),
            })
        };
        let options: Vec<Value> = (0..OPTIONS).map(option).collect();
        json!({ "key": key, "title": title, "type": field_type, "options": options })
    };
    match sort(number) {
        Sort::Tagger => options("tagger"),
        Sort::Multiselect => options("multiselect"),
        Sort::Integer => json!({ "key": key, "title": title, "type": "integer" }),
        Sort::Text => json!({ "key": key, "title": title, "type": "text" }),
    }
}

fn value(number: usize) -> Value {
    match sort(number) {
        Sort::Tagger => json!(tag(number, 7)),
        Sort::Multiselect => json!([tag(number, 7), tag(number, 11)]),
        Sort::Integer => json!(number),
        Sort::Text => json!(format!("What is said of {number}")),
    }
}

enum Sort {
    Tagger,
    Multiselect,
    Integer,
    Text,
}

fn sort(number: usize) -> Sort {
    match (number % DROP_DOWN_EACH, number % 2) {
        (0, 0) => Sort::Tagger,
        (0, _) => Sort::Multiselect,
        (1, _) => Sort::Text,
        _ => Sort::Integer,
    }
}

fn tag(field: usize, option: usize) -> String {
    format!("field_{field}_option_{option}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_account_has_what_the_goals_say() {
        let fields = Accounts::Real.fields();
        let drop_downs = fields.iter().filter(|field| field["options"].is_array()).count();
        assert_eq!((fields.len(), drop_downs), (150, 50));
        let bytes = json!(fields).to_string().len();
        assert!((120_000..contracts::limits::BODY_BYTES).contains(&bytes), "{bytes}");
        assert_eq!(Accounts::Real.set().as_object().unwrap().len(), 30);
        assert_eq!(fields[CHANGED]["type"], "text");
        let html = Accounts::Real.comment("a/1")["html_body"].as_str().unwrap().len();
        assert!((2_048..2_200).contains(&html), "{html}");
    }
}
