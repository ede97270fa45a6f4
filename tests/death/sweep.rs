//! The sweep: in every scenario, at every point that it comes to, at the first and at the last passing, the process is killed, aborted
//! and stopped.

use crate::common::{Child, Event, Room};
use crate::{reader_victims, writer_victims};
use ndsharray::FAIL_POINTS;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

const VARIABLE: &str = "NDSHARRAY_FAILPOINT";

const ACTIONS: [&str; 3] = ["kill", "abort", "stop"];

/// A scenario plays out, with one process as the victim, and checks what is left by it.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) play: fn(&mut Play) -> Ending,
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
    pub(crate) fn victim(&mut self, role: &str, room: &Room, before: &str) -> Child {
        let orders = if before.is_empty() { self.orders.clone() } else { format!("{before},{}", self.orders) };
        Child::start(role, room.path(), |command| {
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

    /// What the victim says next, if it says something within `time`. When it stops, `meanwhile` is done, and it goes on.
    pub(crate) fn hear(
        &mut self,
        victim: &mut Child,
        time: Duration,
        meanwhile: impl FnOnce(&Self),
    ) -> Result<Option<String>, Ending> {
        match victim.poll(time) {
            Event::Line(line) => Ok(Some(line)),
            Event::Quiet => Ok(None),
            Event::Stopped => {
                self.stopped = true;
                meanwhile(self);
                victim.signal(libc::SIGCONT);
                Ok(None)
            }
            Event::Ended(status) if status.success() => Err(Ending::Natural),
            Event::Ended(status) => {
                let wanted = if self.orders.ends_with("abort") { libc::SIGABRT } else { libc::SIGKILL };
                assert_eq!(status.signal(), Some(wanted), "the victim failed by itself: {status}");
                Err(Ending::Died)
            }
        }
    }
}

/// Another process, that is killed or stopped as a part of the scenario.
pub(crate) fn extra(role: &str, room: &Room, orders: &str) -> Child {
    Child::start(role, room.path(), |command| {
        command.env(VARIABLE, orders);
    })
}

/// The names of the points that the victim of `scenario` passes, each with how often.
fn trace(scenario: &Scenario) -> BTreeMap<String, u64> {
    let mut file = tempfile::tempfile().unwrap();
    let mut play = Play { orders: "trace".to_owned(), errors: Some(file.try_clone().unwrap()), stopped: false };
    let ending = catch_unwind(AssertUnwindSafe(|| (scenario.play)(&mut play)));
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    let mut passings = BTreeMap::new();
    for line in text.lines() {
        if FAIL_POINTS.contains(&line) {
            *passings.entry(line.to_owned()).or_insert(0) += 1;
        } else {
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

pub(crate) fn every_point_in_every_scenario() {
    let start = Instant::now();
    let mut struck: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut failures = BTreeSet::new();
    let mut runs = 0;
    for scenario in writer_victims::SCENARIOS.iter().chain(&reader_victims::SCENARIOS) {
        let passings = trace(scenario);
        for (point, &passed) in &passings {
            let point = *FAIL_POINTS.iter().find(|known| *known == point).unwrap();
            let mut counts = Vec::new();
            // How often it comes by late in its life depends on the others' pace: the last passing that there is.
            for wanted in BTreeSet::from([1, passed]) {
                let mut hit = Vec::new();
                for action in ACTIONS {
                    for count in (1..=wanted).rev() {
                        runs += 1;
                        match catch_unwind(AssertUnwindSafe(|| strike(scenario, point, count, action))) {
                            Ok(true) => hit.push(count),
                            Ok(false) if count > 1 => continue,
                            Ok(false) => {
                                failures.insert(format!("{} {point}:1:{action}: never came to it", scenario.name));
                            }
                            Err(_) => {
                                println!("  FAILED: {} {point}:{count}:{action}", scenario.name);
                                failures.insert(format!("{} {point}:{count}:{action}", scenario.name));
                            }
                        }
                        break;
                    }
                }
                counts.extend(hit.iter().min().map(ToString::to_string));
            }
            counts.dedup();
            struck.entry(point).or_default().push(format!("{} {}", scenario.name, counts.join("+")));
        }
    }
    println!("  fail point               struck in scenario, at its n-th passing, by {}", ACTIONS.join(", "));
    for point in FAIL_POINTS {
        let list = struck.get(point).map_or("NEVER".to_owned(), |list| list.join(", "));
        println!("  {point:<24} {list}");
        if !struck.contains_key(point) {
            failures.insert(format!("{point}: no scenario comes to it"));
        }
    }
    println!("  {} points, {runs} runs, {} failures, {:.1?}", FAIL_POINTS.len(), failures.len(), start.elapsed());
    assert!(failures.is_empty(), "{failures:#?}");
}
