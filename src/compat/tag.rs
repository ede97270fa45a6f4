//! The tag file, as its writer has it.
//!
//! Python's reader maps it once and for ever. So a tag file that exists, whoever left it, is taken over as it is, never replaced and never cut to nothing, and
//! the readers that have it mapped go on with the new writer.

use super::names::{Names, Step};
use super::place::Place;
use super::wire::{self, Hex, encode_tag, tag_len};
use crate::error::{Error, Foreign, Result};
use crate::options::Owners;
use crate::segment::{self, open_trusted, unlink_if_same};
use crate::sync::{Ordering, fence};
use crate::sys::{self, Access, Identity, Lock, LockRange, Locked};
use std::fs::{self, File};
use std::time::{Duration, Instant};

/// The bytes of the tag file whose lock makes a process the writer.
pub(crate) const WRITER: LockRange = 0..1;

/// Time for another writer to finish what it does with the tag file.
const PATIENCE: Duration = Duration::from_millis(500);

/// A tag file, which this writer holds a lock on. The package knows nothing of it; it keeps a second writer of this library away.
pub(crate) struct Tag {
    file: Locked,
    identity: Identity,
    names: Names,
}

/// A tag file and what it named when it was taken over.
pub(crate) struct Taken {
    pub(crate) tag: Tag,
    pub(crate) inherited: Option<Hex>,
}

impl Tag {
    /// Makes the tag file of a channel, or takes over the one that is there.
    pub(crate) fn take(place: &Place, mode: u32, owners: Owners) -> Result<Taken> {
        let path = place.tag();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let error = match open_trusted(&path, Access::ReadWrite, owners) {
                Ok((file, identity)) => match Self::adopt(place, Locked::new(file), identity)? {
                    Some(taken) => return Ok(taken),
                    // Its writer removed it while it was being opened.
                    None => Error::not_found(path.clone()),
                },
                Err(Error::NotFound { .. }) => match Self::create(place, mode) {
                    Ok(tag) => return Ok(Taken { tag, inherited: None }),
                    Err(error @ Error::AlreadyExists { .. }) => error,
                    Err(error) => return Err(error),
                },
                // It has two names for a moment while it is made.
                Err(error @ Error::ForeignOwner { what: Foreign::HardLinked, .. }) => error,
                Err(error) => return Err(error),
            };
            if Instant::now() > deadline {
                return Err(error);
            }
            std::thread::yield_now();
        }
    }

    /// Makes the file aside and gives it its name when it is complete: nobody sees half a tag.
    fn create(place: &Place, mode: u32) -> Result<Self> {
        let names = Names::random(place.name().len());
        let aside = place.payload(&Names::aside(names.current()));
        let file = Locked::new(segment::create(&aside, mode)?);
        let made = Self::finish(place, &aside, file, names);
        let _ = sys::remove_file(&aside);
        made
    }

    fn finish(place: &Place, aside: &std::path::Path, file: Locked, names: Names) -> Result<Self> {
        let path = place.tag();
        if !Self::lock(&file, place)? {
            return Err(Error::WriterExists { name: place.name().to_owned(), pid: None });
        }
        let tag = encode_tag(place.name(), names.current());
        segment::reserve(&file, aside, tag.len())?;
        sys::write_all_at(&file, &tag, 0).map_err(|e| Error::io("write", aside, e))?;
        let identity = sys::identify(&file).map_err(|e| Error::io("inspect", aside, e))?;
        fs::hard_link(aside, &path).map_err(|e| Error::io("create", &path, e))?;
        Ok(Self { file, identity, names })
    }

    fn adopt(place: &Place, file: Locked, identity: Identity) -> Result<Option<Taken>> {
        let path = place.tag();
        if !Self::lock(&file, place)? {
            return Err(Error::WriterExists { name: place.name().to_owned(), pid: None });
        }
        if !sys::identify_path(&path).is_ok_and(|found| sys::same_file(&found, &identity)) {
            return Ok(None);
        }
        let name = place.name();
        let mut bytes = vec![0; tag_len(name) + 1];
        let found = sys::read_front(&file, &mut bytes).map_err(|e| Error::io("read", &path, e))?;
        bytes.truncate(found);
        let inherited = wire::decode_tag(name, &bytes, identity.len).ok();
        let names = match inherited {
            Some(hex) => Names::after(name.len(), hex),
            None => {
                // Not a tag, or its writer died while it was starting. No reader can have got anywhere with it.
                let names = Names::random(name.len());
                let len = tag_len(name) as u64;
                sys::write_all_at(&file, &encode_tag(name, names.current()), 0)
                    .and_then(|()| if identity.len > len { file.set_len(len) } else { Ok(()) })
                    .map_err(|e| Error::io("write", &path, e))?;
                names
            }
        };
        Ok(Some(Taken { tag: Self { file, identity, names }, inherited }))
    }

    fn lock(file: &File, place: &Place) -> Result<bool> {
        Lock::try_take(file, &WRITER).map_err(|e| Error::io("lock", &place.tag(), e))
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Names the next file, whose content is complete by now.
    pub(crate) fn publish(&mut self, place: &Place, names: Names, step: Step) -> Result<()> {
        // What was written to the payload file, and its entry in the directory, must be there before the tag tells of it. All of it
        // was done by system calls, whose locks the reader's own system calls take after it has seen the tag.
        fence(Ordering::SeqCst);
        // By a system call rather than through a mapping: a Python writer that starts under the same name cuts the file.
        let at = place.name().len() + 1 + step.offset;
        sys::write_all_at(&self.file, &[step.byte], at as u64).map_err(|e| Error::io("write", &place.tag(), e))?;
        self.names = names;
        Ok(())
    }

    /// Removes the file, if it is still the one of that name.
    pub(crate) fn remove(&self, place: &Place) {
        let _ = unlink_if_same(&place.tag(), &self.identity);
    }
}

/// Whether a writer of this library has the channel.
pub(crate) fn has_writer(place: &Place, owners: Owners) -> Result<bool> {
    match open_trusted(&place.tag(), Access::Read, owners) {
        Ok((file, _)) => Lock::is_taken(&file, &WRITER).map_err(|e| Error::io("inspect", &place.tag(), e)),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
