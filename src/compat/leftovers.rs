//! Files that writers leave behind.
//!
//! Python's writer never removes a file, and a killed writer of this library could not.

use super::location::Location;
use super::options::Options;
use super::proof;
use super::tag::{self, WRITER};
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::claim_name::claim_existing;
use crate::files::owners::Owners;
use crate::files::trusted::open_trusted;
use crate::format::python::{self, Hex, tag_len};
use crate::sys::{self, Access};
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// A file that is no longer needed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The file's path.
    pub path: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// Time since the last change that the file system noted: at most the time since the file was
    /// made.
    pub age: Duration,
}

impl Options {
    /// As [`leftovers`], with these options.
    ///
    /// # Errors
    ///
    /// As [`leftovers`].
    pub fn leftovers(&self, name: &str) -> Result<Vec<Leftover>> {
        Ok(list_with_digits(&self.location(name)?, self.owners)?.into_iter().map(|(_, file)| file).collect())
    }

    /// As [`remove_leftovers`], with these options.
    ///
    /// # Errors
    ///
    /// As [`remove_leftovers`].
    pub fn remove_leftovers(&self, name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
        let location = self.location(name)?;
        let mut first = None;
        let mut removed = Vec::new();
        for (hex, file) in list_with_digits(&location, self.owners)? {
            if file.age < older_than {
                continue;
            }
            match proof::remove_payload(&location, &hex, self.owners, false) {
                Ok(true) => removed.push(file),
                Ok(false) => {}
                // A failure does not stop the removal of the other files.
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(removed), Err)
    }

    /// As [`remove`], with these options.
    ///
    /// # Errors
    ///
    /// As [`remove`].
    pub fn remove(&self, name: &str) -> Result<()> {
        let location = self.location(name)?;
        for _ in 0..ATTEMPTS {
            // The writer's own lock: no writer comes between the check and the end.
            let claimed = match tag::claim(&location, || claim_existing(&location.tag(), self.owners, &WRITER)) {
                Ok(claimed) => claimed,
                Err(Error::NotFound { .. }) => match remove_without_tag(&location, self.owners)? {
                    Some(()) => return Ok(()),
                    None => continue,
                },
                Err(error) => return Err(error),
            };
            proof::prove_tag(&location, &claimed)?;
            fail_point!("remove.locked");
            let (_, error) = remove_all(&location, &location.payloads()?, self.owners);
            // The tag goes last: until then it shows which files belong to the channel.
            fail_point!("remove.tag");
            claimed.remove().map_err(|e| Error::io("remove", &location.tag(), e))?;
            return error.map_or(Ok(()), Err);
        }
        Err(Error::Contended { attempts: ATTEMPTS })
    }
}

/// Attempts after which a removal gives up, as the name keeps changing hands.
const ATTEMPTS: u32 = 100;

/// Removes the payload files of a channel without a tag; `None` if there is a tag after all.
fn remove_without_tag(location: &Location, owners: Owners) -> Result<Option<()>> {
    let payloads = location.payloads()?;
    // In this order: a writer makes the tag before any payload file, so none of these belongs to a
    // new writer.
    if sys::identify_path(&location.tag()).is_ok() {
        return Ok(None);
    }
    match remove_all(location, &payloads, owners) {
        (_, Some(error)) => Err(error),
        (0, None) => Err(Error::not_found(location.tag())),
        _ => Ok(Some(())),
    }
}

/// Removes those of these payload files that are proved to be the channel's.
///
/// A file that cannot be removed does not stop the removal of the others. Returns the number of
/// removed files and the first error.
fn remove_all(location: &Location, payloads: &[Hex], owners: Owners) -> (usize, Option<Error>) {
    let (mut gone, mut first) = (0, None);
    for hex in payloads {
        match proof::remove_payload(location, hex, owners, false) {
            Ok(removed) => gone += usize::from(removed),
            Err(error) => first = first.or(Some(error)),
        }
        fail_point!("remove.wire");
    }
    (gone, first)
}

/// Lists the payload files of the channel `name` that are no longer needed.
///
/// These are the files that the tag does not name. Python's writer leaves one at each change of
/// dtype or shape, and two when it ends.
///
/// A file that merely has such a name is not listed, nor is one of an untrusted owner. Each listed
/// file's content shows that it is a payload file, or that its maker was killed before it became
/// one.
///
/// Files of a living writer of this library are not listed. A living Python writer cannot be
/// detected: a file that it has just made, and is about to name, is listed. The file's age gives it
/// away.
///
/// # Errors
///
/// Only those that any operation may return.
pub fn leftovers(name: &str) -> Result<Vec<Leftover>> {
    Options::new().leftovers(name)
}

/// Removes those [`leftovers`] that have not been changed for `older_than`, and returns them.
///
/// If a Python writer may be at work, a few seconds protect its new files, and give readers the
/// time to open a file that they have just found. Otherwise zero is fine.
///
/// # Errors
///
/// As [`leftovers`].
pub fn remove_leftovers(name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
    Options::new().remove_leftovers(name, older_than)
}

/// Removes all files of the channel `name`, after its writer has ended.
///
/// Attached readers keep what they have. A file goes only if it is proved to be the channel's, by
/// name, owner and content; others of such names stay. One that cannot be removed does not
/// stop the removal of the others.
///
/// # Errors
///
/// [`Error::NotFound`] when there are no such files; [`Error::NotOurs`] when the name is that of a
/// file which is no tag file; [`Error::WriterExists`] while a writer of this library lives.
/// Python's writer cannot be detected.
pub fn remove(name: &str) -> Result<()> {
    Options::new().remove(name)
}

/// The payload files of the channel that the tag does not name.
///
/// They are proved to be the channel's. Files of other users are not.
pub(super) fn list_with_digits(location: &Location, owners: Owners) -> Result<Vec<(Hex, Leftover)>> {
    let named = named(location, owners)?;
    let has_writer = named.is_some() && tag::has_writer(location, owners)?;
    let names = named.map(|hex| super::names::Names::after(location.name().len(), hex));
    let in_use =
        |hex: &Hex| named == Some(*hex) || has_writer && names.as_ref().is_some_and(|names| names.is_family(hex));
    let mut found = Vec::new();
    for hex in location.payloads()?.into_iter().filter(|hex| !in_use(hex)) {
        let file = match proof::open_payload(location, &hex, Access::Read, owners, false) {
            Ok(Some((file, _))) => file,
            Ok(None) | Err(Error::ForeignOwner { .. } | Error::PermissionDenied { .. }) => continue,
            Err(error) => return Err(error),
        };
        found.push((hex, describe(&file, location.payload(&hex))?));
    }
    found.sort_by(|(_, a), (_, b)| a.path.cmp(&b.path));
    Ok(found)
}

/// Describes an open file.
pub(super) fn describe(file: &File, path: PathBuf) -> Result<Leftover> {
    let meta = file.metadata().map_err(|e| Error::io("inspect", &path, e))?;
    let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let age = SystemTime::now().duration_since(changed).unwrap_or_default();
    Ok(Leftover { path, len: meta.len(), age })
}

/// The name in the tag, if there is a whole tag.
fn named(location: &Location, owners: Owners) -> Result<Option<Hex>> {
    let (file, identity) = match open_trusted(&location.tag(), Access::Read, owners) {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; tag_len(location.name()) + 1];
    let found = sys::read_front(&file, &mut bytes).map_err(|e| Error::io("read", &location.tag(), e))?;
    bytes.truncate(found);
    Ok(python::decode_tag(location.name(), &bytes, identity.len).ok())
}
