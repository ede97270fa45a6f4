//! One reader's part in a channel.
//!
//! The mapped board, and, unless it only copies, an entry in the reader table.

use super::look::Known;
use crate::channel::board::{Board, Lead};
use crate::channel::reader_table::{OwnEntry, Table};
use crate::channel::remains::ClosedFiles;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::files::seats::Seat;
use crate::files::trusted::{open_table_file, open_trusted};
use crate::format::error::HeaderError;
use crate::sys::{self, Access, Home, LockedFile, ShortWay, Sweeper, range_lock};
use ndsharray_protocol::channel::{KeptPins, Latest, OlderPin, PinAttempt, Pins, SlotIndex, State};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use uuid::Uuid;

/// Attempts to find a channel's files in one piece while its writer changes.
const ATTEMPTS: u32 = 100;

/// Whether a reader pins what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Registers in the reader table, which needs write permission.
    Pinning,
    /// Copies only; needs no write permission.
    CopyOnly,
}

/// How a reader attaches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) mode: Mode,
    /// Whether the writer is to wait for it.
    pub(crate) lossless: bool,
    /// Whether it begins with the oldest value that stands, instead of the current one.
    pub(crate) from_oldest: bool,
}

/// A reader's place in a channel.
///
/// It is given up when the reader and all of its owned samples are gone.
pub(crate) struct Attachment {
    location: Location,
    owners: Owners,
    board: Board,
    lineage: Uuid,
    place: Place,
    home: Home,
    /// For a reader that has no wakers.
    short_way: ShortWay,
    /// The entry, for an ordinary reader that need not be told of its own reads; else null.
    quick_pins: AtomicPtr<Pins>,
    /// Comes after the mappings.
    _sweeper: Sweeper,
}

/// A reader's entry in the reader table, if it has one.
enum Place {
    /// It only copies.
    None,
    Ordinary(OwnSeat),
    /// The writer waits for it, or the writer before did.
    Lossless(OwnSeat),
}

impl Place {
    #[inline]
    fn seat(&self) -> Option<&OwnSeat> {
        match self {
            Self::None => None,
            Self::Ordinary(seat) | Self::Lossless(seat) => Some(seat),
        }
    }
}

/// An entry of the reader table, owned through the kernel's lock on it.
struct OwnSeat {
    entry: OwnEntry,
    /// Holds the lock on the entry.
    file: LockedFile,
    index: usize,
    kept: KeptPins,
}

impl Attachment {
    pub(crate) fn new(location: &Location, owners: Owners, request: Request) -> Result<Self> {
        if request.lossless && request.mode == Mode::CopyOnly {
            return Err(Error::Unsupported { what: "a lossless reader without write permission" });
        }
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match Self::try_new(location, owners, request)? {
                Found::Attached(attachment) => return Ok(attachment),
                // The files are being exchanged by a new writer, or are damaged: a few more looks
                // will show.
                Found::InPieces(error) => last = Some(error),
            }
            std::thread::yield_now();
        }
        Err(last.unwrap_or(Error::Contended { attempts: ATTEMPTS }))
    }

    fn try_new(location: &Location, owners: Owners, request: Request) -> Result<Found> {
        let path = location.board();
        let not_found = || Error::not_found(path.clone());
        let home = Home::here();
        let sweeper = Sweeper::of(location.dir());
        let (file, identity) = open_trusted(&path, Access::Read, owners)?;
        let Some((board, head)) = Board::open(&file, &path, identity, Access::Read)? else {
            return Err(not_found());
        };
        if !board.state().takes_readers() {
            return Err(not_found());
        }
        let lineage = head.lineage;
        let attach = |board, place: Place| {
            let location = location.clone();
            let short_way = ShortWay::new(&home);
            let quick_pins = AtomicPtr::new(match &place {
                Place::Ordinary(seat) => seat.pins_ptr(),
                Place::None | Place::Lossless(_) => ptr::null_mut(),
            });
            Self { location, owners, board, lineage, place, home, short_way, quick_pins, _sweeper: sweeper }
        };
        if request.lossless && !board.terms().waits {
            return Err(Error::LosslessRefused { name: location.name().to_owned() });
        }
        if request.mode == Mode::CopyOnly {
            return Ok(Found::Attached(attach(board, Place::None)));
        }
        let readers = location.readers();
        let (file, identity) = match open_table_file(&readers, Access::ReadWrite, owners) {
            Err(error @ Error::NotFound { .. }) => return Ok(Found::InPieces(error)),
            other => other?,
        };
        let table = match Table::open(&file, &readers, identity, &head) {
            Ok(Some(table)) => table,
            Ok(None) => return Ok(Found::InPieces(Error::not_found(readers))),
            Err(error @ Error::Corrupt(HeaderError::Stranger { .. })) => return Ok(Found::InPieces(error)),
            Err(other) => return Err(other),
        };
        let is_closed = || !board.state().takes_readers();
        let first = request.lossless.then(|| {
            let latest = board.reader_side().latest();
            // SAFETY: it is this function's alone.
            unsafe { board.know_cells(|| path.clone()) };
            before_first(&board, latest, request.from_oldest)
        });
        let place = match OwnSeat::take(table, LockedFile::new(file), &readers, first)? {
            Ok(place) => place,
            // No seat, because a remover has locked all of them.
            Err(seat) if seat == Seat::LockedOut || is_closed() => return Ok(Found::InPieces(not_found())),
            Err(_) => return Err(Error::TooManyReaders { max: head.readers as usize }),
        };
        fail_point!("attach.placed");
        let place = if request.lossless { Place::Lossless(place) } else { Place::Ordinary(place) };
        let attached = attach(board, place);
        if !attached.board.state_registered().takes_readers() {
            // A writer that has just closed may have left its files for this reader.
            attached.leave();
            return Ok(Found::InPieces(not_found()));
        }
        Ok(Found::Attached(attached))
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// The number before the first value for this reader, which has just attached.
    pub(crate) fn before_first(&mut self, from_oldest: bool) -> u64 {
        let latest = self.board.reader_side().latest_registered();
        if from_oldest {
            // SAFETY: it is this function's alone.
            unsafe { self.know_cells() };
        }
        before_first(&self.board, latest, from_oldest)
    }

    /// Looks for a slot that the board's words have led to, in vain so far.
    ///
    /// # Safety
    ///
    /// No other thread uses the board's slots meanwhile. So it is for the holder of an exclusive
    /// reference to the reader: samples, wakers and watchers, which share the attachment with it,
    /// use the board's other words and the reader table.
    pub(crate) unsafe fn look_for(&self, slot: SlotIndex) -> Lead {
        // SAFETY: as this function's.
        unsafe { self.board.look_for(&self.location.board(), slot) }
    }

    /// Sees to it that cells which lead to older values can be looked at.
    ///
    /// For a reader that has loaded `latest` before.
    ///
    /// # Safety
    ///
    /// As [`look_for`](Self::look_for).
    #[inline]
    pub(crate) unsafe fn know_cells(&self) {
        // SAFETY: as this function's.
        unsafe { self.board.know_cells(|| self.location.board()) };
    }

    /// Whether this channel goes on with the numbers of `other`.
    pub(crate) fn continues(&self, other: &Self) -> bool {
        self.lineage == other.lineage
    }

    /// The owner of these numbers: the lineage, which no other channel ever has.
    pub(crate) fn lineage(&self) -> Uuid {
        self.lineage
    }

    /// Whether the name leads to another board by now.
    pub(crate) fn has_moved(&self) -> bool {
        let named = sys::identify_path(&self.location.board());
        named.is_ok_and(|named| !sys::same_file(&named, self.board.identity()))
    }

    /// Marks this reader as one that reads no more.
    ///
    /// Removes what a closed channel has left if it was left for this reader alone. Owned samples
    /// may go on holding what they hold.
    pub(crate) fn leave(&self) {
        if self.own_pins().is_some() {
            self.tell(u64::MAX);
            self.clear_up();
        }
    }

    /// Removes what a closed channel has left if no living reader is behind any more.
    ///
    /// Not in a forked child: the place is its parent's.
    pub(crate) fn clear_up(&self) {
        if let (Some(place), Some(_)) = (self.place.seat(), self.own_pins()) {
            let (board, table) = (&self.board, place.entry.table());
            ClosedFiles::new(&self.location, self.owners, board, table, &place.file).clear_up();
        }
    }

    /// Fails in a forked child: its parent owns the entry.
    #[inline]
    pub(crate) fn check_process(&self) -> Result<()> {
        if self.home.is_here() { Ok(()) } else { Err(Error::Forked) }
    }

    /// Whether this is the reader's process, and nothing asks for the longer way.
    #[inline]
    pub(crate) fn is_way_short(&self) -> bool {
        self.short_way.is_open()
    }

    /// Has [`is_way_short`](Self::is_way_short) say no from now on.
    pub(crate) fn take_longer_way(&self) {
        self.short_way.bar();
    }

    #[inline]
    pub(crate) fn latest(&self) -> Latest {
        self.board.reader_side_of_words().latest()
    }

    /// Whether the board differs from what a look has found.
    ///
    /// For a reader that has announced itself, as the handshake wants. Standing and epoch are
    /// covered too, since a writer that changes them changes `wake` afterwards.
    pub(super) fn differs(&self, seen: Latest, known: Known) -> bool {
        self.board.reader_side_of_words().latest_before_sleep() != seen
            || (self.board.standing(), self.board.epoch()) != (known.standing, known.epoch)
    }

    /// Tries to pin what `latest` names.
    #[inline]
    pub(crate) fn try_pin(&self, latest: Latest) -> Result<PinAttempt> {
        self.check_process()?;
        match self.pins() {
            Some(pins) => Ok(self.board.reader_side().try_pin(pins, latest)),
            None => Err(Error::Unsupported { what: "views through a reader without write permission" }),
        }
    }

    /// Tries to pin an older value, where a cell has led to.
    #[inline]
    pub(crate) fn try_pin_older(&self, at: Latest) -> Result<OlderPin> {
        self.check_process()?;
        match self.pins() {
            Some(pins) => Ok(self.board.reader_side().try_pin_older(pins, at)),
            None => Err(Error::Unsupported { what: "views through a reader without write permission" }),
        }
    }

    /// Releases what [`try_pin`](Self::try_pin) pinned.
    #[inline]
    pub(crate) fn unpin(&self) {
        if let Some(pins) = self.own_pins() {
            self.board.reader_side_of_words().unpin(pins);
        }
    }

    /// Notes for the writer which value this reader has come to.
    ///
    /// Returns whether that is all there is to do; see [`watch_reads`](Self::watch_reads).
    #[inline]
    pub(crate) fn tell(&self, number: u64) -> bool {
        // Relaxed: the party that changes it has the reader, and gives it to its next user.
        let pins = self.quick_pins.load(Ordering::Relaxed);
        // SAFETY: null, or made by `new` from the entry that `place` owns. Its mapping stays where
        // it is for as long as this attachment lives, and consists of atomics.
        if let Some(pins) = unsafe { pins.as_ref() } {
            self.board.reader_side_of_words().tell(pins, number);
            return true;
        }
        self.tell_slowly(number);
        false
    }

    #[cold]
    fn tell_slowly(&self, number: u64) {
        match &self.place {
            Place::Ordinary(seat) => self.board.reader_side_of_words().tell(seat.entry.pins(), number),
            Place::None => {}
            Place::Lossless(seat) => self.tell_waiting(seat, number),
        }
    }

    /// As [`tell`](Self::tell), for a reader that the writer may be waiting for: wakes it.
    fn tell_waiting(&self, seat: &OwnSeat, number: u64) {
        if !self.home.is_here() {
            return;
        }
        let (side, pins, table) = (self.board.reader_side_of_words(), seat.entry.pins(), seat.entry.table());
        if !pins.seen().is_lossless() {
            side.tell(pins, number);
        } else if side.tell_lossless(pins, number, &table.gate()) {
            table.wake_writer();
        }
    }

    /// Makes a lossless reader that has come to value `number` an ordinary one.
    pub(crate) fn give_up_lossless(&self, number: u64) {
        if let (Some(place), Some(pins)) = (self.place.seat(), self.own_pins()) {
            pins.give_up_lossless(number);
            place.entry.table().wake_writer();
        }
    }

    /// Has [`tell`](Self::tell) say from now on that there is more to do after a read.
    #[cfg(feature = "async")]
    pub(crate) fn watch_reads(&self) {
        self.quick_pins.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// Adds an owner of the slot that is pinned now; to be followed by [`unpin`](Self::unpin).
    pub(crate) fn keep(&self, slot: SlotIndex) {
        if let (Some(place), Some(pins)) = (self.place.seat(), self.own_pins()) {
            place.kept.keep(pins, slot);
        }
    }

    /// Takes away an owner of the slot.
    pub(crate) fn release(&self, slot: SlotIndex) {
        if let (Some(place), Some(pins)) = (self.place.seat(), self.own_pins()) {
            place.kept.release(pins, slot);
        }
    }

    /// The reader table, to sleep on; `None` without write permission.
    pub(crate) fn table(&self) -> Option<&Table> {
        Some(self.place.seat()?.entry.table())
    }

    /// Whether the writer's lock on the board is held.
    ///
    /// Not so in any state but open, nor when the name has gone to another board.
    pub(crate) fn is_writer_alive(&self, location: &Location, owners: Owners) -> bool {
        self.board.state() == State::Open
            && open_trusted(&location.board(), Access::Read, owners).is_ok_and(|(file, identity)| {
                sys::same_file(&identity, self.board.identity())
                    && range_lock::is_locked(&file, &Board::LOCK).unwrap_or(false)
            })
    }

    /// Whether the kernel says that the writer has died: its lock is free, and the channel open.
    ///
    /// Not so where the name does not lead to this board, as the lock cannot be asked for then.
    pub(crate) fn is_writer_dead(&self, location: &Location, owners: Owners) -> bool {
        let is_free = || {
            open_trusted(&location.board(), Access::Read, owners).is_ok_and(|(file, identity)| {
                sys::same_file(&identity, self.board.identity())
                    && range_lock::is_locked(&file, &Board::LOCK).is_ok_and(|locked| !locked)
            })
        };
        // In this order: a writer that closes stores the state before it gives up its lock.
        self.board.state() == State::Open && is_free() && self.board.state() == State::Open
    }

    /// [`is_writer_dead`](Self::is_writer_dead), where this reader found the channel.
    #[cfg(feature = "async")]
    pub(crate) fn has_dead_writer(&self) -> bool {
        self.is_writer_dead(&self.location, self.owners)
    }

    #[inline]
    fn pins(&self) -> Option<&Pins> {
        self.place.seat().map(|seat| seat.entry.pins())
    }

    /// The pins, unless they belong to the parent of this process.
    #[inline]
    fn own_pins(&self) -> Option<&Pins> {
        self.pins().filter(|_| self.home.is_here())
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let (Some(place), Some(pins)) = (self.place.seat(), self.own_pins()) {
            let table = place.entry.table();
            pins.deregister(table.registered(), place.index);
            table.wake_writer();
            fail_point!("detach.removed");
        }
    }
}

/// The number before the current value, or before the oldest that stands.
///
/// Without a value, the one that the board's first is to follow.
fn before_first(board: &Board, latest: Latest, from_oldest: bool) -> u64 {
    if latest.is_none() {
        return board.base();
    }
    let first = if from_oldest { board.reader_side().oldest(latest) } else { latest.number() };
    first.saturating_sub(1)
}

#[allow(clippy::large_enum_variant, reason = "lives for one match")]
enum Found {
    Attached(Attachment),
    InPieces(Error),
}

impl OwnSeat {
    /// Where its entry lies.
    fn pins_ptr(&self) -> *mut Pins {
        ptr::from_ref(self.entry.pins()).cast_mut()
    }

    /// Takes a seat and its entry, or returns why there is none.
    ///
    /// A lossless reader takes it having come to value `lossless`.
    fn take(
        table: Table,
        file: LockedFile,
        path: &std::path::Path,
        lossless: Option<u64>,
    ) -> Result<std::result::Result<Self, Seat>> {
        let index = match Table::SEATS.take(&file, path, table.entries().len())? {
            Seat::Taken(index) => index,
            none => return Ok(Err(none)),
        };
        fail_point!("attach.locked");
        Table::make_ready(&file, path, index)?;
        if let Some(entry) = table.entries().get(index) {
            match lossless {
                Some(seen) => entry.as_ref().register_lossless(table.registered(), index, seen),
                None => entry.as_ref().register(table.registered(), index),
            }
            entry.note_pid(std::process::id());
        }
        let Some(entry) = OwnEntry::new(table, index) else { return Ok(Err(Seat::Full)) };
        Ok(Ok(Self { entry, file, index, kept: KeptPins::new() }))
    }
}
