//! A board as bytes that the kernel copied out of its file, for observers.
//!
//! Nothing is mapped, so a file that is cut meanwhile does no harm.

use super::{Board, HOT_AT, SLOTS_AT};
use crate::channel::head::truncated;
use crate::format::error::HeaderError;
use crate::format::file::{FileHeader, FileKind};
use crate::format::slot::RawHeader;
use ndsharray_protocol::channel::{Hot, HotCopy, Latest, MAX_SLOTS, Slot, SlotIndex, State};

/// A copy of a whole board.
pub(crate) struct BoardCopy {
    bytes: Vec<u8>,
    pub(crate) head: FileHeader,
}

/// A copy of a slot: its number, and its header as the bytes have it.
pub(crate) struct SlotCopy {
    pub(crate) seq: u64,
    pub(crate) header: RawHeader,
}

impl BoardCopy {
    /// Bytes of the longest board.
    pub(crate) fn longest() -> usize {
        Board::len_for(MAX_SLOTS)
    }

    /// Checks a copy of all bytes of a board, or of its [`longest`](Self::longest) front; `None`
    /// while it has no head.
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Option<Self>, HeaderError> {
        if bytes.first_chunk::<8>().is_none_or(|magic| *magic == [0; 8]) {
            return Ok(None);
        }
        let head = FileHeader::decode(FileKind::Board, &bytes)?;
        let expected = Board::len_for(head.slots as usize);
        if bytes.len() < expected {
            return Err(truncated(expected, bytes.len()));
        }
        Ok(Some(Self { bytes, head }))
    }

    pub(crate) fn slot_count(&self) -> usize {
        self.head.slots as usize
    }

    pub(crate) fn latest(&self) -> Latest {
        self.hot().latest
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.hot().epoch
    }

    pub(crate) fn state(&self) -> State {
        self.hot().state
    }

    /// The writer's process id as it noted it.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.hot().pid
    }

    fn hot(&self) -> HotCopy {
        Hot::copied(&self.bytes, HOT_AT)
    }

    pub(crate) fn slot(&self, slot: SlotIndex) -> SlotCopy {
        let at = Self::slot_at(slot);
        SlotCopy::new(self.bytes.get(at..at + size_of::<Slot>()).unwrap_or_default())
    }

    /// Where a board has its `latest` word.
    pub(crate) fn latest_at() -> usize {
        HOT_AT + Hot::LATEST_AT
    }

    /// Where a board has a slot; the slot's number comes first.
    pub(crate) fn slot_at(slot: SlotIndex) -> usize {
        SLOTS_AT + slot.get() * size_of::<Slot>()
    }
}

impl SlotCopy {
    /// Bytes of a slot.
    pub(crate) const BYTES: usize = size_of::<Slot>();

    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { seq: Slot::copied_seq(bytes), header: RawHeader::copy_out(|i| Slot::copied_word(bytes, i)) }
    }
}
