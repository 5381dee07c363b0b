//! `/parked`: what the command `parked` sees and does, over HTTP, for the operator's console. It
//! never tells what a message says.

mod carried_out;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use contracts::topology::Service;
use messaging::parked::{self, ActionPlan, ParkedAction};
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::wanted::WantedAction;
use crate::address::Address;
use crate::config::Secret;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Actions that one process carries out at the same time.
const ACTIONS: usize = 4;

const NO_SECRET: &str = "http.operator_secret_file is not set here: nobody is answered\n";
const OTHER_SECRET: &str = "show the secret of http.operator_secret_file as Authorization: Bearer; \
     deskmesh-operator takes it from DESKMESH_OPERATOR_SECRET_FILE\n";

/// Said by a service that reads no desks' commands.
pub(crate) const NO_DISCARD: &str = "only an entry service discards, and only desks' commands; \
    here a parked message can be replayed";

/// Where it is answered from.
#[derive(Clone)]
pub(crate) struct ParkedAnswers {
    pub service: Service,
    pub pool: PgPool,
    /// Whoever asks shows it; without one nobody is answered.
    pub secret: Secret,
    pub broker: Address,
    pub confirm_timeout: Duration,
    /// Ends what is being carried out.
    pub shutdown: CancellationToken,
    /// So many may still begin to act.
    pub turns: Arc<Semaphore>,
}

impl ParkedAnswers {
    /// So many actions may be carried out at the same time.
    pub(crate) fn turns() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(ACTIONS))
    }

    fn refusal(&self, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        if self.secret.is_empty() {
            return Some((StatusCode::FORBIDDEN, NO_SECRET));
        }
        (!self.secret.is_shown_in(headers)).then_some((StatusCode::UNAUTHORIZED, OTHER_SECRET))
    }

    /// What an action would do here.
    async fn plan(&self, wanted: &WantedAction) -> Result<ActionPlan, Refused> {
        let is_discard = matches!(wanted.action, ParkedAction::Discard { .. });
        if is_discard && !self.service.is_entry() {
            return Err(Refused::NotPossible(NO_DISCARD.to_owned()));
        }
        let action = wanted.action.clone();
        in_time(parked::plan(&self.pool, self.service, action, &wanted.filter)).await
    }
}

/// Why there is no answer.
#[derive(Debug)]
enum Refused {
    /// The question is none.
    Question(String),
    /// It is not possible here, or not now.
    NotPossible(String),
    /// The database or the broker does not answer.
    Away(String),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, sentence) = match self {
            Self::Question(sentence) => (StatusCode::BAD_REQUEST, sentence),
            Self::NotPossible(sentence) => (StatusCode::CONFLICT, sentence),
            Self::Away(cause) => {
                tracing::warn!(cause, "a question to /parked was not answered");
                (StatusCode::SERVICE_UNAVAILABLE, cause)
            }
        };
        (status, format!("{sentence}\n")).into_response()
    }
}

pub(crate) fn router(answers: ParkedAnswers) -> Router {
    Router::new()
        .route("/parked", get(overview))
        .route("/parked/messages", get(messages))
        .route("/parked/plan", post(plan))
        .route("/parked/actions", post(carried_out::answer))
        .layer(from_fn_with_state(answers.clone(), let_in))
        .with_state(answers)
}

async fn let_in(State(answers): State<ParkedAnswers>, request: Request, next: Next) -> Response {
    match answers.refusal(request.headers()) {
        Some((status, sentence)) => (status, sentence).into_response(),
        None => next.run(request).await,
    }
}

/// `GET /parked`: groups, what waits for desks' queues, and what people did of late.
async fn overview(State(answers): State<ParkedAnswers>) -> Result<Response, Refused> {
    let pool = &answers.pool;
    let groups = in_time(parked::groups(pool)).await?;
    let waiting = in_time(parked::waiting(pool)).await?;
    let audit = in_time(parked::recent(pool)).await?;
    Ok(told(&json!({ "piles": groups, "waiting": waiting, "audit": audit })))
}

/// `GET /parked/messages?reason=poison&limit=20`: first arrived first, without what they say.
async fn messages(
    State(answers): State<ParkedAnswers>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let filter = wanted::listed(&query.unwrap_or_default()).map_err(Refused::Question)?;
    let (messages, total) = in_time(parked::list(&answers.pool, &filter)).await?;
    Ok(told(&json!({ "total": total, "messages": messages })))
}

/// `POST /parked/plan`: what an action would do. Changes nothing.
async fn plan(State(answers): State<ParkedAnswers>, body: Bytes) -> Result<Response, Refused> {
    let wanted = wanted::action(&body).map_err(Refused::Question)?;
    let plan = answers.plan(&wanted).await?;
    let lines: Vec<_> = plan
        .lines
        .iter()
        .map(|line| json!({ "reason": line.reason, "what": line.what, "count": line.count }))
        .collect();
    Ok(told(&json!({ "total": plan.total(), "lines": lines, "missing": plan.missing })))
}

async fn in_time<T>(asked: impl Future<Output = sqlx::Result<T>>) -> Result<T, Refused> {
    match tokio::time::timeout(LIMIT, asked).await {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(error)) => Err(Refused::Away(format!(
            "the database does not answer: {}",
            messaging::cause(&error)
        ))),
        Err(_) => Err(Refused::Away("the database takes longer than ten seconds".to_owned())),
    }
}

fn told(body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], Body::from(body)).into_response(),
        Err(error) => Refused::Away(messaging::cause(&error)).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::AUTHORIZATION;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn answers(secret: &str) -> ParkedAnswers {
        let url = Secret::new("amqp://nobody@127.0.0.1:1");
        ParkedAnswers {
            service: Service::CommentSync,
            pool: PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap(),
            secret: Secret::new(secret),
            broker: Address::given("broker.url", &["amqp://"], &url, "").unwrap(),
            confirm_timeout: Duration::from_secs(1),
            shutdown: CancellationToken::new(),
            turns: ParkedAnswers::turns(),
        }
    }

    #[tokio::test]
    async fn m7_who_acts_shows_the_secret_also_from_this_host() {
        let right = format!("Bearer {SECRET}");
        for (secret, shown, refused) in [
            ("", None, Some(StatusCode::FORBIDDEN)),
            ("", Some("Bearer "), Some(StatusCode::FORBIDDEN)),
            (SECRET, None, Some(StatusCode::UNAUTHORIZED)),
            (SECRET, Some("Bearer 0123"), Some(StatusCode::UNAUTHORIZED)),
            (SECRET, Some(right.as_str()), None),
        ] {
            let headers: HeaderMap =
                shown.map(|value| (AUTHORIZATION, value.parse().unwrap())).into_iter().collect();
            let refusal = answers(secret).refusal(&headers);
            assert_eq!(refusal.map(|(status, _)| status), refused, "{secret} {shown:?}");
        }
    }

    #[tokio::test]
    async fn behind_the_entry_no_discard_is_planned() {
        let wanted = wanted::action(
            br#"{"action": "discard", "because": "sent twice", "reason": "poison"}"#,
        );
        match answers(SECRET).plan(&wanted.unwrap()).await {
            Err(Refused::NotPossible(sentence)) => assert_eq!(sentence, NO_DISCARD),
            other => panic!("{other:?}"),
        }
    }
}
