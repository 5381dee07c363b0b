//! The whole line at one glance.

use askama::Template;
use axum::extract::{RawQuery, State as Given};
use axum::http::StatusCode;
use axum::response::Response;
use contracts::topology::Service;
use web_base::parts;

use super::figures::{Sample, age, p95, per_second};
use super::flow::{self, Node, Wire};
use super::watch::{Seen, State};
use super::{Console, frame};

#[derive(Template)]
#[template(path = "overview.html")]
struct Content {
    seen: Seen,
    /// Whether the page renews itself.
    is_live: bool,
    has_broker: bool,
}

/// A service in the table.
struct Row {
    name: &'static str,
    state: &'static str,
    state_icon: &'static str,
    says: String,
    rate: String,
    queue: String,
    step: String,
    undelivered: Option<u64>,
    undelivered_since: String,
    parked: Option<u64>,
    version: String,
}

impl Content {
    fn nodes(&self) -> Vec<Node> {
        flow::nodes(&self.seen)
    }

    fn wires(&self) -> Vec<Wire> {
        flow::wires(&self.seen)
    }

    fn ready(&self) -> usize {
        Service::ALL
            .into_iter()
            .filter(|service| {
                self.seen.of(*service).is_some_and(|standing| standing.state == State::Ready)
            })
            .count()
    }

    /// Commands a second, at the two services that take them.
    fn commands(&self) -> String {
        let entries = [Service::Agreement, Service::ShareDispatcher];
        let rates = entries.map(|service| {
            let types = flow::types(
                contracts::topology::End::Desk,
                contracts::topology::End::Service(service),
            );
            self.seen.history(service)?.rate(|kind| types.contains(kind))
        });
        per_second(rates.into_iter().sum())
    }

    fn p95(&self) -> String {
        let all = Service::ALL.into_iter().filter_map(|service| self.seen.history(service));
        p95(all).map_or_else(|| "–".to_owned(), age)
    }

    fn parked(&self) -> String {
        self.counted(Sample::parked_in_all)
    }

    fn undelivered(&self) -> String {
        self.counted(|sample| sample.undelivered)
    }

    /// Over all services; where one gave no answer, there may be more.
    fn counted(&self, count: impl Fn(&Sample) -> u64) -> String {
        let counts: Vec<u64> = self.samples().map(count).collect();
        let sum: u64 = counts.iter().sum();
        match counts.len() {
            0 => "–".to_owned(),
            all if all == Service::ALL.len() => sum.to_string(),
            _ => format!("{sum} or more"),
        }
    }

    fn oldest(&self) -> String {
        age(self.samples().map(|sample| sample.undelivered_oldest).fold(0.0, f64::max))
    }

    fn samples(&self) -> impl Iterator<Item = &Sample> {
        Service::ALL.into_iter().filter_map(|service| self.seen.sample(service))
    }

    fn rows(&self) -> Vec<Row> {
        Service::ALL.into_iter().map(|service| self.row(service)).collect()
    }

    fn row(&self, service: Service) -> Row {
        let standing = self.seen.of(service);
        let sample = self.seen.sample(service);
        let (state, state_icon, says) = match standing.map(|it| &it.state) {
            Some(State::Ready) => ("ok", "check", "ready".to_owned()),
            Some(State::NotReady(what)) => ("bad", "clock", format!("waits for: {what}")),
            Some(State::Gap(_)) => ("bad", "alert", "no answer".to_owned()),
            None => ("off", "clock", "not looked at yet".to_owned()),
        };
        let rate = self.seen.history(service).and_then(|it| it.rate(|_| true));
        let queue = self.seen.queue(service.name());
        Row {
            name: service.name(),
            state,
            state_icon,
            says,
            rate: per_second(rate),
            queue: queue.map_or_else(|| "–".to_owned(), |queue| queue.messages.to_string()),
            step: age(sample.map_or(0.0, |it| it.oldest_step)),
            undelivered: sample.map(|it| it.undelivered),
            undelivered_since: age(sample.map_or(0.0, |it| it.undelivered_oldest)),
            parked: sample.map(Sample::parked_in_all),
            version: sample.map(|it| it.version.clone()).unwrap_or_default(),
        }
    }
}

/// `/`; with `?still` it does not renew itself.
pub async fn page(Given(console): Given<Console>, RawQuery(query): RawQuery) -> Response {
    let content = Content {
        seen: console.watch.seen(),
        is_live: query.as_deref() != Some("still"),
        has_broker: console.broker.is_some(),
    };
    let page = frame::Page {
        title: "Flow",
        section: "flow",
        asked: "",
        can_sign_out: console.can_sign_out(),
        content: frame::html(&content),
    };
    frame::page(StatusCode::OK, &page)
}
