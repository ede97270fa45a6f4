//! What test binaries share: directories, a time limit, named values and peer processes.
//!
//! A binary that starts peers has the test `peer::program`, which they run: see `process`.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod dice;
pub(crate) mod os;
mod output;
mod process;
pub(crate) mod stress;
mod test_dir;
mod values;

pub(crate) use dice::Dice;
pub(crate) use process::{Event, Peer, listen, role, say};
pub(crate) use test_dir::{NAME, TestDir};
pub(crate) use values::{Named, len_of, name_of, pattern, shape_of, value};

use std::time::{Duration, Instant};

/// Long enough for anything that must happen, however busy the machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// Waits until `done`, and fails after [`TIMEOUT`].
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !done() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}
