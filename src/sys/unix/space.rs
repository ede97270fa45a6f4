//! Memory that is set aside before it is touched.

use crate::sys::posix::write_some_at;
use std::fs::File;
use std::io::{self, ErrorKind};
#[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "linux"))]
use std::os::fd::AsRawFd;

/// Bytes written at a time where writing is the only way.
const BLOCK: usize = 64 << 10;

/// Makes `file` `len` bytes long, with the memory set aside now.
///
/// Touching a mapping of it then never fails later (SIGBUS). Where the file system cannot set it
/// aside by itself, zeros are written: that takes the memory, unless it compresses.
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    if libc::off_t::try_from(len).is_err() {
        return Err(ErrorKind::FileTooLarge.into());
    }
    match by_the_system(file, len) {
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => {
            write_zeroes(file, len)
        }
        other => other,
    }
}

#[cfg(any(target_os = "freebsd", target_os = "linux"))]
fn by_the_system(file: &File, len: u64) -> io::Result<()> {
    crate::sys::pieces::in_pieces(len, |from, piece| {
        let (Ok(from), Ok(piece)) = (libc::off_t::try_from(from), libc::off_t::try_from(piece)) else {
            return Err(ErrorKind::FileTooLarge.into());
        };
        // SAFETY: takes numbers; the descriptor is open for the duration of the call, since `file`
        // is borrowed.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), from, piece) } {
            0 => Ok(()),
            // Not every file system can: ZFS answers so.
            libc::EOPNOTSUPP | libc::ENODEV => Err(ErrorKind::Unsupported.into()),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    })
}

#[cfg(target_vendor = "apple")]
fn by_the_system(file: &File, len: u64) -> io::Result<()> {
    let have = file.metadata()?.len();
    let Ok(more) = libc::off_t::try_from(len.saturating_sub(have)) else { return Err(ErrorKind::FileTooLarge.into()) };
    if more == 0 {
        return Ok(());
    }
    let mut wish = libc::fstore_t {
        fst_flags: libc::F_ALLOCATEALL,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: more,
        fst_bytesalloc: 0,
    };
    // SAFETY: the descriptor is open while `file` is borrowed; the struct is what this command
    // reads and writes, and outlives the call.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_PREALLOCATE, &raw mut wish) } == -1 {
        let error = io::Error::last_os_error();
        return Err(if error.raw_os_error() == Some(libc::ENOTSUP) { ErrorKind::Unsupported.into() } else { error });
    }
    file.set_len(len)
}

#[cfg(not(any(target_vendor = "apple", target_os = "freebsd", target_os = "linux")))]
fn by_the_system(_: &File, _: u64) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// From the file's end on.
fn write_zeroes(file: &File, len: u64) -> io::Result<()> {
    let zeroes = vec![0; BLOCK];
    let mut end = file.metadata()?.len();
    while end < len {
        let rest = usize::try_from(len - end).unwrap_or(BLOCK).min(BLOCK);
        match write_some_at(file, zeroes.get(..rest).unwrap_or(&zeroes), end) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => end += n as u64,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::open_exclusive;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn zeroes_take_memory_and_leave_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = open_exclusive(&path, 0o600).unwrap();
        assert_eq!(write_some_at(&file, b"before", 0).unwrap(), 6);
        write_zeroes(&file, 3 * BLOCK as u64 + 5).unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!(meta.len(), 3 * BLOCK as u64 + 5);
        assert!(meta.blocks() * 512 >= meta.len());
        let bytes = std::fs::read(path).unwrap();
        assert!(bytes.starts_with(b"before") && bytes[6..].iter().all(|&byte| byte == 0));
        write_zeroes(&file, 6).unwrap();
        assert_eq!(file.metadata().unwrap().len(), meta.len());
    }
}
