//! The pace of a player, which the user may halt.

use super::interrupt::Interrupt;
use super::keys::Keys;
use super::progress::Progress;
use std::time::{Duration, Instant};

/// Longest time between two looks at keys and signals.
const TICK: Duration = Duration::from_millis(50);

/// A clock that stands while the user has paused it, or the process was stopped.
pub(crate) struct Pace {
    start: Instant,
    /// How long it stood.
    stood: Duration,
    keys: Keys,
}

impl Pace {
    /// Starts now.
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), stood: Duration::ZERO, keys: Keys::listen() }
    }

    /// Starts anew.
    pub(crate) fn restart(&mut self) {
        (self.start, self.stood) = (Instant::now(), Duration::ZERO);
    }

    /// Waits until the clock shows `due`; true if it is time to stop.
    pub(crate) fn wait(&mut self, due: Duration, interrupt: &Interrupt, progress: &Progress) -> bool {
        let mut last = Instant::now();
        loop {
            if self.keys.was_stopped() {
                self.stood += last.elapsed();
            }
            if self.keys.next() == Some(b' ') && self.pause(interrupt, progress) {
                return true;
            }
            let left = due.saturating_sub(self.start.elapsed().saturating_sub(self.stood));
            if left.is_zero() {
                return interrupt.requested();
            }
            last = Instant::now();
            if interrupt.sleep(left.min(TICK)) {
                return true;
            }
        }
    }

    /// Stands until the next key; true if it is time to stop.
    fn pause(&mut self, interrupt: &Interrupt, progress: &Progress) -> bool {
        let since = Instant::now();
        progress.say("paused: space goes on".to_owned());
        while self.keys.next().is_none() {
            if interrupt.sleep(TICK) {
                return true;
            }
        }
        progress.say(String::new());
        // Time that the process was stopped meanwhile is in it.
        let _ = self.keys.was_stopped();
        self.stood += since.elapsed();
        false
    }
}
