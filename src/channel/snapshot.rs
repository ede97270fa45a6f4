//! Board and reader table as they were at one moment, for reports.

use super::board::{Board, HOT_AT, SLOTS_AT};
use super::head::truncated;
use super::reader_table::{ENTRIES_AT, SHARED_AT, Table};
use crate::files::snapshot::Snapshot;
use crate::format::error::HeaderError;
use crate::format::file::{FileHeader, FileKind};
use ndsharray_protocol::channel::{Entry, Hot, MAX_SLOTS, Shared, Slot, SlotIndex};
use ndsharray_protocol::members::Members;

/// A whole board.
pub(crate) struct BoardSnapshot {
    words: Snapshot,
    pub(crate) head: FileHeader,
}

impl BoardSnapshot {
    /// Bytes of the longest board.
    pub(crate) fn longest() -> usize {
        Board::len_for(MAX_SLOTS)
    }

    /// Checks all bytes of a board, or its [`longest`](Self::longest) front.
    ///
    /// `None` while the board has no head.
    pub(crate) fn of(bytes: &[u8]) -> Result<Option<Self>, HeaderError> {
        if has_no_head(bytes) {
            return Ok(None);
        }
        let head = FileHeader::decode(FileKind::Board, bytes)?;
        let slots = head.slots as usize;
        check_len(bytes, Board::least_len(slots))?;
        // A slot that no writer has needed yet has no memory; it is as if it held zeros.
        let mut whole = bytes.to_vec();
        whole.resize(bytes.len().max(Board::len_for(slots)), 0);
        Ok(Some(Self { words: Snapshot::of(&whole), head }))
    }

    /// The line that every reader polls; `None` never, as the length has been checked.
    pub(crate) fn hot(&self) -> Option<&Hot> {
        self.words.at(HOT_AT)
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        self.words.slice(SLOTS_AT, self.head.slots as usize).unwrap_or_default()
    }

    /// Where a board has the line of [`hot`](Self::hot), and how long that is.
    pub(crate) const HOT: (u64, usize) = (HOT_AT as u64, size_of::<Hot>());

    /// Where a board has a slot, and how long that is. The slot's number comes first.
    pub(crate) fn slot(slot: SlotIndex) -> (u64, usize) {
        ((SLOTS_AT + slot.get() * size_of::<Slot>()) as u64, size_of::<Slot>())
    }
}

/// A whole reader table.
pub(crate) struct TableSnapshot {
    words: Snapshot,
    entries: usize,
}

impl TableSnapshot {
    /// Bytes of the longest table.
    pub(crate) fn longest() -> usize {
        Table::len_for(Members::MAX)
    }

    /// Checks all bytes of the table of `board`, or its [`longest`](Self::longest) front.
    ///
    /// `None` while the table has no head.
    pub(crate) fn of(bytes: &[u8], board: &FileHeader) -> Result<Option<Self>, HeaderError> {
        if has_no_head(bytes) {
            return Ok(None);
        }
        let head = FileHeader::decode(FileKind::Readers, bytes)?;
        if head.channel != board.channel {
            return Err(HeaderError::Stranger { expected: board.channel, found: head.channel });
        }
        let entries = head.readers as usize;
        check_len(bytes, Table::len_for(entries))?;
        Ok(Some(Self { words: Snapshot::of(bytes), entries }))
    }

    /// The entries of all readers; those in use are the [`members`](Self::members).
    pub(crate) fn entries(&self) -> &[Entry] {
        self.words.slice(ENTRIES_AT, self.entries).unwrap_or_default()
    }

    /// Which entries are in use, with their owners' words.
    pub(crate) fn members(&self) -> Vec<(usize, &Entry)> {
        let mut members = Vec::new();
        if let Some(shared) = self.words.at::<Shared>(SHARED_AT) {
            shared.registered.for_each(self.entries, |index| {
                members.extend(self.entries().get(index).map(|entry| (index, entry)));
            });
        }
        members
    }
}

fn has_no_head(bytes: &[u8]) -> bool {
    bytes.first_chunk::<8>().is_none_or(|magic| *magic == [0; 8])
}

fn check_len(bytes: &[u8], expected: usize) -> Result<(), HeaderError> {
    if bytes.len() < expected { Err(truncated(expected, bytes.len())) } else { Ok(()) }
}
