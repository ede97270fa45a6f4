//! Pauses between attempts at what another process keeps busy.

use std::thread;
use std::time::{Duration, Instant};

/// Lets other processes go on between attempts.
///
/// The first pauses are short, and all of them end at a deadline.
pub(crate) struct Backoff {
    /// Attempts after which the processor is merely yielded.
    yields: u32,
    nap: Duration,
    longest: Duration,
    limit: End,
    attempts: u32,
}

/// When there is no more time for an attempt.
enum End {
    Never,
    /// So long after the first pause.
    After(Duration),
    At(Instant),
}

impl Backoff {
    /// Naps of this length.
    pub(crate) fn new(nap: Duration) -> Self {
        Self { yields: 0, nap, longest: nap, limit: End::Never, attempts: 0 }
    }

    /// Doubles each nap, up to `longest`.
    pub(crate) fn doubling_to(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Merely yields after the first `yields` attempts.
    pub(crate) fn yielding(self, yields: u32) -> Self {
        Self { yields, ..self }
    }

    /// Ends `limit` after the first pause has begun.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit: End::After(limit), ..self }
    }

    /// Ends at `deadline`; `None` is never.
    pub(crate) fn until(self, deadline: Option<Instant>) -> Self {
        Self { limit: deadline.map_or(End::Never, End::At), ..self }
    }

    /// How many attempts have been followed by a pause, or by its refusal.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Pauses before the next attempt; `false`, at once, when the time is over.
    ///
    /// No nap goes on after the end.
    #[must_use = "after `false` there is no next attempt"]
    pub(crate) fn pause(&mut self) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        let now = Instant::now();
        let left = match self.limit {
            End::Never => None,
            End::At(end) => Some(end.saturating_duration_since(now)),
            End::After(limit) => {
                self.limit = now.checked_add(limit).map_or(End::Never, End::At);
                Some(limit)
            }
        };
        if left.is_some_and(|left| left.is_zero()) {
            return false;
        }
        if self.attempts <= self.yields {
            thread::yield_now();
        } else {
            thread::sleep(left.map_or(self.nap, |left| left.min(self.nap)));
            self.nap = self.nap.saturating_mul(2).min(self.longest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naps_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_micros(1)).doubling_to(Duration::from_micros(3));
        let naps: Vec<_> = std::iter::repeat_with(|| {
            let nap = backoff.nap;
            assert!(backoff.pause());
            nap.as_micros()
        })
        .take(4)
        .collect();
        assert_eq!(naps, [1, 2, 3, 3]);
        assert_eq!(backoff.attempts(), 4);
    }

    #[test]
    fn no_pause_goes_on_after_the_end() {
        let start = Instant::now();
        let limit = Duration::from_millis(20);
        let mut backoff = Backoff::new(Duration::from_secs(1000)).within(limit);
        while backoff.pause() {}
        assert!((limit..Duration::from_secs(100)).contains(&start.elapsed()));
        assert_eq!(backoff.attempts(), 2);
        assert!(!Backoff::new(limit).until(Some(start)).pause(), "a deadline that has passed");
    }
}
