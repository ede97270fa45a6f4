//! A recording as one MCAP file, which other programs read too.
//!
//! Each name is a topic. It has a channel for each element type that its values had: its message
//! encoding is `npy`, its schema has the name of the type and the encoding `ndsharray`. The
//! schema's data are JSON: `dtype`, `descr` as in `.npy` files, `byte_order`, and for records
//! `item_size` and `fields`. `message.rs` says what a message is.
//!
//! Chunks are not compressed. One is complete after a second at most, so a killed recorder leaves
//! all but the last. Playing needs no index, and so no end of the file.

mod file;
mod recorder;
mod records;

pub(super) use file::McapFile;
pub(super) use recorder::McapRecorder;

/// What messages are encoded as.
const MESSAGE_ENCODING: &str = "npy";
/// What schemas are encoded as.
const SCHEMA_ENCODING: &str = "ndsharray";
