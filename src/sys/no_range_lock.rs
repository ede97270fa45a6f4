//! Where there are no locks on byte ranges.

use super::types::ByteRange;
use std::fs::File;
use std::io::{self, ErrorKind};

fn unsupported<T>() -> io::Result<T> {
    Err(ErrorKind::Unsupported.into())
}

pub(crate) fn try_lock(_: &File, _: &ByteRange) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn unlock(_: &File, _: &ByteRange) -> io::Result<()> {
    unsupported()
}

pub(crate) fn is_locked(_: &File, _: &ByteRange) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn try_lock_all(_: &File, _: &ByteRange) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn is_any_locked(_: &File, _: &ByteRange) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn unlock_all(_: &File) {}
