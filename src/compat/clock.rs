//! Write times: Python's `time.monotonic()`.

use crate::sys;

/// The machine's monotonic clock in seconds, as Python reads it.
pub(crate) fn now() -> f64 {
    seconds(sys::monotonic_ns())
}

#[allow(clippy::cast_precision_loss, reason = "Python's clock loses as much")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// A writer's stamps: each is later than all before.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    last: f64,
}

impl Stamps {
    pub(crate) fn next(&mut self) -> f64 {
        self.take(now())
    }

    fn take(&mut self, now: f64) -> f64 {
        self.last = if now > self.last { now } else { self.last.next_up() };
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_increase_when_the_clock_does_not() {
        let mut stamps = Stamps::default();
        let taken = [5.0, 5.0, 4.0, 6.0].map(|now| stamps.take(now));
        assert_eq!(taken[0], 5.0);
        assert!(taken.is_sorted_by(|a, b| a < b));
        assert_eq!(taken[3], 6.0);
    }

    #[test]
    fn nanoseconds_are_seconds() {
        assert_eq!(seconds(1_500_000_000), 1.5);
        assert!(now() > 0.0);
    }
}
