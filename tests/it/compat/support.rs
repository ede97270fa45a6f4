//! A directory of one's own, and looks into it.

use ndsharray::OwnedArray;
use ndsharray::compat::{Options, Reader};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

pub(crate) const NAME: &str = "channel";

/// A fresh directory in shared memory, removed with its content at the end.
pub(crate) struct TestDir {
    dir: TempDir,
}

impl TestDir {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("ndsharray-test-").tempdir_in("/dev/shm").unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn options(&self) -> Options {
        Options::new().dir(self.path())
    }

    pub(crate) fn reader(&self) -> Reader {
        self.options().open(NAME).unwrap()
    }

    pub(crate) fn tag(&self) -> PathBuf {
        self.path().join(NAME)
    }

    /// The file that the tag names.
    pub(crate) fn payload(&self) -> PathBuf {
        self.path().join(fs::read_to_string(self.tag()).unwrap())
    }

    /// The names in the directory, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        crate::common::os::files(self.path())
    }
}

/// The next value, which there must be, as numbers.
pub(crate) fn next_i32(reader: &mut Reader) -> Vec<i32> {
    i32s(&reader.read().unwrap().expect("a new value"))
}

pub(crate) fn i32s(array: &OwnedArray) -> Vec<i32> {
    array.view::<i32>().unwrap().to_vec()
}

/// Whether a payload file is valid, as Python's reader looks at it: both stamps agree.
pub(crate) fn is_valid(file: &[u8]) -> bool {
    file.len() >= 16 && file[..8] == file[file.len() - 8..]
}

/// Ends another thread's loop, also when this one panics.
pub(crate) struct Done<'a>(pub(crate) &'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
