//! What a fork does to this process, and what a forked child may use.
//!
//! A fork copies the memory of the process and one of its threads. What another thread had locked
//! stays locked in the child. So each handle compares processes before it touches its lock. In a
//! child it answers `Forked`, or opens itself again by name.

pub(crate) mod home;
pub(crate) mod known;
pub(crate) mod lending;
pub(crate) mod own;
pub(crate) mod reopening;

mod attached;
mod pipe;
#[cfg(unix)]
mod private;

/// Nothing to replace: this system has no forks.
#[cfg(not(unix))]
mod private {
    pub(super) unsafe fn replace(_address: usize, _len: usize, _writable: bool) -> bool {
        true
    }

    pub(super) unsafe fn forbid_writing(_address: usize, _len: usize) {}
}
