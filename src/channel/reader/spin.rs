//! How long a reader looks for a value before it sleeps.
//!
//! The last waits decide.
//!
//! Sleeping and being woken costs microseconds, many of them where the processor's core has gone to
//! sleep too. A reader whose values come faster than that is better off looking again and again.
//! One whose values come every few milliseconds would only burn time. So a reader looks, instead of
//! sleeping at once, only when its last wait was short, and for no longer than its limit.

use std::time::Duration;

/// How much longer than the last short wait the next may take.
const SLACK: u32 = 2;

/// The shortest time to look, if at all.
const LEAST: Duration = Duration::from_micros(5);

/// Looks between two at the clock.
pub(super) const BURST: u32 = 16;

/// How long the next wait may look before it sleeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spin {
    limit: Duration,
    budget: Duration,
}

impl Spin {
    /// Never looks for longer than `limit`; at first not at all.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, budget: Duration::ZERO }
    }

    /// How long to look now.
    pub(super) fn budget(&self) -> Duration {
        self.budget
    }

    /// Looking has found what came `waited` after it began.
    pub(super) fn succeeded(&mut self, waited: Duration) {
        self.budget = (waited * SLACK).clamp(self.least(), self.limit);
    }

    /// The reader had to sleep: the value came `waited` after it began, or never.
    ///
    /// The time that the wake-up took does not count: it is what looking saves.
    pub(super) fn slept(&mut self, waited: Duration) {
        if self.budget > self.least() {
            // Looking was in vain. Once may be chance; a few times in a row end it. So it does on a
            // single core, where a reader that looks keeps the writer from writing.
            self.budget /= 2;
        } else if self.budget.is_zero() && waited <= self.limit / SLACK {
            self.budget = (waited * SLACK).max(self.least());
        } else {
            self.budget = Duration::ZERO;
        }
    }

    fn least(&self) -> Duration {
        LEAST.min(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::Spin;
    use std::time::Duration;

    const LIMIT: Duration = Duration::from_micros(50);

    #[test]
    fn a_reader_looks_only_after_a_short_wait() {
        let mut spin = Spin::new(LIMIT);
        assert_eq!(spin.budget(), Duration::ZERO);
        spin.slept(Duration::from_millis(16));
        assert_eq!(spin.budget(), Duration::ZERO);
        spin.slept(Duration::from_micros(20));
        assert_eq!(spin.budget(), Duration::from_micros(40));
        spin.succeeded(Duration::from_micros(30));
        assert_eq!(spin.budget(), LIMIT);
    }

    #[test]
    fn looking_in_vain_ends_soon() {
        let mut spin = Spin::new(LIMIT);
        spin.slept(Duration::from_micros(20));
        let mut wasted = Duration::ZERO;
        for _ in 0..10 {
            wasted += spin.budget();
            // Nothing at all came.
            spin.slept(Duration::MAX);
        }
        assert_eq!(spin.budget(), Duration::ZERO);
        assert!(wasted <= LIMIT * 2, "{wasted:?}");
    }

    #[test]
    fn a_limit_of_zero_means_never() {
        let mut spin = Spin::new(Duration::ZERO);
        spin.slept(Duration::ZERO);
        assert_eq!(spin.budget(), Duration::ZERO);
        spin.slept(Duration::from_nanos(1));
        assert_eq!(spin.budget(), Duration::ZERO);
    }
}
