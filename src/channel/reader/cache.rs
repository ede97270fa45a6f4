//! What a reader remembers of each slot: the decoded header and the mapped payload.
//!
//! It is valid as long as the board says the same.

use super::open_files::OpenFiles;
use crate::channel::board::{Board, HeaderWords};
use crate::channel::payload::ReadPayload;
use crate::channel::record_types::ReadTypes;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::known::KnownRecord;
use crate::error::{Error, Result};
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::format::error::HeaderError;
use crate::format::slot::{FRONT, RawHeader, SlotHeader};
use crate::format::tail::Tail;
use ndsharray_protocol::channel::{Latest, Slot, SlotIndex, Standing};
use std::sync::Arc;
use uuid::Uuid;

/// An array's description.
pub(crate) struct Array {
    /// What its elements consist of, if they are records.
    pub(crate) record: Option<KnownRecord>,
    pub(crate) element: ElementType,
    pub(crate) shape: Vec<usize>,
    pub(crate) byte_len: usize,
    /// What stands behind the elements: known with the header, and the same for all of its values.
    pub(crate) tail: Tail,
    raw: RawHeader,
}

/// A slot's value as last seen.
pub(crate) struct Cached {
    /// Sequence number of the value that `array` and `written_ns` belong to.
    number: u64,
    pub(crate) written_ns: u64,
    /// The epoch of the value's writer. Known with the header, as each has payload files of its
    /// own.
    pub(crate) epoch: u64,
    // Also in `array`, but one load nearer: these stand on the way to every element.
    pub(crate) dtype: DType,
    pub(crate) byte_len: usize,
    pub(crate) payload: Arc<ReadPayload>,
    pub(crate) array: Arc<Array>,
    /// The header, if it is that short: compared with every new value's.
    front: Option<[u64; FRONT]>,
}

/// Where payload files are found.
pub(crate) struct Source<'a> {
    pub(crate) location: &'a Location,
    pub(crate) owners: Owners,
    /// Those that copies have been made from.
    pub(crate) files: &'a OpenFiles,
    /// The lineage of the channel, and what is known of its records.
    pub(crate) lineage: Uuid,
    pub(crate) types: &'a mut ReadTypes,
}

/// One [`Cached`] for each slot that this reader has come across.
pub(crate) struct Cache {
    slots: Vec<Option<Cached>>,
    /// As of when the mappings of files that have gone were dropped.
    files: Standing,
    /// Bytes of the largest value that is accepted.
    max_value: usize,
}

impl Cache {
    pub(crate) fn new(slots: usize, max_value: usize) -> Self {
        Self { slots: std::iter::repeat_with(|| None).take(slots).collect(), files: Standing::UNKNOWN, max_value }
    }

    /// What was last resolved for a slot.
    #[inline]
    pub(crate) fn get(&self, slot: SlotIndex) -> Option<&Cached> {
        self.slots.get(slot.get()).and_then(Option::as_ref)
    }

    /// Whether the last resolved value of the slot is the one that `latest` names.
    #[inline]
    pub(crate) fn is_fresh(&self, latest: Latest) -> bool {
        self.get(latest.slot()).is_some_and(|cached| cached.number == latest.number())
    }

    /// Whether what is known of the slot holds for its new value too.
    ///
    /// `latest` names the slot, and the caller has pinned it. It holds when arrays of one kind
    /// follow each other. If not, [`resolve`](Self::resolve) finds out.
    #[inline]
    pub(crate) fn renew(&mut self, board: &Board, latest: Latest) -> bool {
        if let Some(Some(known)) = self.slots.get_mut(latest.slot().get())
            && let Some(front) = &known.front
            && let Some(slot) = board.slot(latest.slot())
            && slot.has_front(front)
            && board.standing().has_same_files(self.files)
        {
            known.number = latest.number();
            known.written_ns = slot.time();
            return true;
        }
        false
    }

    /// Finds out what the slot holds that `latest` names and the caller has pinned.
    pub(crate) fn resolve(&mut self, board: &Board, latest: Latest, from: &mut Source<'_>) -> Result<()> {
        let broken = || HeaderError::Slot { number: latest.number(), slot: latest.slot().get() };
        self.forget_gone(board);
        let slot = board.slot(latest.slot()).ok_or_else(broken)?;
        let place = self.slots.get_mut(latest.slot().get()).ok_or_else(broken)?;
        let mut read =
            |known: Option<&Arc<ReadPayload>>| Cached::read(slot, latest.number(), known, from, self.max_value);
        if let Some(known) = place {
            if known.number != latest.number() {
                match slot.same_but_time(&known.array.raw) {
                    Some(written_ns) => {
                        known.number = latest.number();
                        known.written_ns = written_ns;
                    }
                    None => *known = read(Some(&known.payload))?,
                }
            }
        } else {
            *place = Some(read(None)?);
        }
        Ok(())
    }

    /// Drops the mappings of payload files that the writer has unlinked, to free their memory.
    #[inline]
    pub(crate) fn forget_gone(&mut self, board: &Board) {
        let now = board.standing();
        if !now.has_same_files(self.files) {
            self.files = now;
            self.forget_others(board);
        }
    }

    #[cold]
    fn forget_others(&mut self, board: &Board) {
        for (index, place) in self.slots.iter_mut().enumerate() {
            // The header may be half written; then the file is merely mapped again when needed.
            let named = SlotIndex::new(index).and_then(|slot| board.slot(slot)).map(|slot| slot.header().payload());
            if let Some(cached) = place
                && named != Some(cached.payload.id())
            {
                *place = None;
            }
        }
    }
}

/// Refuses a value that is larger than its reader accepts.
pub(super) fn check_size(header: &SlotHeader, max: usize) -> Result<()> {
    let found = header.byte_len;
    if found <= max { Ok(()) } else { Err(Error::ValueTooLarge { found, max }) }
}

impl Cached {
    fn read(
        slot: &Slot,
        number: u64,
        before: Option<&Arc<ReadPayload>>,
        from: &mut Source<'_>,
        max_value: usize,
    ) -> Result<Self> {
        let raw = slot.header();
        let header = raw.decode()?;
        check_size(&header, max_value)?;
        let needed = header.tail.end(header.byte_len);
        let payload = match before {
            Some(known) if known.id() == header.payload && known.len() >= needed => Arc::clone(known),
            _ => {
                let open = from.files.find(header.payload);
                Arc::new(ReadPayload::open(from.location, header.payload, needed, from.owners, open)?)
            }
        };
        let record = from.types.of(from.location, from.owners, from.lineage, header.element)?.map(KnownRecord::new);
        let (element, byte_len) = (header.element.with_description(0), header.byte_len);
        let front = raw.front().copied();
        let array = Arc::new(Array { record, element, shape: header.shape, byte_len, tail: header.tail, raw });
        let epoch = slot.epoch();
        Ok(Self {
            number,
            written_ns: header.written_ns,
            epoch,
            dtype: element.dtype(),
            byte_len,
            payload,
            array,
            front,
        })
    }
}
