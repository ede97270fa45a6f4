//! Recordings: the values of a channel with their times, in files that NumPy reads.
//!
//! A *directory* has one `.npy` file for each value, and `index.jsonl` with one JSON object a line:
//!
//! | field | meaning |
//! |---|---|
//! | `file` | name of the value's file |
//! | `time` | when it was written, in seconds since the beginning; 0 for what was there before |
//! | `unix_time` | when it was written, in seconds since 1970 |
//! | `seq` | its number |
//! | `missed` | values between the one before and this one that the recorder did not see |
//! | `dtype`, `shape` | of the value |
//! | `epoch`, `incarnation` | which of the channel's writers wrote it, and the lineage of its number |
//! | `attributes`, or `attributes_hex` | of the value, if it has some: as text where they are that |
//!
//! The directory is complete up to the last line of the index at any time.
//!
//! An *archive* is one `.npz` file. Its values have the keys `00000000`, `00000001` and so on;
//! `time`, `unix_time`, `seq`, `missed` and `epoch` are arrays with an element for each value,
//! `incarnation` one with sixteen bytes for each. The attributes of a value that has some are the
//! bytes `00000000_attributes`. While it is
//! recorded its name ends with `.part`, and each entry has its note in an extra field of its
//! header. So the archive of a killed recorder can be played.

mod archive;
mod directory;
mod note;
mod player;
mod recorder;

pub(crate) use note::Note;
pub(crate) use player::Recording;
pub(crate) use recorder::Recorder;
