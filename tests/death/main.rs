//! Processes are killed, stopped and forked at every named point, and at random.
//!
//! The others must go on.
//!
//! This binary has no test harness: its peers are the same program, and some of them must have a
//! single thread. Its arguments are names of tests, or parts of names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test that goes wrong is to panic, in its helpers too; results are printed"
)]

#[path = "../common/mod.rs"]
mod common;
#[cfg(unix)]
mod forks;
mod history_victims;
mod ledger;
mod lossless_kills;
#[path = "../peer/mod.rs"]
mod peer;
mod random_kills;
mod reader_victims;
#[cfg(unix)]
mod stops;
mod sweep;
#[cfg(not(windows))]
mod wire;
mod writer_victims;

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

const TESTS: &[(&str, fn())] = &[
    ("sweep", sweep::every_point_in_every_scenario),
    #[cfg(not(windows))]
    ("wire", sweep::every_wire_point),
    ("random_kills", random_kills::random_kills),
    ("lossless_kills", lossless_kills::random_kills),
    ("ledger", ledger::everything_adds_up),
    #[cfg(unix)]
    ("stopped_reader", stops::a_stopped_reader_keeps_its_view),
    #[cfg(unix)]
    ("stopped_writer", stops::a_stopped_writer_is_not_taken_over),
    #[cfg(unix)]
    ("forks", forks::children_release_nothing),
];

fn main() -> ExitCode {
    if common::role().is_some() {
        die_quietly();
        peer::act();
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let only_ignored = arguments.iter().any(|argument| argument == "--ignored");
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let mut failed = false;
    for &(name, test) in TESTS {
        if only_ignored || !(wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()))) {
            continue;
        }
        println!("test {name} ...");
        let start = Instant::now();
        let passed = catch_unwind(test).is_ok();
        failed |= !passed;
        println!("test {name} ... {} ({:.1?})", if passed { "ok" } else { "FAILED" }, start.elapsed());
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// In a peer: leaves no core file, and ends with its parent.
fn die_quietly() {
    #[cfg(unix)]
    {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: reads the struct that it is given.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    }
    // SAFETY: takes numbers. The parent starts all peers from its main thread, so they end with it,
    // not before.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL)
    };
}
