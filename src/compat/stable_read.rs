//! Copies a value out of a payload file and checks that it is whole.
//!
//! The file may be written meanwhile.
//!
//! Python's writer stores a whole file with one `memcpy`, stamps and all, in an order that only
//! `memcpy` knows. So no reader can be certain. But each of these looks catches some of the
//! mixtures, and a value is accepted only if all of them agree:
//!
//! 1. the stamp at the end, then the one at the front, then the elements;
//! 2. the stamp at the end, then the one at the front, again;
//! 3. the elements a second time, compared with the copy;
//! 4. both stamps, once more, at the front first.
//!
//! A `memcpy` that runs meanwhile changes bytes between two looks. It escapes only if everything
//! that it changes in this time lies where both looks have been already, or have not come yet. Such
//! a `memcpy` is as quick as the looks, or stands still during all of them because its process does
//! not run.
//!
//! A small file is read twice as a whole, and both copies must be the same, with both stamps alike.
//!
//! The file is read with system calls, not through a mapping, for two reasons. The bytes change
//! while they are read: the kernel allows that, but for the language it would be a race. And
//! Python's writer cuts files that it opens again, which would end the reader by SIGBUS.

use crate::error::{Error, Result};
use crate::format::python::{self, Layout, MAX_HEAD, STAMP};
use crate::format::python_dtypes::DTypeTable;
use crate::owned_array::OwnedArray;
use crate::sys;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Bytes compared at a time: few enough to stay in the nearest cache.
const CHUNK: usize = 16 << 10;

/// Length up to which a file is looked at as a whole.
///
/// A `memcpy` of so few bytes takes less time than there is between two system calls.
const SMALL: usize = 2048;

type Stamp = [u8; STAMP];

/// A payload file and what its header says.
///
/// The header of a file does not change: Python's writer makes a new file for another dtype or
/// shape.
pub(crate) struct Source {
    file: File,
    path: PathBuf,
    layout: Layout,
}

/// The outcome of an attempt to copy.
pub(crate) enum Copied {
    /// Nothing new.
    Nothing,
    /// A mixture, or a value that changes too quickly to tell.
    Torn,
    Whole {
        array: OwnedArray,
        stamp: Stamp,
    },
}

impl Source {
    /// Reads the header of a file that had `len` bytes when it was opened.
    pub(crate) fn new(file: File, len: u64, path: PathBuf, likely: DTypeTable) -> Result<Self> {
        let mut front = [0; MAX_HEAD];
        // No more than there is: the system would be asked once more about the end.
        let room = front.get_mut(..usize::try_from(len).unwrap_or(MAX_HEAD).min(MAX_HEAD)).unwrap_or(&mut []);
        let found = sys::read_front(&file, room).map_err(|e| Error::io("read", &path, e))?;
        let layout = python::decode(front.get(..found).unwrap_or(&[]), len, likely)?;
        Ok(Self { file, path, layout })
    }

    /// The dtype table that this file proves its writer to use.
    pub(crate) fn table(&self) -> Option<DTypeTable> {
        self.layout.table
    }

    fn first(&self) -> io::Result<Stamp> {
        let mut stamp = [0; STAMP];
        sys::read_exact_at(&self.file, &mut stamp, 0)?;
        Ok(stamp)
    }

    fn last(&self) -> io::Result<Stamp> {
        let mut stamp = [0; STAMP];
        sys::read_exact_at(&self.file, &mut stamp, self.layout.head.end_at() as u64)?;
        Ok(stamp)
    }

    /// Whether header and elements are still the same as in the copy.
    fn still_holds(&self, body: &[u8]) -> io::Result<bool> {
        let mut room = [0; CHUNK];
        for (part, from) in [(self.layout.head.bytes(), STAMP), (body, self.layout.head.body_at())] {
            let mut at = from as u64;
            for copied in part.chunks(CHUNK) {
                let again = room.get_mut(..copied.len()).unwrap_or(&mut []);
                sys::read_exact_at(&self.file, again, at)?;
                if again != copied {
                    return Ok(false);
                }
                at = at.saturating_add(copied.len() as u64);
            }
        }
        Ok(true)
    }

    fn fail(&self, error: io::Error) -> Error {
        if error.kind() == ErrorKind::UnexpectedEof {
            let found = sys::identify(&self.file).map_or(0, |identity| identity.len);
            return python::WireError::Truncated { expected: self.layout.head.file_len() as u64, found }.into();
        }
        Error::io("read", &self.path, error)
    }
}

/// Copies the value out, if its stamp is not `seen`.
///
/// The copy takes the memory of `used`, if that is enough.
pub(crate) fn copy(source: &Source, seen: Option<Stamp>, used: &mut Option<OwnedArray>) -> Result<Copied> {
    if source.layout.head.file_len() <= SMALL {
        return copy_small(source, seen, used);
    }
    let fail = |e| source.fail(e);
    if seen.is_some() && seen == Some(source.first().map_err(fail)?) {
        return Ok(Copied::Nothing);
    }
    let stamp = source.last().map_err(fail)?;
    if source.first().map_err(fail)? != stamp {
        return Ok(Copied::Torn);
    }
    check_memory(source.layout.head.file_len())?;
    let mut array = OwnedArray::over(used.take(), source.layout.dtype.into(), None, &source.layout.shape)?;
    sys::read_exact_at(&source.file, array.bytes_mut(), source.layout.head.body_at() as u64).map_err(fail)?;
    let unchanged = source.last().map_err(fail)? == stamp
        && source.first().map_err(fail)? == stamp
        && source.still_holds(array.as_bytes()).map_err(fail)?
        && source.first().map_err(fail)? == stamp
        && source.last().map_err(fail)? == stamp;
    Ok(if unchanged { Copied::Whole { array, stamp } } else { Copied::Torn })
}

/// As [`copy`], for a file of at most [`SMALL`] bytes: two looks at all of it.
///
/// Each has both stamps. A mixture is accepted only if its writer stood still during both looks,
/// with both stamps stored.
fn copy_small(source: &Source, seen: Option<Stamp>, used: &mut Option<OwnedArray>) -> Result<Copied> {
    let head = &source.layout.head;
    let mut looks = [[0; SMALL]; 2];
    let [once, again] = looks.each_mut().map(|look| look.get_mut(..head.file_len()).unwrap_or(&mut []));
    sys::read_exact_at(&source.file, once, 0).map_err(|e| source.fail(e))?;
    let stamp = once.first_chunk::<STAMP>().copied();
    if seen.is_some() && seen == stamp {
        return Ok(Copied::Nothing);
    }
    sys::read_exact_at(&source.file, again, 0).map_err(|e| source.fail(e))?;
    let (Some(stamp), Some(body)) = (stamp, once.get(head.body_at()..head.end_at())) else { return Ok(Copied::Torn) };
    let is_whole =
        once == again && once.ends_with(&stamp) && once.get(STAMP..head.body_at()).is_some_and(|h| h == head.bytes());
    if !is_whole {
        return Ok(Copied::Torn);
    }
    let mut array = OwnedArray::over(used.take(), source.layout.dtype.into(), None, &source.layout.shape)?;
    array.bytes_mut().copy_from_slice(body);
    Ok(Copied::Whole { array, stamp })
}

/// Checks that this process can have so much memory at all.
///
/// A file may claim any size, and be that long without taking any memory.
fn check_memory(len: usize) -> Result<()> {
    /// Bytes below which a failure would have other reasons.
    const LARGE: usize = 1 << 30;
    if len < LARGE || Vec::<u8>::new().try_reserve_exact(len).is_ok() {
        return Ok(());
    }
    Err(Error::no_copy(len))
}
