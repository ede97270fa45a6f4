//! What all measurements share: sizes, how long to measure, and what comes of it.

use std::time::Duration;

use crate::harness::figure::{self, Figure};
use crate::harness::goal::Goal;
use crate::harness::race::{Pace, Series};
use crate::harness::table::Table;

/// The name that ratios and goals look for.
pub(crate) const OURS: &str = "ndsharray";

/// The smallest value: a cache line.
pub(crate) const SMALL: usize = 64;

/// A cache line, a page, 64 KiB, 1 MiB, a 1280×720 and a 3840×2160 picture of three bytes a pixel.
pub(crate) const SIZES: [usize; 6] = [SMALL, 4 << 10, 64 << 10, 1 << 20, 1280 * 720 * 3, 3840 * 2160 * 3];

/// A size as people call it.
pub(crate) fn size_name(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        _ if size.is_multiple_of(1 << 20) => format!("{} MiB", size >> 20),
        _ if size.is_multiple_of(1 << 10) && size < 1 << 20 => format!("{} KiB", size >> 10),
        _ => format!("{:.1} MB", size as f64 / 1e6),
    }
}

/// How long and how often to measure.
pub(crate) struct Settings {
    pub(crate) rounds: usize,
    /// As in [`Pace`].
    pub(crate) who: Vec<String>,
    /// The time of one sample of a small operation.
    pub(crate) sample: Duration,
    /// The time of one sample of a large copy, of which fewer fit.
    pub(crate) large_sample: Duration,
    /// How long a writer floods, each round.
    pub(crate) flood: Duration,
}

impl Settings {
    pub(crate) fn pace(&self) -> Pace<'_> {
        Pace { rounds: self.rounds, sample: self.sample, who: &self.who }
    }

    /// The time of one sample of values of `size` bytes.
    pub(crate) fn sample_of(&self, size: usize) -> Duration {
        if size < 1 << 16 { self.sample } else { self.large_sample }
    }

    pub(crate) fn pace_of(&self, size: usize) -> Pace<'_> {
        Pace { sample: self.sample_of(size), ..self.pace() }
    }

    pub(crate) fn large_pace(&self) -> Pace<'_> {
        Pace { sample: self.large_sample, ..self.pace() }
    }
}

/// What a measurement found.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) tables: Vec<Table>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) figures: Vec<Figure>,
}

impl Report {
    /// A race's table and figures.
    pub(crate) fn add_race(&mut self, what: &'static str, at: usize, title: impl Into<String>, series: &[Series]) {
        self.tables.push(Table::of_race(title, series, OURS));
        self.figures.extend(figure::of_race(what, at, series, OURS));
    }
}
