//! Shared arrays as their users see them: real files, real child processes, nothing but the public API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test that goes wrong is to panic, in its helpers too; child processes answer on their output"
)]

mod any;
mod atomics;
mod child;
#[path = "../common/mod.rs"]
mod common;
mod death;
mod files;
mod guards;
mod lifetime;
mod names;
mod processes;
// The machine's Python, whatever this is compiled for: it must have the same byte order.
#[cfg(target_endian = "little")]
mod python;
mod support;
#[cfg(feature = "failpoints")]
mod sweep;
mod threads;
mod unlocked;

/// How children of this binary are started.
const CHILD_ARGUMENTS: [&str; 5] = ["child::body", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
