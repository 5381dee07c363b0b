//! `/trace`: the same as the command `trace`, for whoever joins the answers of all services. Never
//! what a ticket says.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use messaging::Question;
use sqlx::PgPool;
use timeline::{Target, Trail};
use tokio::sync::Semaphore;
use url::form_urlencoded;

use crate::Trailing;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Names in one question, at most.
const NAMES: usize = 500;

/// Where questions are answered from. One at a time: nobody who is curious takes the connections
/// from the messages.
#[derive(Clone)]
pub(crate) struct TraceAnswers {
    pool: PgPool,
    trailing: Trailing,
    turn: Arc<Semaphore>,
}

impl TraceAnswers {
    pub(crate) fn new(pool: PgPool, trailing: Trailing) -> Self {
        Self { pool, trailing, turn: Arc::new(Semaphore::new(1)) }
    }

    async fn answer(&self, question: &Question) -> anyhow::Result<Trail> {
        let _turn = self.turn.acquire().await?;
        let mut connection = self.pool.acquire().await?;
        Ok((self.trailing)(&mut connection, question, false).await?)
    }
}

/// `GET /trace?ticket=acme/4711`, or `share`, `agreement`, `message`; or `name` up to five hundred
/// times.
pub(crate) async fn answer(
    State(answers): State<TraceAnswers>,
    RawQuery(query): RawQuery,
) -> Response {
    let question = match question(&query.unwrap_or_default()) {
        Ok(question) => question,
        Err(sentence) => return (StatusCode::BAD_REQUEST, format!("{sentence}\n")).into_response(),
    };
    match tokio::time::timeout(LIMIT, answers.answer(&question)).await {
        Ok(Ok(trail)) => match serde_json::to_string(&trail) {
            Ok(body) => {
                (StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response()
            }
            Err(error) => away(&messaging::cause(&error)),
        },
        Ok(Err(error)) => away(&messaging::cause(error.as_ref())),
        Err(_) => away("it takes longer than ten seconds"),
    }
}

fn away(cause: &str) -> Response {
    tracing::warn!(cause, "a question to /trace was not answered");
    (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
}

fn question(query: &str) -> Result<Question, String> {
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    match pairs.as_slice() {
        [(what, name)] if what != "name" => {
            Target::of_words(&[what, name]).map(Question::Target).map_err(|error| error.to_string())
        }
        [] => Err("ask for a ticket, a share, an agreement or a message: /trace?ticket=acme/4711"
            .to_owned()),
        many if many.len() > NAMES => Err(format!("{} names, more than {NAMES}", many.len())),
        many if many.iter().all(|(what, _)| what == "name") => {
            Ok(Question::Names(many.iter().map(|(_, name)| name.clone()).collect()))
        }
        _ => Err("either one ticket, share, agreement or message, or names".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_one_question_or_names() {
        assert_eq!(
            question("ticket=acme%2F4711"),
            Ok(Question::Target(Target::Ticket("acme/4711".into())))
        );
        assert_eq!(
            question("message=acme/a%20b"),
            Ok(Question::Target(Target::Message("acme/a b".into())))
        );
        assert_eq!(
            question("name=o:1&name=acme/4711"),
            Ok(Question::Names(vec!["o:1".into(), "acme/4711".into()]))
        );
        for wrong in
            ["", "ticket=4711", "comment=1", "ticket=acme/1&name=o:1", &"name=x&".repeat(501)]
        {
            assert!(question(wrong).is_err(), "{wrong}");
        }
    }
}
