//! A kernel without sleep on a word that several processes share.
//!
//! See the naps in [`Sleepers`](super::Sleepers).

use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Whether it has slept.
pub(super) fn sleep(_: &AtomicU32, _: u32, _: Duration) -> bool {
    false
}

/// Sleepers that nap check by themselves.
pub(super) fn wake_all(_: &AtomicU32) {}
