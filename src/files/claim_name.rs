//! Claiming a file name.
//!
//! The holder of a claim is the only process that fills, uses or removes the file under that name.
//!
//! A name is claimed by the lock of some bytes of the file that it names. The holder of the lock
//! knows that the name stays with the file. A new file of that name needs the old one's removal
//! first, and only the holder of the lock removes it. So a removal under a claim hits the file that
//! was looked at, and never a later one.

use super::trusted::{create, has_name, open_trusted, unlink_if_same};
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::owners::Owners;
use crate::sys::{self, Access, ByteRange, Identity, LockedFile, range_lock};
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// How often the name may change hands under us before we give up.
const ATTEMPTS: u32 = 100;

/// What came of an attempt to claim a name.
pub(crate) enum Claim {
    /// The name is ours.
    Ours(Claimed),
    /// Another process holds the lock; this is the locked file, which has the name.
    Others(LockedFile),
}

/// A file that has been claimed, for as long as this lives.
pub(crate) struct Claimed {
    file: LockedFile,
    identity: Identity,
    path: PathBuf,
}

/// Claims `path` by the lock `range` of its file.
///
/// Makes the file, with the permission bits `mode`, if there is none.
///
/// The three steps of every claim, in this order:
///
/// 1. create the file with `O_EXCL`, or open the existing one, if it is trusted;
/// 2. take the lock, or find that it is another's ([`Claim::Others`]);
/// 3. make sure that the path still names this very file; otherwise start again.
///
/// What is found is an empty file or an old one: the caller looks. While it makes something of the
/// file, [`Claimed::unfinished`] removes the file again if that fails or panics. A caller that has
/// to remove the file calls [`Claimed::remove`], before the claim is dropped.
pub(crate) fn claim_name(path: &Path, mode: u32, owners: Owners, range: &ByteRange) -> Result<Claim> {
    claim(path, range, || match create(path, mode) {
        Err(Error::AlreadyExists { .. }) => match open_trusted(path, Access::ReadWrite, owners) {
            Ok((file, _)) => Ok(Some(file)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        },
        created => created.map(Some),
    })
}

/// Claims `path` as [`claim_name`] does, but makes no file: [`Error::NotFound`] if there is none.
pub(crate) fn claim_existing(path: &Path, owners: Owners, range: &ByteRange) -> Result<Claim> {
    claim(path, range, || open_trusted(path, Access::ReadWrite, owners).map(|(file, _)| Some(file)))
}

/// `open` returns `None` when the name has just changed hands.
fn claim(path: &Path, range: &ByteRange, mut open: impl FnMut() -> Result<Option<File>>) -> Result<Claim> {
    for _ in 0..ATTEMPTS {
        let Some(file) = open()? else { continue };
        fail_point!("name.opened");
        let file = LockedFile::new(file);
        let is_ours = range_lock::try_lock(&file, range).map_err(|e| Error::io("lock", path, e))?;
        if is_ours {
            fail_point!("name.locked");
        }
        // The holder before us may have removed the file between our opening it and our locking it.
        // A file that is about to go is in no caller's way.
        let identity = sys::identify(&file).map_err(|e| Error::io("inspect", path, e))?;
        if !has_name(path, &identity) {
            continue;
        }
        return Ok(if is_ours {
            Claim::Ours(Claimed { file, identity, path: path.to_owned() })
        } else {
            Claim::Others(file)
        });
    }
    Err(Error::Contended { attempts: ATTEMPTS })
}

impl Claimed {
    /// The file as it was when it was claimed.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Removes the file, under the lock, and only if the path still names it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        unlink_if_same(&self.path, &self.identity)
    }

    /// A guard that removes the file again, unless what is made of it is [done](Unfinished::done).
    pub(crate) fn unfinished(&self) -> Unfinished<'_> {
        Unfinished(self)
    }

    /// The file with its lock, for a handle that keeps both.
    pub(crate) fn into_file(self) -> LockedFile {
        self.file
    }
}

impl Deref for Claimed {
    type Target = LockedFile;

    fn deref(&self) -> &LockedFile {
        &self.file
    }
}

/// A file that holds nothing finished yet.
///
/// Dropped, by an error or a panic, it removes the file, under the lock.
#[must_use = "dropping it removes the file"]
pub(crate) struct Unfinished<'a>(&'a Claimed);

impl Unfinished<'_> {
    /// The file is what it was to be, and stays.
    pub(crate) fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // In a forked child the claim is the parent's. Best effort: an error or a panic is reported
        // anyway.
        if self.0.file.is_here() {
            let _ = self.0.remove();
        }
    }
}
