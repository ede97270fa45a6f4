//! The protocols of `ndsharray`: internal to it, without any promise of stability.
//!
//! Every ordering by which its processes share memory stands here, beside the argument for it:
//!
//! * [`channel`]: how one writer and many readers share slots.
//! * [`rwlock`]: the lock of a shared array.
//! * [`members`]: which entries of both are in use.
//! * [`event_count`]: how parties of both fall asleep and are woken.
//!
//! The crate does no I/O and knows no pointers into mappings. It speaks of words, which are atomics
//! in shared memory, or on loom's heap in the models.

#![cfg_attr(not(test), forbid(unsafe_code))]
#![cfg_attr(test, deny(unsafe_code))]

pub mod channel;
pub mod event_count;
pub mod failpoint;
pub mod members;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "part of tests")]
mod models;
pub mod rwlock;
pub mod sync;
