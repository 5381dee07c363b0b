//! What was measured, as a table, a plot and a file for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;
use serde::{Deserialize, Serialize};

use crate::goals;
use crate::scenario::FULL;
use crate::turn::Shown;

/// All turns of one thing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    /// Who.
    pub contestant: String,
    /// Doing what.
    pub scenario: String,
    pub turns: Vec<Shown>,
}

/// Everything of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// When, on what, with which versions.
    pub facts: BTreeMap<String, String>,
    /// In the order in which they were measured first.
    pub series: Vec<Series>,
}

impl Series {
    /// The median of something, with the least and the most.
    #[must_use]
    pub fn spread(&self, of: impl Fn(&Shown) -> f64) -> [f64; 3] {
        spread(&self.turns.iter().map(of).collect::<Vec<_>>())
    }
}

/// The median, with the least and the most.
#[must_use]
pub fn spread(values: &[f64]) -> [f64; 3] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    [at(values.len() / 2), at(0), at(values.len().saturating_sub(1))]
}

impl Report {
    /// Adds a turn.
    pub fn add(&mut self, contestant: String, scenario: &str, shown: Shown) {
        let known = self
            .series
            .iter_mut()
            .find(|series| series.contestant == contestant && series.scenario == scenario);
        if let Some(series) = known {
            series.turns.push(shown);
        } else {
            self.series.push(Series {
                contestant,
                scenario: scenario.to_owned(),
                turns: vec![shown],
            });
        }
    }

    /// The turns of a contestant in a scenario, round by round.
    #[must_use]
    pub fn turns(&self, contestant: &str, scenario: &str) -> &[Shown] {
        let series = self
            .series
            .iter()
            .find(|series| series.contestant == contestant && series.scenario == scenario);
        series.map_or(&[], |series| &series.turns)
    }

    /// Updates a second, at the median.
    #[must_use]
    pub fn rate(&self, contestant: &str, scenario: &str) -> Option<f64> {
        let rates: Vec<f64> =
            self.turns(contestant, scenario).iter().map(|shown| shown.rate).collect();
        (!rates.is_empty()).then(|| spread(&rates)[0])
    }

    /// Something of one, contestant and scenario, against the same of the other, round by round.
    #[must_use]
    pub fn ratios(
        &self,
        of: fn(&Shown) -> f64,
        one: (&str, &str),
        other: (&str, &str),
    ) -> Vec<f64> {
        let (one, other) = (self.turns(one.0, one.1), self.turns(other.0, other.1));
        one.iter().zip(other).map(|(one, other)| of(one) / of(other)).collect()
    }

    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from(
            "| what | who | updates/s: median [least-most] | µs of processor an update | p50, ms | \
             p99, ms | foreign cores |\n|---|---|--:|--:|--:|--:|--:|\n",
        );
        for series in self
            .series
            .iter()
            .filter(|series| series.turns.iter().all(|shown| shown.times.is_empty()))
        {
            let [rate, least, most] = series.spread(|shown| shown.rate);
            let [cpu, ..] = series.spread(Shown::system);
            let [p50, ..] = series.spread(|shown| shown.p50);
            let [p99, ..] = series.spread(|shown| shown.p99);
            let [.., foreign] = series.spread(|shown| shown.foreign);
            let (what, who) = (&series.scenario, &series.contestant);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {what} | {who} | {rate:.0} [{least:.0}-{most:.0}] | {cpu:.0} | {p50:.1} | \
                 {p99:.1} | {foreign:.2} |"
            );
        }
        text
    }

    /// Where the processor time goes, by part of the system.
    #[must_use]
    pub fn parts(&self) -> String {
        let mut text = String::from(
            "| what | who | µs an update, by part | MiB at the end |\n|---|---|---|---|\n",
        );
        for series in &self.series {
            let Some(last) = series.turns.last().filter(|shown| !shown.cpu.is_empty()) else {
                continue;
            };
            let part = |name: &String| {
                format!(
                    "{name} {:.0}",
                    series.spread(|shown| shown.cpu.get(name).copied().unwrap_or_default())[0]
                )
            };
            let cpu: Vec<String> = last.cpu.keys().map(part).collect();
            let memory: Vec<String> =
                last.memory.iter().map(|(name, mib)| format!("{name} {mib:.0}")).collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                series.scenario,
                series.contestant,
                cpu.join(", "),
                memory.join(", ")
            );
        }
        text
    }

    /// Turns that are about a time and not about a rate.
    #[must_use]
    pub fn times(&self) -> String {
        let mut text = String::from("| what | ms: median [least-most] |\n|---|---|\n");
        for series in &self.series {
            let Some(newest) = series.turns.last().filter(|shown| !shown.times.is_empty()) else {
                continue;
            };
            let told = |name: &String| {
                let [median, least, most] =
                    series.spread(|shown| shown.times.get(name).copied().unwrap_or_default());
                format!("{name} {median:.0} [{least:.0}-{most:.0}]")
            };
            let times: Vec<String> = newest.times.keys().map(told).collect();
            let _ = writeln!(text, "| {} | {} |", series.scenario, times.join(", "));
        }
        text
    }

    /// Writes `report.md`, `report.json` and `rates.svg`.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let facts: Vec<String> =
            self.facts.iter().map(|(name, value)| format!("- {name}: {value}")).collect();
        let tables =
            [facts.join("\n"), goals::table(self), self.table(), self.times(), self.parts()];
        std::fs::write(dir.join("report.md"), tables.join("\n\n")).context("writing the report")?;
        std::fs::write(dir.join("report.json"), serde_json::to_vec_pretty(self)?)
            .context("writing the report")?;
        plot(self, &dir.join("rates.svg"))
    }
}

/// Updates a second of everybody, a bar each with its spread.
fn plot(report: &Report, path: &Path) -> Result<()> {
    let series: Vec<&Series> =
        report.series.iter().filter(|series| series.scenario == FULL).collect();
    let bars = i32::try_from(series.len()).unwrap_or(1);
    let most = series.iter().map(|series| series.spread(|shown| shown.rate)[2]).fold(1.0, f64::max);
    let area =
        SVGBackend::new(path, (900, 60 + 50 * u32::try_from(series.len().max(1)).unwrap_or(1)))
            .into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(260)
        .build_cartesian_2d(0.0..most * 1.05, (0..bars).into_segmented())?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_desc("updates a second")
        .y_label_formatter(&|at| match at {
            SegmentValue::CenterOf(index) => usize::try_from(*index)
                .ok()
                .and_then(|index| series.get(index))
                .map_or_else(String::new, |it| it.contestant.clone()),
            _ => String::new(),
        })
        .draw()?;
    for (index, one) in (0..).zip(&series) {
        let [median, least, most] = one.spread(|shown| shown.rate);
        let bar = [(0.0, SegmentValue::Exact(index)), (median, SegmentValue::Exact(index + 1))];
        let mut bar = Rectangle::new(bar, BLUE.mix(0.6).filled());
        bar.set_margin(8, 8, 0, 0);
        chart.draw_series([bar])?;
        let spread =
            [(least, SegmentValue::CenterOf(index)), (most, SegmentValue::CenterOf(index))];
        chart.draw_series([PathElement::new(spread, BLACK.stroke_width(2))])?;
    }
    area.present().context("writing the plot")
}
