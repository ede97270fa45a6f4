//! The same for a receiver that waits for many channels at once, in a thread or in a task.

use std::time::Duration;

use anyhow::Result;

use super::{Manner, Pair, add, race};
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::wire::many::{Any, Descriptor, Refused, Set, Task};
use crate::contenders::wire::{Waiting, Wire};
use crate::harness::cores;
use crate::harness::goal::Goal;
use crate::harness::stats::{Nanos, Short, Spread};
use crate::measurements::{OURS, Report, SMALL, Settings};

/// The figure's name.
const MANY: &str = "latency, asleep on many channels";
const NAPS: &str = "latency, asleep for 20 ms without futex_waitv";

const ASLEEP: Manner =
    Manner { what: MANY, waiting: Waiting::Asleep, pause: Duration::from_micros(300), sizes: &[SMALL] };
/// Time for the naps to grow as long as they become.
const NAPPING: Manner =
    Manner { what: NAPS, waiting: Waiting::Asleep, pause: Duration::from_millis(20), sizes: &[SMALL] };

pub(in crate::measurements) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    let cores = cores::allowed()?;
    let theirs = cores.get(1).copied();
    let _pinned = cores.first().copied().map(cores::pin).transpose()?;

    let starts = [
        Pair::start::<Ndsharray>,
        Pair::start::<Any<1>>,
        Pair::start::<Any<16>>,
        Pair::start::<Any<100>>,
        Pair::start::<Task>,
        Pair::start::<Descriptor>,
        Pair::start::<Set<1>>,
        Pair::start::<Set<16>>,
        Pair::start::<Set<100>>,
    ];
    let pairs = measure(settings, &ASLEEP, &starts, theirs)?;
    add(&mut report, &ASLEEP, SMALL, &pairs);
    let medians = |name| pairs.iter().find(|pair| pair.name == name).map(|pair| &pair.medians);
    let limits = [(Any::<1>::NAME, 1.1), (Any::<16>::NAME, 1.2), (Any::<100>::NAME, 2.0), (Task::NAME, 1.5)];
    for (name, limit) in limits {
        if let Some((many, one)) = medians(name).zip(medians(OURS)) {
            let ratio = Spread::of_ratios(many, one);
            report
                .goals
                .push(Goal::at_most(format!("{name} p50, of wait"), ratio, limit, |x| format!("{} ×", Short(x))));
        }
    }

    let pairs = measure(settings, &NAPPING, &[Pair::start::<Ndsharray>, Pair::start::<Refused>], theirs)?;
    add(&mut report, &NAPPING, SMALL, &pairs);
    if let Some(naps) = pairs.iter().find(|pair| pair.name == Refused::NAME) {
        let p50 = Spread::of(&naps.medians);
        report.goals.push(Goal::at_most(format!("{} p50", Refused::NAME), p50, 1e6, |x| Nanos(x).to_string()));
    }
    Ok(report)
}

/// Frames before the first sample: sixteen by each of a hundred channels.
const WARM_UP: u32 = 1600;

/// How a pair is started.
type Start = fn(&Settings, &Manner, usize, Option<usize>) -> Result<Option<Pair>>;

fn measure(settings: &Settings, manner: &Manner, starts: &[Start], core: Option<usize>) -> Result<Vec<Pair>> {
    let started = starts.iter().filter_map(|start| start(settings, manner, SMALL, core).transpose());
    let mut pairs = started.collect::<Result<Vec<_>>>()?;
    for pair in &mut pairs {
        // Both ends meet each channel's memory for the first time.
        let count = std::mem::replace(&mut pair.count, WARM_UP);
        pair.sample(Duration::from_micros(20))?;
        pair.count = count;
    }
    race(&mut pairs, settings, manner)?;
    Ok(pairs)
}
