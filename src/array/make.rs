//! Making, opening and removing the file of an array.

use super::attachment::Attachment;
use super::head::{ArrayHead, HEAD_BYTES};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::header::HeaderError;
use crate::location::Location;
use crate::lock::Members;
use crate::options::Options;
use crate::segment::{self, ArrayMemory, Extent};
use crate::shape;
use crate::sync::{Ordering, fence};
use crate::sys::{self, Access, Identity, Lock, Locked};
use std::fs::File;
use std::path::Path;

/// How often the name may change hands under us before we give up.
const ATTEMPTS: u32 = 100;

/// Makes the array `location`; `fill` is given the bytes of its elements, all zero, before anybody else can see them.
pub(super) fn create(
    location: &Location,
    options: &Options,
    dtype: DType,
    shape: &[usize],
    fill: impl FnOnce(&mut [u8]),
) -> Result<Attachment> {
    options.check_array()?;
    let head = ArrayHead::new(dtype, shape, options.max_readers)?;
    let path = location.array();
    for _ in 0..ATTEMPTS {
        let Some((file, identity)) = take_name(&path, options)? else { continue };
        let made = build(&file, &path, &head, options, fill)
            // The first entry is ours: nobody else can join before the head is there.
            .and_then(|memory| Attachment::join(memory, file, path.clone(), identity))
            .inspect_err(|_| {
                // No array came of it: nothing may stay. Best effort, as the error is told anyway.
                let _ = sys::remove_file(&path);
            })?;
        made.memory().finish(&head.encode());
        fail_point!("array.finished");
        // The maker's lock goes with this handle; who gets it from now on finds an array.
        return Ok(made);
    }
    Err(Error::Contended { attempts: ATTEMPTS })
}

/// A file under the name that is no array, and the right to make it one. What a maker left who died is taken over; `None` when the file lost its name
/// meanwhile.
fn take_name(path: &Path, options: &Options) -> Result<Option<(Locked, Identity)>> {
    let exists = || Error::AlreadyExists { path: path.to_owned() };
    let file = match segment::create(path, options.mode | 0o600) {
        Ok(file) => file,
        Err(Error::AlreadyExists { .. }) => match segment::open_trusted(path, Access::ReadWrite, options.owners) {
            Ok((file, _)) => file,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(other) => return Err(other),
        },
        Err(other) => return Err(other),
    };
    let file = Locked::new(file);
    fail_point!("array.file");
    // Not to be had while somebody else makes the array.
    if !Lock::try_take(&file, &ArrayMemory::MAKER).map_err(|e| Error::io("lock", path, e))? {
        return Err(exists());
    }
    fail_point!("array.locked");
    let identity = sys::identify(&file).map_err(|e| Error::io("inspect", path, e))?;
    match sys::identify_path(path) {
        Ok(named) if sys::same_file(&named, &identity) => {}
        _ => return Ok(None),
    }
    let mut magic = [0; 8];
    sys::read_front(&file, &mut magic).map_err(|e| Error::io("read", path, e))?;
    if ArrayHead::is_unfinished(&magic) { Ok(Some((file, identity))) } else { Err(exists()) }
}

/// Reserves, maps and fills the memory; the head is still missing.
fn build(
    file: &File,
    path: &Path,
    head: &ArrayHead,
    options: &Options,
    fill: impl FnOnce(&mut [u8]),
) -> Result<ArrayMemory> {
    // What a maker before us may have written goes. Nobody has mapped it: it has no head.
    file.set_len(0).map_err(|e| Error::io("empty", path, e))?;
    let memory = ArrayMemory::create(file, path, head.extent, options.prefault)?;
    fail_point!("array.reserved");
    // SAFETY: nobody else uses the elements of a file without a head, and this process has mapped it only just now.
    let bytes = unsafe { memory.bytes_mut(0..memory.byte_len()) };
    if let Some(bytes) = bytes {
        fill(bytes);
    }
    fail_point!("array.filled");
    Ok(memory)
}

/// Opens the array `location`, if it is of the dtype that the caller wants, and says which dtype and shape it was made with.
pub(super) fn open(
    location: &Location,
    options: &Options,
    wanted: Option<DType>,
) -> Result<(Attachment, DType, Vec<usize>)> {
    let path = location.array();
    let (file, identity) = segment::open_trusted(&path, Access::ReadWrite, options.owners)?;
    let Some(head) = read_head(&file, &path)? else {
        return Err(Error::NotFound { path });
    };
    let head = ArrayHead::decode(&head)?;
    if let Some(expected) = wanted
        && expected != head.dtype
    {
        return Err(Error::DTypeMismatch { expected, found: head.dtype });
    }
    // The length is that of now: the file was longer than empty only once its head was there.
    let found = sys::identify(&file).map_err(|e| Error::io("inspect", &path, e))?.len;
    let expected = head.extent.file_len().map_or(u64::MAX, |len| len as u64);
    if found < expected {
        return Err(HeaderError::Truncated { expected, found }.into());
    }
    let memory = ArrayMemory::map(&file, &path, head.extent, options.prefault)?;
    Ok((Attachment::join(memory, Locked::new(file), path, identity)?, head.dtype, head.shape))
}

/// Copies the head out of a file; `None` while it has none.
pub(crate) fn read_head(file: &File, path: &Path) -> Result<Option<Vec<u8>>> {
    let mut head = vec![0; HEAD_BYTES];
    let read = |head: &mut Vec<u8>| sys::read_front(file, head).map_err(|e| Error::io("read", path, e));
    let found = read(&mut head)?;
    if found == 0 || ArrayHead::is_unfinished(&head) {
        return Ok(None);
    }
    // Acquire: the magic was there, so the rest is there in what is read after this. Pairs with the Release in `ArrayMemory::finish`.
    fence(Ordering::Acquire);
    let found = read(&mut head)?;
    head.truncate(found);
    Ok(Some(head))
}

/// Attaches to a file that holds elements and nothing else, or something else behind them.
pub(super) fn attach_raw(location: &Location, options: &Options, dtype: DType, shape: &[usize]) -> Result<Attachment> {
    let expected = shape::byte_len(shape, dtype.size())?;
    let path = location.bare();
    let (file, identity) = segment::open_trusted(&path, Access::ReadWrite, options.owners)?;
    let found = usize::try_from(identity.len).unwrap_or(usize::MAX);
    if found < expected {
        return Err(Error::ShapeMismatch { expected, found });
    }
    let extent = Extent { entries: 0, data_at: 0, byte_len: expected };
    let memory = ArrayMemory::map(&file, &path, extent, options.prefault)?;
    Ok(Attachment::raw(memory, path, identity))
}

/// Removes the file of the array `location`, finished or not.
pub(super) fn remove(location: &Location, options: &Options) -> Result<()> {
    let path = location.array();
    let (_, identity) = segment::open_trusted(&path, Access::ReadWrite, options.owners)?;
    segment::unlink_if_same(&path, &identity).map_err(|e| Error::io("remove", &path, e))
}

/// Removes the file of the array `location` if nobody living has it or makes it.
pub(super) fn remove_unused(location: &Location, options: &Options) -> Result<()> {
    let path = location.array();
    let (file, identity) = segment::open_trusted(&path, Access::ReadWrite, options.owners)?;
    let file = Locked::new(file);
    let in_use = |living| Err(Error::InUse { name: location.name().to_owned(), living });
    let fail = |e| Error::io("lock", &path, e);
    // Both are held until the name is gone; they go with the file.
    if !Lock::try_take_all(&file, &ArrayMemory::all_locks()).map_err(fail)? {
        let lives = |index: &usize| Lock::is_taken(&file, &ArrayMemory::lock_range(*index)).unwrap_or(true);
        return in_use(Some((0..Members::MAX).filter(lives).count()));
    }
    if !Lock::try_take(&file, &ArrayMemory::MAKER).map_err(fail)? {
        return in_use(None);
    }
    segment::unlink_if_same(&path, &identity).map_err(|e| Error::io("remove", &path, e))
}

/// Removes the file that an attachment has mapped, if it still has its name.
pub(super) fn unlink(at: &Attachment) -> Result<()> {
    at.check_process()?;
    segment::unlink_if_same(at.path(), at.identity()).map_err(|e| Error::io("remove", at.path(), e))
}
