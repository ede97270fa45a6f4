//! Removing a channel: the remover is its writer for as long as that takes.

use super::open::{claim_board, claim_existing_board, open_board, wake_readers};
use crate::channel::board::Board;
use crate::channel::reader_table::Table;
use crate::channel::record_types::{check_types, remove_types};
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::location::Location;
use crate::files::trusted::{
    check_ours, open_table_file, open_trusted, payload_files, remove_if_there, remove_payloads,
};
use crate::format::file::FileKind;
use crate::options::Options;
use crate::sys::{Access, LockedFile, range_lock};
use ndsharray_protocol::channel::State;

/// Whether living readers are in the way of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// They keep what they have.
    MayLive,
    /// A single one refuses the removal.
    MustBeGone,
}

/// Removes a channel that has no living writer, damaged or not.
pub(super) fn remove(location: &Location, options: &Options, readers: Readers) -> Result<()> {
    if readers == Readers::MustBeGone {
        refuse_if_read(location, options)?;
    }
    let claim = match claim_existing_board(location, options) {
        // Without a board there is no lock to ask for: what else there is may be removed once the
        // name is ours.
        Err(Error::NotFound { .. }) if has_leftovers(location) => {
            check_table(location, options)?;
            check_types(location, options.owners)?;
            claim_board(location, options)?
        }
        claimed => claimed?,
    };
    check_ours(&claim, &location.board(), FileKind::Board.magic())?;
    let opened = open_board(location, &claim);
    if !matches!(opened, Ok(Some(_))) {
        // Beside a board of ours a table without its magic is a damaged one of ours.
        check_table(location, options)?;
    }
    // Held to the end: no process becomes a reader of what goes.
    let _no_reader = match readers {
        Readers::MayLive => None,
        Readers::MustBeGone => lock_out_readers(location, options).inspect_err(|_| {
            // A board that was made for its lock alone goes again.
            if matches!(opened, Ok(None)) {
                let _ = claim.remove();
            }
        })?,
    };
    if let Ok(Some((board, head))) = opened {
        board.set_state(State::Closed);
        fail_point!("remove.marked");
        wake_readers(location, options, &head);
    }
    // One that cannot be removed is in the way of no other. The board goes last: as long as it is
    // there, a new writer looks for what else there is.
    let payloads = remove_payloads(location, options.owners, &[], || {
        fail_point!("remove.payload");
    });
    let types = remove_types(location, options.owners);
    let table = remove_if_there(&location.readers());
    fail_point!("remove.table");
    let board = claim.remove().map_err(|e| Error::io("remove", &location.board(), e));
    fail_point!("remove.board");
    payloads.and(types).and(table).and(board)
}

/// Refuses a channel that has readers and no writer, without its locks.
///
/// A vain attempt keeps no writer out. All other refusals are made with the locks held.
fn refuse_if_read(location: &Location, options: &Options) -> Result<()> {
    let Ok((board, _)) = open_trusted(&location.board(), Access::Read, options.owners) else { return Ok(()) };
    // Another remover, which may have the locks of all readers, has the writer's as well.
    let is_held = || range_lock::is_locked(&board, &Board::LOCK).unwrap_or(true);
    if is_held() {
        return Ok(());
    }
    let Ok((table, _)) = open_table_file(&location.readers(), Access::Read, options.owners) else {
        return Ok(());
    };
    let table = LockedFile::new(table);
    // One question as a rule; each seat is asked for where the answer is yes.
    if !range_lock::is_any_locked(&table, &Table::SEATS.all()).unwrap_or(false) {
        return Ok(());
    }
    match Table::SEATS.living(&table) {
        0 => Ok(()),
        _ if is_held() => Ok(()),
        living => Err(Error::InUse { name: location.name().to_owned(), living: Some(living) }),
    }
}

/// Refuses a reader table that is not ours, before anything is made or removed.
fn check_table(location: &Location, options: &Options) -> Result<()> {
    let path = location.readers();
    match open_table_file(&path, Access::Read, options.owners) {
        Ok((file, _)) => check_ours(&file, &path, FileKind::Readers.magic()),
        Err(Error::NotFound { .. }) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Locks all entries of the reader table, which succeeds when no reader lives.
///
/// The locks go with the file; `None` when there is none.
fn lock_out_readers(location: &Location, options: &Options) -> Result<Option<LockedFile>> {
    let path = location.readers();
    let file = match open_table_file(&path, Access::ReadWrite, options.owners) {
        Ok((file, _)) => LockedFile::new(file),
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    if Table::SEATS.lock_all(&file, &path)? {
        return Ok(Some(file));
    }
    Err(Error::InUse { name: location.name().to_owned(), living: Some(Table::SEATS.living(&file)) })
}

fn has_leftovers(location: &Location) -> bool {
    let exists = |path: std::path::PathBuf| path.symlink_metadata().is_ok();
    exists(location.readers())
        || exists(location.types())
        || payload_files(location).is_ok_and(|files| !files.is_empty())
}
