//! Reading and writing to the end, whatever the system does at once.

use super::platform::{read_some_at, write_some_at};
use std::fs::File;
use std::io::{self, ErrorKind};

/// Reads from the front of a file; returns the bytes read, if fewer than `room`.
pub(crate) fn read_front(file: &File, room: &mut [u8]) -> io::Result<usize> {
    read_at(file, room, 0)
}

/// Reads the front of a file with one call, which may find less than there is.
pub(crate) fn read_front_once(file: &File, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match read_some_at(file, room, 0) {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Fills `room` from `offset` on.
///
/// A file that ends before is an error of kind `UnexpectedEof`.
pub(crate) fn read_exact_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<()> {
    if read_at(file, room, offset)? == room.len() { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Reads a file from `offset` on; returns the number of bytes, if fewer than `room`.
pub(crate) fn read_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = room.get_mut(done..)
        && !rest.is_empty()
    {
        match read_some_at(file, rest, offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// Writes all of `bytes` at `offset`.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..)
        && !rest.is_empty()
    {
        match write_some_at(file, rest, offset.saturating_add(done as u64)) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => done += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
