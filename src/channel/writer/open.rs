//! Becoming the writer of a channel: making one, or taking over a dead writer's.

use super::keeping::{keeps, terms};
use crate::channel::board::{Board, HeaderWords};
use crate::channel::reader_table::Table;
use crate::channel::record_types::{Descriptions, Maker, make_types};
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::claim_name::{self, Claim, Claimed, claim_existing};
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::files::trusted::{self, check_ours, open_table_file, open_trusted, remove_payloads, unlink_if_same};
use crate::format::file::{FileHeader, FileKind};
use crate::format::slot::RawHeader;
use crate::options::Options;
use crate::sys::{self, Access, Backoff, Identity, LockedFile, Sweeper, range_lock};
use ndsharray_protocol::channel::{MAX_NUMBER, SlotIndex, State};
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// How many boards that cannot be kept are replaced before we give up.
const ATTEMPTS: u32 = 100;

/// Attempts at the lock of a channel that is just being closed or removed.
const CLOSING_LOOKS: u32 = 500;

/// Attempts at the lock of an open channel.
///
/// A remover may hold it while it counts readers.
const OPEN_LOOKS: u32 = 5;

/// Time between two such attempts.
const LOCK_NAP: Duration = Duration::from_micros(100);

/// A channel of this process: while this lives, no other process is its writer.
pub(super) struct OwnedChannel {
    pub(super) location: Location,
    pub(super) board: Board,
    pub(super) table: Table,
    pub(super) table_file: LockedFile,
    /// Numbers up to this one have been used.
    pub(super) last_number: u64,
    pub(super) lineage: Uuid,
    pub(super) epoch: u64,
    /// How many values the writer before kept.
    pub(super) history_before: u64,
    /// Whether there may be payload files that no slot names, and whose files are trusted. Not
    /// beside a board that was made just now: a board is removed after all payload files. To look
    /// for them takes a walk through the whole directory.
    pub(super) leftovers: Option<Owners>,
    /// Keeps the lock that makes us the writer; closing it is the last step.
    claim: Claimed,
    /// After that nothing is mapped any more.
    _sweeper: Sweeper,
}

impl OwnedChannel {
    /// Takes the writer's lock, and puts the channel in state [`State::Open`].
    ///
    /// Makes the channel if there is none.
    ///
    /// `before` is what the board had come to that a new one replaces, so that numbers and epochs
    /// do not go back. If it is for a rescue, `rescue` makes the value's file.
    pub(super) fn acquire(
        location: Location,
        options: &Options,
        mut before: Before,
        rescue: impl Fn() -> Option<(RawHeader, u64)>,
    ) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let claim = claim_board(&location, options)?;
            let opened = Board::open(&claim, &location.board(), *claim.identity(), Access::ReadWrite)?;
            // One without a head that has a length is left by a maker that has died.
            let mut is_new = opened.is_none() && claim.identity().len == 0 && before.lineage.is_none();
            let (mut board, head) = match opened {
                Some(found) => found,
                None => make_board(&location, options, &claim, &mut before, &rescue)?,
            };
            fail_point!("create.board");
            if before.is_import && before.lineage != Some(head.lineage) {
                // Its numbers are another source's: readers follow to a new board.
                retire(&location, options, &board, &head, None)?;
                continue;
            }
            let mut has_sleepers = true;
            let table = match board.state() {
                State::Starting => {
                    let (table, file, replaced) = make_table(&location, options, &claim, &head)?;
                    // A table alone is left where a board was removed by other means.
                    is_new &= !replaced;
                    // No reader takes the table of a board in this state.
                    has_sleepers = false;
                    Some((table, file))
                }
                State::Open | State::Kept => open_table(&location, options, &head)?,
                // What a writer left for the readers that it had goes on with them, unless more is
                // asked for than it has.
                State::Left if suffices(&head, options) => open_table(&location, options, &head)?,
                State::Left => None,
                // The process that removed the channel has died.
                State::Closed => None,
            };
            let last_number = last_number(&board);
            let Some((table, table_file)) = table else {
                // Readers may hold slots through a reader table that is out of reach. Their
                // mappings stay as they are; the name gets a new board.
                let value = last_value(&location, options, &board);
                let kept = value.as_ref().map(|(header, _)| header.payload());
                before = Before {
                    number: last_number,
                    epoch: board.epoch(),
                    lineage: Some(head.lineage),
                    value,
                    is_rescue: false,
                    is_import: false,
                    // The file of its records stays: it has the same lineage.
                    types: Descriptions::new(),
                };
                retire(&location, options, &board, &head, kept)?;
                continue;
            };
            options.check_history(board.slot_count().min(options.max_slots))?;
            if keeps(options) {
                board.make_all_ready(&claim, &location.board())?;
            }
            let history_before = board.terms().history.into();
            board.writer_side(&table).forget_unnamed(board.reader_side().latest());
            fail_point!("create.forgotten");
            board.set_terms(terms(options));
            board.begin_epoch();
            fail_point!("create.epoch");
            board.set_state(State::Open);
            fail_point!("create.marked");
            // Wakes those that wait for the channel's return. That there are none is not known for
            // sure here, and this is rare.
            if has_sleepers {
                table.wake_all();
            }
            fail_point!("create.open");
            let sweeper = Sweeper::of(location.dir());
            let table_file = LockedFile::new(table_file);
            let leftovers = (!is_new).then_some(options.owners);
            let (lineage, epoch) = (head.lineage, board.epoch());
            return Ok(Self {
                location,
                board,
                table,
                table_file,
                last_number,
                leftovers,
                lineage,
                epoch,
                history_before,
                claim,
                _sweeper: sweeper,
            });
        }
        Err(Error::Contended { attempts: ATTEMPTS })
    }

    /// Sets the memory of a slot aside that has not been needed before.
    pub(super) fn make_ready(&mut self, slot: SlotIndex) -> Result<()> {
        self.board.make_ready(&self.claim, &self.location.board(), slot)
    }

    /// Releases the writer's lock, before the end.
    pub(super) fn let_go(&self) {
        // Best effort: at the latest it goes with the file.
        let _ = range_lock::unlock(&self.claim, &Board::LOCK);
    }
}

/// What is carried over from a board that is replaced.
#[derive(Clone, Default)]
pub(super) struct Before {
    pub(super) number: u64,
    pub(super) epoch: u64,
    pub(super) lineage: Option<Uuid>,
    /// Its last value, if readers may still have it: header, and the value's epoch.
    pub(super) value: Option<(RawHeader, u64)>,
    /// Whether the value is still to be copied to a file of the new board.
    pub(super) is_rescue: bool,
    /// Whether no board of another lineage will do: the numbers are those of a source elsewhere.
    pub(super) is_import: bool,
    /// Descriptions of records whose file has gone with the board.
    pub(super) types: Descriptions,
}

impl Before {
    /// For values that have their numbers from a source elsewhere.
    ///
    /// `number` is the last before the first of them.
    pub(super) fn of_import(lineage: Uuid, number: u64) -> Self {
        Self { number, lineage: Some(lineage), is_import: true, ..Self::default() }
    }
}

/// Becomes the writer of the channel; makes its board's file if there is none.
pub(super) fn claim_board(location: &Location, options: &Options) -> Result<Claimed> {
    ours(location, || claim_name::claim_name(&location.board(), options.mode | 0o600, options.owners, &Board::LOCK))
}

/// Becomes the writer of a channel that has a board.
pub(super) fn claim_existing_board(location: &Location, options: &Options) -> Result<Claimed> {
    ours(location, || claim_existing(&location.board(), options.owners, &Board::LOCK))
}

fn ours(location: &Location, claim: impl Fn() -> Result<Claim>) -> Result<Claimed> {
    let mut backoff = Backoff::new(LOCK_NAP);
    loop {
        let file = match claim()? {
            Claim::Ours(claimed) => return Ok(claimed),
            Claim::Others(file) => file,
        };
        let board = open_board(location, &file).ok().flatten().map(|(board, _)| board);
        // A party that removes a closed channel, or checks whether a channel may go, holds the lock
        // for a moment, and is no writer. So it is with a board that has no head yet, or no name
        // any more.
        let looks_at_most = match board.as_ref().map(Board::state) {
            Some(State::Left | State::Closed | State::Kept) | None => CLOSING_LOOKS,
            Some(State::Starting | State::Open) => OPEN_LOOKS,
        };
        if backoff.attempts() >= looks_at_most || !backoff.pause() {
            let pid = board.and_then(|board| board.pid());
            return Err(Error::WriterExists { name: location.name().to_owned(), pid });
        }
    }
}

pub(super) fn open_board(location: &Location, file: &File) -> Result<Option<(Board, FileHeader)>> {
    let path = location.board();
    let identity = sys::identify(file).map_err(|e| Error::io("inspect", &path, e))?;
    Board::open(file, &path, identity, Access::ReadWrite)
}

fn make_board(
    location: &Location,
    options: &Options,
    claim: &Claimed,
    before: &mut Before,
    rescue: &impl Fn() -> Option<(RawHeader, u64)>,
) -> Result<(Board, FileHeader)> {
    let path = location.board();
    let channel = Uuid::new_v4();
    #[allow(clippy::cast_possible_truncation, reason = "checked against small limits")]
    let (slots, readers) = (options.max_slots as u32, options.max_readers as u32);
    let head = FileHeader { channel, slots, readers, lineage: before.lineage.unwrap_or(channel) };
    let unfinished = claim.unfinished();
    // A writer that keeps values stores cells, which may be in any slot.
    let board = Board::create(claim, &path, *claim.identity(), options.max_slots, keeps(options))?;
    fail_point!("create.reserved");
    if !before.types.is_empty() {
        // Before a header that names one of them.
        let maker = Maker { lineage: head.lineage, owners: options.owners, mode: options.mode | 0o600 };
        make_types(location, maker, &before.types)?;
    }
    if before.is_rescue {
        // With the board's file there, which makes the next writer look for this one if we die.
        before.value = rescue();
    }
    // The value that is carried over is the first of this board.
    board.set_base(before.epoch, before.number.saturating_sub(before.value.is_some().into()));
    if let Some((header, epoch)) = &before.value {
        board.begin_with(before.number, header, *epoch);
    }
    board.finish(&head);
    unfinished.done();
    Ok((board, head))
}

/// Makes the reader table of a new board; on failure nothing stays of the channel.
///
/// Also returns whether it has replaced another.
fn make_table(
    location: &Location,
    options: &Options,
    claim: &Claimed,
    head: &FileHeader,
) -> Result<(Table, File, bool)> {
    let unfinished = claim.unfinished();
    let made = new_table(location, options, head)?;
    unfinished.done();
    Ok(made)
}

/// The reader table's file, whatever it holds, if there is one.
///
/// Another user's file is refused, whether or not we could remove it.
fn find_table(location: &Location, options: &Options) -> Result<Option<(File, Identity)>> {
    match open_table_file(&location.readers(), Access::ReadWrite, options.owners) {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Removes a table that no reader can attach to any more.
///
/// Of a file with several names only this one goes.
fn clear_table(path: &Path, found: &Identity) -> Result<()> {
    unlink_if_same(path, found).map_err(|e| Error::io("replace", path, e))
}

fn new_table(location: &Location, options: &Options, head: &FileHeader) -> Result<(Table, File, bool)> {
    let path = location.readers();
    let create = || trusted::create(&path, options.table_mode());
    let (file, replaced) = match create() {
        // Left by a channel of the past whose board has gone.
        Err(Error::AlreadyExists { .. }) => {
            if let Some((file, found)) = find_table(location, options)? {
                check_ours(&file, &path, FileKind::Readers.magic())?;
                clear_table(&path, &found)?;
            }
            fail_point!("create.table_cleared");
            (create()?, true)
        }
        created => (created?, false),
    };
    fail_point!("create.table_file");
    let table = Table::create(&file, &path, head).inspect_err(|_| {
        let _ = sys::remove_file(&path);
    })?;
    fail_point!("create.table");
    Ok((table, file, replaced))
}

/// Opens the table that belongs to an existing board; `None` without a usable one.
fn open_table(location: &Location, options: &Options, head: &FileHeader) -> Result<Option<(Table, File)>> {
    let path = location.readers();
    let (file, identity) = match open_table_file(&path, Access::ReadWrite, options.owners) {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    match Table::open(&file, &path, identity, head) {
        Ok(table) => Ok(table.map(|table| (table, file))),
        Err(Error::Corrupt(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Wakes the readers of a board whose state has just been changed.
///
/// They sleep on a word of its table. Where that is gone or damaged they find out by themselves,
/// when their slice of sleep is over.
pub(super) fn wake_readers(location: &Location, options: &Options, head: &FileHeader) {
    if let Ok(Some((table, _))) = open_table(location, options, head) {
        table.wake_all();
    }
}

/// Closes a board that cannot be kept, wakes its readers, and frees its name.
fn retire(location: &Location, options: &Options, board: &Board, head: &FileHeader, kept: Option<Uuid>) -> Result<()> {
    board.set_state(State::Closed);
    fail_point!("create.retired");
    wake_readers(location, options, head);
    fail_point!("create.retire_woken");
    // Best effort. Before the board goes: a writer that finds none does not look for them.
    let _ = remove_payloads(location, options.owners, kept.as_slice(), || {
        fail_point!("create.retire_payload");
    });
    // The board is ours, so a table beside it without our magic is a damaged one of ours. It goes
    // while that is known. Any other stays until the new board has its own: should we die before,
    // it makes the next writer look for the payload that is kept.
    let readers = location.readers();
    if let Some((file, found)) = find_table(location, options)?
        && check_ours(&file, &readers, FileKind::Readers.magic()).is_err()
    {
        clear_table(&readers, &found)?;
    }
    let path = location.board();
    unlink_if_same(&path, board.identity()).map_err(|e| Error::io("replace", &path, e))?;
    fail_point!("create.retire_unlinked");
    Ok(())
}

/// Whether a board has the slots and reader entries that the options ask for.
///
/// A writer can use fewer slots than a board has.
fn suffices(head: &FileHeader, options: &Options) -> bool {
    head.slots as usize >= options.max_slots && head.readers as usize >= options.max_readers
}

/// The number of the last value that an earlier writer has named.
///
/// Numbers that no writer reaches in decades were written by another program, and do not count.
/// What slots say is believed only instead of such a number.
fn last_number(board: &Board) -> u64 {
    let side = board.reader_side();
    let is_believed = |number: &u64| *number <= MAX_NUMBER / 2;
    let named = Some(side.latest().number()).filter(is_believed);
    let named = named.or_else(|| side.numbers().filter(is_believed).max());
    named.into_iter().chain(Some(board.base()).filter(is_believed)).max().unwrap_or(0)
}

/// The last value of a board that is to be replaced, if it is whole.
///
/// Readers may not have come to it yet.
pub(super) fn last_value(location: &Location, options: &Options, board: &Board) -> Option<(RawHeader, u64)> {
    let side = board.reader_side();
    let latest = side.latest();
    // A board in this state may have lost any of its files.
    if board.state() == State::Closed
        || latest.is_none()
        || latest.number() != last_number(board)
        || !side.stamped(latest)
    {
        return None;
    }
    let slot = board.slot(latest.slot())?;
    let raw = slot.header();
    let header = raw.decode().ok()?;
    let (_, identity) = open_trusted(&location.payload(header.payload), Access::Read, options.owners).ok()?;
    (identity.len >= header.tail.end(header.byte_len) as u64).then(|| (raw, slot.epoch()))
}
