//! Settings.

use super::location::Location;
use crate::error::{Error, Result};
use crate::files::location;
use crate::files::owners::Owners;
use crate::format::python_dtypes::DTypeTable;
use crate::options;
use std::path::{Path, PathBuf};

/// What a writer does with the file of the last value when it writes the next one of the same dtype
/// and shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overwrite {
    /// It is left alone: each value gets a file of its own, which is complete before the tag names
    /// it and is not written as long as anybody has it open. No reader, however slow, can see a
    /// torn value. The reader opens a file for each value, which for Python's costs about as much
    /// as writing costs Python's writer. The default.
    #[default]
    Never,
    /// It is overwritten, as Python's own writer does it. Cheaper for the reader; but Python's
    /// accepts torn values now and then, because it looks at the stamps of a value in no particular
    /// order. Only for readers that bear it.
    InPlace,
}

/// How a channel in Python's format is written or read. [`Writer::create`](super::Writer::create)
/// and [`Reader::open`](super::Reader::open) use the defaults.
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
    /// Takes over what both have: directory, mode, owners, and whether the last value persists.
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

    /// The directory of the files. By default the environment variable `NDSHARRAY_DIR`, and without
    /// it `/dev/shm`, which is where Python's package always looks.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = location::chosen(dir.as_ref());
        self
    }

    /// Permission bits of new files, by default `0o600`; the umask does not apply. Readers of other
    /// users need `0o644`. Write permission for others is refused.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Whose files are trusted, by default one's own and root's.
    #[must_use]
    pub fn owners(mut self, owners: Owners) -> Self {
        self.owners = owners;
        self
    }

    /// Whose numbers for dtypes a writer uses, by default version 1.1.4's. A reader goes by the
    /// length of each file, and by this only for empty arrays, until a file has told which it is.
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

    /// Bytes of shared memory that values may take after they have been replaced. Python's reader
    /// opens a value's file three times, and accepts the value only if the file is still there the
    /// third time.
    ///
    /// By default, from the first reader on that comes late, as Python's does, as much as 32 files
    /// of the size that is written take, at least 4 MiB, and at most
    /// an eighth of what the file system has free. Files are kept for a second, as long as the
    /// writer goes on writing, the last two whatever their size, and less when memory is short.
    #[must_use]
    pub fn history_bytes(mut self, bytes: usize) -> Self {
        self.history_bytes = Some(bytes);
        self
    }

    /// Whether tag and last value stay when the writer is dropped, as they do with Python's writer:
    /// Python's readers then follow a later writer. By default everything is removed.
    #[must_use]
    pub fn persist(mut self, persist: bool) -> Self {
        self.persist = persist;
        self
    }

    /// Has an error say what stands in the way where `name` is.
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
