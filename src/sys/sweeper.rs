//! Where files or locks of killed processes stay behind.
//!
//! A process that closes a handle clears them away.

use super::platform;
use std::path::{Path, PathBuf};

/// Removes, when dropped, what no process uses in the directory any more.
///
/// Dropped after what a handle has locked and mapped.
pub(crate) struct Sweeper {
    dir: PathBuf,
}

impl Sweeper {
    pub(crate) fn of(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// For the directory that the file is in.
    pub(crate) fn of_file(path: &Path) -> Self {
        Self::of(path.parent().unwrap_or(path))
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        // Best effort: what stays is found again the next time.
        let _ = platform::sweep(&self.dir);
    }
}
