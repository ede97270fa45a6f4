//! Opening and removing files in a directory where others may write too.

use super::location::Location;
use crate::error::{Error, Foreign, Result};
use crate::files::owners::Owners;
use crate::files::reserve::no_file;
use crate::format::error::HeaderError;
use crate::sys::{self, Access, FileType, Identity};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use uuid::Uuid;

/// Opens an existing regular file with at most one name, that `owners` trusts.
pub(crate) fn open_trusted(path: &Path, access: Access, owners: Owners) -> Result<(File, Identity)> {
    open_unless(path, access, owners, |_| true)
}

/// As [`open_trusted`], for a reader table.
///
/// It may have several names, as users that may write it can give it further ones.
///
/// What proves a table is its head, with the id of the channel. Nothing is written to the file
/// before that is checked, so a link to another file of ours does not turn our writes against that.
pub(crate) fn open_table_file(path: &Path, access: Access, owners: Owners) -> Result<(File, Identity)> {
    open_unless(path, access, owners, |what| what != Foreign::HardLinked)
}

/// Opens a file, unless something that `matters` makes it foreign.
fn open_unless(
    path: &Path,
    access: Access,
    owners: Owners,
    matters: impl Fn(Foreign) -> bool,
) -> Result<(File, Identity)> {
    let file = match sys::open(path, access) {
        Ok(file) => file,
        Err(error) => return Err(refusal(path, owners, error)),
    };
    // The open file is checked, not the path: no other process can exchange it any more.
    let identity = sys::identify(&file).map_err(|e| Error::io("inspect", path, e))?;
    match foreign(&identity, owners).filter(|&what| matters(what)) {
        None => Ok((file, identity)),
        Some(what) => Err(Error::ForeignOwner { path: path.to_owned(), owner: identity.owner, what }),
    }
}

/// Refuses a file that this library has not made.
///
/// Such a file neither starts with `magic`, nor is it unmade.
///
/// An unmade file is empty or starts with zeros: its maker works on it, or died. What fails here is
/// never written, cut or removed, as it may be precious to its owner.
pub(crate) fn check_ours(file: &File, path: &Path, magic: [u8; 8]) -> Result<()> {
    let mut found = [0; 8];
    // A shorter file is compared with zeros behind its end.
    sys::read_front(file, &mut found).map_err(|e| Error::io("read", path, e))?;
    if found == [0; 8] || found == magic { Ok(()) } else { Err(HeaderError::Magic { found }.into()) }
}

/// Creates a file that did not exist, with the permission bits `mode`.
pub(crate) fn create(path: &Path, mode: u32) -> Result<File> {
    sys::open_exclusive(path, mode).map_err(|e| no_file(e, path))
}

/// Removes `path` if it still names the file with this identity.
///
/// It may have been replaced since.
pub(crate) fn unlink_if_same(path: &Path, identity: &Identity) -> io::Result<()> {
    match sys::identify_path(path) {
        Ok(found) if sys::same_file(&found, identity) => sys::remove_file(path),
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

/// Whether `path` names the file with this identity.
pub(crate) fn has_name(path: &Path, identity: &Identity) -> bool {
    sys::identify_path(path).is_ok_and(|named| sys::same_file(&named, identity))
}

/// The ids of all payload files of a channel, current or left over.
pub(crate) fn payload_files(location: &Location) -> Result<Vec<Uuid>> {
    let fail = |e| Error::io("list", location.dir(), e);
    let mut ids = Vec::new();
    for entry in fs::read_dir(location.dir()).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        ids.extend(name.to_str().and_then(|name| location.payload_id(name)));
    }
    Ok(ids)
}

/// Removes all payload files of a channel but those in `keep`, of any writer.
///
/// Calls `removed` after each.
///
/// The name of a payload and its owner prove that this library has made it. An entry that belongs
/// to another user, or is no file, stays, as does one that the system refuses to remove. None of
/// them keeps the others from being removed; the first error is returned at the end.
pub(crate) fn remove_payloads(
    location: &Location,
    owners: Owners,
    keep: &[Uuid],
    mut removed: impl FnMut(),
) -> Result<()> {
    let mut first = Ok(());
    for id in payload_files(location)? {
        if keep.contains(&id) {
            continue;
        }
        match remove_payload(&location.payload(id), owners) {
            Ok(()) => removed(),
            Err(error) => first = first.and(Err(error)),
        }
    }
    first
}

/// Removes one payload file, if its owner proves that this library has made it.
pub(crate) fn remove_payload(path: &Path, owners: Owners) -> Result<()> {
    let identity = match sys::identify_path(path) {
        Ok(identity) => identity,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("inspect", path, e)),
    };
    match foreign(&identity, owners) {
        // Its other names stay.
        None | Some(Foreign::HardLinked) => remove_if_there(path),
        Some(what) => Err(Error::ForeignOwner { path: path.to_owned(), owner: identity.owner, what }),
    }
}

/// Removes a file; that there is none is no error.
pub(crate) fn remove_if_there(path: &Path) -> Result<()> {
    match sys::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, e)),
        _ => Ok(()),
    }
}

fn foreign(identity: &Identity, owners: Owners) -> Option<Foreign> {
    match identity.kind {
        FileType::Symlink => Some(Foreign::Symlink),
        FileType::Other => Some(Foreign::NotAFile),
        // Root's are trusted whichever user this is.
        FileType::File if identity.owner != 0 && !owners.trusts(identity.owner, sys::effective_user()) => {
            Some(Foreign::OtherUser)
        }
        // Another user's link to a file that we own would turn our writes against that file.
        FileType::File if identity.links > 1 => Some(Foreign::HardLinked),
        FileType::File => None,
    }
}

/// The better explanation of a failed open.
///
/// It names another user's file rather than the refusal that it caused.
fn refusal(path: &Path, owners: Owners, error: io::Error) -> Error {
    if error.kind() != io::ErrorKind::NotFound
        && let Ok(identity) = sys::identify_path(path)
        && let Some(what) = foreign(&identity, owners)
    {
        return Error::ForeignOwner { path: path.to_owned(), owner: identity.owner, what };
    }
    if sys::is_symlink_refusal(&error) {
        // The link has gone in the meantime; its owner is unknown.
        return Error::not_found(path.to_owned());
    }
    Error::io("open", path, error)
}
