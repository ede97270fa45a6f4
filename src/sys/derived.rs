//! What follows from the platform's answers.

use super::{group_memory_short_of, monotonic_ns};
use std::time::Duration;

/// Starts a thread that takes no signals. Here there are none.
#[cfg(all(not(unix), feature = "async"))]
pub(crate) fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    start()
}

/// Bytes that this process' control group and those above it may still take.
///
/// `None` when there is no limit.
pub(crate) fn group_memory_left() -> Option<u64> {
    group_memory_short_of(u64::MAX)
}

/// Time since `then` on the clock of [`monotonic_ns`].
pub(crate) fn age_of(then: u64) -> Duration {
    Duration::from_nanos(monotonic_ns().saturating_sub(then))
}
