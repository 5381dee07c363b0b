//! What a form or an address brings.

use axum::http::StatusCode;
use url::form_urlencoded;

/// Characters of a person's name, at most.
const NAME: usize = 100;

/// Names and values, trimmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn of(form: &str) -> Self {
        let pairs = form_urlencoded::parse(form.as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.trim().to_owned())).collect())
    }

    /// The first value of a name; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The same; none when it is empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// Whether a box was checked.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Who does it, for audits and the log.
    pub fn person(&self) -> Result<String, FormError> {
        let name = self.text("by");
        if name.is_empty() {
            return Err(FormError("Your name is missing: who does it is written down.".to_owned()));
        }
        one_line("Your name", name, NAME)
    }
}

/// What is wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormError(pub String);

impl FormError {
    pub const STATUS: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

/// Text of one line. It goes into the log and into headers.
pub fn one_line(what: &str, text: &str, most: usize) -> Result<String, FormError> {
    let length = text.chars().count();
    if length > most {
        let sentence = format!("{what} has {length} characters: at most {most} are possible.");
        return Err(FormError(sentence));
    }
    if text.contains(char::is_control) {
        return Err(FormError(format!("{what} has to be one line of text.")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_trimmed_and_what_is_empty_is_not_given() {
        let fields = Fields::of("account=+acme+&why=&by=Dana+Weber&close=1");
        assert_eq!((fields.text("account"), fields.given("why")), ("acme", None));
        assert!(fields.has("close") && !fields.has("open"));
        assert_eq!(fields.person().unwrap(), "Dana Weber");
    }

    #[test]
    fn a_name_is_needed_and_is_one_line() {
        for form in ["", "by=++", "by=Dana%0Aroot", &format!("by={}", "x".repeat(NAME + 1))] {
            assert!(Fields::of(form).person().is_err(), "{form}");
        }
    }
}
