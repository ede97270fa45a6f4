//! The reader table: which slots each reader holds.
//!
//! The writer and all readers that pin map it for writing.

use super::head::{load_head, store_head, truncated};
use crate::error::{Error, Result};
use crate::files::mapping::{self, Mapping, Pages, mappable};
use crate::files::reserve::no_mapping;
use crate::files::seats::Seats;
use crate::format::file::{FileHeader, FileKind, HEAD_BYTES};
use crate::sys::{self, Access, Identity, Sleepers, WaitSet};
use ndsharray_protocol::channel::{Entry, Gate, Pins, Shared};
use ndsharray_protocol::event_count::EventCount;
use ndsharray_protocol::members::Members;
use std::fs::File;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// In the head, whose last bytes are not part of it.
const GATE_AT: usize = HEAD_BYTES - size_of::<Gate>();

pub(super) const SHARED_AT: usize = HEAD_BYTES;
pub(super) const ENTRIES_AT: usize = SHARED_AT + size_of::<Shared>();

static_assertions::const_assert_eq!(ENTRIES_AT % align_of::<Entry>(), 0);
static_assertions::const_assert_eq!(GATE_AT % align_of::<Gate>(), 0);

/// Bytes of a table that have their memory from the start, if it needs as many.
///
/// That of further entries is set aside by the readers that take them.
const FIRST: usize = 4096;

/// A table and one of its entries, which its reader owns.
pub(crate) struct OwnEntry {
    table: Table,
    // Points to an entry of `table`, whose mapping stays where it is for as long as `table` lives.
    pins: NonNull<Pins>,
}

// SAFETY: the pointer leads into the mapping that `table`, which is Send, owns.
unsafe impl Send for OwnEntry {}
// SAFETY: shared references only give out a shared reference to atomics, which are Sync.
unsafe impl Sync for OwnEntry {}

impl OwnEntry {
    /// `None` when there is no such entry.
    pub(crate) fn new(table: Table, index: usize) -> Option<Self> {
        let pins = NonNull::from(table.entries().get(index)?.as_ref());
        Some(Self { table, pins })
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    #[inline]
    pub(crate) fn pins(&self) -> &Pins {
        // SAFETY: made from a reference into the mapping of `table`, which has neither moved nor
        // been dropped. Moving `table` moves the mapping's address, not the mapping. Pins are
        // atomics, so all access is shared.
        unsafe { self.pins.as_ref() }
    }
}

/// A mapped reader table.
pub(crate) struct Table {
    mapping: Mapping,
    identity: Identity,
    entries: usize,
}

impl Table {
    /// Sees to it that the memory of entry `index` is there, for the owner of its lock.
    ///
    /// No other process touches the entry before its owner has [registered](Pins::register).
    pub(crate) fn make_ready(file: &File, path: &Path, index: usize) -> Result<()> {
        let end = Self::len_for(index.saturating_add(1));
        if sys::MAPS_AHEAD && end > FIRST { crate::files::reserve::fill(file, path, end) } else { Ok(()) }
    }

    pub(super) fn len_for(entries: usize) -> usize {
        ENTRIES_AT + entries * size_of::<Entry>()
    }

    /// Makes the table in a new file.
    pub(crate) fn create(file: &File, path: &Path, head: &FileHeader) -> Result<Self> {
        let entries = head.readers as usize;
        let len = Self::len_for(entries);
        if sys::MAPS_AHEAD && len > FIRST {
            crate::files::reserve::reserve(file, path, FIRST)?;
            crate::files::reserve::lengthen(file, path, len)?;
        } else {
            crate::files::reserve::reserve(file, path, len)?;
        }
        let identity = sys::identify(file).map_err(|e| Error::io("inspect", path, e))?;
        let mapping = Mapping::new(file, len, Access::ReadWrite, Pages::NONE).map_err(|e| no_mapping(e, path, len))?;
        let table = Self { mapping, identity, entries };
        store_head(table.words(), &head.encode(FileKind::Readers));
        Ok(table)
    }

    /// Maps an existing table, which must belong to the channel of `board`.
    ///
    /// `Ok(None)` while it has no head yet.
    pub(crate) fn open(file: &File, path: &Path, identity: Identity, board: &FileHeader) -> Result<Option<Self>> {
        let Some(found) = mappable(&identity, HEAD_BYTES)? else {
            return Ok(None);
        };
        let found = found.min(Self::len_for(Members::MAX));
        let mapping =
            Mapping::new(file, found, Access::ReadWrite, Pages::NONE).map_err(|e| no_mapping(e, path, found))?;
        let mut table = Self { mapping, identity, entries: 0 };
        let Some(bytes) = load_head(table.words()) else {
            return Ok(None);
        };
        let head = FileHeader::decode(FileKind::Readers, &bytes)?;
        if head.channel != board.channel {
            return Err(
                crate::format::error::HeaderError::Stranger { expected: board.channel, found: head.channel }.into()
            );
        }
        let entries = head.readers as usize;
        let expected = Self::len_for(entries);
        if found < expected {
            return Err(truncated(expected, found).into());
        }
        table.entries = entries;
        Ok(Some(table))
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The seats that the entries are: a reader owns one by the kernel's lock on it.
    pub(crate) const SEATS: Seats = Seats::new(ENTRIES_AT, Members::MAX);

    /// The words for falling asleep and for waking.
    #[inline]
    pub(crate) fn event_count(&self) -> EventCount<'_> {
        self.shared().event_count()
    }

    /// Wakes all readers that sleep or are about to.
    ///
    /// They look at the board again.
    pub(crate) fn wake_all(&self) {
        let event = self.event_count();
        Sleepers::of(&self.identity).wake_all(event.wake, event.notify_always());
    }

    /// Sleeps while `wake` is `ticket`, at most `timeout`; may return for no reason.
    pub(crate) fn sleep(&self, ticket: u32, timeout: Duration) {
        Sleepers::of(&self.identity).sleep(self.event_count().wake, ticket, timeout);
    }

    /// Adds `wake` to the words that end a sleep when they are not their ticket any more.
    pub(crate) fn add_to(&self, set: &mut WaitSet, ticket: u32) {
        set.add(Sleepers::of(&self.identity), self.event_count().wake, ticket);
    }

    /// The words on which a writer sleeps that waits for lossless readers.
    #[inline]
    pub(crate) fn gate(&self) -> EventCount<'_> {
        // SAFETY: as for `shared`, which lies behind it in the same mapping. A Gate consists of
        // atomics; the words before it are read through `words` alone, as atomics too.
        let gate = unsafe { &*self.mapping.as_ptr().wrapping_add(GATE_AT).cast::<Gate>() };
        gate.event_count()
    }

    /// Wakes the writer at the gate, if it sleeps or is about to.
    #[cold]
    pub(crate) fn wake_writer(&self) {
        let gate = self.gate();
        if let Some(replaced) = gate.notify() {
            Sleepers::of(&self.identity).wake_all(gate.wake, replaced);
        }
    }

    /// Sleeps at the gate while its word is `ticket`, at most `timeout`.
    ///
    /// May return for no reason.
    pub(crate) fn sleep_at_gate(&self, ticket: u32, timeout: Duration) {
        Sleepers::of(&self.identity).sleep(self.gate().wake, ticket, timeout);
    }

    #[inline]
    pub(crate) fn registered(&self) -> &Members {
        &self.shared().registered
    }

    #[inline]
    fn shared(&self) -> &Shared {
        // SAFETY: `create` maps at least ENTRIES_AT bytes and `open` hands a table out only after
        // checking the same; before that only `words` is called. SHARED_AT is a multiple of the
        // alignment and the mapping starts at a page. Shared consists of atomics, valid whatever
        // other processes write. The mapping, for reading and writing, outlives the reference.
        unsafe { &*self.mapping.as_ptr().wrapping_add(SHARED_AT).cast::<Shared>() }
    }

    #[inline]
    pub(crate) fn entries(&self) -> &[Entry] {
        // SAFETY: the constructors have checked that `len_for(self.entries)` bytes are mapped;
        // ENTRIES_AT is a multiple of Entry's alignment; an Entry consists of atomics and padding;
        // see `shared`.
        unsafe {
            core::slice::from_raw_parts(self.mapping.as_ptr().wrapping_add(ENTRIES_AT).cast::<Entry>(), self.entries)
        }
    }

    /// The head as words.
    fn words(&self) -> &[AtomicU64] {
        mapping::words(&self.mapping, HEAD_BYTES)
    }
}
