//! A channel: its files, its writer and its readers.

pub(crate) mod board;
mod head;
pub(crate) mod payload;
pub(crate) mod reader;
pub(crate) mod reader_table;
pub(crate) mod record_types;
pub(crate) mod remains;
pub(crate) mod snapshot;
pub(crate) mod writer;
