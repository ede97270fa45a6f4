//! A private place in shared memory for one contender's files, gone when the measurement is over.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// All contenders keep their files in this file system, so that none has a faster one.
const SHARED_MEMORY: &str = "/dev/shm";

/// A directory of its own, and a prefix for those files that a rival insists on placing beside it.
pub(crate) struct Place {
    dir: PathBuf,
    /// `None` in a child process: the parent cleans up.
    _owned: Option<TempDir>,
}

impl Place {
    /// A fresh place, removed on drop together with whatever carries its prefix.
    pub(crate) fn fresh() -> Result<Self> {
        let owned = tempfile::Builder::new()
            .prefix("ndsharray-peers-")
            .tempdir_in(SHARED_MEMORY)
            .with_context(|| format!("no directory in {SHARED_MEMORY}"))?;
        Ok(Self { dir: owned.path().to_path_buf(), _owned: Some(owned) })
    }

    /// The place that another process made.
    pub(crate) fn existing(dir: PathBuf) -> Self {
        Self { dir, _owned: None }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What names of files outside the directory start with.
    pub(crate) fn prefix(&self) -> String {
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy();
        format!("{name}_")
    }

    /// Every file that belongs to this place, whichever way.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut pending = vec![self.dir.clone()];
        while let Some(dir) = pending.pop() {
            for entry in fs::read_dir(dir)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    pending.push(entry.path());
                } else {
                    files.push(entry.path());
                }
            }
        }
        files.extend(self.beside()?);
        Ok(files)
    }

    fn beside(&self) -> Result<Vec<PathBuf>> {
        let prefix = self.prefix();
        let mut files = Vec::new();
        for entry in fs::read_dir(SHARED_MEMORY)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                files.push(entry.path());
            }
        }
        Ok(files)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self._owned.is_none() {
            return;
        }
        // A contender that ended orderly has removed these itself; one that failed has not.
        for path in self.beside().unwrap_or_default() {
            let _ = fs::remove_file(path);
        }
    }
}

/// The memory that a file in shared memory really occupies.
pub(crate) fn resident_bytes(path: &Path) -> Result<u64> {
    /// `st_blocks` counts in these, whatever the file system's own block size.
    const BLOCK: u64 = 512;
    Ok(fs::metadata(path)?.blocks() * BLOCK)
}
