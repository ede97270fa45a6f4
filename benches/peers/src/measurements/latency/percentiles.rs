//! The same with frames enough for the slowest in a hundred and in a thousand, on idle cores and
//! beside a thread that keeps the receiver's core busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;

use super::{Manner, Pair, race, two_cores};
use crate::contenders::wire::Waiting;
use crate::harness::cores;
use crate::harness::goal::Goal;
use crate::harness::stats::{Nanos, Short, Spread};
use crate::harness::table::Table;
use crate::measurements::{OURS, Report, SMALL, Settings, size_name};

/// A small value and a picture of 1280×720.
const PERCENTILE_SIZES: [usize; 2] = [SMALL, 1280 * 720 * 3];

/// Frames of one round, at most and at least.
///
/// The slowest in a thousand is the slowest but none of a round.
const FRAMES: u32 = 1000;
const FEW_FRAMES: u32 = 100;

/// What a round may take of a contender that the scheduler lets wait.
const ROUND: Duration = Duration::from_millis(400);

const SPINNING: Manner = Manner {
    what: "percentiles, spinning",
    waiting: Waiting::Spinning,
    pause: Duration::ZERO,
    sizes: &PERCENTILE_SIZES,
};
const ASLEEP: Manner = Manner {
    what: "percentiles, asleep for 300 µs",
    waiting: Waiting::Asleep,
    pause: Duration::from_micros(300),
    sizes: &PERCENTILE_SIZES,
};

pub(in crate::measurements) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    let (theirs, _pinned) = two_cores()?;
    // Rough figures need no more frames than they take by time.
    let frames = if settings.rounds < 11 { FEW_FRAMES } else { FRAMES };
    for manner in [&SPINNING, &ASLEEP] {
        for &size in manner.sizes {
            for is_busy in [false, true] {
                let mut pairs = Pair::start_all(settings, manner, size, theirs, false)?;
                let busy = is_busy.then(|| Busy::start(theirs));
                for pair in &mut pairs {
                    pair.count = FEW_FRAMES;
                    let (_, took) = pair.sample(manner.pause)?;
                    let most = ROUND.as_secs_f64() / took.as_secs_f64() * f64::from(FEW_FRAMES);
                    pair.count = (most as u32).clamp(FEW_FRAMES, frames);
                }
                race(&mut pairs, settings, manner)?;
                drop(busy);
                add(&mut report, manner, size, is_busy, &pairs);
            }
        }
    }
    Ok(report)
}

/// A thread that computes on the receiver's core until this is dropped.
struct Busy {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Busy {
    fn start(core: Option<usize>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let _pinned = core.map(cores::pin);
            // Relaxed: nothing else is told by it.
            while !theirs.load(Ordering::Relaxed) {
                std::hint::black_box((0..1000_u64).fold(0, |sum: u64, each| sum.wrapping_mul(31) ^ each));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn add(report: &mut Report, manner: &Manner, size: usize, is_busy: bool, pairs: &[Pair]) {
    let beside = if is_busy { "beside a busy thread" } else { "idle cores" };
    let title = format!("{}, {beside}: {}", manner.what, size_name(size));
    let head = ["contender", "p50", "p99", "p99.9", "times ours, p50", "p99", "p99.9"];
    let mut table = Table::new(format!("Median of rounds, {title}"), &head);
    let ours = pairs.iter().find(|pair| pair.name == OURS);
    for pair in pairs {
        let mut row = vec![pair.name.to_owned()];
        let of = |pair: &Pair| [pair.medians.clone(), pair.p99.clone(), pair.p999.clone()];
        row.extend(of(pair).iter().map(|rounds| Nanos(Spread::of(rounds).median).to_string()));
        row.extend(of(pair).iter().enumerate().map(|(at, theirs)| {
            let ours = ours.and_then(|ours| of(ours).into_iter().nth(at));
            ours.map_or("–".into(), |ours| Short(Spread::of_ratios(theirs, &ours).median).to_string())
        }));
        table.row(row);
        let Some(ours) = ours.filter(|_| pair.name != OURS) else { continue };
        for (at, (mine, theirs)) in of(ours).iter().zip(of(pair)).enumerate() {
            // The floors protect nothing: they are no rivals.
            if !pair.name.starts_with("floor") {
                let which = ["p50", "p99", "p99.9"].get(at).unwrap_or(&"");
                let ratio = Spread::of_ratios(mine, &theirs);
                let what = format!("{title}, {which}, of {}", pair.name);
                report.goals.push(Goal::at_most(what, ratio, 1.05, |x| format!("{} ×", Short(x))));
            }
        }
    }
    report.tables.push(table);
}
