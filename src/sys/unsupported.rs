//! A platform without what this crate needs: everything compiles, and nothing can be opened.

pub(crate) use super::no_lease::Lease;
pub(crate) use super::no_limits::{address_space_left, group_memory_short_of, mappings_left, tells_what_is_set_aside};
pub(crate) use super::no_range_lock as range_lock;
pub(crate) use super::no_sever::{sever, unmap};
pub(crate) use super::no_sweeper::Sweeper;
pub(crate) use super::no_wait_set::{Alarm, WaitSet};

use super::types::{Access, Identity, Storage};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

fn unsupported<T>() -> io::Result<T> {
    Err(ErrorKind::Unsupported.into())
}

pub(crate) fn default_dir() -> PathBuf {
    PathBuf::new()
}

pub(crate) fn effective_user() -> u32 {
    0
}

pub(crate) fn open_exclusive(_: &Path, _: u32) -> io::Result<File> {
    unsupported()
}

pub(crate) fn open(_: &Path, _: Access) -> io::Result<File> {
    unsupported()
}

pub(crate) fn is_symlink_refusal(_: &io::Error) -> bool {
    false
}

pub(crate) fn is_no_space(_: &io::Error) -> bool {
    false
}

pub(crate) fn is_no_descriptor(_: &io::Error) -> bool {
    false
}

pub(crate) fn identify(_: &File) -> io::Result<Identity> {
    unsupported()
}

pub(crate) fn identify_path(_: &Path) -> io::Result<Identity> {
    unsupported()
}

pub(crate) fn storage(_: &Path) -> io::Result<Storage> {
    unsupported()
}

pub(crate) fn same_file(_: &Identity, _: &Identity) -> bool {
    false
}

pub(crate) fn remove_file(_: &Path) -> io::Result<()> {
    unsupported()
}

pub(crate) fn check_file_name(_: &str) -> Result<(), &'static str> {
    Ok(())
}

pub(crate) fn read_some_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    unsupported()
}

pub(crate) fn write_some_at(_: &File, _: &[u8], _: u64) -> io::Result<usize> {
    unsupported()
}

pub(crate) fn reserve(_: &File, _: u64) -> io::Result<()> {
    unsupported()
}

pub(crate) fn available(_: &Path) -> Option<u64> {
    None
}

pub(crate) fn files_available(_: &Path) -> Option<u64> {
    None
}

pub(crate) fn file_size_limit() -> Option<u64> {
    None
}

pub(crate) fn monotonic_ns() -> u64 {
    0
}

/// There is no file whose words a process could sleep on.
#[derive(Clone, Copy)]
pub(crate) struct Sleepers;

impl Sleepers {
    pub(crate) fn of(_: &Identity) -> Self {
        Self
    }

    pub(crate) fn sleep(self, _: &AtomicU32, _: u32, timeout: Duration) {
        std::thread::sleep(timeout);
    }

    pub(crate) fn wake_all(self, _: &AtomicU32, _: u32) {}
}

pub(crate) fn watch_forks() -> u64 {
    0
}

pub(crate) fn fork_count() -> u64 {
    0
}

/// Aborts this process.
#[cfg(feature = "failpoints")]
pub(crate) fn end(_: super::types::End) {
    std::process::abort();
}

#[cfg(test)]
pub(crate) fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    unsupported()
}
