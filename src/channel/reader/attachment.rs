//! One reader's part in a channel.
//!
//! The mapped board, and, unless it only copies, an entry in the reader table.

use super::look::Known;
use crate::channel::board::Board;
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
use ndsharray_protocol::channel::{KeptPins, Latest, PinAttempt, Pins, SlotIndex, State};
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

/// A reader's place in a channel.
///
/// It is given up when the reader and all of its owned samples are gone.
pub(crate) struct Attachment {
    location: Location,
    owners: Owners,
    board: Board,
    lineage: Uuid,
    place: Option<OwnSeat>,
    home: Home,
    /// For a reader that has no wakers.
    short_way: ShortWay,
    /// Comes after the mappings.
    _sweeper: Sweeper,
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
    pub(crate) fn new(location: &Location, owners: Owners, mode: Mode) -> Result<Self> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match Self::try_new(location, owners, mode)? {
                Found::Attached(attachment) => return Ok(attachment),
                // The files are being exchanged by a new writer, or are damaged: a few more looks
                // will show.
                Found::InPieces(error) => last = Some(error),
            }
            std::thread::yield_now();
        }
        Err(last.unwrap_or(Error::Contended { attempts: ATTEMPTS }))
    }

    fn try_new(location: &Location, owners: Owners, mode: Mode) -> Result<Found> {
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
        let attach = |board, place| {
            let location = location.clone();
            let short_way = ShortWay::new(&home);
            Self { location, owners, board, lineage, place, home, short_way, _sweeper: sweeper }
        };
        if mode == Mode::CopyOnly {
            return Ok(Found::Attached(attach(board, None)));
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
        let place = match OwnSeat::take(table, LockedFile::new(file), &readers)? {
            Ok(place) => place,
            // No seat, because a remover has locked all of them.
            Err(seat) if seat == Seat::LockedOut || is_closed() => return Ok(Found::InPieces(not_found())),
            Err(_) => return Err(Error::TooManyReaders { max: head.readers as usize }),
        };
        fail_point!("attach.placed");
        let attached = attach(board, Some(place));
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
        if let (Some(place), Some(_)) = (&self.place, self.own_pins()) {
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
        self.board.reader_side().latest()
    }

    /// Whether the board differs from what a look has found.
    ///
    /// For a reader that has announced itself, as the handshake wants. Standing and epoch are
    /// covered too, since a writer that changes them changes `wake` afterwards.
    pub(super) fn differs(&self, seen: Latest, known: Known) -> bool {
        self.board.reader_side().latest_before_sleep() != seen
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

    /// Releases what [`try_pin`](Self::try_pin) pinned.
    #[inline]
    pub(crate) fn unpin(&self) {
        if let Some(pins) = self.own_pins() {
            self.board.reader_side().unpin(pins);
        }
    }

    /// Notes for the writer which value this reader has come to.
    #[inline]
    pub(crate) fn tell(&self, number: u64) {
        if let Some(pins) = self.pins() {
            self.board.reader_side().tell(pins, number);
        }
    }

    /// Adds an owner of the slot that is pinned now; to be followed by [`unpin`](Self::unpin).
    pub(crate) fn keep(&self, slot: SlotIndex) {
        if let (Some(place), Some(pins)) = (&self.place, self.own_pins()) {
            place.kept.keep(pins, slot);
        }
    }

    /// Takes away an owner of the slot.
    pub(crate) fn release(&self, slot: SlotIndex) {
        if let (Some(place), Some(pins)) = (&self.place, self.own_pins()) {
            place.kept.release(pins, slot);
        }
    }

    /// The reader table, to sleep on; `None` without write permission.
    pub(crate) fn table(&self) -> Option<&Table> {
        Some(self.place.as_ref()?.entry.table())
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

    #[inline]
    fn pins(&self) -> Option<&Pins> {
        self.place.as_ref().map(|place| place.entry.pins())
    }

    /// The pins, unless they belong to the parent of this process.
    #[inline]
    fn own_pins(&self) -> Option<&Pins> {
        self.pins().filter(|_| self.home.is_here())
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let (Some(place), Some(pins)) = (&self.place, self.own_pins()) {
            pins.deregister(place.entry.table().registered(), place.index);
            fail_point!("detach.removed");
        }
    }
}

#[allow(clippy::large_enum_variant, reason = "lives for one match")]
enum Found {
    Attached(Attachment),
    InPieces(Error),
}

impl OwnSeat {
    /// Takes a seat and its entry, or returns why there is none.
    fn take(table: Table, file: LockedFile, path: &std::path::Path) -> Result<std::result::Result<Self, Seat>> {
        let index = match Table::SEATS.take(&file, path, table.entries().len())? {
            Seat::Taken(index) => index,
            none => return Ok(Err(none)),
        };
        fail_point!("attach.locked");
        if let Some(entry) = table.entries().get(index) {
            entry.as_ref().register(table.registered(), index);
            entry.note_pid(std::process::id());
        }
        let Some(entry) = OwnEntry::new(table, index) else { return Ok(Err(Seat::Full)) };
        Ok(Ok(Self { entry, file, index, kept: KeptPins::new() }))
    }
}
