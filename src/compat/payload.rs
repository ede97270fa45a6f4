//! One payload file of a writer.

use super::location::Location;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::reserve::{self, check_limits};
use crate::files::trusted;
use crate::format::python::{Hex, PayloadHeader, STAMP};
use crate::sys::{self, Lease};
use memmap2::{MmapMut, MmapOptions};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{Ordering, fence};
use std::time::SystemTime;

/// Bytes from which on a file is kept open to be written again.
///
/// Below it a new file is as quick, and there may be many.
const KEEP_FROM: usize = 64 << 10;

/// Bytes up to which a file is assembled first and written with one system call.
const AT_ONCE: usize = 64 << 10;

/// A value to be written.
#[derive(Clone, Copy)]
pub(crate) struct Value<'v> {
    pub(crate) head: &'v PayloadHeader,
    /// The elements, as long as the header says.
    pub(crate) body: &'v [u8],
    pub(crate) stamp: f64,
}

/// A payload file that has been written, and may be written again.
pub(crate) struct Payload {
    hex: Hex,
    head: PayloadHeader,
    /// Still open, if it may be written again.
    file: Option<File>,
    /// A mapping of the whole file, once it has been written again.
    map: Option<MmapMut>,
}

impl Payload {
    /// Makes a file with `value` in it. Readers do not know its name until the tag names it.
    pub(crate) fn create(location: &Location, hex: Hex, mode: u32, value: &Value<'_>, keep: bool) -> Result<Self> {
        let path = location.payload(&hex);
        let file = trusted::create(&path, mode)?;
        fail_point!("wire.created");
        let written = check_limits(value.head.file_len()).and_then(|()| {
            write_new(&file, value).map_err(|e| reserve::no_room_in(&file, "write", e, &path, value.head.file_len()))
        });
        if let Err(error) = written {
            // Best effort: no other writer uses the name, and the channel's next writer removes
            // what is left.
            let _ = sys::remove_file(&path);
            return Err(error);
        }
        fail_point!("wire.written");
        let keep = keep || value.head.file_len() >= KEEP_FROM;
        Ok(Self { hex, head: value.head.clone(), file: keep.then_some(file), map: None })
    }

    pub(crate) fn hex(&self) -> &Hex {
        &self.hex
    }

    pub(crate) fn head(&self) -> &PayloadHeader {
        &self.head
    }

    /// Bytes of memory that the file takes, roughly.
    pub(crate) fn footprint(&self) -> usize {
        footprint(&self.head)
    }

    /// Closes a small file: many may wait to be written again.
    pub(crate) fn close_small(&mut self) {
        if self.head.file_len() < KEEP_FROM {
            self.file = None;
            self.map = None;
        }
    }

    pub(crate) fn rename(&mut self, hex: Hex) {
        self.hex = hex;
    }

    /// When a process last opened this file to map or read it.
    ///
    /// `None` for a file that this writer does not keep open.
    pub(crate) fn accessed(&self) -> Option<SystemTime> {
        self.file.as_ref()?.metadata().and_then(|meta| meta.accessed()).ok()
    }

    /// Whether the file can be written again.
    pub(crate) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// Overwrites the file with a value of the same header, unless it is open elsewhere.
    ///
    /// Returns `Ok(false)` if it is open elsewhere.
    pub(crate) fn rewrite_alone(&mut self, value: &Value<'_>) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let Some(lease) = Lease::try_take(file) else { return Ok(false) };
        fail_point!("shelf.leased");
        let done = overwrite(&mut self.map, file, value);
        fail_point!("shelf.rewritten");
        drop(lease);
        done.map(|()| true)
    }

    /// Overwrites the file with a value of the same header, even under readers.
    pub(crate) fn rewrite_in_place(&mut self, value: &Value<'_>) -> io::Result<()> {
        match &self.file {
            Some(file) => overwrite(&mut self.map, file, value),
            None => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }
}

/// Bytes of memory that a file with this header takes, roughly.
pub(crate) fn footprint(head: &PayloadHeader) -> usize {
    head.file_len().next_multiple_of(4096).saturating_add(1024)
}

/// Writes the last stamp, then the elements, then the first stamp.
///
/// A reader that looks before all of it is written finds two stamps that differ, as far as it looks
/// in the opposite order.
fn overwrite(map: &mut Option<MmapMut>, file: &File, value: &Value<'_>) -> io::Result<()> {
    let head = value.head;
    let bytes = match map {
        Some(map) => map,
        None => {
            // SAFETY: this writer made the file and never shortens it. This process has no other
            // mapping of it: `map` keeps the only one, and readers of this crate use system calls.
            // Other processes map it for reading, in the package's own code; their accesses are not
            // accesses of this program. A process with the owner's rights could cut the file, and
            // so end this process by SIGBUS; docs/SAFETY.md says which processes can.
            let new = unsafe { MmapOptions::new().len(head.file_len()).populate().map_mut(file) }?;
            map.insert(new)
        }
    };
    let (front, end) = bytes.split_at_mut_checked(head.end_at()).ok_or(io::ErrorKind::InvalidData)?;
    let (first, body) = front.split_at_mut_checked(head.body_at()).ok_or(io::ErrorKind::InvalidData)?;
    let (first, _) = first.split_at_mut_checked(STAMP).ok_or(io::ErrorKind::InvalidData)?;
    if body.len() != value.body.len() || end.len() != STAMP {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let stamp = value.stamp.to_ne_bytes();
    end.copy_from_slice(&stamp);
    // The fences keep compiler and processor from moving stores across them. They synchronise with
    // no partner: the reader is Python's memcpy.
    fence(Ordering::SeqCst);
    body.copy_from_slice(value.body);
    fence(Ordering::SeqCst);
    first.copy_from_slice(&stamp);
    Ok(())
}

/// Writes a new file, which gets its memory on the way.
///
/// System calls write every byte of it. So a full file system is an error here, and no later access
/// to the file can fail. Memory that is set aside before would be cleared first, page by page.
fn write_new(file: &File, value: &Value<'_>) -> io::Result<()> {
    // The length comes first: what a killed writer leaves is proved by it.
    file.set_len(value.head.file_len() as u64)?;
    fail_point!("wire.reserved");
    write_whole(file, value)
}

fn write_whole(file: &File, value: &Value<'_>) -> io::Result<()> {
    let stamp = value.stamp.to_ne_bytes();
    let head = value.head;
    if head.file_len() <= AT_ONCE {
        let mut whole = Vec::with_capacity(head.file_len());
        for part in [&stamp, head.bytes(), value.body, &stamp] {
            whole.extend_from_slice(part);
        }
        return sys::write_all_at(file, &whole, 0);
    }
    sys::write_all_at(file, &stamp, 0)?;
    fail_point!("wire.stamped");
    sys::write_all_at(file, head.bytes(), STAMP as u64)?;
    fail_point!("wire.headed");
    sys::write_all_at(file, value.body, head.body_at() as u64)?;
    sys::write_all_at(file, &stamp, head.end_at() as u64)
}

/// Makes a file that stands in for an old one, but is never valid.
///
/// It has the same header and length. Its two stamps differ, and it takes almost no memory.
pub(crate) fn create_tombstone(path: &Path, mode: u32, head: &PayloadHeader) -> Result<()> {
    check_limits(head.file_len())?;
    let file = trusted::create(path, mode)?;
    let fill = || {
        fail_point!("tombstone.created");
        file.set_len(head.file_len() as u64)?;
        fail_point!("tombstone.long");
        sys::write_all_at(&file, &1.0_f64.to_ne_bytes(), 0)?;
        sys::write_all_at(&file, head.bytes(), STAMP as u64)
    };
    fill().map_err(|e| {
        let _ = sys::remove_file(path);
        no_room(e, path, head.file_len())
    })
}

fn no_room(error: io::Error, path: &Path, requested: usize) -> Error {
    reserve::no_room("write", error, path, requested)
}
