//! The types of the platforms' answers.

use std::ops::Range;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

/// What kind of thing stands under a path.
#[cfg_attr(not(any(unix, windows)), allow(dead_code, reason = "nothing stands anywhere"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileType {
    File,
    Symlink,
    Other,
}

/// The identity of a file, and its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) owner: u32,
    /// Names that this file has: 0 once it is unlinked.
    pub(crate) links: u64,
    pub(crate) kind: FileType,
    /// Length in bytes.
    pub(crate) len: u64,
    /// Bytes of memory or disk set aside for it, as its file system counts them.
    pub(crate) allocated: u64,
}

/// What a file takes, and which users may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    /// Bytes of memory or disk set aside for it.
    pub(crate) allocated: u64,
    /// Permission bits.
    pub(crate) mode: u32,
}

/// The bytes of a file that a lock covers; they need not exist.
pub(crate) type ByteRange = Range<u64>;

/// How a fail point ends or stops the process.
#[cfg(feature = "failpoints")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Kill,
    Abort,
    Stop,
}

/// The exit code of a killed process, where no signal shows it.
///
/// A fail point killed it.
#[cfg(all(windows, feature = "failpoints"))]
pub(super) const KILLED: u32 = 137;
