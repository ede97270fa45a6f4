//! What is noted beside a value, and how files are named.

use crate::failure::{Exit, Failure, Result};
use crate::files::bad_file;
use ndsharray::MAX_ATTRIBUTES;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// What is noted beside a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// When it was written, in seconds since the recording began.
    pub(crate) time: f64,
    /// When it was written, in seconds since 1970.
    pub(crate) unix_time: f64,
    /// The same exactly, in nanoseconds; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_ns: Option<i64>,
    /// When it was published, on the recorder's monotonic clock; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) monotonic_ns: Option<u64>,
    /// Its number; `None` where the channel does not number its values.
    pub(crate) seq: Option<u64>,
    /// Values that the recorder missed before this one; `None` where values have no numbers.
    pub(crate) missed: Option<u64>,
    /// Which of the channel's writers wrote it; `None` where that is not known.
    #[serde(default)]
    pub(crate) epoch: Option<u64>,
    /// The lineage that the number belongs to; `None` where that is not known.
    #[serde(default)]
    pub(crate) incarnation: Option<Uuid>,
}

impl Note {
    /// When the value was written, unless it is out of range.
    pub(crate) fn written(&self) -> Option<SystemTime> {
        let (before, distance) = match self.time_ns {
            Some(time) => (time < 0, Duration::from_nanos(time.unsigned_abs())),
            None => (self.unix_time < 0.0, Duration::try_from_secs_f64(self.unix_time.abs()).ok()?),
        };
        if before { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
    }
}

/// The key, or the stem of the file, of the value at `index`.
pub(super) fn key(index: usize) -> String {
    format!("{index:08}")
}

/// Refuses attributes that no value has.
pub(super) fn check_len(attributes: Vec<u8>) -> Result<Vec<u8>> {
    match attributes.len() {
        0..=MAX_ATTRIBUTES => Ok(attributes),
        len => Err(bad_file("recording", format!("{len} bytes of attributes, but {MAX_ATTRIBUTES} are possible"))),
    }
}

/// Ending of an archive's name while it is recorded.
pub(super) const PART: &str = ".part";

/// What a recording is, by the ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    Archive,
    Mcap,
}

impl Kind {
    pub(super) fn of(path: &Path) -> Self {
        let ends = |ending| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending));
        match () {
            () if ends("npz") => Self::Archive,
            () if ends("mcap") => Self::Mcap,
            () => Self::Directory,
        }
    }
}

/// Whether a file is an archive that was never finished.
pub(super) fn is_part(path: &Path) -> bool {
    path.is_file() && path.extension() == Some(PART.trim_start_matches('.').as_ref())
}

/// The failure of a recorder that would have to overwrite a file.
pub(super) fn exists(path: &Path) -> Failure {
    Failure::new(Exit::Failure, format!("{} exists already", path.display()))
        .advise("remove it, or choose another name")
}
