//! Windows.
//!
//! Files in a directory of the user's own, byte-range locks beyond the files' ends, named events.

mod events;
mod identity;
pub(crate) mod locks;
mod names;
mod remove;
mod wait_set;

pub(crate) use super::no_lease::Lease;
pub(crate) use super::no_limits::{address_space_left, group_memory_short_of, mappings_left, tells_what_is_set_aside};
pub(crate) use super::no_sever::{sever, unmap};
pub(crate) use super::sweeper::Sweeper;
pub(crate) use events::Sleepers;
pub(crate) use identity::{effective_user, identify, identify_path, same_file};
pub(crate) use locks as range_lock;
pub(crate) use names::check_file_name;
pub(crate) use remove::{remove_file, sweep};
pub(crate) use wait_set::{Alarm, WaitSet};

use super::types::{Access, Storage};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use windows_sys::Win32::Foundation::{
    ERROR_CANT_ACCESS_FILE, ERROR_INVALID_PARAMETER, ERROR_TOO_MANY_OPEN_FILES, HANDLE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ALLOCATION_INFO, FILE_ATTRIBUTE_NOT_CONTENT_INDEXED, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TEMPORARY,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_INFO_BY_HANDLE_CLASS, FileAllocationInfo, GetDiskFreeSpaceExW,
    SetFileInformationByHandle,
};
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};

/// Where channels live unless the caller or the environment says otherwise.
///
/// Made when it is not there. Only the user, administrators and the system may enter the directory
/// that it lies in.
pub(crate) fn default_dir() -> PathBuf {
    let parent = std::env::var_os("LOCALAPPDATA").filter(|dir| !dir.is_empty());
    let dir = parent.map_or_else(std::env::temp_dir, PathBuf::from).join("ndsharray");
    // Best effort: opening a file in it reports what is wrong.
    let _ = fs::create_dir_all(&dir);
    dir
}

/// Creates a file that did not exist, for reading and writing.
///
/// Its directory says which other users may use it; the permission bits have no meaning here.
pub(crate) fn open_exclusive(path: &Path, _mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        // Kept in memory as long as there is enough of it: no process needs it on the disk.
        .attributes(FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED)
        .open(path)
}

/// Opens an existing file; never follows a symbolic link.
pub(crate) fn open(path: &Path, access: Access) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(access == Access::ReadWrite)
        // Opens the link itself, which is refused below.
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)?;
    if file.metadata()?.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return Err(error_of(ERROR_CANT_ACCESS_FILE));
    }
    Ok(file)
}

/// Whether [`open`] failed because a symbolic link stands there.
pub(crate) fn is_symlink_refusal(error: &io::Error) -> bool {
    code_of(error) == Some(ERROR_CANT_ACCESS_FILE)
}

/// Whether the file system had no room, or the user no quota.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    use ErrorKind::{FileTooLarge, OutOfMemory, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge | OutOfMemory)
}

/// Whether no file could be opened because too many are.
pub(crate) fn is_no_descriptor(error: &io::Error) -> bool {
    code_of(error) == Some(ERROR_TOO_MANY_OPEN_FILES)
}

/// Reads at most `room` bytes of a file from `offset` on; 0 at its end.
pub(crate) fn read_some_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    // Moves the file's cursor, which no code uses.
    file.seek_read(room, offset)
}

/// Writes some of `bytes` at `offset`; returns how many.
pub(crate) fn write_some_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}

/// Makes `file` at least `len` bytes long, with room set aside on the volume.
///
/// What is mapped of it is there when it is touched.
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    if file.metadata()?.len() >= len {
        return Ok(());
    }
    let allocation = i64::try_from(len).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
    let info = FILE_ALLOCATION_INFO { AllocationSize: allocation };
    // SAFETY: the class goes with the type.
    let reserved = unsafe { set_information(file, FileAllocationInfo, (&raw const info).cast(), size_of_val(&info)) };
    match reserved {
        Err(error) if is_no_space(&error) => return Err(error),
        // A file system that knows no reservation may still have the room: setting the length
        // allocates it on NTFS.
        _ => {}
    }
    file.set_len(len).map_err(|error| match code_of(&error) {
        // Larger than any file can be.
        Some(ERROR_INVALID_PARAMETER) => ErrorKind::FileTooLarge.into(),
        _ => error,
    })
}

/// Bytes that this user may still take on the volume that holds `dir`.
///
/// `None` when it does not say.
pub(crate) fn available(dir: &Path) -> Option<u64> {
    let path: Vec<u16> = dir.as_os_str().encode_wide().chain([0]).collect();
    let mut bytes = 0;
    // SAFETY: `path` ends with a zero, `bytes` is writable, and the other two answers are not asked
    // for.
    let answered =
        unsafe { GetDiskFreeSpaceExW(path.as_ptr(), &raw mut bytes, std::ptr::null_mut(), std::ptr::null_mut()) };
    (answered != 0).then_some(bytes)
}

/// Files that this user may still make on the volume of a directory: unknown.
pub(crate) fn files_available(_: &Path) -> Option<u64> {
    None
}

/// The size that this process may give to a file: there is no limit.
pub(crate) fn file_size_limit() -> Option<u64> {
    None
}

/// Nanoseconds on the clock that all processes of this machine share, which never goes back.
#[inline]
pub(crate) fn monotonic_ns() -> u64 {
    static FREQUENCY: OnceLock<u64> = OnceLock::new();
    let frequency = *FREQUENCY.get_or_init(|| {
        let mut frequency = 0;
        // SAFETY: `frequency` is writable. The call does not fail on the systems that the standard
        // library supports.
        unsafe { QueryPerformanceFrequency(&raw mut frequency) };
        u64::try_from(frequency).unwrap_or(1).max(1)
    });
    let mut count = 0;
    // SAFETY: `count` is writable.
    unsafe { QueryPerformanceCounter(&raw mut count) };
    let count = u64::try_from(count).unwrap_or(0);
    // Seconds and the rest apart, as the product would not fit.
    let (seconds, rest) = (count / frequency, count % frequency);
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest.wrapping_mul(1_000_000_000) / frequency)
}

/// There are no forks.
#[inline]
pub(crate) fn watch_forks() -> u64 {
    0
}

/// There are no forks.
#[inline]
pub(crate) fn fork_count() -> u64 {
    0
}

/// Sets information about an open file.
///
/// # Safety
///
/// `info` points to `len` readable bytes that are what `class` wants.
unsafe fn set_information(
    file: &File,
    class: FILE_INFO_BY_HANDLE_CLASS,
    info: *const core::ffi::c_void,
    len: usize,
) -> io::Result<()> {
    let len = u32::try_from(len).map_err(io::Error::other)?;
    // SAFETY: the handle is open while `file` is borrowed; the rest is the caller's word.
    match unsafe { SetFileInformationByHandle(handle_of(file), class, info, len) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn handle_of(file: &File) -> HANDLE {
    file.as_raw_handle()
}

/// The error with this number.
fn error_of(code: u32) -> io::Error {
    io::Error::from_raw_os_error(code.cast_signed())
}

/// The system's number of an error.
fn code_of(error: &io::Error) -> Option<u32> {
    error.raw_os_error().map(i32::cast_unsigned)
}

/// Kills or aborts this process.
///
/// It aborts for a stop too: no kind of stop here would leave others able to end it.
#[cfg(feature = "failpoints")]
pub(crate) fn end(how: super::types::End) {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
    if how == super::types::End::Kill {
        // SAFETY: takes no argument and cannot fail.
        let this = unsafe { GetCurrentProcess() };
        // SAFETY: the handle is that of this process, which need not be closed; no code of the
        // process runs after this.
        unsafe { TerminateProcess(this, super::types::KILLED) };
    }
    std::process::abort();
}

/// Makes a symbolic link, where the user may.
#[cfg(test)]
pub(crate) fn symlink(original: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(original, link)
}

/// What the file `path` takes. Its directory says which users may use it.
pub(crate) fn storage(path: &Path) -> io::Result<Storage> {
    Ok(Storage { allocated: path.symlink_metadata()?.len(), mode: 0o600 })
}
