//! The sweep strikes every point that a scenario reaches.
//!
//! It strikes at the first and at the last passing: the process is killed, aborted and stopped. A
//! point that is never struck is a failure.

use crate::common::os::{Death, death_of};
use crate::common::{Event, Peer, TestDir, stress};
use crate::{history_victims, reader_victims, writer_victims};
use ndsharray::{COMPAT_FAIL_POINTS, FAIL_POINTS};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

const VARIABLE: &str = "NDSHARRAY_FAILPOINT";

#[cfg(unix)]
const ACTIONS: &[&str] = &["kill", "abort", "stop"];
/// A process cannot stop itself there so that others see it.
#[cfg(windows)]
const ACTIONS: &[&str] = &["kill", "abort"];

/// Points that a process reaches only if it was overtaken while it was stopped.
///
/// And where boards have all their memory from the start, the one at which they get more.
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
const OUT_OF_REACH: &[&str] = &[];
#[cfg(all(unix, any(not(target_os = "linux"), ndsharray_portable)))]
const OUT_OF_REACH: &[&str] = &["board.extended"];
#[cfg(windows)]
const OUT_OF_REACH: &[&str] = &["board.extended", "claim.refused", "pin.missed", "older.missed"];

/// Whether each point is struck at its first passing alone, in the first scenario that reaches it.
///
/// A process takes long to start under Wine. `NDSHARRAY_SWEEP=whole` strikes all of them there too,
/// and `NDSHARRAY_SWEEP=brief` is as brief on any system.
fn is_brief() -> bool {
    stress::sweep().map_or(cfg!(windows), |sweep| sweep == "brief")
}

fn actions() -> &'static [&'static str] {
    if cfg!(windows) && is_brief() { &["kill"] } else { ACTIONS }
}

/// A scenario with one process as the victim; it checks what the victim leaves.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) play: fn(&mut Play) -> Ending,
    /// The beginning of the names of its points; all points if empty.
    pub(crate) only: &'static str,
}

/// How it ended for the victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It came to its natural end.
    Natural,
    /// It was killed, and all others went on.
    Died,
}

/// One run of a scenario.
pub(crate) struct Play {
    orders: String,
    errors: Option<File>,
    stopped: bool,
}

impl Play {
    /// Starts the victim. `before` are orders that belong to the scenario.
    pub(crate) fn victim(&mut self, role: &str, dir: &TestDir, before: &str) -> Peer {
        let orders = if before.is_empty() { self.orders.clone() } else { format!("{before},{}", self.orders) };
        Peer::start(role, dir.path(), |command| {
            command.env(VARIABLE, orders);
            if let Some(file) = &self.errors {
                command.stderr(file.try_clone().unwrap());
            }
        })
    }

    /// Whether the victim is to be struck at `point`.
    pub(crate) fn is_for(&self, point: &str) -> bool {
        self.orders.split(':').next() == Some(point)
    }

    /// What the victim says next, if it speaks within `time`.
    ///
    /// When it stops, `meanwhile` runs, and the victim goes on.
    pub(crate) fn hear(
        &mut self,
        victim: &mut Peer,
        time: Duration,
        meanwhile: impl FnOnce(&Self),
    ) -> Result<Option<String>, Ending> {
        match victim.poll(time) {
            Event::Line(line) => Ok(Some(line)),
            Event::Quiet => Ok(None),
            Event::Stopped => {
                self.stopped = true;
                meanwhile(self);
                #[cfg(unix)]
                victim.signal(libc::SIGCONT);
                Ok(None)
            }
            Event::Ended(status) if status.success() => Err(Ending::Natural),
            Event::Ended(status) => {
                let wanted = if self.orders.ends_with("abort") { Death::Aborted } else { Death::Killed };
                assert_eq!(death_of(status), wanted, "the victim failed by itself: {status}");
                Err(Ending::Died)
            }
        }
    }
}

/// Another process, that is killed or stopped as a part of the scenario.
pub(crate) fn extra(role: &str, dir: &TestDir, orders: &str) -> Peer {
    Peer::start(role, dir.path(), |command| {
        command.env(VARIABLE, orders);
    })
}

/// The names of the points that the victim of `scenario` passes, each with how often.
fn trace(scenario: &Scenario, points: &[&str]) -> BTreeMap<String, u64> {
    let mut file = tempfile::tempfile().unwrap();
    let mut play = Play { orders: "trace".to_owned(), errors: Some(file.try_clone().unwrap()), stopped: false };
    let ending = catch_unwind(AssertUnwindSafe(|| (scenario.play)(&mut play)));
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    let mut passings = BTreeMap::new();
    for line in text.lines() {
        if points.contains(&line) {
            *passings.entry(line.to_owned()).or_insert(0) += 1;
        } else if !FAIL_POINTS.contains(&line) && !COMPAT_FAIL_POINTS.contains(&line) {
            println!("  {} victim: {line}", scenario.name);
        }
    }
    assert!(matches!(ending, Ok(Ending::Natural)), "scenario {} fails without a blow", scenario.name);
    passings
}

/// Runs `scenario` with the victim struck at the given passing; whether it was.
fn strike(scenario: &Scenario, point: &str, count: u64, action: &str) -> bool {
    let mut play = Play { orders: format!("{point}:{count}:{action}"), errors: None, stopped: false };
    let ending = (scenario.play)(&mut play);
    match action {
        "stop" => play.stopped,
        _ => ending == Ending::Died,
    }
}

/// What came of the runs.
#[derive(Default)]
struct Results {
    runs: u64,
    failures: Vec<String>,
    /// By point: the scenarios, with the passings at which it was struck.
    struck: BTreeMap<&'static str, Vec<String>>,
    /// Points and actions that have been tried with success.
    hit: BTreeSet<(&'static str, &'static str)>,
}

impl Results {
    /// Strikes at the given passing, or at half of it and so on where it does not exist this time.
    ///
    /// How often a process passes depends on the pace of the others. Halves are few, however far
    /// that is off. A point that only haste or leisure reaches may have no passing left;
    /// [`end`](Self::end) sees that it is struck somewhere.
    fn strike(&mut self, scenario: &Scenario, point: &'static str, wanted: u64, action: &'static str) -> Option<u64> {
        for count in std::iter::successors(Some(wanted), |count| Some(count / 2)).take_while(|count| *count > 0) {
            self.runs += 1;
            match catch_unwind(AssertUnwindSafe(|| strike(scenario, point, count, action))) {
                Ok(true) => {
                    self.hit.insert((point, action));
                    return Some(count);
                }
                Ok(false) => {}
                Err(_) => {
                    println!("  FAILED: {} {point}:{count}:{action}", scenario.name);
                    self.failures.push(format!("{} {point}:{count}:{action}", scenario.name));
                    return None;
                }
            }
        }
        None
    }

    fn sweep(&mut self, scenario: &Scenario, points: &[&'static str]) {
        for (passed_point, passings) in trace(scenario, points) {
            if !passed_point.starts_with(scenario.only) {
                continue;
            }
            let point = *points.iter().find(|point| **point == passed_point).unwrap();
            if is_brief() && actions().iter().all(|action| self.hit.contains(&(point, *action))) {
                continue;
            }
            let mut counts = BTreeSet::new();
            for wanted in BTreeSet::from([1, if is_brief() { 1 } else { passings }]) {
                counts.extend(actions().iter().filter_map(|action| self.strike(scenario, point, wanted, action)));
            }
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            self.struck.entry(point).or_default().push(format!("{} {}", scenario.name, counts.join("+")));
        }
    }

    /// Prints what was struck where.
    ///
    /// Fails if there was a failure, or a point that was never struck.
    fn end(mut self, points: &[&'static str], out_of_reach: &[&str], start: Instant) {
        println!("  fail point               struck in scenario, at its n-th passing, by {}", actions().join(", "));
        for point in points.iter().filter(|point| !out_of_reach.contains(point)) {
            let list = self.struck.get(point).map_or("NEVER".to_owned(), |list| list.join(", "));
            println!("  {point:<24} {list}");
            for action in actions().iter().copied().filter(|action| !self.hit.contains(&(*point, *action))) {
                self.failures.push(format!("{point}: never struck by {action}"));
            }
        }
        let Results { runs, failures, .. } = self;
        println!("  {} points, {runs} runs, {} failures, {:.1?}", points.len(), failures.len(), start.elapsed());
        assert!(failures.is_empty(), "{failures:#?}");
    }
}

pub(crate) fn every_point_in_every_scenario() {
    let start = Instant::now();
    let mut results = Results::default();
    let scenarios = [writer_victims::SCENARIOS, reader_victims::SCENARIOS, history_victims::SCENARIOS];
    for scenario in scenarios.into_iter().flatten() {
        results.sweep(scenario, FAIL_POINTS);
    }
    results.end(FAIL_POINTS, OUT_OF_REACH, start);
}

/// The same for channels in the format of Python's ndsharray.
#[cfg(not(windows))]
pub(crate) fn every_wire_point() {
    /// Points that only a system with leases comes to.
    #[cfg(all(target_os = "linux", not(ndsharray_portable)))]
    const OUT_OF_REACH: &[&str] = &[];
    #[cfg(not(all(target_os = "linux", not(ndsharray_portable))))]
    const OUT_OF_REACH: &[&str] = &["shelf.leased", "shelf.rewritten", "sweep.aside", "sweep.removed", "sweep.last"];
    /// One that takes thousands of values to come to.
    const LATE: &str = "shelf.forgotten";

    let start = Instant::now();
    let mut results = Results::default();
    // Claiming a name is the same for all kinds of files.
    let points: Vec<&str> = ["name.opened", "name.locked"].iter().chain(COMPAT_FAIL_POINTS).copied().collect();
    let early: Vec<&str> = points.iter().copied().filter(|point| *point != LATE).collect();
    for scenario in crate::wire::SCENARIOS {
        results.sweep(scenario, &early);
    }
    for scenario in crate::wire::MANY {
        results.sweep(scenario, &[LATE]);
    }
    results.end(&points, OUT_OF_REACH, start);
}
