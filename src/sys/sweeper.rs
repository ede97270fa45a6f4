//! Where something is left of files, or of locks, that a process had when it was killed: whoever
//! closes a handle clears it away.

use super::platform;
use std::path::{Path, PathBuf};

/// Dropped after what a handle has locked and mapped, it removes what nobody has in the directory
/// any more.
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
