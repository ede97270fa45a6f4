//! Becoming the writer of a channel: making a new one, or taking over what a dead writer left.

use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::head::Head;
use crate::location::Location;
use crate::options::{Options, Owners};
use crate::segment::{self, Board, Claim, Claimed, State, Table};
use crate::slots::MAX_NUMBER;
use crate::sys::{self, Access, Locked, Sweeper};
use std::fs::File;
use std::path::Path;
use uuid::Uuid;

/// How many boards that cannot be kept are replaced before we give up.
const ATTEMPTS: u32 = 100;

/// The channel, held: while this lives, nobody else is its writer.
pub(super) struct Held {
    pub(super) location: Location,
    pub(super) board: Board,
    pub(super) table: Table,
    pub(super) table_file: Locked,
    /// Numbers up to this one have been used.
    pub(super) last_number: u64,
    /// Whether there may be payload files that no slot names, and whose they may be. Not beside a
    /// board that was made just now: a board is removed after all payload files. To look for them
    /// takes a walk through the whole directory.
    pub(super) leftovers: Option<Owners>,
    /// Keeps the lock that makes us the writer; closing it is the last thing that happens.
    _claim: Claimed,
    /// After that nothing is mapped any more.
    _sweeper: Sweeper,
}

impl Held {
    /// Takes the writer's lock on the channel, makes the channel if there is none, and puts it in state [`State::Open`].
    pub(super) fn acquire(location: Location, options: &Options) -> Result<Self> {
        // Carried over from a board that could not be kept, so that numbers and epochs do not go back.
        let mut before = Before::default();
        for _ in 0..ATTEMPTS {
            let claim = claim_board(&location, options)?;
            let opened = open_board(&location, &claim)?;
            // A table alone is left where a board was removed by other means.
            let is_new = opened.is_none() && before.lineage.is_none() && !exists(&location.readers());
            let (board, head) = match opened {
                Some(found) => found,
                None => make_board(&location, options, &claim, before)?,
            };
            fail_point!("create.board");
            let table = match board.state() {
                State::Starting => Some(make_table(&location, options, &claim, &head)?),
                State::Open | State::Kept => open_table(&location, options, &head)?,
                // A writer died while it closed the channel.
                State::Closed => None,
            };
            let last_number = last_number(&board);
            let Some((table, table_file)) = table else {
                // Readers may hold slots through a reader table that is out of reach. Their mappings stay as they are; the name
                // gets a new board.
                before = Before { number: last_number, epoch: board.epoch(), lineage: Some(head.lineage) };
                retire(&location, options, &board, &head)?;
                continue;
            };
            board.begin_epoch();
            fail_point!("create.epoch");
            board.set_state(State::Open);
            fail_point!("create.marked");
            // Whoever waits for the channel's return is told; that nobody waits is not known for sure here, and this is rare.
            table.wake_all();
            fail_point!("create.open");
            let sweeper = Sweeper::of(location.dir());
            let table_file = Locked::new(table_file);
            let leftovers = (!is_new).then_some(options.owners);
            return Ok(Self {
                location,
                board,
                table,
                table_file,
                last_number,
                leftovers,
                _claim: claim,
                _sweeper: sweeper,
            });
        }
        Err(Error::Contended { attempts: ATTEMPTS })
    }
}

/// What a retired board had come to.
#[derive(Clone, Copy, Default)]
struct Before {
    number: u64,
    epoch: u64,
    lineage: Option<Uuid>,
}

/// Becomes the writer of the channel, whose board's file is made if there is none.
pub(super) fn claim_board(location: &Location, options: &Options) -> Result<Claimed> {
    ours(location, segment::claim_name(&location.board(), options.mode | 0o600, options.owners, &Board::LOCK)?)
}

/// Becomes the writer of a channel that has a board.
pub(super) fn claim_existing_board(location: &Location, options: &Options) -> Result<Claimed> {
    ours(location, segment::claim_existing(&location.board(), options.owners, &Board::LOCK)?)
}

fn ours(location: &Location, claim: Claim) -> Result<Claimed> {
    match claim {
        Claim::Ours(claimed) => Ok(claimed),
        Claim::Others(file) => {
            let pid = open_board(location, &file).ok().flatten().and_then(|(board, _)| board.pid());
            Err(Error::WriterExists { name: location.name().to_owned(), pid })
        }
    }
}

pub(super) fn open_board(location: &Location, file: &File) -> Result<Option<(Board, Head)>> {
    let path = location.board();
    let identity = sys::identify(file).map_err(|e| Error::io("inspect", &path, e))?;
    Board::open(file, &path, identity, Access::ReadWrite)
}

fn make_board(location: &Location, options: &Options, claim: &Claimed, before: Before) -> Result<(Board, Head)> {
    let path = location.board();
    let channel = Uuid::new_v4();
    #[allow(clippy::cast_possible_truncation, reason = "checked against small limits")]
    let (slots, readers) = (options.max_slots as u32, options.max_readers as u32);
    let head = Head { channel, slots, readers, lineage: before.lineage.unwrap_or(channel) };
    let unfinished = claim.unfinished();
    let board = Board::create(claim, &path, options.max_slots)?;
    fail_point!("create.reserved");
    board.set_base(before.epoch, before.number);
    board.finish(&head);
    unfinished.done();
    Ok((board, head))
}

/// Makes the reader table of a new board; if that fails, nothing stays of the channel.
fn make_table(location: &Location, options: &Options, claim: &Claimed, head: &Head) -> Result<(Table, File)> {
    let unfinished = claim.unfinished();
    let made = new_table(location, options, head)?;
    unfinished.done();
    Ok(made)
}

fn new_table(location: &Location, options: &Options, head: &Head) -> Result<(Table, File)> {
    let path = location.readers();
    // A table left by a channel of the past: its board is gone, so nobody can attach to it any more. What a stranger has put there is
    // refused, though, whether or not we could remove it. Of a file with several names only this one goes.
    match segment::open_table_file(&path, Access::ReadWrite, options.owners) {
        Ok((_, found)) => segment::unlink_if_same(&path, &found).map_err(|e| Error::io("replace", &path, e))?,
        Err(Error::NotFound { .. }) => {}
        Err(other) => return Err(other),
    }
    fail_point!("create.table_cleared");
    let file = segment::create(&path, options.table_mode())?;
    fail_point!("create.table_file");
    let table = Table::create(&file, &path, head).inspect_err(|_| {
        let _ = sys::remove_file(&path);
    })?;
    fail_point!("create.table");
    Ok((table, file))
}

/// Opens the table that belongs to an existing board; `None` when it is not there or not usable.
fn open_table(location: &Location, options: &Options, head: &Head) -> Result<Option<(Table, File)>> {
    let path = location.readers();
    let (file, identity) = match segment::open_table_file(&path, Access::ReadWrite, options.owners) {
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

/// Whether something has this name.
fn exists(path: &Path) -> bool {
    sys::identify_path(path).is_ok()
}

/// Wakes the readers of a board whose state has just been changed. They sleep on a word of its table: where that is
/// gone or damaged they find out by themselves, when their slice of sleep is over.
pub(super) fn wake_readers(location: &Location, options: &Options, head: &Head) {
    if let Ok(Some((table, _))) = open_table(location, options, head) {
        table.wake_all();
    }
}

/// Tells the readers of a board that cannot be kept that it is over, and frees its name.
fn retire(location: &Location, options: &Options, board: &Board, head: &Head) -> Result<()> {
    board.set_state(State::Closed);
    fail_point!("create.retired");
    wake_readers(location, options, head);
    fail_point!("create.retire_woken");
    // Best effort. Before the board goes: a writer that finds none does not look for them.
    let _ = segment::remove_payloads(location, options.owners, &[], || {
        fail_point!("create.retire_payload");
    });
    let path = location.board();
    segment::unlink_if_same(&path, board.identity()).map_err(|e| Error::io("replace", &path, e))?;
    fail_point!("create.retire_unlinked");
    Ok(())
}

/// The largest number that an earlier writer has used, named or not. Numbers that no writer reaches in decades were written by somebody
/// else, and do not count.
fn last_number(board: &Board) -> u64 {
    let side = board.reader_side();
    let numbers = side.numbers().chain([side.latest().number(), board.base()]);
    numbers.filter(|&number| number <= MAX_NUMBER / 2).max().unwrap_or(0)
}
