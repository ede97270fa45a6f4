//! How a thread waits for the lock of an array: a few looks, then sleep in slices.

use crate::sys::{self, Sleepers};
use ndsharray_protocol::rwlock::{SLICE_NS, Waiter, Wake};
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

/// Time between two checks that the holder is alive. A check costs a system call or two.
const SLICE: Duration = Duration::from_nanos(SLICE_NS);

/// Looks before the first sleep: some microseconds, about what falling asleep and waking costs.
const LOOKS: u32 = 10;

/// Most pauses before a look: one before the first look, then twice as many each time.
///
/// Each look takes the lock's cache line away from the holder, which needs it to release the lock.
/// Looking all the time would slow the holder down. In return a waiter may wait up to twice as long
/// as necessary, a microsecond or so at most.
const MOST_PAUSES: u32 = 128;

/// Waits until a deadline, or without limit.
pub(super) struct Blocking {
    sleepers: Sleepers,
    /// Looks left, and pauses before the next.
    looks: u32,
    pauses: u32,
    deadline: Option<Instant>,
    /// When the holder was last known to be alive; `None` before the first sleep.
    checked: Option<Instant>,
}

impl Blocking {
    pub(super) fn forever(sleepers: Sleepers) -> Self {
        Self { sleepers, looks: LOOKS, pauses: 1, deadline: None, checked: None }
    }

    pub(super) fn at_most(timeout: Duration, sleepers: Sleepers) -> Self {
        // A time-out beyond the clock's range means no time-out.
        Self { deadline: Instant::now().checked_add(timeout), ..Self::forever(sleepers) }
    }
}

impl Waiter for Blocking {
    fn spin(&mut self) -> bool {
        if self.looks == 0 {
            return false;
        }
        self.looks -= 1;
        for _ in 0..self.pauses {
            core::hint::spin_loop();
        }
        self.pauses = (self.pauses * 2).min(MOST_PAUSES);
        true
    }

    fn sleep(&mut self, wake: &AtomicU32, ticket: u32) -> Wake {
        let now = Instant::now();
        let next_check = *self.checked.get_or_insert(now) + SLICE;
        let end = self.deadline.map_or(next_check, |deadline| deadline.min(next_check));
        let time = end.saturating_duration_since(now);
        if !time.is_zero() {
            self.sleepers.sleep(wake, ticket, time);
        }
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            Wake::TimedOut
        } else if now >= next_check {
            self.checked = Some(now);
            Wake::SliceOver
        } else {
            Wake::Woken
        }
    }

    fn now(&self) -> u64 {
        now()
    }
}

/// The machine's clock in nanoseconds, which may not start at 0.
fn now() -> u64 {
    sys::monotonic_ns().max(1)
}

/// Does not wait at all.
pub(super) struct NoWait;

impl Waiter for NoWait {
    fn spin(&mut self) -> bool {
        false
    }

    fn sleep(&mut self, _: &AtomicU32, _: u32) -> Wake {
        Wake::TimedOut
    }

    fn now(&self) -> u64 {
        now()
    }
}

/// Waits until `go_on` returns false; it is called after each slice.
pub(super) struct Interruptible<F> {
    blocking: Blocking,
    go_on: F,
}

impl<F: FnMut() -> bool> Interruptible<F> {
    pub(super) fn new(sleepers: Sleepers, go_on: F) -> Self {
        Self { blocking: Blocking::forever(sleepers), go_on }
    }
}

impl<F: FnMut() -> bool> Waiter for Interruptible<F> {
    fn spin(&mut self) -> bool {
        self.blocking.spin()
    }

    fn sleep(&mut self, wake: &AtomicU32, ticket: u32) -> Wake {
        match self.blocking.sleep(wake, ticket) {
            Wake::SliceOver if !(self.go_on)() => Wake::TimedOut,
            other => other,
        }
    }

    fn now(&self) -> u64 {
        now()
    }
}
