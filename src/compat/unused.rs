//! Files that no process has open.
//!
//! Python's ndsharray takes no locks, but it maps its files, and a lease from the kernel proves
//! that a file is not in use.

use super::leftovers::{self, Leftover};
use super::location::Location;
use super::names::Names;
use super::options::Options;
use super::proof;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::owners::Owners;
use crate::files::trusted::{has_name, unlink_if_same};
use crate::format::python::Hex;
use crate::sys::{self, Access, Identity, Lease};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

impl Options {
    /// As [`unused`], with these options.
    ///
    /// # Errors
    ///
    /// As [`unused`].
    pub fn unused(&self, name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
        sweep(&self.location(name)?, self.owners, older_than, false)
    }

    /// As [`remove_unused`], with these options.
    ///
    /// # Errors
    ///
    /// As [`remove_unused`].
    pub fn remove_unused(&self, name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
        sweep(&self.location(name)?, self.owners, older_than, true)
    }
}

/// Lists the files of the channel `name` that no process has open or mapped.
///
/// The kernel proves it: it grants a lease on a file only then. A file for which the kernel gives
/// no answer counts as used: it is another user's, or its file system has no leases.
///
/// If no process has the tag open, these are all of the channel's files, the last value included.
/// If one has, a reader may be about to open a file whose name it has just read, which nothing can
/// detect. Then only [`leftovers`](super::leftovers()) are listed that have not been changed for
/// `older_than`. A few seconds are plenty.
///
/// Each file is leased for a moment: a process that opens it right then waits for some
/// microseconds.
///
/// # Errors
///
/// As [`leftovers`](super::leftovers()); [`Error::NotOurs`] when the name is that of a file which
/// is no tag file.
pub fn unused(name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
    Options::new().unused(name, older_than)
}

/// Removes the files that [`unused`] lists, each while its lease is held, and returns them.
///
/// If no process has the tag open, it loses its name first. If a process comes for it at that very
/// moment, it gets the name back, and the rest stays.
///
/// # Errors
///
/// As [`unused`].
pub fn remove_unused(name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
    Options::new().remove_unused(name, older_than)
}

/// Time for a process that has found the tag but not opened it yet.
///
/// Both are one system call.
const GRACE: Duration = Duration::from_millis(2);

/// The outcome of looking at files one by one.
#[derive(Default)]
struct Swept {
    found: Vec<Leftover>,
    /// Whether one of the channel's files has stayed.
    is_left: bool,
    /// Why the first one could not be removed.
    error: Option<Error>,
}

impl Swept {
    fn end(mut self) -> Result<Vec<Leftover>> {
        self.found.sort_by(|a, b| a.path.cmp(&b.path));
        self.error.map_or(Ok(self.found), Err)
    }
}

/// Finds the files that no process has open; with `remove`, removes them while that is sure.
fn sweep(location: &Location, owners: Owners, older_than: Duration, remove: bool) -> Result<Vec<Leftover>> {
    let (tag, identity) = match proof::open_tag(location, Access::ReadWrite, owners) {
        Ok((tag, identity, _)) => (tag, identity),
        Err(Error::NotFound { .. }) => {
            let payloads = location.payloads()?;
            // In this order: a writer makes the tag before any payload file, so none of these
            // belongs to a new writer.
            let has_tag = sys::identify_path(&location.tag()).is_ok();
            return if has_tag { Ok(Vec::new()) } else { look_at(location, &payloads, owners, remove).end() };
        }
        // The kernel does not exclude that it is open.
        Err(Error::ForeignOwner { .. } | Error::PermissionDenied { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let Some(lease) = Lease::try_take(&tag) else {
        drop(tag);
        let mut named_no_more = leftovers::list_with_digits(location, owners)?;
        named_no_more.retain(|(_, file)| file.age >= older_than);
        let payloads: Vec<Hex> = named_no_more.into_iter().map(|(hex, _)| hex).collect();
        return look_at(location, &payloads, owners, remove).end();
    };
    // While the lease lasts no writer can begin, and no reader can learn the name of a payload
    // file.
    let payloads = location.payloads()?;
    let described = leftovers::describe(&tag, location.tag())?;
    if !remove {
        drop(lease);
        let mut swept = look_at(location, &payloads, owners, false);
        // The tag goes only with all others: files that cannot be removed can then still be found.
        swept.found.extend((!swept.is_left).then_some(described));
        return swept.end();
    }
    // A process that waits for the lease has found the tag already, and must not end up with a tag
    // that cannot be found. So the tag is not unlinked, but moved where newcomers do not find it,
    // and moved back if a process waits.
    let Some(aside) = put_aside(location, &identity)? else { return Ok(Vec::new()) };
    fail_point!("sweep.aside");
    std::thread::sleep(GRACE);
    let mut swept = if lease.is_wanted() {
        Swept { is_left: true, ..Swept::default() }
    } else {
        look_at(location, &payloads, owners, true)
    };
    fail_point!("sweep.last");
    if (swept.is_left || lease.is_wanted()) && Lease::rename_new(&aside, &location.tag()).is_ok() {
        return swept.end();
    }
    if let Err(error) = sys::remove_file(&aside) {
        swept.error = swept.error.or(Some(Error::io("remove", &aside, error)));
    }
    swept.found.push(described);
    swept.end()
}

/// Renames the tag so that no process looks for it; `None` when another file has its name by now.
fn put_aside(location: &Location, identity: &Identity) -> Result<Option<PathBuf>> {
    if !has_name(&location.tag(), identity) {
        return Ok(None);
    }
    // Random, so that no file has it.
    let aside = location.payload(Names::random(location.name().len()).current());
    match Lease::rename_new(&location.tag(), &aside) {
        Ok(()) => Ok(Some(aside)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("rename", &location.tag(), e)),
    }
}

/// Looks at these payload files, one by one.
fn look_at(location: &Location, payloads: &[Hex], owners: Owners, remove: bool) -> Swept {
    let mut swept = Swept::default();
    for hex in payloads {
        match look_at_one(location, hex, owners, remove) {
            Ok(Some(file)) => swept.found.push(file),
            // What is not the channel's is left alone.
            Ok(None) => {}
            Err(None) => swept.is_left = true,
            Err(Some(error)) => {
                swept.is_left = true;
                swept.error = swept.error.or(Some(error));
            }
        }
        fail_point!("sweep.removed");
    }
    swept
}

/// Returns `Err(None)` when it is the channel's, but may be open in some process.
fn look_at_one(
    location: &Location,
    hex: &Hex,
    owners: Owners,
    remove: bool,
) -> std::result::Result<Option<Leftover>, Option<Error>> {
    let (file, identity) = match proof::open_payload(location, hex, Access::ReadWrite, owners, false) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(None),
        Err(Error::ForeignOwner { .. } | Error::PermissionDenied { .. }) => return Err(None),
        Err(error) => return Err(Some(error)),
    };
    let _lease = Lease::try_take(&file).ok_or(None)?;
    let path = location.payload(hex);
    let described = leftovers::describe(&file, path.clone())?;
    if remove {
        unlink_if_same(&path, &identity).map_err(|e| Error::io("remove", &path, e))?;
    }
    Ok(Some(described))
}

/// Removes a payload file that no tag leads to, if no process has it open.
pub(super) fn remove_orphan(location: &Location, hex: &Hex, owners: Owners) {
    let _ = look_at_one(location, hex, owners, true);
}
