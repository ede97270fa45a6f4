//! Recordings: the values of channels with their times, in files that NumPy reads.
//!
//! A *directory* has one `.npy` file for each value, and `index.jsonl` with one JSON object a line:
//!
//! | field | meaning |
//! |---|---|
//! | `file` | name of the value's file |
//! | `channel` | name of the value's channel |
//! | `time` | when it was written, in seconds since the beginning; 0 for what was there before |
//! | `unix_time` | when it was written, in seconds since 1970 |
//! | `time_ns` | the same exactly, in nanoseconds |
//! | `monotonic_ns` | the same on the recorder's monotonic clock |
//! | `seq` | its number |
//! | `missed` | values between the one before and this one that the recorder did not see |
//! | `dtype`, `shape` | of the value |
//! | `epoch`, `incarnation` | which of the channel's writers wrote it, and the lineage of its number |
//! | `attributes`, or `attributes_hex` | of the value, if it has some: as text where they are that |
//!
//! The directory is complete up to the last line of the index at any time.
//!
//! An *archive* is one `.npz` file. Its values have the keys `00000000`, `00000001` and so on;
//! `time`, `unix_time`, `time_ns`, `seq`, `missed` and `epoch` are arrays with an element for each
//! value, `incarnation` one with sixteen bytes for each. The attributes of a value that has some
//! are the bytes `00000000_attributes`. While it is recorded its name ends with `.part`, and each
//! entry has its note in an extra field of its header, with times as floats alone. So the archive
//! of a killed recorder can be played.
//!
//! An *MCAP file* has the values of many channels of every element type; see `mcap`.

mod archive;
mod directory;
mod elements;
mod entry;
mod made;
mod mcap;
mod message;
mod note;
mod player;
mod queue;
mod recorder;
#[cfg(test)]
mod tests;

pub(crate) use elements::Elements;
pub(crate) use entry::Entry;
pub(crate) use message::Message;
pub(crate) use note::Note;
pub(crate) use player::Recording;
pub(crate) use queue::Queue;
pub(crate) use recorder::{Recorder, Taken};
