//! The timeline of a ticket, share, agreement or message: the same story as `trace`.

use std::time::SystemTime;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use operator::address::{self, segment};
use operator::trace::{ask_queues, trace};
use timeline::{Finding, Kind, MOST, Timeline, TimelineFilter, queues, verdict};
use url::form_urlencoded;
use web_base::parts::badge;
use web_base::{Html, parts};

use super::story::{self, Row};
use super::story_text::filter;
use super::{Console, frame};

/// What is asked for, as it stands in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    of: String,
    failed: bool,
    since: String,
    limit: String,
}

impl Asked {
    fn of_query(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim().to_owned();
            match &*name {
                "of" => asked.of = value,
                "failed" => asked.failed = true,
                "since" => asked.since = value,
                "limit" => asked.limit = value,
                _ => {}
            }
        }
        asked
    }

    fn filter(&self, now: SystemTime) -> Result<TimelineFilter, String> {
        filter(&self.options(&self.limit), now)
    }

    /// The options of `/trace`.
    fn options(&self, limit: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if self.failed {
            query.append_pair("failed", "1");
        }
        for (name, value) in [("since", self.since.as_str()), ("limit", limit)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// The same with another limit.
    fn link(&self, limit: &str) -> String {
        let of =
            form_urlencoded::Serializer::new(String::new()).append_pair("of", &self.of).finish();
        let options = self.options(limit);
        let and = if options.is_empty() { "" } else { "&" };
        format!("/timeline?{of}{and}{options}")
    }
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct Content<'a> {
    asked: &'a Asked,
    /// Why nothing can be told.
    wrong: Option<String>,
    story: Option<Told>,
}

/// A story, laid out.
struct Told {
    timeline: Timeline,
    verdict: String,
    queues: Vec<String>,
    left: Option<String>,
    rows: Vec<Row>,
    /// Links to more of it.
    more: Option<(String, String)>,
    all: String,
    again: String,
    json: String,
}

impl Told {
    fn of(timeline: Timeline, asked: &Asked) -> Self {
        let (left, rows) = story::rows(&timeline);
        let shown = asked.limit.parse().unwrap_or(MOST);
        let more = (timeline.left_out > 0).then(|| {
            let wanted = shown + MOST;
            (asked.link(&wanted.to_string()), format!("{} more", MOST.min(timeline.left_out)))
        });
        let options = asked.options(&asked.limit);
        let name = timeline.target.to_string().replacen(' ', "/", 1);
        let name: Vec<String> = name.split('/').map(segment).collect();
        let mark = if options.is_empty() { "" } else { "?" };
        Self {
            verdict: verdict(&timeline),
            queues: queues(&timeline),
            left,
            rows,
            more,
            all: asked.link("0"),
            again: asked.link(&asked.limit),
            json: format!("/trace/{}{mark}{options}", name.join("/")),
            timeline,
        }
    }

    /// How many commands are told of.
    fn commands(&self) -> usize {
        self.timeline.commands.saturating_sub(self.timeline.left_out)
    }

    /// Whether nothing is left to do, as far as all services say.
    fn is_well(&self) -> bool {
        self.mendable().is_empty()
            && self.timeline.gaps.is_empty()
            && !story::is_empty(&self.timeline)
    }

    fn mendable(&self) -> Vec<&Finding> {
        story::findings(&self.timeline).0
    }

    fn agreed(&self) -> Vec<&Finding> {
        story::findings(&self.timeline).1
    }

    fn badges(&self) -> Vec<Html> {
        let counts = story::counts(&self.timeline);
        let of = |kind: Kind, class: &str, icon_name: &str, what: &str| {
            let text = format!("{} {what}", counts.get(&kind)?);
            Some(badge(class, icon_name, &text))
        };
        [
            of(Kind::Mendable, "bad", "stay", "can be mended"),
            of(Kind::SetAside, "bad", "parked", "set aside"),
            of(Kind::Waits, "warn", "clock", "waiting"),
            of(Kind::AsAgreed, "", "stay", "as agreed"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// `/timeline?of=acme/4711&failed&since=2h&limit=20`.
pub async fn page(State(console): State<Console>, RawQuery(query): RawQuery) -> Response {
    let asked = Asked::of_query(&query.unwrap_or_default());
    let can_sign_out = console.can_sign_out();
    let (story, wrong) = if asked.of.is_empty() {
        (None, None)
    } else {
        match tell(console, &asked).await {
            Ok(timeline) => (Some(Told::of(timeline, &asked)), None),
            Err(sentence) => (None, Some(sentence)),
        }
    };
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let title = if asked.of.is_empty() { "Timeline" } else { &asked.of };
    let content = frame::html(&Content { asked: &asked, wrong, story });
    let section = "timeline";
    frame::page(status, &frame::Page { title, section, asked: &asked.of, can_sign_out, content })
}

async fn tell(console: Console, asked: &Asked) -> Result<Timeline, String> {
    let (targets, filter) = (story::targets(&asked.of)?, asked.filter(SystemTime::now())?);
    let asking = tokio::task::spawn_blocking(move || {
        let mut told = None;
        for target in targets {
            let timeline = trace(&console.services, &target);
            let is_empty = story::is_empty(&timeline);
            if told.is_none() || !is_empty {
                told = Some(timeline);
            }
            if !is_empty {
                break;
            }
        }
        let mut timeline = told?.narrowed(&filter);
        if let Some(broker) = &console.broker
            && let Err(cause) = ask_queues(&mut timeline, broker, &console.vhost)
        {
            timeline.gaps.push(format!("the broker does not tell of its queues: {cause}"));
        }
        Some(timeline)
    });
    asking.await.ok().flatten().ok_or_else(|| "the story could not be put together".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_seen() {
        let asked = Asked::of_query("of=acme%2F4711&failed=1&since=2h&limit=20");
        assert_eq!(asked.link("30"), "/timeline?of=acme%2F4711&failed=1&since=2h&limit=30");
        assert_eq!(Asked::of_query("of=a%2F1&since=&limit=").link(""), "/timeline?of=a%2F1");
        let filter = asked.filter(SystemTime::now()).unwrap();
        assert!(filter.failed && filter.since.is_some() && filter.most == Some(20));
        assert!(Asked::of_query("of=a/1&since=soon").filter(SystemTime::now()).is_err());
    }
}
