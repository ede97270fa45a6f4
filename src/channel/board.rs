//! The board: what is current, and a header for each slot.
//!
//! The writer alone maps it for writing.

use super::head::{load_head, store_head, truncated};
use super::reader_table::Table;
use crate::error::Result;
use crate::failpoint::fail_point;
use crate::files::mapping::{self, Mapping, Pages, mappable};
use crate::files::reserve::no_mapping;
use crate::format::file::{FileHeader, FileKind, HEAD_BYTES};
use crate::format::slot::{FRONT, RawHeader, TIME_WORD, WORDS};
use crate::sys::{self, Access, ByteRange, Identity};
use ndsharray_protocol::channel::{
    self, Claim, CloseSide, Entry, HEADER_WORDS, Hot, MAX_SLOTS, ReaderSide, Slot, SlotIndex, Standing, State, Terms,
    WriterSide,
};
use std::cell::UnsafeCell;
use std::fs::File;
use std::path::{Path, PathBuf};
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

/// Bytes of a board that have their memory from the start, if it needs as many.
///
/// They are the least that the system gives, and have room for as many slots as small arrays take
/// turns in.
const FIRST: usize = 4096;

/// A mapped board.
///
/// The memory of most slots is set aside when a writer first needs them, and the file is as long as
/// the memory that it has. So no process touches memory that is not there: it goes by the length.
pub(crate) struct Board {
    mapping: Mapping,
    identity: Identity,
    /// As the head has it.
    slots: usize,
    /// The first of them, whose memory is there as far as this process knows.
    ///
    /// Stored to by the owner of the board, and by [`learn`](Self::learn).
    ready: UnsafeCell<usize>,
    /// The epoch as of which a reader has looked for the memory of all cells.
    cells_known: AtomicU64,
}

// SAFETY: all but `ready` is Sync. That is stored to through an exclusive reference, or by
// `learn`, whose caller keeps other threads from loading it meanwhile.
unsafe impl Sync for Board {}

/// Where the words have led a reader that did not find the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// To a slot whose memory is there, as the reader knows by now: it looks again.
    News,
    /// To what went with the channel's name.
    Gone,
    /// To what no writer leaves.
    Wrong,
}

impl Board {
    /// The bytes whose lock makes a process the channel's writer.
    pub(crate) const LOCK: ByteRange = 0..HEAD_BYTES as u64;

    /// Bytes of a board with `slots` slots.
    pub(crate) fn len_for(slots: usize) -> usize {
        SLOTS_AT + slots * size_of::<Slot>()
    }

    /// Bytes that a board with `slots` slots has at least.
    pub(super) fn least_len(slots: usize) -> usize {
        Self::len_for(slots).min(FIRST)
    }

    /// How many of `slots` slots lie within the first `len` bytes.
    fn slots_within(len: usize, slots: usize) -> usize {
        (len.saturating_sub(SLOTS_AT) / size_of::<Slot>()).min(slots)
    }

    /// Makes the board in an empty file, or in what a maker left that has died.
    ///
    /// The caller holds its lock. `identity` is what it was when the lock was taken. With `whole`
    /// all slots have their memory at once. [`finish`](Self::finish) writes the head, which makes
    /// it a board.
    pub(crate) fn create(file: &File, path: &Path, identity: Identity, slots: usize, whole: bool) -> Result<Self> {
        let whole_len = Self::len_for(slots);
        let found = usize::try_from(identity.len).unwrap_or(usize::MAX);
        let least = if whole || !sys::MAPS_AHEAD { whole_len } else { Self::least_len(slots) };
        let len = least.max(found.min(whole_len));
        crate::files::reserve::reserve(file, path, len)?;
        let mapped = if sys::MAPS_AHEAD { whole_len } else { len };
        let mapping =
            Mapping::new(file, mapped, Access::ReadWrite, Pages::NONE).map_err(|e| no_mapping(e, path, mapped))?;
        let mut board = Self { slots, ..Self::over(mapping, identity) };
        board.set_ready(len);
        if found != 0 {
            // A writer that died in the middle of this may have left anything below an unfinished
            // head.
            board.words(len).iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
        Ok(board)
    }

    /// Sets the memory of the slots up to `slot` aside, for the writer.
    ///
    /// `file` is the board's. A full file system is an error with its numbers, and nothing has
    /// changed.
    #[cold]
    pub(crate) fn make_ready(&mut self, file: &File, path: &Path, slot: SlotIndex) -> Result<()> {
        self.extend(file, path, Self::len_for(slot.get().saturating_add(1)))
    }

    /// As [`make_ready`](Self::make_ready), for all slots: a writer that keeps values has a cell in
    /// each.
    pub(crate) fn make_all_ready(&mut self, file: &File, path: &Path) -> Result<()> {
        self.extend(file, path, usize::MAX)
    }

    fn extend(&mut self, file: &File, path: &Path, len: usize) -> Result<()> {
        let ready = self.ready();
        let whole_len = Self::len_for(self.slots);
        let len = len.checked_next_multiple_of(FIRST).unwrap_or(whole_len).min(whole_len);
        if Self::slots_within(len, self.slots) <= ready {
            return Ok(());
        }
        crate::files::reserve::extend(file, path, len, len.saturating_sub(Self::len_for(ready)))?;
        fail_point!("board.extended");
        self.set_ready(len);
        Ok(())
    }

    /// A board of which nothing but the head is known to be there.
    fn over(mapping: Mapping, identity: Identity) -> Self {
        Self { mapping, identity, slots: 0, ready: UnsafeCell::new(0), cells_known: AtomicU64::new(0) }
    }

    /// Notes the slots that lie within the `len` bytes that the file has.
    fn set_ready(&mut self, len: usize) {
        *self.ready.get_mut() = Self::slots_within(len, self.slots);
    }

    /// Whether the memory of the slot is there, as far as this process knows.
    #[inline]
    pub(crate) fn is_ready(&self, slot: SlotIndex) -> bool {
        slot.get() < self.ready()
    }

    /// Asks the file whether the memory of a slot is there that the words have led to.
    ///
    /// For a reader whose look at the slot failed. `path` leads to the file, unless that has lost
    /// its name.
    ///
    /// # Safety
    ///
    /// No other thread uses the board's slots meanwhile. Its other words may be used.
    #[cold]
    pub(crate) unsafe fn look_for(&self, path: &Path, slot: SlotIndex) -> Lead {
        if self.is_ready(slot) || slot.get() >= self.slots {
            return Lead::Wrong;
        }
        // SAFETY: as this function's.
        match unsafe { self.learn(path) } {
            None => Lead::Gone,
            Some(()) if self.is_ready(slot) => Lead::News,
            Some(()) => Lead::Wrong,
        }
    }

    /// Learns how much memory the file has by now; `None` where it has lost its name.
    ///
    /// # Safety
    ///
    /// As [`look_for`](Self::look_for).
    #[cold]
    unsafe fn learn(&self, path: &Path) -> Option<()> {
        let found = sys::identify_path(path).ok().filter(|found| sys::same_file(found, &self.identity))?;
        // What the file gains shows in a mapping that reaches so far.
        let len = usize::try_from(found.len).unwrap_or(usize::MAX).min(self.mapping.len());
        let ready = Self::slots_within(len, self.slots).max(self.ready());
        // SAFETY: no other thread loads it or stores to it meanwhile, by the caller's word. Slices
        // that were made before stay as they are: the memory is never taken back.
        unsafe { *self.ready.get() = ready };
        Some(())
    }

    /// Sees to it that a reader knows of all cells that a writer may have stored.
    ///
    /// A writer that stores some has made all slots ready before its epoch began. So one look in
    /// each epoch does, by a reader that has loaded a `latest` of it before.
    ///
    /// # Safety
    ///
    /// As [`look_for`](Self::look_for).
    pub(crate) unsafe fn know_cells(&self, path: impl FnOnce() -> PathBuf) {
        if self.ready() < self.slots {
            let epoch = self.epoch();
            if self.cells_known.load(Ordering::Relaxed) != epoch {
                self.cells_known.store(epoch, Ordering::Relaxed);
                // SAFETY: as this function's.
                let _ = unsafe { self.learn(&path()) };
            }
        }
    }

    /// Writes the head: from here on the file is a board, in state [`State::Starting`].
    pub(crate) fn finish(&self, head: &FileHeader) {
        store_head(self.words(HEAD_BYTES), &head.encode(FileKind::Board));
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
        // is mapped. So much is mapped at once, as the writer may make it longer.
        let longest = Self::len_for(MAX_SLOTS);
        let mapped = if sys::MAPS_AHEAD { longest } else { found.min(longest) };
        let mapping = Mapping::new(file, mapped, access, Pages::NONE).map_err(|e| no_mapping(e, path, mapped))?;
        let mut board = Self::over(mapping, identity);
        let Some(bytes) = load_head(board.words(HEAD_BYTES)) else {
            return Ok(None);
        };
        let head = FileHeader::decode(FileKind::Board, &bytes)?;
        let slots = head.slots as usize;
        let expected = Self::least_len(slots);
        if found < expected {
            return Err(truncated(expected, found).into());
        }
        board.slots = slots;
        board.set_ready(found);
        Ok(Some((board, head)))
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A slot that is ready.
    pub(crate) fn slot(&self, slot: SlotIndex) -> Option<&Slot> {
        self.slots().get(slot.get())
    }

    /// The slot that the writer of this board has claimed.
    ///
    /// It is there, as the writer claims slots that it has made ready.
    #[allow(clippy::indexing_slicing, reason = "see above")]
    #[inline]
    pub(crate) fn claimed(&self, claim: &Claim) -> &Slot {
        &self.slots()[claim.slot().get()]
    }

    /// How many slots there can be.
    pub(crate) fn slot_count(&self) -> usize {
        self.slots
    }

    /// What readers may do with the board.
    #[inline]
    pub(crate) fn reader_side(&self) -> ReaderSide<'_, Slot> {
        ReaderSide { latest: &self.hot().latest, slots: self.slots(), count: self.slots }
    }

    /// The same without the slots: for steps that touch none, on any thread.
    #[inline]
    pub(crate) fn reader_side_of_words(&self) -> ReaderSide<'_, Slot> {
        ReaderSide { latest: &self.hot().latest, slots: &[], count: self.slots }
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

    /// How many slots have their memory, as far as this process knows.
    #[inline]
    fn ready(&self) -> usize {
        // SAFETY: no thread stores to it meanwhile: see `learn`, and an exclusive reference is none
        // of these.
        unsafe { *self.ready.get() }
    }

    /// The slots that are ready.
    #[inline]
    fn slots(&self) -> &[Slot] {
        let first = self.mapping.as_ptr().wrapping_add(SLOTS_AT).cast::<Slot>();
        // SAFETY: the mapping and the file have at least `len_for(self.ready())` bytes, as whatever
        // stores `ready` has checked; SLOTS_AT is a multiple of Slot's alignment, and a Slot
        // consists of atomics; see `hot`.
        unsafe { core::slice::from_raw_parts(first, self.ready()) }
    }

    /// Its first `len` bytes as words, for making the board and for copying its head.
    ///
    /// The file has as many.
    fn words(&self, len: usize) -> &[AtomicU64] {
        mapping::words(&self.mapping, len)
    }
}
