//! The picture of the line: who sends to whom as `FLOWS` has it, with what flows now.

use std::collections::{BTreeMap, BTreeSet};

use contracts::topology::{End, Exchange, FLOWS, Service};

use super::figures::{History, Sample, per_second};
use super::watch::{Seen, State};

/// A box of the picture.
pub struct Node {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    pub class: &'static str,
    pub name: String,
    pub says: String,
    /// `t-2`, `t-warn` or `t-bad`.
    pub tone: &'static str,
}

impl Node {
    pub fn middle(&self) -> u32 {
        self.x + self.width / 2
    }
}

/// An arrow of the picture.
pub struct Wire {
    pub path: &'static str,
    pub tip: &'static str,
    pub class: &'static str,
    pub tip_class: &'static str,
    pub text: String,
    pub x: u32,
    pub y: u32,
    pub anchor: &'static str,
}

/// Where an arrow runs: its ends, path, tip, and where its text stands.
struct Course(End, End, &'static str, &'static str, (u32, u32), &'static str);

const DESK: End = End::Desk;
const AGREEMENT: End = End::Service(Service::Agreement);
const DISPATCHER: End = End::Service(Service::ShareDispatcher);
const COMMENTS: End = End::Service(Service::CommentSync);
const FIELDS: End = End::Service(Service::FieldSync);
const NOTIFIER: End = End::Service(Service::Notifier);

/// Every pair of `FLOWS` has its course; a test says so.
#[rustfmt::skip]
const COURSES: [Course; 12] = [
    Course(DESK, AGREEMENT, "M104 176C190 176 170 62 261 62",
           "270,62 261,57 261,67", (196, 112), ""),
    Course(DESK, DISPATCHER, "M104 200H261", "270,200 261,195 261,205", (188, 192), "mid"),
    Course(AGREEMENT, DISPATCHER, "M320 92V161", "320,170 315,161 325,161", (330, 134), ""),
    Course(AGREEMENT, DESK, "M410 62H1150Q1160 62 1160 72V147",
           "1160,156 1155,147 1165,147", (760, 54), "mid"),
    Course(DISPATCHER, DESK, "M370 170V108Q370 98 380 98H1120Q1130 98 1130 108V147",
           "1130,156 1125,147 1135,147", (760, 90), "mid"),
    Course(DISPATCHER, COMMENTS, "M410 200H531", "540,200 531,195 531,205", (470, 192), "mid"),
    Course(DISPATCHER, FIELDS, "M340 230V258Q340 268 350 268H818Q828 268 828 258V239",
           "828,230 823,239 833,239", (470, 262), "mid"),
    Course(COMMENTS, FIELDS, "M670 200H791", "800,200 791,195 791,205", (730, 192), "mid"),
    Course(COMMENTS, NOTIFIER, "M605 230V310Q605 320 615 320H815",
           "824,320 815,315 815,325", (720, 312), "mid"),
    Course(COMMENTS, DESK, "M605 170V144Q605 134 615 134H1090Q1100 134 1100 144V147",
           "1100,156 1095,147 1105,147", (840, 128), "mid"),
    Course(FIELDS, NOTIFIER, "M892 230V283", "892,292 887,283 897,283", (902, 266), ""),
    Course(FIELDS, DESK, "M920 200H1071", "1080,200 1071,195 1071,205", (995, 192), "mid"),
];

/// The boxes of services: corner and size.
const PLACES: [(Service, [u32; 4]); 5] = [
    (Service::Agreement, [270, 32, 150, 60]),
    (Service::ShareDispatcher, [270, 170, 140, 60]),
    (Service::CommentSync, [540, 170, 130, 60]),
    (Service::FieldSync, [800, 170, 120, 60]),
    (Service::Notifier, [824, 292, 136, 56]),
];

/// The boxes.
pub fn nodes(seen: &Seen) -> Vec<Node> {
    let desks = |x, says: String, tone| Node {
        x,
        y: 156,
        width: 100,
        height: 88,
        class: "edge-node",
        name: "Desks".to_owned(),
        says,
        tone,
    };
    let senders = Service::ALL.into_iter().filter(|it| !types(End::Service(*it), DESK).is_empty());
    let waiting: Option<Vec<u64>> =
        senders.map(|it| seen.sample(it).map(|sample| sample.undelivered)).collect();
    let (told, tone) = match waiting.map(|all| all.into_iter().sum::<u64>()) {
        None => ("not known".to_owned(), "t-warn"),
        Some(0) => ("all delivered".to_owned(), "t-2"),
        Some(many) => (format!("{many} wait"), "t-bad"),
    };
    let mut nodes = vec![desks(4, "commands".to_owned(), "t-2"), desks(1080, told, tone)];
    nodes.extend(PLACES.into_iter().map(|(service, [x, y, width, height])| {
        let (says, tone) = state(seen, service);
        let class = if tone == "t-2" { "node" } else { "node node--warn" };
        Node { x, y, width, height, class, name: service.name().to_owned(), says, tone }
    }));
    nodes
}

/// What a service's box says.
fn state(seen: &Seen, service: Service) -> (String, &'static str) {
    match seen.of(service).map(|it| &it.state) {
        None => ("not looked at yet".to_owned(), "t-2"),
        Some(State::Gap(_)) => ("no answer".to_owned(), "t-bad"),
        Some(State::NotReady(what)) => (format!("waits: {what}"), "t-bad"),
        Some(State::Ready) => match seen.sample(service).map_or(0, Sample::parked_in_all) {
            0 => {
                let queued = seen.queue(service.name()).map_or(0, |queue| queue.messages);
                let says = if queued > 0 { format!("{queued} queued") } else { "ready".to_owned() };
                (says, "t-2")
            }
            many => (format!("{many} parked"), "t-warn"),
        },
    }
}

/// The arrows.
pub fn wires(seen: &Seen) -> Vec<Wire> {
    COURSES
        .iter()
        .map(|Course(from, to, path, tip, (x, y), anchor)| {
            let is_bad = *to == End::Desk
                && matches!(from, End::Service(service)
                    if seen.sample(*service).is_some_and(|it| it.undelivered > 0));
            let is_fact = types(*from, *to).iter().all(|kind| kind.starts_with("fact."));
            Wire {
                path,
                tip,
                class: match (is_bad, is_fact) {
                    (true, _) => "wire wire--bad",
                    (false, true) => "wire wire--fact",
                    (false, false) => "wire",
                },
                tip_class: if is_bad { "tip tip--bad" } else { "tip" },
                text: text(seen, *from, *to),
                x: *x,
                y: *y,
                anchor,
            }
        })
        .collect()
}

/// What an arrow says: how much comes over it, where that can be told from what else comes.
fn text(seen: &Seen, from: End, to: End) -> String {
    let rate = match (from, to) {
        (End::Service(service), End::Desk) => {
            seen.history(service).and_then(History::delivery_rate)
        }
        (_, End::Service(service)) => {
            let types = types(from, to);
            let alone = FLOWS
                .iter()
                .all(|flow| flow.to != to || flow.from == from || !types.contains(flow.message));
            let history = seen.history(service).filter(|_| alone);
            history.and_then(|history| history.rate(|kind| types.contains(kind)))
        }
        _ => None,
    };
    rate.map_or_else(|| exchange(from, to).to_owned(), |rate| per_second(Some(rate)))
}

/// The types that one sends to the other.
pub fn types(from: End, to: End) -> BTreeSet<&'static str> {
    let flows = FLOWS.iter().filter(|flow| flow.from == from && flow.to == to);
    flows.map(|flow| flow.message).collect()
}

fn exchange(from: End, to: End) -> &'static str {
    match (from, to) {
        (End::Desk, _) => Exchange::Share.name(),
        (_, End::Desk) => Exchange::Desk.name(),
        _ => Exchange::Sync.name(),
    }
}

/// The arrows in words: from, to, over which exchange, and what.
pub fn pairs() -> Vec<(String, &'static str, String)> {
    let mut pairs: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    let mut order = Vec::new();
    let name = |end: End| match end {
        End::Desk => "desks".to_owned(),
        End::Service(service) => service.name().to_owned(),
    };
    for flow in FLOWS {
        let pair = (name(flow.from), name(flow.to));
        if !pairs.contains_key(&pair) {
            order.push((pair.clone(), exchange(flow.from, flow.to)));
        }
        pairs.entry(pair).or_default().insert(flow.message);
    }
    let words = order.into_iter().map(|((from, to), exchange)| {
        let what = pairs.remove(&(from.clone(), to.clone())).unwrap_or_default();
        let what = what.into_iter().map(|kind| kind.rsplit_once(".v").map_or(kind, |it| it.0));
        (format!("{from} → {to}"), exchange, what.collect::<Vec<_>>().join(", "))
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::super::watch::ServiceStanding;
    use super::*;

    /// A flow that is new needs an arrow, and one that is gone must lose its own.
    #[test]
    fn the_picture_has_every_flow_and_no_other() {
        let drawn: Vec<_> = COURSES.iter().map(|Course(from, to, ..)| (*from, *to)).collect();
        for flow in FLOWS {
            assert!(drawn.contains(&(flow.from, flow.to)), "{:?} → {:?}", flow.from, flow.to);
        }
        for (from, to) in drawn {
            assert!(!types(from, to).is_empty(), "nothing flows from {from:?} to {to:?}");
        }
        assert_eq!(PLACES.map(|(service, _)| service), Service::ALL);
        assert_eq!(pairs().len(), COURSES.len());
    }

    #[test]
    fn a_gap_is_no_claim_that_all_is_well() {
        let mut seen = Seen::default();
        for service in Service::ALL {
            let mut history = History::default();
            history.add(Sample::default());
            seen.services.insert(service.name(), ServiceStanding { state: State::Ready, history });
        }
        let says = |seen: &Seen| nodes(seen).into_iter().map(|it| it.says).collect::<Vec<_>>();
        assert_eq!(says(&seen)[..3], ["commands", "all delivered", "ready"]);
        let gap = State::Gap("host:1: refused".to_owned());
        seen.services.get_mut("field-sync").unwrap().state = gap;
        assert_eq!(says(&seen)[1], "not known");
        assert_eq!(says(&seen)[5], "no answer");
    }
}
