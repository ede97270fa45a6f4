//! Everything this crate asks of the operating system, one file per platform, each with the same shape.
//!
//! The functions are thin: they name what is wanted, not how it is done here, and answer with `std::io` errors; what an error
//! means for a channel is decided by the callers. The list of names below is the shape: a platform that lacks one does not compile.
//!
//! | file | platform |
//! |---|---|
//! | `linux.rs` | Linux |
//! | `unix.rs` | macOS, FreeBSD and other Unix; Linux too with `--cfg ndsharray_portable`, for tests |
//! | `windows.rs` | Windows |
//! | `unsupported.rs` | all else: compiles, and answers that it cannot |

#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
mod linux;
#[cfg(any(not(target_os = "linux"), ndsharray_portable))]
mod no_lease;
#[cfg(any(not(target_os = "linux"), ndsharray_portable))]
mod no_limits;
#[cfg(any(not(target_os = "linux"), ndsharray_portable))]
mod no_sever;
#[cfg(any(
    all(target_os = "linux", not(ndsharray_portable)),
    all(target_vendor = "apple", not(ndsharray_portable)),
    not(any(unix, windows))
))]
mod no_sweeper;
#[cfg(any(all(target_os = "linux", not(ndsharray_portable)), all(target_vendor = "apple", not(ndsharray_portable))))]
mod ofd;
#[cfg(unix)]
mod posix;
#[cfg(any(windows, all(unix, any(ndsharray_portable, not(any(target_os = "linux", target_vendor = "apple"))))))]
mod sweeper;
#[cfg(test)]
mod tests;
#[cfg(all(unix, any(not(target_os = "linux"), ndsharray_portable)))]
mod unix;
#[cfg(not(any(unix, windows)))]
mod unsupported;
#[cfg(windows)]
mod windows;

#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
use linux as platform;
#[cfg(all(unix, any(not(target_os = "linux"), ndsharray_portable)))]
use unix as platform;
#[cfg(not(any(unix, windows)))]
use unsupported as platform;
#[cfg(windows)]
use windows as platform;

#[cfg(feature = "failpoints")]
pub(crate) use platform::end;
#[cfg(any(test, fuzzing))]
pub(crate) use platform::symlink;
pub(crate) use platform::{
    Lease, Lock, Sleepers, Sweeper, address_space_left, available, check_file_name, default_dir, effective_user,
    file_size_limit, files_available, fork_count, group_memory_short_of, identify, identify_path, is_no_descriptor,
    is_no_space, is_symlink_refusal, mappings_left, monotonic_ns, open, open_exclusive, remove_file, reserve,
    same_file, sever, storage, tells_what_is_set_aside, unmap, watch_forks,
};

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::{Deref, Range};
use std::time::Duration;

/// Bytes that this process' control group and those above it may still take; `None` when there is no
/// limit.
pub(crate) fn group_memory_left() -> Option<u64> {
    group_memory_short_of(u64::MAX)
}

/// Whether there is more than `unsupported.rs` here.
pub(crate) const IS_SUPPORTED: bool = cfg!(any(unix, windows));

/// Whether new pages of a file are had faster by writing to the file than by touching a mapping of it: the system need not clear them first, and
/// nothing has to fault. Measured on Linux's shared memory, where it takes two thirds of the time.
pub(crate) const WRITES_NEW_PAGES_FASTER: bool = cfg!(all(target_os = "linux", not(ndsharray_portable)));

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

/// What kind of thing stands under a path.
#[cfg_attr(not(any(unix, windows)), allow(dead_code, reason = "nothing stands anywhere"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Symlink,
    Other,
}

/// Which file it is, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) owner: u32,
    /// Names that this file has: 0 once it is unlinked.
    pub(crate) links: u64,
    pub(crate) kind: Kind,
    /// Length in bytes.
    pub(crate) len: u64,
    /// Bytes of memory or disk set aside for it, as its file system counts them.
    pub(crate) allocated: u64,
}

/// What a file takes, and who may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    /// Bytes of memory or disk set aside for it.
    pub(crate) allocated: u64,
    /// Permission bits.
    pub(crate) mode: u32,
}

/// The bytes of a file that a lock covers; they need not exist.
pub(crate) type LockRange = Range<u64>;

/// A file that locks are taken through; they go with it. (Where locks are files, closing it would not tell.)
pub(crate) struct Locked {
    file: File,
    forks: u64,
}

impl Locked {
    pub(crate) fn new(file: File) -> Self {
        Self { file, forks: watch_forks() }
    }

    /// Whether the locks are this process' own. In a forked child they are its parent's.
    pub(crate) fn is_here(&self) -> bool {
        self.forks == fork_count()
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // In a forked child closing the descriptor leaves the parent's locks alone.
        if self.is_here() {
            Lock::end(&self.file);
        }
    }
}

/// How a fail point ends or stops the process.
#[cfg(feature = "failpoints")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Kill,
    Abort,
    Stop,
}

/// The exit code of a process that a fail point killed, where none tells of a signal.
#[cfg(all(windows, feature = "failpoints"))]
const KILLED: u32 = 137;

/// Time since `then` on the clock of [`monotonic_ns`].
pub(crate) fn age_of(then: u64) -> Duration {
    Duration::from_nanos(monotonic_ns().saturating_sub(then))
}

/// Reads from the front of a file; returns how many bytes there were, if fewer than `room`.
pub(crate) fn read_front(file: &File, room: &mut [u8]) -> io::Result<usize> {
    read_at(file, room, 0)
}

/// Fills `room` from `offset` on; a file that ends before is an error of kind `UnexpectedEof`.
pub(crate) fn read_exact_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<()> {
    if read_at(file, room, offset)? == room.len() { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Reads a file from `offset` on; returns how many bytes there were, if fewer than `room`.
pub(crate) fn read_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = room.get_mut(done..)
        && !rest.is_empty()
    {
        match platform::read_some_at(file, rest, offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// The smallest piece of [`in_pieces`].
#[cfg_attr(
    not(any(target_os = "linux", target_os = "freebsd", test)),
    allow(dead_code, reason = "nothing interrupts it")
)]
const PIECE: u64 = 64 << 10;

/// Reserves `len` bytes by `reserve`, which is given where a piece begins and how long it is: all
/// at once, or, where signals interrupt that, in pieces that become smaller. Older kernels give
/// back what they have when a signal comes, so that under an interval timer a long reservation
/// would begin again for ever.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "freebsd", test)),
    allow(dead_code, reason = "nothing interrupts it")
)]
fn in_pieces(len: u64, mut reserve: impl FnMut(u64, u64) -> io::Result<()>) -> io::Result<()> {
    let (mut done, mut piece) = (0, len);
    loop {
        let next = piece.min(len - done);
        match reserve(done, next) {
            Ok(()) => done += next,
            Err(e) if e.kind() == ErrorKind::Interrupted => piece = (piece / 2).max(PIECE),
            Err(e) => return Err(e),
        }
        if done >= len {
            return Ok(());
        }
    }
}

/// Writes all of `bytes` at `offset`.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..)
        && !rest.is_empty()
    {
        match platform::write_some_at(file, rest, offset.saturating_add(done as u64)) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => done += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
