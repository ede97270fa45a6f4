//! What the tests share: a directory of one's own, and patience with a limit.

use crate::os;
use ndsharray::{Options, ShElement, SharedArray};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Long enough for anything that must happen, however busy the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The name that most tests give their array; the directory keeps them apart.
pub(crate) const NAME: &str = "array";

/// A fresh directory in shared memory, gone with all that is in it at the end of the test.
pub(crate) struct Room(TempDir);

impl Room {
    pub(crate) fn new() -> Self {
        let prefix = tempfile::Builder::new().prefix("ndsharray-test-").to_owned();
        Self(prefix.tempdir_in(os::base_dir()).or_else(|_| prefix.tempdir()).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn options(&self) -> Options {
        Options::new().dir(self.path())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join(format!("{NAME}.ndsa"))
    }

    pub(crate) fn create<T: ShElement>(&self, shape: &[usize]) -> SharedArray<T> {
        self.options().create_array(NAME, shape).unwrap()
    }

    pub(crate) fn open<T: ShElement>(&self) -> SharedArray<T> {
        self.options().open_array(NAME).unwrap()
    }

    pub(crate) fn files(&self) -> Vec<String> {
        os::files(self.path())
    }
}

/// Looks until `done`, and fails when it does not come to that.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::yield_now();
    }
}
