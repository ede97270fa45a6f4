//! Naps: how a party waits that no wake-up reaches.

use std::time::Duration;

const FIRST: Duration = Duration::from_micros(50);

/// The longest nap. Half of it is the median delay of news that come seldom.
///
/// At some 600 looks a second a processor is busy for less than a hundredth, where a nap costs up
/// to 16 microseconds of it.
const LONGEST: Duration = Duration::from_micros(1600);

/// Naps, each twice as long as the one before.
pub(crate) struct Naps(Duration);

impl Naps {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// Sleeps, at most `timeout`.
    pub(crate) fn nap(&mut self, timeout: Duration) {
        std::thread::sleep(self.0.min(timeout));
        self.0 = self.0.saturating_mul(2).min(LONGEST);
    }
}
