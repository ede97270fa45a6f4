//! Files, opened to be looked at.

use super::report::{File as FileReport, Life, Problem, Role};
use crate::error::{Error, Result};
use crate::files::owners::Owners;
use crate::files::trusted::{open_table_file, open_trusted};
use crate::sys::{self, Access, ByteRange, range_lock};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A file that is there, open for reading.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) len: u64,
    file: File,
}

/// What a look gathers on its way.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) files: Vec<FileReport>,
    pub(super) problems: Vec<Problem>,
}

impl Notes {
    pub(super) fn problem(&mut self, path: &Path, error: impl Into<Error>) {
        self.problems.push(Problem { path: path.to_owned(), slot: None, error: error.into() });
    }

    pub(super) fn slot_problem(&mut self, path: &Path, slot: usize, error: impl Into<Error>) {
        self.problems.push(Problem { path: path.to_owned(), slot: Some(slot), error: error.into() });
    }

    /// Notes the file `path`; returns its length, or `None` for a file that has gone.
    pub(super) fn file(&mut self, path: PathBuf, role: Role) -> Option<u64> {
        let identity = sys::identify_path(&path).ok()?;
        let storage = sys::storage(&path).ok()?;
        let len = identity.len;
        self.files.push(FileReport {
            path,
            role,
            len,
            allocated: storage.allocated,
            user: identity.owner,
            mode: storage.mode,
        });
        Some(len)
    }

    /// Answers for a lock on a file that could not be opened.
    ///
    /// Unknown, unless there is no such file.
    pub(super) fn life_without(&self, path: &Path) -> Life {
        if self.files.iter().any(|file| file.path == path) { Life::Unknown } else { Life::Gone }
    }

    /// Notes a file and opens it.
    ///
    /// `None` when there is none, or it cannot be opened, which is noted as a problem.
    pub(super) fn open(&mut self, path: PathBuf, role: Role) -> Option<Opened> {
        self.file(path.clone(), role)?;
        let open = if role == Role::Readers { open_table_file } else { open_trusted };
        match open(&path, Access::Read, Owners::Anyone) {
            Ok((file, identity)) => Some(Opened { path, len: identity.len, file }),
            Err(Error::NotFound { .. }) => None,
            Err(error) => {
                self.problem(&path, error);
                None
            }
        }
    }
}

impl Opened {
    /// A copy of the first bytes, as far as there are any.
    pub(super) fn front(&self, most: usize) -> Result<Vec<u8>> {
        self.bytes(0, most)
    }

    /// A copy of bytes from `at` on, as far as there are any by now.
    pub(super) fn bytes(&self, at: u64, most: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; most];
        let found = sys::read_at(&self.file, &mut bytes, at).map_err(|e| Error::io("read", &self.path, e))?;
        bytes.truncate(found);
        Ok(bytes)
    }

    /// Whether a living process holds the lock on these bytes.
    pub(super) fn life(&self, range: &ByteRange) -> Life {
        life(range_lock::is_locked(&self.file, range))
    }

    /// Whether a living process has any of the locks within these bytes.
    pub(super) fn any_life(&self, ranges: &ByteRange) -> Life {
        life(range_lock::is_any_locked(&self.file, ranges))
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

fn life(taken: io::Result<bool>) -> Life {
    match taken {
        Ok(true) => Life::Alive,
        Ok(false) => Life::Gone,
        Err(_) => Life::Unknown,
    }
}
