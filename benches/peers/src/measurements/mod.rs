//! One file each: a question, the contenders that can answer it, and the goal it is held against.

mod compat;
pub(crate) mod flood;
mod latest;
mod loan;
mod lock;
mod memory;
mod poll;
mod verify;
mod write_large;
mod write_read;
mod write_small;

use std::time::Duration;

use anyhow::Result;

use crate::harness::goal::Goal;
use crate::harness::race::Pace;
use crate::harness::table::Table;

/// The name that ratios and goals look for.
pub(crate) const OURS: &str = "ndsharray";

/// 64 KiB, a 1280×720 and a 3840×2160 picture of three bytes a pixel.
pub(crate) const FRAME_SIZES: [usize; 3] = [64 << 10, 1280 * 720 * 3, 3840 * 2160 * 3];

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

    fn large_pace(&self) -> Pace<'_> {
        Pace { sample: self.large_sample, ..self.pace() }
    }
}

/// What a measurement found.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) tables: Vec<Table>,
    pub(crate) goals: Vec<Goal>,
}

/// A question with a name for the command line.
pub(crate) struct Measurement {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Settings) -> Result<Report>,
}

/// All of them, in the order in which they run.
pub(crate) const ALL: &[Measurement] = &[
    Measurement { name: "poll", run: poll::run },
    Measurement { name: "latest", run: latest::run },
    Measurement { name: "write-small", run: write_small::run },
    Measurement { name: "write-read", run: write_read::run },
    Measurement { name: "write-large", run: write_large::run },
    Measurement { name: "loan", run: loan::run },
    Measurement { name: "memory", run: memory::run },
    Measurement { name: "flood", run: flood::one_reader },
    Measurement { name: "flood-crowd", run: flood::crowd },
    Measurement { name: "compat", run: compat::run },
    Measurement { name: "lock", run: lock::uncontended },
    Measurement { name: "lock-contended", run: lock::contended },
    Measurement { name: "element", run: lock::element },
];
