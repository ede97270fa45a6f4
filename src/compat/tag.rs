//! The tag file, as its writer sees it.
//!
//! Python's reader maps it once and never again. So a tag file that exists, whichever process left
//! it, is taken over as it is. It is never replaced and never cut to nothing, and the readers that
//! have it mapped go on with the new writer.

use super::location::Location;
use super::names::{Names, Step};
use super::proof;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::claim_name::{Claim, Claimed, claim_name};
use crate::files::owners::Owners;
use crate::files::reserve;
use crate::files::trusted::{open_trusted, unlink_if_same};
use crate::format::python::{Hex, TagProof, encode_tag};
use crate::sys::{self, Access, Backoff, ByteRange, Identity, LockedFile, range_lock};
use std::fs::File;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

/// The bytes of the tag file that the writer keeps locked.
pub(crate) const WRITER: ByteRange = 0..1;

/// How long to wait for a lock: a removal takes less, a living writer holds it longer.
const LOCK_TIME: Duration = Duration::from_millis(20);

/// Time between two attempts to lock.
const NAP: Duration = Duration::from_millis(1);

/// A tag file that this writer has locked.
///
/// The lock keeps a second writer of this library away. Python's package knows nothing of it.
pub(crate) struct Tag {
    file: LockedFile,
    identity: Identity,
    names: Names,
}

/// A tag file, and the name in it when it was taken over.
pub(crate) struct Taken {
    pub(crate) tag: Tag,
    pub(crate) inherited: Option<Hex>,
}

impl Tag {
    /// Makes the tag file of a channel, or takes over the one that is there.
    ///
    /// Nothing is written before the name is claimed, and the file is proved to be a tag or the
    /// start of one. A maker that is killed at any step leaves just that: an empty file, one of
    /// zeros, a tag.
    pub(crate) fn take(location: &Location, mode: u32, owners: Owners) -> Result<Taken> {
        let claimed = claim(location, || claim_name(&location.tag(), mode, owners, &WRITER))?;
        let (names, inherited) = match proof::prove_tag(location, &claimed)? {
            TagProof::Whole(hex) => (Names::after(location.name().len(), hex), Some(hex)),
            // No reader can have attached to it.
            TagProof::Unfinished => {
                // If no channel comes of an empty file, it goes again, be it new or left by a maker
                // that died.
                let unfinished = (claimed.identity().len == 0).then(|| claimed.unfinished());
                let names = Self::finish(location, &claimed)?;
                if let Some(unfinished) = unfinished {
                    unfinished.done();
                }
                (names, None)
            }
        };
        fail_point!("tag.whole");
        let identity = *claimed.identity();
        Ok(Taken { tag: Self { file: claimed.into_file(), identity, names }, inherited })
    }

    /// Completes the start of a tag, or an empty file.
    fn finish(location: &Location, file: &File) -> Result<Names> {
        let path = location.tag();
        let names = Names::random(location.name().len());
        let tag = encode_tag(location.name(), names.current());
        // Python's reader maps it at its full length, which must be there before the text is.
        reserve::reserve(file, &path, tag.len())?;
        fail_point!("tag.reserved");
        sys::write_all_at(file, &tag, 0).map_err(|e| Error::io("write", &path, e))?;
        Ok(names)
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Writes the name of the next file into the tag.
    ///
    /// The file's content is complete by now.
    pub(crate) fn publish(&mut self, location: &Location, names: Names, step: Step) -> Result<()> {
        // What was written to the payload file, and its directory entry, must be there before the
        // tag names it. All of it was done by system calls. The reader's own system calls take the
        // same locks after it has seen the tag.
        fence(Ordering::SeqCst);
        // By a system call and not through a mapping: a Python writer that starts under the same
        // name cuts the file.
        let at = location.name().len() + 1 + step.offset;
        sys::write_all_at(&self.file, &[step.byte], at as u64).map_err(|e| Error::io("write", &location.tag(), e))?;
        fail_point!("tag.published");
        self.names = names;
        Ok(())
    }

    /// Removes the file, if it still has its name.
    pub(crate) fn remove(&self, location: &Location) {
        let _ = unlink_if_same(&location.tag(), &self.identity);
    }
}

/// Claims the tag's name.
///
/// Waits for a process that removes the channel, which holds the name for a moment only.
pub(super) fn claim(location: &Location, mut attempt: impl FnMut() -> Result<Claim>) -> Result<Claimed> {
    let mut backoff = Backoff::new(NAP).within(LOCK_TIME);
    loop {
        let file = match attempt()? {
            Claim::Ours(claimed) => return Ok(claimed),
            Claim::Others(file) => file,
        };
        // A stranger may have locked a file of its own.
        proof::prove_tag(location, &file)?;
        if !backoff.pause() {
            return Err(Error::WriterExists { name: location.name().to_owned(), pid: None });
        }
    }
}

/// Whether a writer of this library owns the channel.
pub(crate) fn has_writer(location: &Location, owners: Owners) -> Result<bool> {
    match open_trusted(&location.tag(), Access::Read, owners) {
        Ok((file, _)) => range_lock::is_locked(&file, &WRITER).map_err(|e| Error::io("inspect", &location.tag(), e)),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
