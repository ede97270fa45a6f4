//! One file each: a question, the contenders that can answer it, and the goal it is held against.

mod channels;
mod compat;
pub(crate) mod flood;
pub(crate) mod latency;
pub(crate) mod loan;
mod lock;
mod memory;
pub(crate) mod open_close;
pub(crate) mod poll;
pub(crate) mod read;
pub(crate) mod readers;
pub(crate) mod reshape;
pub(crate) mod torn;
mod verify;
pub(crate) mod write;
pub(crate) mod write_read;

use std::time::Duration;

use anyhow::Result;

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
    fn pace(&self) -> Pace<'_> {
        Pace { rounds: self.rounds, sample: self.sample, who: &self.who }
    }

    /// The time of one sample of values of `size` bytes.
    fn sample_of(&self, size: usize) -> Duration {
        if size < 1 << 16 { self.sample } else { self.large_sample }
    }

    fn pace_of(&self, size: usize) -> Pace<'_> {
        Pace { sample: self.sample_of(size), ..self.pace() }
    }

    fn large_pace(&self) -> Pace<'_> {
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
    fn add_race(&mut self, what: &'static str, at: usize, title: impl Into<String>, series: &[Series]) {
        self.tables.push(Table::of_race(title, series, OURS));
        self.figures.extend(figure::of_race(what, at, series, OURS));
    }
}

/// A question with a name for the command line.
pub(crate) struct Measurement {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Settings) -> Result<Report>,
}

/// All of them, in the order in which they run.
pub(crate) const ALL: &[Measurement] = &[
    Measurement { name: "poll", run: poll::run },
    Measurement { name: "read", run: read::new },
    Measurement { name: "re-read", run: read::again },
    Measurement { name: "write", run: write::run },
    Measurement { name: "write-read", run: write_read::run },
    Measurement { name: "latency", run: latency::spinning },
    Measurement { name: "latency-asleep", run: latency::asleep },
    Measurement { name: "loan", run: loan::run },
    Measurement { name: "reshape", run: reshape::run },
    Measurement { name: "readers", run: readers::run },
    Measurement { name: "open-close", run: open_close::run },
    Measurement { name: "memory", run: memory::run },
    Measurement { name: "channels", run: channels::run },
    Measurement { name: "flood", run: flood::one_reader },
    Measurement { name: "flood-crowd", run: flood::crowds },
    Measurement { name: "flood-slow", run: flood::slow },
    Measurement { name: "torn", run: torn::run },
    Measurement { name: "compat", run: compat::run },
    Measurement { name: "lock", run: lock::uncontended },
    Measurement { name: "lock-contended", run: lock::contended },
    Measurement { name: "element", run: lock::element },
];
