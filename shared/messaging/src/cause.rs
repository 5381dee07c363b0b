//! Why something failed, in words that a log may have: never the value of a row, a field of a
//! message, or what a panicking rule says of the message at hand.

use std::error::Error;

use tokio::task::JoinError;

/// Classes of SQLSTATE whose messages name servers, roles, tables, settings and limits, and never a
/// value. Those of others, such as 22 (data), 23 (constraints) and P0 (raised by a function), may
/// quote what was to be stored.
const NAMES_NO_VALUE: [&str; 11] =
    ["08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58"];

/// An error and what caused it, in one line for a log. What may quote a value is told by its kind
/// and place alone.
#[must_use]
pub fn cause(error: &(dyn Error + 'static)) -> String {
    if let Some(own) = told_by_kind(error) {
        return own;
    }
    let line = error.to_string();
    let Some(source) = error.source() else { return line };
    // Some libraries repeat their source in their own text.
    let repeated = line.strip_suffix(&source.to_string()).map(|own| own.trim_end_matches(": "));
    match repeated {
        Some("") => cause(source),
        Some(own) => format!("{own}: {}", cause(source)),
        None => format!("{line}: {}", cause(source)),
    }
}

/// For the kinds whose own text may quote a value.
fn told_by_kind(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<sqlx::Error>() {
        return Some(of_database(error));
    }
    if let Some(error) = error.downcast_ref::<serde_json::Error>() {
        let (line, column) = (error.line(), error.column());
        return Some(format!("JSON of another form at line {line}, column {column}"));
    }
    let ended = error.downcast_ref::<JoinError>()?;
    Some(if ended.is_panic() { "it panicked" } else { "it was cancelled" }.to_owned())
}

fn of_database(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            if NAMES_NO_VALUE.iter().any(|class| code.starts_with(class)) {
                return format!("{} (SQLSTATE {code})", error.message());
            }
            let at = |what: &str, name: Option<&str>| {
                name.map(|name| format!(", {what} {name}")).unwrap_or_default()
            };
            let (table, constraint) =
                (at("table", error.table()), at("constraint", error.constraint()));
            format!("the database refused a value: SQLSTATE {code}{table}{constraint}")
        }
        sqlx::Error::ColumnDecode { index, .. } => format!("column {index} cannot be read"),
        sqlx::Error::Decode(_) => "a stored value cannot be read".to_owned(),
        sqlx::Error::Encode(_) => "a value cannot be written".to_owned(),
        sqlx::Error::Migrate(error) => cause(error.as_ref()),
        // What the driver made of an address, which has a password in it.
        sqlx::Error::Configuration(_) => "the database's address cannot be used".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, PgConnection};

    use super::*;
    use crate::failure::{DecideError, Fault};

    const TEXT: &str = "the text of a ticket";

    #[derive(Debug, thiserror::Error)]
    #[error("while reading: {0}")]
    struct Repeats(#[source] serde_json::Error);

    fn of_json() -> serde_json::Error {
        serde_json::from_str::<u32>(&format!("{TEXT:?}")).unwrap_err()
    }

    #[test]
    fn json_is_told_by_its_place() {
        assert!(of_json().to_string().contains(TEXT));
        let place = "JSON of another form at line 1, column 22";
        assert_eq!(cause(&of_json()), place);
        assert_eq!(cause(&Repeats(of_json())), format!("while reading: {place}"));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_told_by_its_column() {
        let unreadable = |error: serde_json::Error| sqlx::Error::ColumnDecode {
            index: "\"output\"".to_owned(),
            source: error.into(),
        };
        let words = "column \"output\" cannot be read";
        assert_eq!(cause(&unreadable(of_json())), words);
        let fault = Fault::from(unreadable(of_json()));
        assert_eq!(cause(&fault), format!("the database failed: {words}"));
        let decoded = DecideError::from(sqlx::Error::Decode(of_json().into()));
        assert!(!cause(&decoded).contains(TEXT));
    }

    #[tokio::test]
    async fn a_panic_is_told_without_what_it_says() {
        let ended = tokio::spawn(async { panic!("{TEXT}") }).await.unwrap_err();
        assert!(ended.to_string().contains(TEXT));
        assert_eq!(cause(&ended), "it panicked");
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_told_in_its_words() {
        let connecting = PgConnection::connect("postgres://me:hush@127.0.0.1:1/x");
        let told = cause(&connecting.await.unwrap_err());
        assert!(told.contains("Connection refused") && !told.contains("hush"), "{told}");
    }
}
