//! A writer that never pauses: how many fresh values reach readers in other processes, and are they
//! whole?

pub(crate) mod reader;
mod writer;

use std::time::Duration;

use anyhow::Result;

use super::{OURS, Report, Settings};
use crate::contenders::Values;
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::SendCopy;
use crate::contenders::in_place::InPlace;
use crate::contenders::mmap_sync::Typed;
use crate::contenders::ndsharray::Ndsharray;
use crate::harness::figure::Figure;
use crate::harness::goal::Goal;
use crate::harness::stats::{Nanos, Short, Spread, permille};
use crate::harness::table::Table;
use reader::Tally;
use writer::{Crowd, Flood, flood};

/// The figures' names; they are fresh values a second at each reader, and writes a second, per
/// number of readers.
pub(crate) const FRESH: &str = "fresh values a second";
pub(crate) const WRITES: &str = "writes a second";
/// The same, for one reader that holds each value for a millisecond.
pub(crate) const SLOW_WRITES: &str = "writes a second beside a slow reader";

/// Readers that share a core.
const CROWDS: [usize; 3] = [4, 16, 64];

/// How long a slow reader holds a value.
const SLOW: Duration = Duration::from_millis(1);

/// Starting 64 processes takes too long to do it as often as one.
const CROWD_ROUNDS: usize = 5;

/// One reader, on a core of its own: the rate.
pub(super) fn one_reader(settings: &Settings) -> Result<Report> {
    let contenders = race(settings, settings.rounds, &Crowd { readers: 1, hold: Duration::ZERO })?;
    let mut report = report("A flooding writer of 64 B and one reader, a process and a core each", &contenders);
    if let Some(ours) = contenders.iter().find(|each| each.name == OURS) {
        report.goals.push(Goal::at_least("fresh values a second", ours.fresh(), 500_000.0, thousands));
    }
    report.figures.extend(figures(FRESH, 1, &contenders, Contender::fresh));
    report.figures.extend(figures(WRITES, 1, &contenders, Contender::writes));
    Ok(report)
}

/// Readers share one core: they are interrupted while they hold a value, which is when a contender
/// that overwrites what is held gets caught.
pub(super) fn crowds(settings: &Settings) -> Result<Report> {
    let mut all = Report::default();
    for readers in CROWDS {
        let contenders = race(settings, settings.rounds.min(CROWD_ROUNDS), &Crowd { readers, hold: Duration::ZERO })?;
        let title = format!("A flooding writer of 64 B on one core, {readers} readers on another");
        let one = report(&title, &contenders);
        all.tables.extend(one.tables);
        all.goals.extend(one.goals);
        all.figures.extend(figures(FRESH, readers, &contenders, Contender::fresh));
        all.figures.extend(figures(WRITES, readers, &contenders, Contender::writes));
    }
    Ok(all)
}

/// One reader that holds each value for a millisecond: does the writer go on meanwhile, and does
/// the value stay whole?
pub(super) fn slow(settings: &Settings) -> Result<Report> {
    let contenders = race(settings, settings.rounds.min(CROWD_ROUNDS), &Crowd { readers: 1, hold: SLOW })?;
    let mut report = report("A flooding writer of 64 B, and a reader that holds each value for 1 ms", &contenders);
    report.figures.extend(figures(SLOW_WRITES, 1, &contenders, Contender::writes));
    report.tables.push(ages(&contenders));
    Ok(report)
}

/// How old a value is when the slow reader gets it.
fn ages(contenders: &[Contender]) -> Table {
    let head = ["contender", "age p50", "p99", "oldest", "values"];
    let mut table = Table::new("The age of the values that a reader gets who holds each for 1 ms", &head);
    for each in contenders {
        let tallies = each.rounds.iter().flat_map(|round| &round.tallies);
        let mut ages: Vec<f64> = tallies.flat_map(|tally| &tally.ages).map(|&age| age as f64).collect();
        ages.sort_by(f64::total_cmp);
        let mut row = vec![each.name.into()];
        row.extend([500, 990, 1000].map(|part| Nanos(permille(&ages, part)).to_string()));
        row.push(ages.len().to_string());
        table.row(row);
    }
    table
}

fn figures(
    what: &'static str,
    at: usize,
    contenders: &[Contender],
    value: impl Fn(&Contender) -> Spread,
) -> Vec<Figure> {
    let figure =
        |each: &Contender| Figure { what, at, contender: each.name.into(), value: value(each), times_ours: None };
    contenders.iter().map(figure).collect()
}

/// One contender and what each round of it saw.
struct Contender {
    name: &'static str,
    run: fn(&Settings, &Crowd) -> Result<Flood>,
    rounds: Vec<Flood>,
}

impl Contender {
    fn new<C: Values>() -> Self {
        Self { name: C::NAME, run: flood::<C>, rounds: Vec::new() }
    }

    /// Fresh values a second at each reader.
    fn fresh(&self) -> Spread {
        let rates: Vec<f64> = self.rounds.iter().flat_map(|round| round.tallies.iter().map(Tally::rate)).collect();
        Spread::of(&rates)
    }

    fn writes(&self) -> Spread {
        let rates: Vec<f64> = self.rounds.iter().map(|round| round.writes_per_second).collect();
        Spread::of(&rates)
    }

    fn total(&self, count: impl Fn(&Tally) -> u64) -> u64 {
        self.rounds.iter().flat_map(|round| round.tallies.iter().map(&count)).sum()
    }
}

fn race(settings: &Settings, rounds: usize, crowd: &Crowd) -> Result<Vec<Contender>> {
    let mut contenders = vec![
        Contender::new::<Ndsharray>(),
        Contender::new::<Typed>(),
        Contender::new::<SendCopy>(),
        Contender::new::<Blackboard>(),
        Contender::new::<InPlace>(),
    ];
    contenders.retain(|each| settings.pace().admits(each.name));
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let contender = &mut contenders[index];
            contender.rounds.push((contender.run)(settings, crowd)?);
        }
    }
    Ok(contenders)
}

fn report(title: &str, contenders: &[Contender]) -> Report {
    let head = [
        "contender",
        "fresh/s a reader",
        "min..max",
        "writes/s",
        "values checked",
        "torn",
        "torn per million",
        "stale",
    ];
    let mut table = Table::new(title, &head);
    let mut goals = Vec::new();
    for each in contenders {
        let (fresh, checked, torn) = (each.fresh(), each.total(|t| t.checked), each.total(|t| t.torn));
        table.row(vec![
            each.name.into(),
            thousands(fresh.median),
            format!("{}..{}", thousands(fresh.min), thousands(fresh.max)),
            thousands(each.writes().median),
            checked.to_string(),
            torn.to_string(),
            Short(torn as f64 * 1e6 / checked as f64).to_string(),
            each.total(|t| t.stale).to_string(),
        ]);
        if each.name == OURS {
            let what = format!("torn or stale of {checked} values: {title}");
            let bad = Spread::of(&[(torn + each.total(|t| t.stale)) as f64]);
            goals.push(Goal::at_most(what, bad, 0.0, |x| format!("{x}")));
        }
    }
    Report { tables: vec![table], goals, ..Report::default() }
}

fn thousands(rate: f64) -> String {
    format!("{}k", Short(rate / 1e3))
}
