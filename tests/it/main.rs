//! The library from outside: real files, real peers, nothing but the public API.
//!
//! `ndsharray_emulated` leaves out what depends on the kernel. Formats, views, atomics and samples
//! remain: at the gate they are all that other processors run, emulated.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test that goes wrong is to panic, in its helpers too; peers answer on their output"
)]

mod channel;
#[path = "../common/mod.rs"]
mod common;
// On Windows the package uses something else; see `ndsharray::compat`.
#[cfg(not(windows))]
mod compat;
mod inspect;
#[path = "../peer/mod.rs"]
mod peer;
mod shared;
