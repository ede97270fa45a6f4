//! A reader table as bytes that the kernel copied out of its file: for those who only look.

use super::{ENTRIES_AT, Entry, SHARED_AT, Shared, Table, truncated};
use crate::format::error::HeaderError;
use crate::format::file::{FileHeader, FileKind};
use crate::slots::{Pins, PinsCopy, Registered, u32_at};
use core::mem::offset_of;

/// A copy of a whole reader table.
pub(crate) struct TableCopy {
    bytes: Vec<u8>,
    entries: usize,
}

impl TableCopy {
    /// Bytes of the longest table.
    pub(crate) fn longest() -> usize {
        Table::len_for(Registered::MAX)
    }

    /// Checks a copy of all bytes of the table that belongs to `board`, or of its [`longest`](Self::longest) front; `None` while it has no head.
    pub(crate) fn new(bytes: Vec<u8>, board: &FileHeader) -> Result<Option<Self>, HeaderError> {
        if bytes.first_chunk::<8>().is_none_or(|magic| *magic == [0; 8]) {
            return Ok(None);
        }
        let head = FileHeader::decode(FileKind::Readers, &bytes)?;
        if head.channel != board.channel {
            return Err(HeaderError::Stranger { expected: board.channel, found: head.channel });
        }
        let entries = head.readers as usize;
        let expected = Table::len_for(entries);
        if bytes.len() < expected {
            return Err(truncated(expected, bytes.len()));
        }
        Ok(Some(Self { bytes, entries }))
    }

    /// How many readers there can be.
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// The entries in use.
    pub(crate) fn registered(&self) -> Vec<usize> {
        Registered::copied(&self.bytes, SHARED_AT + offset_of!(Shared, registered), self.entries)
    }

    /// What the reader of an entry holds.
    pub(crate) fn pins(&self, index: usize) -> PinsCopy {
        Pins::copied(&self.bytes, Self::entry_at(index).saturating_add(offset_of!(Entry, pins)))
    }

    /// The process id that the reader of an entry noted.
    pub(crate) fn pid(&self, index: usize) -> Option<u32> {
        Some(u32_at(&self.bytes, Self::entry_at(index).saturating_add(offset_of!(Entry, pid)))).filter(|&pid| pid != 0)
    }

    fn entry_at(index: usize) -> usize {
        ENTRIES_AT.saturating_add(index.saturating_mul(size_of::<Entry>()))
    }
}
