//! What tests ask of the operating system, the same on each.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitStatus;

/// The free bytes of a directory's file system.
///
/// On Windows there is no shared memory to ask about.
#[cfg(windows)]
pub(crate) fn free_bytes(_: &Path) -> u64 {
    0
}

#[cfg(unix)]
pub(crate) fn free_bytes(dir: &Path) -> u64 {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(dir.as_os_str().as_bytes()).unwrap();
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends in NUL and `stat` has room for the struct that the call writes.
    let failed = unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) } != 0;
    // SAFETY: a struct of integers, zeroed at first.
    let stat = unsafe { stat.assume_init() };
    #[allow(clippy::unnecessary_cast, reason = "the fields' width differs by target")]
    let free = stat.f_bavail as u64 * stat.f_frsize as u64;
    if failed { 0 } else { free }
}

/// Whether a name is that of a removed file.
///
/// On Windows it stays while a process has the file mapped.
pub(crate) fn is_moved_aside(name: &str) -> bool {
    cfg!(windows) && name.starts_with(".ndsh-gone-")
}

/// Whether a name is that of a lock.
///
/// It is a file where the system cannot lock ranges of open files.
pub(crate) fn is_lock(name: &str) -> bool {
    let ranges = cfg!(any(windows, target_vendor = "apple", all(target_os = "linux", not(ndsharray_portable))));
    !ranges && name.starts_with(".ndsh-lock-")
}

/// The names in a directory, sorted; not those of removed files and of locks.
pub(crate) fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !is_moved_aside(name) && !is_lock(name));
    names.sort();
    names
}

pub(crate) fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, at);
    #[cfg(windows)]
    match std::os::windows::fs::FileExt::seek_write(file, bytes, at)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

pub(crate) fn read_exact_at(file: &File, room: &mut [u8], at: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, room, at);
    #[cfg(windows)]
    match std::os::windows::fs::FileExt::seek_read(file, room, at)? {
        read if read == room.len() => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// How a peer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// At a fail point, or by [`std::process::Child::kill`].
    Killed,
    Aborted,
    /// It ended by itself.
    Natural,
}

#[cfg(unix)]
pub(crate) fn death_of(status: ExitStatus) -> Death {
    match std::os::unix::process::ExitStatusExt::signal(&status) {
        Some(libc::SIGKILL) => Death::Killed,
        Some(libc::SIGABRT) => Death::Aborted,
        _ => Death::Natural,
    }
}

/// How a peer came to its end, by its exit code.
///
/// The codes are those of a fail point and of the standard library's `kill` and `abort`. Two
/// compilers give the latter different ones.
#[cfg(windows)]
pub(crate) fn death_of(status: ExitStatus) -> Death {
    match status.code().map(i32::cast_unsigned) {
        Some(137 | 1) => Death::Killed,
        Some(0xc000_0409 | 3) => Death::Aborted,
        _ => Death::Natural,
    }
}

/// SIGSTOP, or SIGCONT.
#[cfg(unix)]
pub(crate) fn signal(process: u32, signal: i32) {
    let id = i32::try_from(process).unwrap();
    // SAFETY: takes numbers; the process is a child of the caller that has not been waited for, so
    // the id is its own.
    assert_eq!(unsafe { libc::kill(id, signal) }, 0);
}

/// Which file it is.
#[cfg(unix)]
pub(crate) fn inode(file: &File) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&file.metadata().unwrap())
}

/// Frees the name of a file that may be mapped.
///
/// Windows would not remove such a file.
pub(crate) fn clear(path: &Path) {
    #[cfg(unix)]
    std::fs::remove_file(path).unwrap();
    #[cfg(windows)]
    {
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        std::fs::rename(path, path.with_file_name(format!(".ndsh-gone-{}-{count}", std::process::id()))).unwrap();
    }
}

/// Creates a symbolic link, or returns `false`.
///
/// Windows wants a privilege for it, and Wine only claims success.
pub(crate) fn symlink(original: &Path, link: &Path) -> bool {
    #[cfg(unix)]
    std::os::unix::fs::symlink(original, link).unwrap();
    #[cfg(windows)]
    let _ = std::os::windows::fs::symlink_file(original, link);
    link.symlink_metadata().is_ok_and(|meta| meta.is_symlink())
}
