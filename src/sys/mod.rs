//! Everything this crate asks of the operating system, one file per platform, each with the same shape.
//!
//! The functions are thin: they name what is wanted, not how it is done here, and answer with `std::io` errors; what an error
//! means for a channel is decided by the callers.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    Lease, Lock, age_of, available, default_dir, effective_user, fork_count, futex_wait, futex_wake_all, identify,
    identify_path, is_no_space, is_symlink_refusal, monotonic_ns, open, open_exclusive, read_front, reserve, same_file,
    sever, unmap, watch_forks,
};

#[cfg(not(target_os = "linux"))]
compile_error!("ndsharray supports Linux only so far");

use std::ops::Range;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

/// What kind of thing stands under a path.
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
}

/// The bytes of a file that a lock covers; they need not exist.
pub(crate) type LockRange = Range<u64>;
