//! Python's wire format without Python: samples recorded from the package, damaged files, and the life of a channel.

// On Windows the package uses something else; see `ndsharray::compat`.
#![cfg(not(windows))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that goes wrong is to panic, in its helpers too"
)]

mod bad_files;
mod changes;
#[path = "../common/mod.rs"]
mod common;
mod foreign;
mod lifecycle;
mod processes;
#[cfg(target_endian = "little")]
mod samples;
mod shelf;
mod support;
mod torn;
#[cfg(all(target_os = "linux", not(ndsharray_portable)))] // only there are leases
mod unused;
mod waiting;

/// How children of this binary are started.
const CHILD_ARGUMENTS: [&str; 5] = ["processes::body", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
