//! Making, opening and removing the file of an array.

use super::attachment::{Attachment, retry};
use super::elements::ArrayElements;
use super::memory::ArrayMemory;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::claim_name::{self, Claim, claim_existing};
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::files::seats::{Seat, Seats};
use crate::files::trusted::{has_name, open_trusted, unlink_if_same};
use crate::format::array::{ArrayHeader, HEAD_BYTES};
use crate::format::error::HeaderError;
use crate::format::extent::Extent;
use crate::options::ArrayOptions;
use crate::sys::{self, Access, Backoff, LockedFile, range_lock};
use crate::view::shape;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

/// Pauses before the next attempt.
fn pause(backoff: &mut Backoff) -> Result<()> {
    if backoff.pause() { Ok(()) } else { Err(Error::Contended { attempts: backoff.attempts() }) }
}

/// Makes the array `location`.
///
/// `fill` gets the bytes of its elements, all zero, before another process can see them.
pub(super) fn create(
    location: &Location,
    options: &ArrayOptions,
    elements: &ArrayElements,
    shape: &[usize],
    fill: impl FnOnce(&mut [u8]),
) -> Result<Attachment> {
    options.check()?;
    let description = elements.description();
    let head = ArrayHeader::new(elements.element, description.len(), shape, options.max_handles)?;
    let path = location.array();
    let exists = || Error::AlreadyExists { path: path.clone() };
    // First without the lock, which removers want: only a file without a head is claimed.
    match open_trusted(&path, Access::Read, options.owners) {
        Ok((file, _)) if !ArrayHeader::is_left_unfinished(&front(&file, &path)?) => return Err(exists()),
        Ok(_) | Err(Error::NotFound { .. }) => {}
        Err(other) => return Err(other),
    }
    let claim = match claim_name::claim_name(&path, options.file_mode(), options.owners, &Seats::FILE)? {
        Claim::Ours(claim) => claim,
        // Another process makes the array, or removes it.
        Claim::Others(_) => return Err(exists()),
    };
    if !ArrayHeader::is_left_unfinished(&front(&claim, &path)?) {
        return Err(exists());
    }
    // A file without a head, new or left by a maker that died. If no array comes of it, none of it
    // may stay.
    let unfinished = claim.unfinished();
    let memory = build(&claim, &path, &head, &description, options, fill)?;
    // The first seat: no other handle gets one before the head is there.
    let max = options.max_handles;
    let Seat::Taken(seat) = ArrayMemory::SEATS.take(&claim, &path, max)? else {
        return Err(Error::TooManyReaders { max });
    };
    fail_point!("array.placed");
    memory.finish(&head.encode());
    fail_point!("array.finished");
    unfinished.done();
    let identity = *claim.identity();
    let file = claim.into_file();
    let made = Attachment::join(memory, elements.clone(), file, seat, path, identity);
    // From here on the seat keeps removers away.
    made.release_name();
    Ok(made)
}

/// Reserves, maps and fills the memory; the head is still missing.
fn build(
    file: &File,
    path: &Path,
    head: &ArrayHeader,
    description: &[u8],
    options: &ArrayOptions,
    fill: impl FnOnce(&mut [u8]),
) -> Result<ArrayMemory> {
    // Erases what an earlier maker may have written. No process has mapped it: it has no head.
    file.set_len(0).map_err(|e| Error::io("empty", path, e))?;
    let memory = ArrayMemory::create(file, path, head.extent, options.prefault)?;
    fail_point!("array.reserved");
    sys::write_all_at(file, description, head.description_at() as u64).map_err(|e| Error::io("write", path, e))?;
    // SAFETY: no other process uses the elements of a file without a head. This process has only
    // just mapped it.
    let bytes = unsafe { memory.bytes_mut(0..memory.byte_len()) };
    if let Some(bytes) = bytes {
        fill(bytes);
    }
    fail_point!("array.filled");
    Ok(memory)
}

/// Opens the array `location`, if the caller accepts its element type.
///
/// Returns the shape that it was made with.
pub(super) fn open(
    location: &Location,
    options: &ArrayOptions,
    accepts: impl Fn(&ArrayElements) -> Result<()>,
) -> Result<(Attachment, Vec<usize>)> {
    let path = location.array();
    let mut backoff = retry();
    loop {
        let (file, identity) = open_trusted(&path, Access::ReadWrite, options.owners)?;
        let Some(head) = read_head(&file, &path)? else {
            return Err(Error::not_found(path));
        };
        let head = ArrayHeader::decode(&head)?;
        let elements = ArrayElements::read(&file, &path, &head)?;
        accepts(&elements)?;
        // The length as it is now: until the head was there, the file may have been empty.
        let found = sys::identify(&file).map_err(|e| Error::io("inspect", &path, e))?.len;
        let expected = head.extent.file_len().map_or(u64::MAX, |len| len as u64);
        if found < expected {
            return Err(HeaderError::Truncated { expected, found }.into());
        }
        let memory = ArrayMemory::map(&file, &path, head.extent, options.prefault)?;
        let file = LockedFile::new(file);
        let max = head.extent.entries;
        let seat = ArrayMemory::SEATS.take(&file, &path, max)?;
        fail_point!("array.placed");
        // A remover of unused arrays locks all seats first. So with a seat, a name that is there
        // now stays until a process removes it on purpose.
        if has_name(&path, &identity) {
            match seat {
                Seat::Taken(seat) => {
                    let at = Attachment::join(memory, elements, file, seat, path, identity);
                    return Ok((at, head.shape));
                }
                Seat::Full => return Err(Error::TooManyReaders { max }),
                Seat::LockedOut => {}
            }
        }
        // The name has gone, or is about to go. There may soon be another array of that name.
        drop((memory, file));
        pause(&mut backoff)?;
    }
}

/// How long to wait for the living maker of an array.
///
/// It may have much memory to reserve.
const MAKERS_TIME: Duration = Duration::from_secs(30);

/// Opens the array `location`, or makes it, all zeros, if there is none.
///
/// It must have as many elements as `shape`, the shape in which the handle sees them.
pub(super) fn open_or_create(
    location: &Location,
    options: &ArrayOptions,
    elements: &ArrayElements,
    shape: &[usize],
) -> Result<Attachment> {
    let start = Instant::now();
    let mut backoff = retry();
    let same = |found: &ArrayElements| elements.check_same(found);
    loop {
        match open(location, options, same) {
            Ok((at, ..)) => return at.reshaped(elements.element, shape).map(|_| at),
            Err(Error::NotFound { .. }) => {}
            Err(other) => return Err(other),
        }
        let exists = match create(location, options, elements, shape, |_| ()) {
            Err(exists @ Error::AlreadyExists { .. }) => exists,
            made => return made,
        };
        // Another process is just making it, or has made it since. Or the file is neither an array
        // nor what a maker leaves.
        if !backoff.pause() {
            if start.elapsed() > MAKERS_TIME || !has_maker(location, options) {
                return Err(exists);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn has_maker(location: &Location, options: &ArrayOptions) -> bool {
    open_trusted(&location.array(), Access::Read, options.owners)
        .is_ok_and(|(file, _)| range_lock::is_locked(&file, &Seats::FILE).unwrap_or(false))
}

/// Copies the head out of a file; `None` while the file lacks one.
pub(crate) fn read_head(file: &File, path: &Path) -> Result<Option<Vec<u8>>> {
    let mut head = vec![0; HEAD_BYTES];
    let read = |head: &mut Vec<u8>| sys::read_front(file, head).map_err(|e| Error::io("read", path, e));
    let found = read(&mut head)?;
    if found == 0 || ArrayHeader::is_unfinished(&head) {
        return Ok(None);
    }
    // Acquire: pairs with the Release in `ArrayMemory::finish`. The magic was there, so whatever is
    // read after this finds the rest.
    fence(Ordering::Acquire);
    let found = read(&mut head)?;
    head.truncate(found);
    Ok(Some(head))
}

/// Attaches to a file that holds elements alone, or elements and something else behind them.
pub(super) fn attach_raw(
    location: &Location,
    options: &ArrayOptions,
    elements: ArrayElements,
    shape: &[usize],
) -> Result<Attachment> {
    let expected = shape::byte_len(shape, elements.element.size())?;
    if Location::is_reserved(location.name()) {
        let reason = "files of this library are no blocks: open the channel or array";
        return Err(Error::InvalidName { name: location.name().to_owned(), reason });
    }
    let path = location.bare();
    let (file, identity) = open_trusted(&path, Access::ReadWrite, options.owners)?;
    let found = usize::try_from(identity.len).unwrap_or(usize::MAX);
    if found < expected {
        return Err(Error::ShapeMismatch { expected, found });
    }
    let extent = Extent { entries: 0, data_at: 0, byte_len: expected };
    let memory = ArrayMemory::map(&file, &path, extent, options.prefault)?;
    Ok(Attachment::raw(memory, elements, path, identity))
}

/// Removes the file of the array `location`, finished or not, in use or not.
pub(super) fn remove(location: &Location, owners: Owners) -> Result<()> {
    let path = location.array();
    let mut backoff = retry();
    loop {
        if let Claim::Ours(claim) = claim_existing(&path, owners, &Seats::FILE)? {
            check_ours(&claim, &path)?;
            return claim.remove().map_err(|e| Error::io("remove", &path, e));
        }
        // Another process removes it, or makes it.
        pause(&mut backoff).map_err(|_| Error::InUse { name: location.name().to_owned(), living: None })?;
    }
}

/// Removes the file of the array `location`, unless a living process uses or makes it.
pub(super) fn remove_unused(location: &Location, owners: Owners) -> Result<()> {
    let path = location.array();
    let in_use = |living| Error::InUse { name: location.name().to_owned(), living };
    let mut backoff = retry();
    loop {
        let (file, identity) = open_trusted(&path, Access::ReadWrite, owners)?;
        let file = LockedFile::new(file);
        // The locks are held until the name is gone; they go with the file.
        if ArrayMemory::SEATS.lock_all(&file, &path)? {
            if has_name(&path, &identity) {
                check_ours(&file, &path)?;
                return unlink_if_same(&path, &identity).map_err(|e| Error::io("remove", &path, e));
            }
        } else {
            match ArrayMemory::SEATS.living(&file) {
                0 => {}
                living => return Err(in_use(Some(living))),
            }
        }
        drop(file);
        // Another process makes or removes it, or it has been replaced.
        pause(&mut backoff).map_err(|_| in_use(None))?;
    }
}

/// Refuses a file that was not left by a maker of arrays.
fn check_ours(file: &File, path: &Path) -> Result<()> {
    match front(file, path)? {
        front if ArrayHeader::is_left_unfinished(&front) || ArrayHeader::has_magic(&front) => Ok(()),
        front => Err(HeaderError::Magic { found: front.first_chunk().copied().unwrap_or_default() }.into()),
    }
}

/// A copy of the head, padded with zeros.
fn front(file: &File, path: &Path) -> Result<[u8; HEAD_BYTES]> {
    let mut front = [0; HEAD_BYTES];
    sys::read_front(file, &mut front).map_err(|e| Error::io("read", path, e))?;
    Ok(front)
}

/// Removes the file that an attachment has mapped, if it still has its name.
pub(super) fn unlink(at: &Attachment, name: &str) -> Result<()> {
    at.check_process()?;
    at.remove_name().map_err(|error| match error {
        Error::Contended { .. } => Error::InUse { name: name.to_owned(), living: None },
        other => other,
    })
}
