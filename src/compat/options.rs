//! Options of channels in Python's format.

use super::location::Location;
use crate::error::{Error, Result};
use crate::files::location;
use crate::files::owners::Owners;
use crate::format::python_dtypes::DTypeTable;
use crate::options;
use std::path::{Path, PathBuf};

/// What a writer does with the last value's file when it writes the next one.
///
/// This concerns values of the same dtype and shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overwrite {
    /// Leaves it alone, so that no reader, however slow, can see a torn value. The default.
    ///
    /// Each value gets a file of its own. It is complete before the tag names it, and is not
    /// written while any process has it open. In return the reader opens a file for each value. For
    /// Python's reader that costs about as much as writing costs Python's writer.
    #[default]
    Never,
    /// Overwrites it, as Python's own writer does.
    ///
    /// Cheaper for the reader. But Python's reader then accepts torn values now and then, because
    /// it looks at the stamps of a value in no particular order. Only for readers that tolerate it.
    InPlace,
}

/// How a channel in Python's format is written or read.
///
/// [`Writer::create`](super::Writer::create) and [`Reader::open`](super::Reader::open) use the
/// defaults.
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let options = ndsharray::compat::Options::new().dir(dir.path()).mode(0o644);
/// let mut writer = options.create::<f32>("lidar")?;
/// writer.write(&[2], &[1.0, 2.0])?;
/// let array = options.open("lidar")?.read()?.unwrap();
/// assert_eq!(array.view::<f32>()?.as_slice(), [1.0, 2.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) dir: Option<PathBuf>,
    pub(crate) mode: u32,
    pub(crate) owners: Owners,
    pub(crate) table: DTypeTable,
    pub(crate) overwrite: Overwrite,
    pub(crate) history_bytes: Option<usize>,
    pub(crate) persist: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: None,
            mode: 0o600,
            owners: Owners::default(),
            table: DTypeTable::default(),
            overwrite: Overwrite::default(),
            history_bytes: None,
            persist: false,
        }
    }
}

impl From<&options::Options> for Options {
    /// Copies what both have: directory, mode, owners, and whether the last value persists.
    fn from(options: &options::Options) -> Self {
        Self {
            dir: options.dir.clone(),
            mode: options.mode,
            owners: options.owners,
            persist: options.persist,
            ..Self::default()
        }
    }
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The directory of the files.
    ///
    /// By default the environment variable `NDSHARRAY_DIR`, and without it `/dev/shm`, where
    /// Python's package always looks.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = location::chosen(dir.as_ref());
        self
    }

    /// Permission bits of new files, by default `0o600`; the umask does not apply.
    ///
    /// Readers of other users need `0o644`. Group and other write bits are an error.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The owners whose files are trusted, by default this process's user and root.
    #[must_use]
    pub fn owners(mut self, owners: Owners) -> Self {
        self.owners = owners;
        self
    }

    /// The table of dtype numbers that a writer uses, by default that of version 1.1.4.
    ///
    /// A reader tells the table from the length of each file. It uses this option only for empty
    /// arrays, until a file has shown the writer's table.
    #[must_use]
    pub fn dtypes(mut self, table: DTypeTable) -> Self {
        self.table = table;
        self
    }

    /// What a writer does with the last value's file, by default nothing.
    #[must_use]
    pub fn overwrite(mut self, overwrite: Overwrite) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Bytes of shared memory that replaced values may take.
    ///
    /// Python's reader opens a value's file three times. It accepts the value only if the file is
    /// still there the third time. By default the limit rises when the first reader comes late, as
    /// Python's does: to the memory of 32 files of the current size. It is at least 4 MiB, and at
    /// most an eighth of the file system's free space.
    ///
    /// Files are kept for a second, as long as the writer goes on writing. The last two are kept
    /// whatever their size, and fewer when memory is short.
    #[must_use]
    pub fn history_bytes(mut self, bytes: usize) -> Self {
        self.history_bytes = Some(bytes);
        self
    }

    /// Whether tag and last value stay when the writer is dropped, as with Python's writer.
    ///
    /// Python's readers then follow a later writer. By default everything is removed.
    #[must_use]
    pub fn persist(mut self, persist: bool) -> Self {
        self.persist = persist;
        self
    }

    /// Adds to an error what stands in the way at `name`.
    pub(super) fn explain<R>(&self, name: &str, result: Result<R>) -> Result<R> {
        result.map_err(|error| match self.location(name) {
            Ok(location) => location.explain(error),
            Err(_) => error,
        })
    }

    pub(crate) fn location(&self, name: &str) -> Result<Location> {
        Location::new(name, self.dir.as_deref())
    }

    pub(crate) fn check(&self) -> Result<()> {
        let found = self.mode as usize;
        if found > 0o755 {
            return Err(Error::InvalidOption { option: "mode", found, min: 0, max: 0o755 });
        }
        if self.mode & 0o022 != 0 {
            return Err(Error::Unsupported { what: "a mode that lets others write payloads" });
        }
        Ok(())
    }
}
