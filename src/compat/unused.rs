//! What no process has open. Python's ndsharray takes no locks, but it has its files mapped, and the kernel tells that of a file by a lease.

use super::leftovers::{self, Leftover, unlink};
use super::options::Options;
use super::place::Place;
use crate::error::{Error, Result};
use crate::options::Owners;
use crate::segment::open_trusted;
use crate::sys::{Access, Lease};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

impl Options {
    /// As [`unused`], with these options.
    ///
    /// # Errors
    ///
    /// As [`unused`].
    pub fn unused(&self, name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
        sweep(&self.place(name)?, self.owners, older_than, |_| Ok(()))
    }

    /// As [`remove_unused`], with these options.
    ///
    /// # Errors
    ///
    /// As [`remove_unused`].
    pub fn remove_unused(&self, name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
        sweep(&self.place(name)?, self.owners, older_than, unlink)
    }
}

/// Lists the files of the channel `name` that no process has open or mapped, as the kernel proves: it grants a lease on a file only then. A file that the
/// kernel gives no answer for, since it is another user's or its file system has no leases, is taken for used.
///
/// Where nobody has the tag, these are all of the channel's files, the last value included. Where somebody has it, a reader may be about to open
/// a file whose name it has just read, which nothing can tell; so only [`leftovers`](super::leftovers()) are listed, and of these the ones that have not been
/// changed for `older_than`. A few seconds are plenty.
///
/// Each file is leased for a moment: whoever opens it right then waits for some microseconds.
///
/// # Errors
///
/// As [`leftovers`](super::leftovers()).
pub fn unused(name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
    Options::new().unused(name, older_than)
}

/// Removes the files that [`unused`] lists, each while its lease is held, and tells which they were.
///
/// # Errors
///
/// As [`unused`].
pub fn remove_unused(name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
    Options::new().remove_unused(name, older_than)
}

/// Calls `each` with the path of every file that nobody has open, while that is sure, and returns them.
fn sweep(
    place: &Place,
    owners: Owners,
    older_than: Duration,
    each: impl Fn(&Path) -> Result<()>,
) -> Result<Vec<Leftover>> {
    let tag = place.tag();
    let tag_file = open(&tag, owners)?;
    let tag_lease = tag_file.as_ref().map(Lease::try_take);
    let candidates = match &tag_lease {
        // Somebody has it.
        Some(None) => {
            let mut named_no_more = leftovers::list(place, owners)?;
            named_no_more.retain(|file| file.age >= older_than);
            named_no_more
        }
        // Nobody has the tag, or there is none: nobody gets to know the name of a payload file.
        Some(Some(_)) | None => {
            let payloads = place.payloads()?.into_iter().map(|hex| place.payload(&hex));
            leftovers::describe(payloads)?
        }
    };
    let mut found = Vec::new();
    for file in candidates {
        if while_unused(&file.path, owners, &each)? {
            found.push(file);
        }
    }
    // The tag last: what cannot be removed stays to be found.
    if let Some(Some(_)) = tag_lease
        && place.payloads()?.iter().all(|hex| found.iter().any(|file| file.path == place.payload(hex)))
    {
        found.extend(leftovers::describe([tag.clone()])?);
        each(&tag)?;
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Calls `then` if nobody has the file open.
fn while_unused(path: &Path, owners: Owners, then: impl Fn(&Path) -> Result<()>) -> Result<bool> {
    let Some(file) = open(path, owners)? else { return Ok(false) };
    let Some(_lease) = Lease::try_take(&file) else { return Ok(false) };
    then(path).map(|()| true)
}

/// `None` when there is no such file, or it is not for us to touch.
fn open(path: &Path, owners: Owners) -> Result<Option<File>> {
    match open_trusted(path, Access::ReadWrite, owners) {
        Ok((file, _)) => Ok(Some(file)),
        Err(Error::NotFound { .. } | Error::ForeignOwner { .. } | Error::PermissionDenied { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
