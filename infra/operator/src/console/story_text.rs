//! What `trace` tells, over HTTP and for programs: `/trace/acme/4711`, `/trace/share/ID`,
//! `/trace/agreement/ID`, `/trace/message/acme/ID`; with `?failed`, `?since=2h`, `?limit=0`.

use std::time::SystemTime;

use axum::extract::{Path, RawQuery, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use operator::trace::trace;
use timeline::{Target, TimelineFilter, render};
use url::form_urlencoded;

use super::Console;

/// Text, or JSON to who asks for `application/json`.
pub async fn answer(
    State(console): State<Console>,
    Path(what): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let asked = target(&what).and_then(|target| Ok((target, filter(&query, SystemTime::now())?)));
    let (target, filter) = match asked {
        Ok(asked) => asked,
        Err(sentence) => return (StatusCode::BAD_REQUEST, format!("{sentence}\n")).into_response(),
    };
    let asked =
        tokio::task::spawn_blocking(move || trace(&console.services, &target).narrowed(&filter))
            .await;
    let Ok(timeline) = asked else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let wants_json = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("json"));
    if wants_json {
        let body = serde_json::to_string(&timeline).unwrap_or_default();
        return ([(CONTENT_TYPE, "application/json")], body).into_response();
    }
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], render(&timeline)).into_response()
}

/// A path is the words of the command line with slashes between; a ticket has its own.
pub fn target(path: &str) -> Result<Target, String> {
    let words = match path.split_once('/') {
        Some((what @ ("share" | "agreement" | "message" | "ticket"), name)) => vec![what, name],
        _ => vec![path],
    };
    Target::of_words(&words).map_err(|error| error.to_string())
}

/// The options of the command line as a query.
pub fn filter(query: &str, now: SystemTime) -> Result<TimelineFilter, String> {
    let (mut failed, mut since, mut limit) = (false, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "failed" => failed = true,
            "since" => since = Some(timeline::since(&value, now)?),
            "limit" => {
                let number = value.parse();
                limit = Some(number.map_err(|_| format!("limit={value} is no whole number"))?);
            }
            other => return Err(format!("{other} is none of: failed, since, limit")),
        }
    }
    Ok(TimelineFilter::of(failed, since, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_is_asked_for() {
        assert_eq!(target("acme/4711"), Ok(Target::Ticket("acme/4711".into())));
        assert_eq!(target("message/acme/u1"), Ok(Target::Message("acme/u1".into())));
        assert_eq!(target("share/s1"), Ok(Target::Share("s1".into())));
        assert!(target("4711").is_err());
    }

    #[test]
    fn a_query_asks_for_less() {
        let now = SystemTime::now();
        assert_eq!(filter("", now), Ok(TimelineFilter::of(false, None, None)));
        assert_eq!(
            filter("failed&limit=0", now),
            Ok(TimelineFilter { failed: true, since: None, most: None })
        );
        assert!(filter("since=2h", now).is_ok_and(|filter| filter.since.is_some()));
        for wrong in ["since=soon", "limit=few", "only=failed"] {
            assert!(filter(wrong, now).is_err(), "{wrong}");
        }
    }
}
