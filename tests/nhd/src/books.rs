//! A partner's own books: what it sent and what that came to, what it was told and what it
//! answered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::dialect::Verdict;

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallSubject {
    Agreement(String),
    Ticket(String),
}

/// A call that the partner made.
#[derive(Clone, Debug, PartialEq)]
pub struct SentCall {
    pub method: String,
    pub about: CallSubject,
    pub body: Option<Value>,
    pub verdict: Verdict,
}

/// A call that the partner got.
#[derive(Clone, Debug, PartialEq)]
pub struct ToldCall {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// What it answered; nothing where it gave no answer.
    pub status: Option<u16>,
    /// Whether it did what it was told.
    pub is_done: bool,
}

/// All of them, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Books {
    pub sent: Vec<SentCall>,
    pub told: Vec<ToldCall>,
}

impl ToldCall {
    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Books {
    /// Comments that the partner sent, and was told that they are there: ids and texts.
    #[must_use]
    pub fn comments_taken(&self) -> BTreeMap<String, String> {
        let done = self.sent.iter().filter(|call| call.verdict.is_done());
        done.flat_map(|call| comments(call.body.as_ref())).collect()
    }

    /// Texts that came under more than one id: the same comment, twice.
    #[must_use]
    pub fn doubled(&self) -> Vec<String> {
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for call in self.told.iter().filter(|call| call.is_done) {
            for (uuid, body) in comments(Some(&call.json())) {
                ids.entry(body).or_default().insert(uuid);
            }
        }
        ids.into_iter().filter(|(_, ids)| ids.len() > 1).map(|(body, _)| body).collect()
    }

    /// Texts of the comments that the partner was told and took, in the order in which it first
    /// did.
    #[must_use]
    pub fn first_taken(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let taken = self.told.iter().filter(|call| call.is_done);
        let comments = taken.flat_map(|call| comments(Some(&call.json())));
        comments.filter(|(uuid, _)| seen.insert(uuid.clone())).map(|(_, body)| body).collect()
    }

    /// Calls that the partner got about an agreement or a ticket.
    pub fn told_about<'a>(&'a self, uuid: &'a str) -> impl Iterator<Item = &'a ToldCall> {
        self.told.iter().filter(move |call| call.path.ends_with(uuid))
    }
}

/// Id and text of each comment in a body.
fn comments(body: Option<&Value>) -> Vec<(String, String)> {
    let comments = body.and_then(|body| body["comments"].as_array()).into_iter().flatten();
    let text = |comment: &Value, name: &str| comment[name].as_str().map(str::to_owned);
    comments.filter_map(|it| Some((text(it, "uuid")?, text(it, "body")?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(uuid: &str, body: &str, is_done: bool) -> ToldCall {
        ToldCall {
            method: "PUT".to_owned(),
            path: "/sharing/tickets/t1".to_owned(),
            headers: BTreeMap::new(),
            body: json!({ "comments": [{ "uuid": uuid, "body": body }] }).to_string(),
            status: Some(200),
            is_done,
        }
    }

    #[test]
    fn the_same_text_under_two_ids_is_doubled_and_under_one_it_is_not() {
        let again = vec![told("c1", "Hello", true), told("c1", "Hello", true)];
        let books = Books { sent: Vec::new(), told: again };
        assert!(books.doubled().is_empty());
        let other = vec![told("c1", "Hello", true), told("c2", "Hello", true)];
        let books = Books { sent: Vec::new(), told: other };
        assert_eq!(books.doubled(), ["Hello"]);
    }

    #[test]
    fn what_was_not_done_is_not_counted() {
        let books = Books {
            sent: Vec::new(),
            told: vec![told("c1", "Hello", false), told("c2", "Hello", true)],
        };
        assert!(books.doubled().is_empty());
    }

    #[test]
    fn a_comment_is_taken_once_a_call_with_it_was_done() {
        let sent = |uuid: &str, verdict| SentCall {
            method: "PUT".to_owned(),
            about: CallSubject::Ticket("t1".to_owned()),
            body: Some(json!({ "comments": [{ "uuid": uuid, "body": "Hello" }] })),
            verdict,
        };
        let calls = vec![sent("c1", Verdict::Done), sent("c2", Verdict::Failed(503))];
        let books = Books { sent: calls, told: Vec::new() };
        let taken = BTreeMap::from([("c1".to_owned(), "Hello".to_owned())]);
        assert_eq!(books.comments_taken(), taken);
    }
}
