//! The board: what is current, and a header for each slot.
//!
//! The writer alone maps it for writing.

use super::head::{load_head, store_head, truncated};
use super::reader_table::Table;
use crate::error::{Error, Result};
use crate::files::mapping::{self, Mapping, Pages, mappable};
use crate::files::reserve::no_mapping;
use crate::format::file::{FileHeader, FileKind, HEAD_BYTES};
use crate::format::slot::{FRONT, RawHeader, TIME_WORD, WORDS};
use crate::sys::{self, Access, ByteRange, Identity};
use ndsharray_protocol::channel::{
    self, Claim, CloseSide, Entry, HEADER_WORDS, Hot, MAX_SLOTS, ReaderSide, Slot, SlotIndex, Standing, State, Terms,
    WriterSide,
};
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

static_assertions::const_assert_eq!(WORDS, HEADER_WORDS);

/// Access to a slot's words as a header.
///
/// The slot is pinned, claimed, or checked afterwards: see [`Slot`].
pub(crate) trait HeaderWords {
    /// Copies the header out.
    fn header(&self) -> RawHeader;

    /// The write time if the header is otherwise `known`, the length of attributes included.
    fn same_but_time(&self, known: &RawHeader) -> Option<u64>;

    /// Whether the header is `known` from start to end, but for the write time.
    fn has_front(&self, known: &[u64; FRONT]) -> bool;

    /// The write time, of whatever value is there: a hint, unless the slot is pinned.
    fn time(&self) -> u64;

    /// Writes a header into a claimed slot, for values of the writer with this `epoch`.
    fn set_header(&self, raw: &RawHeader, epoch: u64);

    /// Writes the time alone into a claimed slot whose other words stay.
    fn set_time(&self, written_ns: u64);
}

impl HeaderWords for Slot {
    fn header(&self) -> RawHeader {
        RawHeader::copy_out(|i| self.word(i), || self.attributes())
    }

    #[inline]
    fn same_but_time(&self, known: &RawHeader) -> Option<u64> {
        let mut words = known.words().iter().zip(self.words()).enumerate();
        let is_same = words.all(|(i, (known, word))| i == TIME_WORD || word == *known)
            && (!known.has_attributes() || self.attributes() == known.attributes());
        is_same.then(|| self.time())
    }

    #[inline]
    fn has_front(&self, known: &[u64; FRONT]) -> bool {
        let words = known.iter().zip(self.words()).enumerate().filter(|(i, _)| *i != TIME_WORD);
        // All of them, without a way out in between: they lie in one line.
        words.fold(0, |differs, (_, (known, word))| differs | (known ^ word)) == 0
    }

    #[inline]
    fn time(&self) -> u64 {
        self.word(TIME_WORD)
    }

    fn set_header(&self, raw: &RawHeader, epoch: u64) {
        self.set_words(raw.stored(), epoch);
        if raw.has_attributes() {
            self.set_attributes(raw.attributes());
        }
    }

    #[inline]
    fn set_time(&self, written_ns: u64) {
        self.set_word(TIME_WORD, written_ns);
    }
}

pub(super) const HOT_AT: usize = HEAD_BYTES;
pub(super) const SLOTS_AT: usize = HOT_AT + size_of::<Hot>();

static_assertions::const_assert_eq!(SLOTS_AT % align_of::<Slot>(), 0);
static_assertions::const_assert_eq!(HOT_AT % align_of::<Hot>(), 0);

/// A mapped board.
pub(crate) struct Board {
    mapping: Mapping,
    identity: Identity,
    slots: usize,
}

impl Board {
    /// The bytes whose lock makes a process the channel's writer.
    pub(crate) const LOCK: ByteRange = 0..HEAD_BYTES as u64;

    /// Bytes of a board with `slots` slots.
    pub(crate) fn len_for(slots: usize) -> usize {
        SLOTS_AT + slots * size_of::<Slot>()
    }

    /// Makes the board in an empty file whose lock the caller holds.
    ///
    /// [`finish`](Self::finish) writes its head, which makes it a board.
    pub(crate) fn create(file: &File, path: &Path, slots: usize) -> Result<Self> {
        let len = Self::len_for(slots);
        crate::files::reserve::reserve(file, path, len)?;
        let identity = sys::identify(file).map_err(|e| Error::io("inspect", path, e))?;
        let mapping = Mapping::new(file, len, Access::ReadWrite, Pages::NONE).map_err(|e| no_mapping(e, path, len))?;
        let board = Self { mapping, identity, slots };
        // A writer that died in the middle of this may have left anything below an unfinished head.
        board.words().iter().for_each(|word| word.store(0, Ordering::Relaxed));
        Ok(board)
    }

    /// Writes the head: from here on the file is a board, in state [`State::Starting`].
    pub(crate) fn finish(&self, head: &FileHeader) {
        store_head(self.words(), &head.encode(FileKind::Board));
    }

    /// Maps an existing board. `Ok(None)` while it has no head yet.
    pub(crate) fn open(
        file: &File,
        path: &Path,
        identity: Identity,
        access: Access,
    ) -> Result<Option<(Self, FileHeader)>> {
        let Some(found) = mappable(&identity, HEAD_BYTES)? else {
            return Ok(None);
        };
        // A board that another process has made longer does no harm: no more than a board can need
        // is mapped.
        let found = found.min(Self::len_for(MAX_SLOTS));
        let mapping = Mapping::new(file, found, access, Pages::NONE).map_err(|e| no_mapping(e, path, found))?;
        let mut board = Self { mapping, identity, slots: 0 };
        let Some(bytes) = load_head(board.words()) else {
            return Ok(None);
        };
        let head = FileHeader::decode(FileKind::Board, &bytes)?;
        let slots = head.slots as usize;
        let expected = Self::len_for(slots);
        if found < expected {
            return Err(truncated(expected, found).into());
        }
        board.slots = slots;
        Ok(Some((board, head)))
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn slot(&self, slot: SlotIndex) -> Option<&Slot> {
        self.slots().get(slot.get())
    }

    /// The slot that the writer of this board has claimed.
    ///
    /// It is there, as the writer chooses among the board's slots alone.
    #[allow(clippy::indexing_slicing, reason = "see above")]
    #[inline]
    pub(crate) fn claimed(&self, claim: &Claim) -> &Slot {
        &self.slots()[claim.slot().get()]
    }

    pub(crate) fn slot_count(&self) -> usize {
        self.slots
    }

    /// What readers may do with the board.
    #[inline]
    pub(crate) fn reader_side(&self) -> ReaderSide<'_, Slot> {
        ReaderSide { latest: &self.hot().latest, slots: self.slots() }
    }

    /// What the writer may do with the board, which it has mapped for writing.
    #[inline]
    pub(crate) fn writer_side<'a>(&'a self, table: &'a Table) -> WriterSide<'a, Slot, Entry> {
        WriterSide {
            latest: &self.hot().latest,
            slots: self.slots(),
            registered: table.registered(),
            entries: table.entries(),
        }
    }

    /// The words that show which readers a closed channel still stands for.
    pub(crate) fn close_side<'a>(&'a self, table: &'a Table) -> CloseSide<'a, Entry> {
        let Hot { standing, latest, .. } = self.hot();
        CloseSide { state: standing, latest, registered: table.registered(), entries: table.entries() }
    }

    #[inline]
    pub(crate) fn state(&self) -> State {
        self.standing().state()
    }

    /// State, and count of payload files that have been unlinked.
    #[inline]
    pub(crate) fn standing(&self) -> Standing {
        self.hot().standing.load()
    }

    /// As [`state`](Self::state), for a reader that has just registered.
    pub(crate) fn state_registered(&self) -> State {
        self.hot().standing.load_registered().state()
    }

    pub(crate) fn set_state(&self, state: State) {
        self.hot().standing.store(state);
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.hot().epoch()
    }

    /// What the writer keeps, and whether it waits for readers.
    pub(crate) fn terms(&self) -> Terms {
        self.hot().terms()
    }

    /// Stores the terms of a writer that is about to begin its epoch.
    pub(crate) fn set_terms(&self, terms: Terms) {
        self.hot().set_terms(terms);
    }

    /// Begins the epoch of a new writer.
    pub(crate) fn begin_epoch(&self) {
        self.hot().begin_epoch(std::process::id());
    }

    /// Sets the epoch and the number that the first writer of a new board follows.
    ///
    /// They stand on the board, as that writer may not live to publish.
    pub(crate) fn set_base(&self, epoch: u64, number: u64) {
        self.hot().set_base(epoch, number);
    }

    /// Moves the number that the first value is to follow, on a board without a value.
    pub(crate) fn move_base(&self, number: u64) {
        self.hot().move_base(number);
    }

    /// Begins a new board with the value `number` of the board that it replaces.
    pub(crate) fn begin_with(&self, number: u64, header: &RawHeader, epoch: u64) {
        let first = self.slots().first().zip(SlotIndex::new(0));
        if let Some((slot, index)) = first {
            slot.set_header(header, epoch);
            channel::begin_with(&self.hot().latest, &slot.seq, number, index);
        }
    }

    /// The number that the first value of this board follows.
    pub(crate) fn base(&self) -> u64 {
        self.hot().base()
    }

    /// The writer's process id as it noted it.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.hot().pid()
    }

    /// Notes that the writer, which has closed the channel, removed all that no slot names.
    pub(crate) fn forget_pid(&self) {
        self.hot().forget_pid();
    }

    /// The payload files that slots name, if no writer is at work.
    pub(crate) fn payloads(&self) -> Vec<Uuid> {
        self.slots().iter().map(|slot| slot.header().payload()).filter(|id| !id.is_nil()).collect()
    }

    /// Notes that a payload file has been unlinked.
    pub(crate) fn count_file_gone(&self) {
        self.hot().standing.count_file_gone();
    }

    #[inline]
    fn hot(&self) -> &Hot {
        // SAFETY: every constructor maps at least SLOTS_AT bytes before it hands out a board with
        // slots, and `create` and `open` call nothing but `words` before that; HOT_AT is a multiple
        // of Hot's alignment and the mapping starts at a page. Hot consists of atomics, so any
        // bytes are valid and other processes may change them. The reference lives no longer than
        // the mapping. Without write access only loads are made through it: stores happen in
        // `WriterSide` and the setters here, which only the writer calls.
        unsafe { &*self.mapping.as_ptr().wrapping_add(HOT_AT).cast::<Hot>() }
    }

    #[inline]
    fn slots(&self) -> &[Slot] {
        // SAFETY: the mapping has at least `len_for(self.slots)` bytes, as checked by the
        // constructors, SLOTS_AT is a multiple of Slot's alignment, and a Slot consists of atomics;
        // see `hot`.
        unsafe { core::slice::from_raw_parts(self.mapping.as_ptr().wrapping_add(SLOTS_AT).cast::<Slot>(), self.slots) }
    }

    /// All of it as words, for making the board and for copying its head.
    fn words(&self) -> &[AtomicU64] {
        mapping::words(&self.mapping)
    }
}
