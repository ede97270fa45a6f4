//! What writers leave: Python's never removes a file, and a killed one of this library could not.

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

/// A file that nobody needs any more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// Time since its last change that the file system noted: at most the time since it was made.
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
                // The others go all the same.
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
            // The writer's own lock: no writer comes between the look and the end.
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
            // The tag last: until then it is known whose the files are.
            fail_point!("remove.tag");
            claimed.remove().map_err(|e| Error::io("remove", &location.tag(), e))?;
            return error.map_or(Ok(()), Err);
        }
        Err(Error::Contended { attempts: ATTEMPTS })
    }
}

/// How often the name may change hands before a removal gives up.
const ATTEMPTS: u32 = 100;

/// Removes the payload files of a channel that has no tag; `None` when it has one after all.
fn remove_without_tag(location: &Location, owners: Owners) -> Result<Option<()>> {
    let payloads = location.payloads()?;
    // In this order: a writer makes the tag before any payload file, so none of these is a new
    // writer's.
    if sys::identify_path(&location.tag()).is_ok() {
        return Ok(None);
    }
    match remove_all(location, &payloads, owners) {
        (_, Some(error)) => Err(error),
        (0, None) => Err(Error::not_found(location.tag())),
        _ => Ok(Some(())),
    }
}

/// Removes those of these payload files that are proved to be the channel's. What cannot be removed
/// does not keep the others: how many have gone, and the first error.
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

/// Lists the payload files of the channel `name` that nobody needs any more: those that the tag
/// does not name. Python's writer leaves one at each change of dtype or shape, and two files when
/// it ends.
///
/// Files that only have such a name are not among them, nor those of users that are not trusted: of
/// each, its content tells that it is a payload file, or that its maker was killed before it became
/// one.
///
/// What a living writer of this library has is not among them. A living Python writer cannot be
/// noticed: a file that it has just made, and is about to name, is on the list; its age tells.
///
/// # Errors
///
/// [`Error::InvalidName`], [`Error::ForeignOwner`], [`Error::PermissionDenied`], [`Error::Io`].
pub fn leftovers(name: &str) -> Result<Vec<Leftover>> {
    Options::new().leftovers(name)
}

/// Removes those [`leftovers`] of the channel `name` that have not been changed for `older_than`,
/// and tells which they were. While a Python writer may be at work, a few seconds leave it, and
/// readers that are about to open a file, the time they need; otherwise zero is fine.
///
/// # Errors
///
/// As [`leftovers`].
pub fn remove_leftovers(name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
    Options::new().remove_leftovers(name, older_than)
}

/// Removes all files of the channel `name`: for one whose writer has ended. Readers that are
/// attached keep what they have.
///
/// Files go that are proved to be the channel's, by name, owner and content; others of such names
/// stay. One that cannot be removed does not keep the others.
///
/// # Errors
///
/// [`Error::NotFound`] when there are none; [`Error::NotOurs`] when the name is that of a file
/// which is no tag file; [`Error::WriterExists`] while a writer of this library lives (Python's
/// cannot be noticed);
/// [`Error::ForeignOwner`], [`Error::PermissionDenied`], [`Error::Io`].
pub fn remove(name: &str) -> Result<()> {
    Options::new().remove(name)
}

/// The payload files that the tag does not name, and that are proved to be the channel's. Those of
/// other users are none.
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

/// What there is to tell of an open file.
pub(super) fn describe(file: &File, path: PathBuf) -> Result<Leftover> {
    let meta = file.metadata().map_err(|e| Error::io("inspect", &path, e))?;
    let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let age = SystemTime::now().duration_since(changed).unwrap_or_default();
    Ok(Leftover { path, len: meta.len(), age })
}

/// What the tag names, if there is a whole one.
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
