//! Questions to the line: what would become of something. Nothing is done, here or there.

use serde_json::{Map, Value, json};

use super::{By, command};
use crate::rules::sharing::Share;

/// An update with these comments, as a dry run.
#[must_use]
pub fn update(number: i64, shares: &[Share], comments: &[Value], by: &By) -> Value {
    let changed = Map::from_iter([("comments".to_owned(), json!(comments))]);
    let mut content = command::update(number, shares, None, changed, by);
    content["dry_run"] = json!(true);
    content
}
