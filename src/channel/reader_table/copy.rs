//! A reader table as bytes that the kernel copied out of its file, for observers.

use super::{ENTRIES_AT, SHARED_AT, Table};
use crate::channel::head::truncated;
use crate::format::error::HeaderError;
use crate::format::file::{FileHeader, FileKind};
use ndsharray_protocol::channel::{Entry, PinsCopy, Shared};
use ndsharray_protocol::members::Members;

/// A copy of a whole reader table.
pub(crate) struct TableCopy {
    bytes: Vec<u8>,
    entries: usize,
}

impl TableCopy {
    /// Bytes of the longest table.
    pub(crate) fn longest() -> usize {
        Table::len_for(Members::MAX)
    }

    /// Checks a copy of all bytes of the table that belongs to `board`, or of its
    /// [`longest`](Self::longest) front; `None` while it has no head.
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
        Shared::copied(&self.bytes, SHARED_AT, self.entries)
    }

    /// What the reader of an entry holds.
    pub(crate) fn pins(&self, index: usize) -> PinsCopy {
        Entry::copied_pins(&self.bytes, Self::entry_at(index))
    }

    /// The process id that the reader of an entry noted.
    pub(crate) fn pid(&self, index: usize) -> Option<u32> {
        Entry::copied_pid(&self.bytes, Self::entry_at(index))
    }

    fn entry_at(index: usize) -> usize {
        ENTRIES_AT.saturating_add(index.saturating_mul(size_of::<Entry>()))
    }
}
