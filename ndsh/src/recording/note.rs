//! What is noted beside a value, and how files are named.

use crate::failure::{Exit, Failure};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is noted beside a value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// When it was written, in seconds since the recording began.
    pub(crate) time: f64,
    /// When it was written, in seconds since 1970.
    pub(crate) unix_time: f64,
    /// Its number; `None` where the channel does not number its values.
    pub(crate) seq: Option<u64>,
    /// Values that the recorder missed before this one; `None` where values have no numbers.
    pub(crate) missed: Option<u64>,
}

/// The key, or the stem of the file, of the value at `index`.
pub(super) fn key(index: usize) -> String {
    format!("{index:08}")
}

/// Ending of an archive's name while it is recorded.
pub(super) const PART: &str = ".part";

/// Whether `path` names an archive rather than a directory.
pub(super) fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz"))
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
