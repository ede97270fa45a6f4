//! What test binaries share: a directory of one's own, patience with a limit, values that tell what they are, and child processes.
//!
//! A binary that has children says in `CHILD_ARGUMENTS`, at its root, how they are started.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod child;
pub(crate) mod os;
mod output;
pub(crate) mod roles;
mod room;
mod values;

pub(crate) use child::{Child, Event, listen, role, say};
pub(crate) use room::{NAME, Room};
pub(crate) use values::{Named, len_of, name_of, shape_of, value};

use std::time::{Duration, Instant};

/// Long enough for anything that must happen, however busy the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Looks until `done`, and fails when it does not come to that.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}
