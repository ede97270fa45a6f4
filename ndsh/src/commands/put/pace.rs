//! Values at a steady rate.

use crate::args::seconds::due;
use crate::terminal::Interrupt;
use std::time::Instant;

/// Spaces values evenly.
pub(super) struct Pace {
    rate: Option<f64>,
    start: Option<Instant>,
    count: f64,
}

impl Pace {
    pub(super) fn new(rate: Option<f64>) -> Self {
        Self { rate, start: None, count: 0.0 }
    }

    /// Sleeps until the next value is due; returns true when it is time to stop.
    pub(super) fn wait(&mut self, interrupt: &Interrupt) -> bool {
        let start = *self.start.get_or_insert_with(Instant::now);
        let Some(rate) = self.rate else { return interrupt.requested() };
        let due = due(self.count / rate);
        self.count += 1.0;
        interrupt.sleep(due.saturating_sub(start.elapsed()))
    }
}
