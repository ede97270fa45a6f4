//! A writer that never pauses: how many fresh values reach readers in other processes, and are they whole?

pub(crate) mod reader;
mod writer;

use anyhow::Result;

use super::{OURS, Report, Settings};
use crate::contenders::Values;
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::SendCopy;
use crate::contenders::in_place::InPlace;
use crate::contenders::mmap_sync::Typed;
use crate::contenders::ndsharray::Ndsharray;
use crate::harness::goal::Goal;
use crate::harness::stats::{Short, Spread};
use crate::harness::table::Table;
use reader::Tally;
use writer::{Flood, flood};

/// One reader, on a core of its own: the rate.
pub(super) fn one_reader(settings: &Settings) -> Result<Report> {
    let contenders = race(settings, 1)?;
    let mut report = report("A flooding writer of 64 B and one reader, a process and a core each", &contenders);
    if let Some(ours) = contenders.iter().find(|each| each.name == OURS) {
        report.goals.push(Goal::at_least("fresh values a second", ours.fresh(), 500_000.0, thousands));
    }
    Ok(report)
}

/// Four readers share one core: they are interrupted while they hold a value, which is when a contender
/// that overwrites what is held gets caught.
pub(super) fn crowd(settings: &Settings) -> Result<Report> {
    Ok(report("A flooding writer of 64 B on one core, four readers on another", &race(settings, 4)?))
}

/// One contender and what each round of it saw.
struct Contender {
    name: &'static str,
    run: fn(&Settings, usize) -> Result<Flood>,
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

fn race(settings: &Settings, readers: usize) -> Result<Vec<Contender>> {
    let mut contenders = vec![
        Contender::new::<Ndsharray>(),
        Contender::new::<Typed>(),
        Contender::new::<SendCopy>(),
        Contender::new::<Blackboard>(),
        Contender::new::<InPlace>(),
    ];
    contenders.retain(|each| settings.pace().admits(each.name));
    for round in 0..settings.rounds {
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let contender = &mut contenders[index];
            contender.rounds.push((contender.run)(settings, readers)?);
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
