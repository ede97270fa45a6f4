//! loom models of the lock as it ships, and of twins that must fail.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p ndsharray-protocol --lib \
//!     rwlock::models -- --nocapture --test-threads 2
//! ```
//!
//! As in [`crate::channel`]' models: every scenario is one function that takes a [`Flaw`]. With
//! `Flaw::None` each step is the shipped function, the loops that wait included; any other flaw
//! replaces one step, in the same scenario at the same bound, and must fail with the message that
//! its test names. The elements are a number in loom's `UnsafeCell`, so two uses of them that the
//! lock does not order are found by loom itself. As its SeqCst fences order more than the lock
//! does, each use also counts the parties there, and fails when one is there that should not be.
//!
//! The kernel is modelled: its futex as a mutex and a condition variable; its locks on entries as
//! one mutex; death as a step that a thread ends with, after which a waiting party finds that its
//! slice is over. Without a death no slice ends, so nothing here rests on time.
//!
//! What [`crate::channel`]'s models do not show, these do not show either. In particular loom's
//! SeqCst fences order more than the SeqCst accesses that ship, as told there.

#![allow(unsafe_code, reason = "loom's cells give pointers")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    unused_must_use,
    reason = "all of this is tests"
)]

#[cfg(loom)]
mod arena;
#[cfg(loom)]
mod death;
#[cfg(loom)]
mod flaw;
#[cfg(loom)]
mod groups;
#[cfg(loom)]
mod readers;
#[cfg(not(loom))]
mod turns;
#[cfg(loom)]
mod writers;

#[cfg(loom)]
use crate::models::{Model, dear};
#[cfg(loom)]
use arena::{Arena, spawn};
#[cfg(loom)]
use flaw::{Flaw, HELD_UP, INTRUDER, LOST, LOST_WAKEUP, TORN, UNPOISONED, UNTOLD, WAITED_AGAIN};
