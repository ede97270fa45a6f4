//! Counting frames, and how fast they come.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) frames: u64,
    /// From the first frame to the last.
    pub(crate) time: Duration,
    first: Option<Instant>,
}

impl Tally {
    pub(crate) fn of(frames: u64, time: Duration) -> Self {
        Self { frames, time, first: None }
    }

    /// Counts a frame, now.
    pub(crate) fn count(&mut self) {
        self.frames += 1;
        self.time = self.first.get_or_insert_with(Instant::now).elapsed();
    }

    /// Frames a second; 0 for fewer than two frames.
    pub(crate) fn rate(&self) -> f64 {
        let steps = self.frames.saturating_sub(1);
        if self.time.is_zero() { 0.0 } else { steps as f64 / self.time.as_secs_f64() }
    }
}
