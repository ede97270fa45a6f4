//! A directory of a test's own.

use super::os;
use ndsharray::{ArrayOptions, Options};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The name that most tests give their channel; the directory keeps them apart.
pub(crate) const NAME: &str = "channel";

/// Bytes that one test may take at a time.
const NEEDED: u64 = 768 << 20;

/// A fresh directory that is removed with its content at the end of the test.
///
/// A test binary adds what its tests want to do there.
pub(crate) struct TestDir {
    dir: TempDir,
}

impl TestDir {
    /// Creates it in shared memory if there is enough, else on disk.
    ///
    /// Small containers have 64 MiB of shared memory.
    pub(crate) fn new() -> Self {
        let shm = Path::new("/dev/shm");
        let prefix = tempfile::Builder::new().prefix("ndsharray-test-").to_owned();
        let in_shm = (os::free_bytes(shm) >= NEEDED).then(|| prefix.tempdir_in(shm).ok()).flatten();
        Self { dir: in_shm.unwrap_or_else(|| prefix.tempdir().unwrap()) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn options(&self) -> Options {
        Options::new().dir(self.path())
    }

    pub(crate) fn array_options(&self) -> ArrayOptions {
        ArrayOptions::from(&self.options())
    }

    pub(crate) fn board(&self) -> PathBuf {
        self.path().join(format!("{NAME}.ndsh"))
    }

    /// The names in the directory, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        os::files(self.path())
    }
}
