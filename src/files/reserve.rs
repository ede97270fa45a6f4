//! Memory for files.
//!
//! It is set aside before it is touched, and an error names it when there is too little of it.

use crate::error::{Error, Memory, Result};
use crate::sys;
use std::fs::File;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

/// Bytes from which on a reservation looks at the control group's limit.
///
/// It takes so long then that the look costs little beside it.
const LONG: u64 = 1 << 20;

/// Makes a file `len` bytes long, with the memory set aside.
///
/// A full file system is an error with its numbers.
pub(crate) fn reserve(file: &File, path: &Path, len: usize) -> Result<()> {
    check_limits(len)?;
    sys::reserve(file, len as u64).map_err(|e| no_room_in(file, "reserve memory for", e, path, len))
}

/// As [`reserve`], for a file that has its memory but for the last `more` bytes.
pub(crate) fn extend(file: &File, path: &Path, len: usize, more: usize) -> Result<()> {
    check_file_size(len)?;
    check_group(more)?;
    sys::reserve(file, len as u64).map_err(|e| no_room_in(file, "reserve memory for", e, path, len))
}

/// Makes a file `len` bytes long, without memory for what it gains.
///
/// [`fill`] sets that aside.
pub(crate) fn lengthen(file: &File, path: &Path, len: usize) -> Result<()> {
    check_file_size(len)?;
    file.set_len(len as u64).map_err(|e| no_room_in(file, "lengthen", e, path, len))
}

/// Sets the memory of the first `len` bytes aside, of a file that has as many.
///
/// Bytes that have theirs stay as they are.
pub(crate) fn fill(file: &File, path: &Path, len: usize) -> Result<()> {
    sys::reserve(file, len as u64).map_err(|e| no_room_in(file, "reserve memory for", e, path, len))
}

/// Writes to the front of a new file, which takes the memory that it needs.
///
/// Otherwise as [`reserve`].
pub(crate) fn write_new(file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
    check_limits(bytes.len())?;
    sys::write_all_at(file, bytes, 0).map_err(|e| no_room_in(file, "write", e, path, bytes.len()))
}

/// Checks limits beyond which the kernel ends the process instead of refusing.
///
/// Called before a file of `len` bytes is made.
pub(crate) fn check_limits(len: usize) -> Result<()> {
    check_file_size(len)?;
    check_group(len)
}

/// Checks the size that this process may give to a file.
fn check_file_size(len: usize) -> Result<()> {
    let requested = len as u64;
    match sys::file_size_limit() {
        Some(available) if available < requested => {
            Err(Error::OutOfMemory { requested, available, memory: Memory::FileSize })
        }
        _ => Ok(()),
    }
}

/// Checks what the control group may take beyond what it has.
fn check_group(more: usize) -> Result<()> {
    let requested = more as u64;
    if requested >= LONG
        && let Some(available) = sys::group_memory_short_of(requested)
    {
        return Err(Error::OutOfMemory { requested, available, memory: Memory::Group });
    }
    Ok(())
}

/// As [`no_room`], for a `file` that may have got part of its memory.
///
/// That part is available as well.
pub(crate) fn no_room_in(file: &File, what: &'static str, error: IoError, path: &Path, requested: usize) -> Error {
    let mut error = no_room(what, error, path, requested);
    if let Error::OutOfMemory { available, .. } = &mut error {
        *available = available.saturating_add(sys::identify(file).map_or(0, |found| found.allocated));
    }
    error
}

/// What a failed attempt to `what` means for a file at `path` of `requested` bytes.
pub(crate) fn no_room(what: &'static str, error: IoError, path: &Path, requested: usize) -> Error {
    if sys::is_no_space(&error) {
        let memory = Memory::FileSystem { dir: dir_of(path) };
        Error::OutOfMemory { requested: requested as u64, available: available(path), memory }
    } else {
        Error::io(what, path, error)
    }
}

/// What it means that no file could be made at `path`.
pub(crate) fn no_file(error: IoError, path: &Path) -> Error {
    if !sys::is_no_space(&error) {
        return Error::io("create", path, error);
    }
    let dir = dir_of(path);
    match sys::files_available(&dir) {
        // An entry in a directory takes room too, in some file systems.
        Some(1..) | None => no_room("create", error, path, 1),
        Some(available) => Error::OutOfMemory { requested: 1, available, memory: Memory::Inodes { dir } },
    }
}

/// What it means that `len` bytes of a file could not be mapped.
pub(crate) fn no_mapping(error: IoError, path: &Path, len: usize) -> Error {
    if error.kind() != ErrorKind::OutOfMemory {
        return Error::io("map", path, error);
    }
    let requested = len as u64;
    match (sys::address_space_left(), sys::mappings_left()) {
        (Some(available), _) if available < requested => {
            Error::OutOfMemory { requested, available, memory: Memory::AddressSpace }
        }
        // The system counts one or two that it does not show.
        (_, Some(available @ ..=2)) => Error::OutOfMemory { requested: 1, available, memory: Memory::Mappings },
        (available, _) => {
            Error::OutOfMemory { requested, available: available.unwrap_or(0), memory: Memory::AddressSpace }
        }
    }
}

/// Elements of `requested` bytes, which no address space holds, of an array at `path`.
pub(crate) fn too_large(path: &Path, requested: u64) -> Error {
    Error::OutOfMemory { requested, available: available(path), memory: Memory::FileSystem { dir: dir_of(path) } }
}

/// Bytes that a new file at `path` may have at most.
///
/// The smaller of what the file system has left and what a process can address; 0 when the file
/// system does not say.
fn available(path: &Path) -> u64 {
    path.parent().and_then(sys::available).unwrap_or(0).min(isize::MAX as u64)
}

fn dir_of(path: &Path) -> PathBuf {
    path.parent().map_or_else(PathBuf::new, Path::to_owned)
}
