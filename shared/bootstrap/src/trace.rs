//! `/trace`: the same as the command `trace`, for whoever joins the answers of all services. Never
//! what a ticket says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use messaging::Question;
use sqlx::PgPool;
use timeline::{Target, Trail};
use tokio::sync::Semaphore;
use url::form_urlencoded;

use crate::Trailing;
use crate::config::Secret;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Names in one question, at most.
const NAMES: usize = 500;

const NO_SECRET: &str = "http.trace_secret_file is not set here: only this host is answered\n";
const OTHER_SECRET: &str = "show the secret of http.trace_secret_file as Authorization: Bearer; \
     deskmesh-operator takes it from DESKMESH_TRACE_SECRET_FILE\n";

/// Where questions are answered from. One at a time: nobody who is curious takes the connections
/// from the messages.
#[derive(Clone)]
pub(crate) struct TraceAnswers {
    pool: PgPool,
    trailing: Trailing,
    turn: Arc<Semaphore>,
    /// What whoever asks shows; without one only this host is answered.
    secret: Secret,
}

impl TraceAnswers {
    pub(crate) fn new(pool: PgPool, trailing: Trailing, secret: Secret) -> Self {
        Self { pool, trailing, turn: Arc::new(Semaphore::new(1)), secret }
    }

    /// Why somebody has no answer, whatever is asked.
    fn refusal(&self, from: SocketAddr, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        if self.secret.is_empty() {
            let is_here = from.ip().to_canonical().is_loopback();
            return (!is_here).then_some((StatusCode::FORBIDDEN, NO_SECRET));
        }
        (!self.secret.is_shown_in(headers)).then_some((StatusCode::UNAUTHORIZED, OTHER_SECRET))
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
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if let Some((status, sentence)) = answers.refusal(from, &headers) {
        return (status, sentence).into_response();
    }
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
    use axum::http::header::AUTHORIZATION;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    #[tokio::test]
    async fn m7_only_who_shows_the_secret_or_asks_from_this_host_is_answered() {
        let pool = PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap();
        let answers = |secret: &str| {
            TraceAnswers::new(pool.clone(), |_, _, _| unreachable!(), Secret::new(secret))
        };
        let (here, mapped, other) = ("127.0.0.1:9", "[::ffff:127.0.0.1]:9", "10.0.0.7:9");
        let right = format!("Bearer {SECRET}");
        for (secret, from, shown, refused) in [
            ("", here, None, None),
            ("", mapped, None, None),
            ("", other, None, Some(StatusCode::FORBIDDEN)),
            ("", other, Some("Bearer "), Some(StatusCode::FORBIDDEN)),
            (SECRET, here, None, Some(StatusCode::UNAUTHORIZED)),
            (SECRET, other, Some("Bearer 0123"), Some(StatusCode::UNAUTHORIZED)),
            (SECRET, other, Some(SECRET), Some(StatusCode::UNAUTHORIZED)),
            (SECRET, other, Some(right.as_str()), None),
        ] {
            let headers: HeaderMap =
                shown.map(|value| (AUTHORIZATION, value.parse().unwrap())).into_iter().collect();
            let refusal = answers(secret).refusal(from.parse().unwrap(), &headers);
            assert_eq!(refusal.map(|(status, _)| status), refused, "{secret} {from} {shown:?}");
        }
    }

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
