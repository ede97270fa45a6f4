//! loom models of the protocol as it ships, and of twins that must fail.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p ndsharray-protocol --lib \
//!     channel::models -- --nocapture --test-threads 2
//! ```
//!
//! Every scenario is one function that takes a [`Flaw`](Flaw). With `Flaw::None` each step is the
//! shipped function; any other flaw replaces exactly one step. A twin runs in the same scenario at
//! the same bound as the code that passes, and must fail with the message that its test names, so
//! it cannot fail for another reason.
//!
//! A slot's value is a pair in loom's `UnsafeCell`: a reading and a writing of it that are not
//! ordered by the protocol are found by loom itself, whether or not the reading sees a mixture.
//! Readers also check that the pair belongs to the number they pinned, and that their numbers never
//! go back.
//!
//! # What the models do not show
//!
//! * loom's SeqCst fences synchronise with each other (each joins what all earlier ones had seen),
//!   which is more than the language promises, and [`crate::sync`] adds such fences to the accesses
//!   of the handshakes. Seven orderings next to them can be weakened one by one without a model
//!   failing: the Release of the cell's store, the fence that begins `WriterSide::floor`, the
//!   Release of the `seq` stores in `publish` and in `abandon`, the Release fence of `confirm`, the
//!   SeqCst of the `fetch_or` in `Members::add` and of the `swap` in `EventCount::notify_always`.
//!   For these the argument at the operation is the evidence; that the fence alone is enough, and
//!   needed, is shown by `copy::Begin::WithoutSeqCst`.
//! * Loads never see stores that lie in their thread's future (load buffering).
//! * The number of preemptions, publications and attempts is bounded. `LOOM_MAX_PREEMPTIONS`
//!   overrides the bound of every model.
//! * The kernel's locks are modelled as an Acquire/Release flag, its futex as a mutex and a
//!   condition variable.

#![cfg(loom)]
#![allow(unsafe_code, reason = "loom's cells give pointers")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of this is tests"
)]

mod base;
mod channel;
mod close;
mod copy;
mod flaw;
mod history;
mod keep;
mod lossless;
mod many;
mod pin;
mod register;
mod sleep;
mod takeover;

use super::{Latest, PinAttempt, Pins, SlotIndex};
use crate::models::{Model, dear};
use channel::{Channel, Pair, Payload, Reader, Writer, spawn};
use flaw::{
    BROKEN, CALLED_BROKEN, CALLED_DAMAGED, DAMAGED, FOREIGN, Flaw, LEFT_BEHIND, LEFT_OVER, LOST, LOST_WAKEUP,
    MISCOUNTED, MISSING, NEVER_WERE, OLDER, PINNED, TAKEN_AWAY, TORN, WENT_BACK,
};
