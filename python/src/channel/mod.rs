//! Channels: one writer, and readers that see its latest value.

pub(crate) mod any;
pub(crate) mod loan;
pub(crate) mod reader;
pub(crate) mod sample;
pub(crate) mod writer;

mod holder;
mod line;
mod open_loan;
mod pinned;
mod shared_writer;
mod target;
