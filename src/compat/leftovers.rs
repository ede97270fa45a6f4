//! What writers leave: Python's never removes a file, and a killed one of this library could not.

use super::options::Options;
use super::place::Place;
use super::tag;
use super::wire::{self, Hex, tag_len};
use crate::error::{Error, Result};
use crate::options::Owners;
use crate::segment::open_trusted;
use crate::sys::{self, Access};
use std::io::ErrorKind;
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
        list(&self.place(name)?, self.owners)
    }

    /// As [`remove_leftovers`], with these options.
    ///
    /// # Errors
    ///
    /// As [`remove_leftovers`].
    pub fn remove_leftovers(&self, name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
        let mut all = list(&self.place(name)?, self.owners)?;
        all.retain(|file| file.age >= older_than);
        for file in &all {
            unlink(&file.path)?;
        }
        Ok(all)
    }

    /// As [`remove`], with these options.
    ///
    /// # Errors
    ///
    /// As [`remove`].
    pub fn remove(&self, name: &str) -> Result<()> {
        let place = self.place(name)?;
        let existed = match open_trusted(&place.tag(), Access::Read, self.owners) {
            Ok(_) if tag::has_writer(&place, self.owners)? => {
                return Err(Error::WriterExists { name: name.to_owned(), pid: None });
            }
            Ok(_) => true,
            Err(Error::NotFound { .. }) => false,
            Err(error) => return Err(error),
        };
        let payloads = place.payloads()?;
        if !existed && payloads.is_empty() {
            return Err(Error::not_found(place.tag()));
        }
        unlink(&place.tag())?;
        payloads.iter().try_for_each(|hex| unlink(&place.payload(hex)))
    }
}

/// Lists the payload files of the channel `name` that nobody needs any more: those that the tag does not name. Python's writer leaves
/// one at each change of dtype or shape, and two files when it ends.
///
/// What a living writer of this library has is not among them. A living Python writer cannot be noticed: a file that it has just made, and is about to name,
/// is on the list; its age tells.
///
/// # Errors
///
/// [`Error::InvalidName`], [`Error::ForeignOwner`], [`Error::PermissionDenied`], [`Error::Io`].
pub fn leftovers(name: &str) -> Result<Vec<Leftover>> {
    Options::new().leftovers(name)
}

/// Removes those [`leftovers`] of the channel `name` that have not been changed for `older_than`, and tells which they were. While a Python writer may be at
/// work, a few seconds leave it, and readers that are about to open a file, the time they need; otherwise zero is fine.
///
/// # Errors
///
/// As [`leftovers`].
pub fn remove_leftovers(name: &str, older_than: Duration) -> Result<Vec<Leftover>> {
    Options::new().remove_leftovers(name, older_than)
}

/// Removes all files of the channel `name`: for one whose writer has ended. Readers that are attached keep what they have.
///
/// # Errors
///
/// [`Error::NotFound`] when there are none; [`Error::WriterExists`] while a writer of this library lives (Python's cannot be noticed);
/// [`Error::ForeignOwner`], [`Error::PermissionDenied`], [`Error::Io`].
pub fn remove(name: &str) -> Result<()> {
    Options::new().remove(name)
}

pub(super) fn list(place: &Place, owners: Owners) -> Result<Vec<Leftover>> {
    let named = named(place, owners)?;
    let has_writer = named.is_some() && tag::has_writer(place, owners)?;
    let names = named.map(|hex| super::names::Names::after(place.name().len(), hex));
    let in_use =
        |hex: &Hex| named == Some(*hex) || has_writer && names.as_ref().is_some_and(|names| names.is_family(hex));
    let payloads = place.payloads()?;
    describe(payloads.iter().filter(|hex| !in_use(hex)).map(|hex| place.payload(hex)))
}

/// What there is to tell of each of these files that is still there, sorted.
pub(super) fn describe(paths: impl IntoIterator<Item = PathBuf>) -> Result<Vec<Leftover>> {
    let mut found = Vec::new();
    for path in paths {
        match path.symlink_metadata() {
            Ok(meta) => {
                let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let age = SystemTime::now().duration_since(changed).unwrap_or_default();
                found.push(Leftover { path, len: meta.len(), age });
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(Error::io("inspect", &path, e)),
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// What the tag names, if there is a whole one.
fn named(place: &Place, owners: Owners) -> Result<Option<Hex>> {
    let (file, identity) = match open_trusted(&place.tag(), Access::Read, owners) {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; tag_len(place.name()) + 1];
    let found = sys::read_front(&file, &mut bytes).map_err(|e| Error::io("read", &place.tag(), e))?;
    bytes.truncate(found);
    Ok(wire::decode_tag(place.name(), &bytes, identity.len).ok())
}

pub(super) fn unlink(path: &std::path::Path) -> Result<()> {
    match sys::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, e)),
        _ => Ok(()),
    }
}
