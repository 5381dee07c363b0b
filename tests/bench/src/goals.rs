//! What the system is to reach, held against what was measured. Ratios are taken round by round.

use std::fmt::Write as _;

use crate::contestant::Contestant;
use crate::peers::Peer;
use crate::report::{Report, spread};
use crate::scenario::{
    BOTH, COLD, DEACTIVATION, FILLED, FULL, HALF, REAL_BOTH, REAL_FULL, REAL_SHARE, REAL_SLOW,
    REAL_SLOW_BOTH, SHARE, SLOW, SLOW_BOTH, WAITING,
};
use crate::turn::Shown;

/// Which side of the mark is good.
#[derive(Clone, Copy, Debug)]
enum Mark {
    AtLeast(f64),
    AtMost(f64),
}

impl Mark {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(mark) => value >= mark,
            Self::AtMost(mark) => value <= mark,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(mark) => format!("at least {mark}"),
            Self::AtMost(mark) => format!("at most {mark}"),
        }
    }
}

/// One goal with the values that the rounds gave.
#[derive(Debug)]
struct Goal {
    what: &'static str,
    mark: Mark,
    values: Vec<f64>,
}

/// Something that a turn shows.
type Figure = fn(&Shown) -> f64;

/// Turns of one contestant in one scenario.
type Which = (Contestant, &'static str);

const DESKMESH: Contestant = Contestant::Deskmesh { replicas: 1 };

/// The goals as a table; those whose turns were left out are not in it.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut text = String::from("| goal | mark | median [least-most] | |\n|---|---|--:|---|\n");
    for goal in goals(report).iter().filter(|goal| !goal.values.is_empty()) {
        let [median, least, most] = spread(&goal.values);
        let met = if goal.mark.is_met(median) { "met" } else { "**missed**" };
        let mark = goal.mark.text();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {mark} | {median:.2} [{least:.2}-{most:.2}] | {met} |",
            goal.what
        );
    }
    text
}

#[expect(clippy::too_many_lines, reason = "a table: one goal after the other")]
fn goals(report: &Report) -> Vec<Goal> {
    use Mark::{AtLeast, AtMost};
    let goal = |what: &'static str, mark: Mark, values: Vec<f64>| Goal { what, mark, values };
    let ratio = |what: &'static str, mark: Mark, of: Figure, one: Which, other: Which| {
        goal(what, mark, report.ratios(of, (&one.0.name(), one.1), (&other.0.name(), other.1)))
    };
    let each = |which: Which, of: &dyn Fn(&Shown) -> f64| -> Vec<f64> {
        report.turns(&which.0.name(), which.1).iter().map(of).collect()
    };
    let (rate, cpu): (Figure, Figure) = (|shown| shown.rate, Shown::system);
    let (p50, p99): (Figure, Figure) = (|shown| shown.p50, |shown| shown.p99);
    let naive = |handlers: u32| Contestant::Naive { handlers };
    let python =
        [Peer::AioPika, Peer::FastStream].map(|peer| Contestant::Python { peer, handlers: 32 });
    let best = python.into_iter().max_by(|one, other| {
        let median = |peer: &Contestant| report.rate(&peer.name(), FULL).unwrap_or_default();
        median(one).total_cmp(&median(other))
    });
    let best = best.unwrap_or(python[0]);
    let narrow = |replicas: u32| Contestant::Narrow { replicas };
    let time = |which: Which, name: &str| {
        each(which, &|shown| shown.times.get(name).copied().unwrap_or_default())
    };
    let (before, after) = (
        time((DESKMESH, DEACTIVATION), "longest before"),
        time((DESKMESH, DEACTIVATION), "longest after"),
    );
    let caused =
        after.iter().zip(before).map(|(after, before)| (after - before).max(0.0)).collect();
    let largest = |shown: &Shown| {
        let services = shown
            .memory
            .iter()
            .filter(|(part, _)| !["broker", "database", "desks"].contains(&part.as_str()));
        services.map(|(_, mib)| *mib).fold(0.0, f64::max)
    };
    let (full, slow) = ((DESKMESH, FULL), (DESKMESH, SLOW));
    vec![
        ratio(
            "updates/s against the raw forwarder with the same hops and publishes (comment)",
            AtLeast(0.8),
            rate,
            full,
            (Contestant::Raw, FULL),
        ),
        ratio(
            "the same (comment and field)",
            AtLeast(0.8),
            rate,
            (DESKMESH, BOTH),
            (Contestant::Raw, BOTH),
        ),
        ratio(
            "updates/s against one message a transaction, 32 handlers",
            AtLeast(6.0),
            rate,
            full,
            (naive(32), FULL),
        ),
        ratio("updates/s against the best Python peer", AtLeast(12.0), rate, full, (best, FULL)),
        ratio(
            "processor time an update, whole system, against the raw forwarder (comment)",
            AtMost(1.4),
            cpu,
            full,
            (Contestant::Raw, FULL),
        ),
        ratio(
            "the same (comment and field)",
            AtMost(1.4),
            cpu,
            (DESKMESH, BOTH),
            (Contestant::Raw, BOTH),
        ),
        ratio(
            "p50 at 100 updates/s against one message a transaction, 8 handlers",
            AtMost(1.0),
            p50,
            slow,
            (naive(8), SLOW),
        ),
        ratio("p99 at 100 updates/s, same", AtMost(1.0), p99, slow, (naive(8), SLOW)),
        goal(
            "p99 at half of full speed against its p50",
            AtMost(5.0),
            each((DESKMESH, HALF), &|shown| shown.p99 / shown.p50),
        ),
        ratio(
            "p99 at half of full speed against one message a transaction, 8 handlers, at half of \
             its own",
            AtMost(1.0),
            p99,
            (DESKMESH, HALF),
            (naive(8), HALF),
        ),
        ratio("the same, 32 handlers", AtMost(1.0), p99, (DESKMESH, HALF), (naive(32), HALF)),
        ratio(
            "updates/s with 1,000,000 shares and 10,000,000 comments stored, against few",
            AtLeast(0.9),
            rate,
            (DESKMESH, FILLED),
            full,
        ),
        ratio(
            "updates/s of two replicas against one, where a service is the limit",
            AtLeast(1.0),
            rate,
            (narrow(2), FULL),
            (narrow(1), FULL),
        ),
        goal(
            "longest delay caused by a deactivation with 100,000 shares, ms",
            AtMost(100.0),
            caused,
        ),
        ratio(
            "updates/s while 100,000 deliveries of one account wait, against without",
            AtLeast(0.9),
            rate,
            (DESKMESH, WAITING),
            full,
        ),
        goal(
            "resident memory of the largest service at full speed, MiB",
            AtMost(64.0),
            each(full, &largest),
        ),
        ratio(
            "updates/s with real accounts against plain ones (comment)",
            AtLeast(0.85),
            rate,
            (DESKMESH, REAL_FULL),
            full,
        ),
        ratio(
            "the same (comment and field)",
            AtLeast(0.8),
            rate,
            (DESKMESH, REAL_BOTH),
            (DESKMESH, BOTH),
        ),
        ratio("the same (share)", AtLeast(0.6), rate, (DESKMESH, REAL_SHARE), (DESKMESH, SHARE)),
        ratio(
            "p99 at 100 updates/s with real accounts against plain ones (comment)",
            AtMost(1.3),
            p99,
            (DESKMESH, REAL_SLOW),
            slow,
        ),
        ratio(
            "the same (comment and field)",
            AtMost(1.3),
            p99,
            (DESKMESH, REAL_SLOW_BOTH),
            (DESKMESH, SLOW_BOTH),
        ),
        goal(
            "resident memory of the largest service with real accounts, MiB",
            AtMost(64.0),
            [REAL_FULL, REAL_BOTH, REAL_SHARE]
                .iter()
                .flat_map(|scenario| each((DESKMESH, scenario), &largest))
                .collect(),
        ),
        goal(
            "cold start to the first update, ms",
            AtMost(1_000.0),
            time((DESKMESH, COLD), "until the first update"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rate: f64) -> Shown {
        Shown { rate, ..Shown::default() }
    }

    #[test]
    fn a_goal_is_held_against_turns_of_the_same_round() {
        let mut report = Report::default();
        for (raw, ours) in [(1_000.0, 900.0), (2_000.0, 1_500.0), (500.0, 450.0)] {
            report.add(Contestant::Raw.name(), FULL, shown(raw));
            report.add(DESKMESH.name(), FULL, shown(ours));
        }
        let table = table(&report);
        assert!(table.contains("at least 0.8 | 0.90 [0.75-0.90] | met"), "{table}");
        assert!(!table.contains("Python"), "{table}");
    }

    #[test]
    fn a_goal_that_is_missed_says_so() {
        let mut report = Report::default();
        report.add(Contestant::Raw.name(), FULL, shown(1_000.0));
        report.add(DESKMESH.name(), FULL, shown(700.0));
        assert!(table(&report).contains("| 0.70 [0.70-0.70] | **missed** |"));
    }
}
