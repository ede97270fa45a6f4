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
mod death;
mod files;
mod guards;
mod lifetime;
#[path = "../common/os.rs"]
mod os;
mod processes;
// The machine's Python, whatever this is compiled for: it must have the same byte order.
#[cfg(target_endian = "little")]
mod python;
mod support;
#[cfg(feature = "failpoints")]
mod sweep;
mod threads;
mod unlocked;
