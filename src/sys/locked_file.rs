//! A file and the locks that were taken through it.

use super::home::Home;
use super::range_lock;
use std::fs::File;
use std::ops::Deref;

/// A file that locks are taken through; they go with it.
///
/// Where locks are files, closing it would not be noticed.
pub(crate) struct LockedFile {
    file: File,
    home: Home,
}

impl LockedFile {
    pub(crate) fn new(file: File) -> Self {
        Self { file, home: Home::here() }
    }

    /// Whether the locks are this process' own. In a forked child they are its parent's.
    pub(crate) fn is_here(&self) -> bool {
        self.home.is_here()
    }
}

impl Deref for LockedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // In a forked child closing the descriptor leaves the parent's locks alone.
        if self.is_here() {
            range_lock::unlock_all(&self.file);
        }
    }
}
