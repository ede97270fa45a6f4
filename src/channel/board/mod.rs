//! The board: what is current, and a header for each slot. Mapped for writing by the writer alone.

pub(crate) mod copy;

use super::reader_table::Table;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::mapping;
use crate::files::mapping::mappable;
use crate::files::mapping::{Mapping, Pages};
use crate::files::reserve::no_mapping;
use crate::format::error::HeaderError;
use crate::format::file::{FileHeader, FileKind, HEAD_BYTES};
use crate::format::slot::{FRONT, RawHeader, TIME_WORD, WORDS};
use crate::slots::{
    self, CloseSide, LatestWord, MAX_SLOTS, ReaderSide, SlotIndex, SlotSeq, Standing, State, StateWord, WriterSide,
};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::sys::{self, Access, ByteRange, Identity};
use std::fs::File;
use std::path::Path;
use uuid::Uuid;

/// The line that every reader polls.
#[repr(C, align(64))]
struct Hot {
    latest: LatestWord,
    _reserved_files: AtomicU64,
    /// Grows with each writer that takes the channel over; 1 is the first.
    epoch: AtomicU64,
    standing: StateWord,
    _reserved: AtomicU32,
    /// The writer's process id as it saw itself: a hint for people.
    pid: AtomicU32,
    _reserved_too: AtomicU32,
    /// Number that the first value of this board follows: not 0 on a board that replaces another.
    base: AtomicU64,
}

/// A slot: its number, then its header.
#[repr(C, align(64))]
pub(crate) struct Slot {
    seq: SlotSeq,
    header: [AtomicU64; WORDS],
    _reserved: [AtomicU32; 3],
    /// The epoch that the header was written in.
    epoch: AtomicU32,
}

impl AsRef<SlotSeq> for Slot {
    fn as_ref(&self) -> &SlotSeq {
        &self.seq
    }
}

impl Slot {
    /// Copies the header out. Relaxed: the slot protocol orders these words (pinned, or checked afterwards).
    pub(crate) fn header(&self) -> RawHeader {
        RawHeader::copy_out(|i| self.word(i))
    }

    /// Whether the header is `known`, but for the write time, which is returned.
    #[inline]
    pub(crate) fn same_but_time(&self, known: &RawHeader) -> Option<u64> {
        let same = known
            .words()
            .iter()
            .zip(&self.header)
            .enumerate()
            .all(|(i, (known, word))| i == TIME_WORD || word.load(Ordering::Relaxed) == *known);
        same.then(|| self.word(TIME_WORD))
    }

    /// Whether the header is the one that begins and ends with `known`, but for the write time.
    #[inline]
    pub(crate) fn has_front(&self, known: &[u64; FRONT]) -> bool {
        let words = known.iter().zip(&self.header).enumerate().filter(|(i, _)| *i != TIME_WORD);
        // All of them, without a way out in between: they lie in one line.
        words.fold(0, |differs, (_, (known, word))| differs | (known ^ word.load(Ordering::Relaxed))) == 0
    }

    /// The write time, of whatever value is there: a hint, unless the slot is pinned.
    #[inline]
    pub(crate) fn time(&self) -> u64 {
        self.word(TIME_WORD)
    }

    /// Writes a header into a claimed slot, for values of the writer with this `epoch`.
    pub(crate) fn set_header(&self, raw: &RawHeader, epoch: u64) {
        for (word, value) in self.header.iter().zip(raw.stored()) {
            word.store(*value, Ordering::Relaxed);
        }
        // Its low half is all that there is room for, and nobody restarts a channel that often.
        #[allow(clippy::cast_possible_truncation, reason = "see above")]
        self.epoch.store(epoch as u32, Ordering::Relaxed);
    }

    /// Which of the channel's writers wrote the header. Relaxed: as [`header`](Self::header).
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed).into()
    }

    /// Writes the time alone into a claimed slot whose other words stay.
    #[inline]
    pub(crate) fn set_time(&self, written_ns: u64) {
        if let Some(word) = self.header.get(TIME_WORD) {
            word.store(written_ns, Ordering::Relaxed);
        }
    }

    fn word(&self, index: usize) -> u64 {
        self.header.get(index).map_or(0, |word| word.load(Ordering::Relaxed))
    }
}

const HOT_AT: usize = HEAD_BYTES;
const SLOTS_AT: usize = HOT_AT + size_of::<Hot>();

static_assertions::const_assert_eq!(size_of::<Hot>(), 64);
static_assertions::const_assert_eq!(size_of::<Slot>(), 576);
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

    /// Makes the board in an empty file whose lock the caller holds. Its head, which makes it a board, is written by
    /// [`finish`](Self::finish).
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
        // A board that somebody has made longer is no harm; no more than a board can need is mapped.
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

    pub(crate) fn slot_count(&self) -> usize {
        self.slots
    }

    /// What readers may do with the board.
    #[inline]
    pub(crate) fn reader_side(&self) -> ReaderSide<'_, Slot> {
        ReaderSide { latest: &self.hot().latest, slots: self.slots() }
    }

    /// What the writer, who has mapped the board for writing, may do with it.
    #[inline]
    pub(crate) fn writer_side<'a>(&'a self, table: &'a Table) -> WriterSide<'a, Slot, super::reader_table::Entry> {
        WriterSide {
            latest: &self.hot().latest,
            slots: self.slots(),
            registered: table.registered(),
            entries: table.entries(),
        }
    }

    /// The words that tell for whom a closed channel still stands.
    pub(crate) fn close_side<'a>(&'a self, table: &'a Table) -> CloseSide<'a, super::reader_table::Entry> {
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
        // Acquire: pairs with `begin_epoch`.
        self.hot().epoch.load(Ordering::Acquire)
    }

    /// A new writer begins.
    pub(crate) fn begin_epoch(&self) {
        let hot = self.hot();
        // Relaxed: a hint.
        hot.pid.store(std::process::id(), Ordering::Relaxed);
        // Release: pairs with `epoch`. Only the holder of the writer's lock gets here, so load and store need not be one step.
        hot.epoch.store(self.epoch().wrapping_add(1), Ordering::Release);
    }

    /// The epoch and the number that the first writer of a new board follows. On the board, as that writer may not live to publish.
    pub(crate) fn set_base(&self, epoch: u64, number: u64) {
        // Relaxed: nobody reads a board without a head, and `store_head` publishes it.
        self.hot().epoch.store(epoch, Ordering::Relaxed);
        self.hot().base.store(number, Ordering::Relaxed);
    }

    /// Has a new board begin with the value `number` of the board that it replaces.
    pub(crate) fn begin_with(&self, number: u64, header: &RawHeader, epoch: u64) {
        let first = self.slots().first().zip(SlotIndex::new(0));
        if let Some((slot, index)) = first {
            slot.set_header(header, epoch);
            slots::begin_with(&self.hot().latest, &slot.seq, number, index);
        }
    }

    /// The number that the first value of this board follows.
    pub(crate) fn base(&self) -> u64 {
        // Relaxed: written before the head.
        self.hot().base.load(Ordering::Relaxed)
    }

    /// The writer's process id as it noted it.
    pub(crate) fn pid(&self) -> Option<u32> {
        // Acquire: pairs with `forget_pid`; otherwise a hint.
        let pid = self.hot().pid.load(Ordering::Acquire);
        (pid != 0).then_some(pid)
    }

    /// A writer that has closed the channel notes that it has given back all that no slot names.
    pub(crate) fn forget_pid(&self) {
        // Release: after all that was given back, for whoever clears up.
        self.hot().pid.store(0, Ordering::Release);
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
        // SAFETY: every constructor maps at least SLOTS_AT bytes before it hands out a board with slots, and `create` and `open` call
        // nothing but `words` before that; HOT_AT is a multiple of Hot's alignment and the mapping starts at a page. Hot
        // consists of atomics, so any bytes are valid and other processes may change them. The reference lives no longer than
        // the mapping. Without write access only loads are made through it: stores happen in `WriterSide` and the setters here,
        // which only the writer calls.
        unsafe { &*self.mapping.as_ptr().wrapping_add(HOT_AT).cast::<Hot>() }
    }

    #[inline]
    fn slots(&self) -> &[Slot] {
        // SAFETY: the mapping has at least `len_for(self.slots)` bytes, as checked by the constructors, SLOTS_AT is a multiple of
        // Slot's alignment, and a Slot consists of atomics; see `hot`.
        unsafe { core::slice::from_raw_parts(self.mapping.as_ptr().wrapping_add(SLOTS_AT).cast::<Slot>(), self.slots) }
    }

    /// All of it as words, for making the board and for copying its head.
    fn words(&self) -> &[AtomicU64] {
        mapping::words(&self.mapping)
    }
}

/// Copies a head out of the first words of a file; `None` while the magic is not there.
pub(super) fn load_head(words: &[AtomicU64]) -> Option<[u8; HEAD_BYTES]> {
    let mut head = [0; HEAD_BYTES / 8];
    for (i, (copy, word)) in head.iter_mut().zip(words).enumerate() {
        // Acquire on the magic: pairs with `store_head`, so the rest of the head and file is there when the magic is.
        let ordering = if i == 0 { Ordering::Acquire } else { Ordering::Relaxed };
        *copy = word.load(ordering);
        if i == 0 && *copy == 0 {
            return None;
        }
    }
    Some(bytemuck::cast(head))
}

/// Writes a head, the magic last.
pub(super) fn store_head(words: &[AtomicU64], head: &[u8; HEAD_BYTES]) {
    let (chunks, _) = head.as_chunks::<8>();
    for (i, (word, bytes)) in words.iter().zip(chunks).enumerate().rev() {
        // Release on the magic: pairs with `load_head`.
        let ordering = if i == 0 { Ordering::Release } else { Ordering::Relaxed };
        if i == 0 {
            fail_point!("head.body");
        }
        word.store(u64::from_ne_bytes(*bytes), ordering);
    }
}

pub(super) fn truncated(expected: usize, found: usize) -> HeaderError {
    HeaderError::Truncated { expected: expected as u64, found: found as u64 }
}
