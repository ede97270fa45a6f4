//! One file each: a question, the contenders that can answer it, and the goal it is held against.

mod attributes;
mod channels;
mod compat;
pub(crate) mod flood;
pub(crate) mod in_order;
pub(crate) mod latency;
pub(crate) mod loan;
mod lock;
mod memory;
pub(crate) mod open_close;
pub(crate) mod poll;
pub(crate) mod read;
pub(crate) mod readers;
pub(crate) mod reshape;
mod scale;
mod settings;
pub(crate) mod torn;
mod verify;
pub(crate) mod write;
pub(crate) mod write_read;

use anyhow::Result;

pub(crate) use settings::{OURS, Report, SIZES, SMALL, Settings, size_name};

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
    Measurement { name: "attributes", run: attributes::run },
    Measurement { name: "latency", run: latency::spinning },
    Measurement { name: "latency-asleep", run: latency::asleep },
    Measurement { name: "percentiles", run: latency::percentiles::run },
    Measurement { name: "latency-many", run: latency::many::run },
    Measurement { name: "loan", run: loan::run },
    Measurement { name: "reshape", run: reshape::run },
    Measurement { name: "readers", run: readers::run },
    Measurement { name: "scale", run: scale::run },
    Measurement { name: "open-close", run: open_close::run },
    Measurement { name: "memory", run: memory::run },
    Measurement { name: "channels", run: channels::run },
    Measurement { name: "flood", run: flood::one_reader },
    Measurement { name: "in-order", run: in_order::run },
    Measurement { name: "flood-crowd", run: flood::crowds },
    Measurement { name: "flood-slow", run: flood::slow },
    Measurement { name: "torn", run: torn::run },
    Measurement { name: "compat", run: compat::run },
    Measurement { name: "lock", run: lock::uncontended },
    Measurement { name: "lock-contended", run: lock::contended },
    Measurement { name: "element", run: lock::element },
];
