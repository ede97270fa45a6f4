//! What a closed channel has left, for a process that may have to remove it.
//!
//! That is a reader that leaves or has come to the last value, or the writer that has just closed
//! it.

use super::board::Board;
use super::reader_table::Table;
use super::record_types::remove_types;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::claim_name::{Claim, Claimed, claim_existing};
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::files::trusted::{has_name, remove_payload, remove_payloads, unlink_if_same};
use crate::sys::{self, Access, LockedFile};
use ndsharray_protocol::channel::{Remains, State};
use std::path::Path;
use uuid::Uuid;

/// The files of a closed channel.
pub(crate) struct ClosedFiles<'a> {
    pub(crate) location: &'a Location,
    pub(crate) owners: Owners,
    pub(crate) board: &'a Board,
    pub(crate) table: &'a Table,
    pub(crate) table_file: &'a LockedFile,
    /// The board, mapped for writing, while the writer's lock is held.
    held: Option<(Board, Claimed)>,
}

impl<'a> ClosedFiles<'a> {
    pub(crate) fn new(
        location: &'a Location,
        owners: Owners,
        board: &'a Board,
        table: &'a Table,
        table_file: &'a LockedFile,
    ) -> Self {
        Self { location, owners, board, table, table_file, held: None }
    }

    /// Removes them if the channel is closed and no living reader is behind.
    ///
    /// Where it may not be done, nothing happens: the next writer, or a remover, does it.
    pub(crate) fn clear_up(mut self) {
        let (board, table) = (self.board, self.table);
        board.close_side(table).clear_up(&mut self);
    }

    /// The board, if the name still leads to it, with the writer's lock.
    fn lock(&self) -> Option<(Board, Claimed)> {
        let path = self.location.board();
        if !has_name(&path, self.board.identity()) {
            return None;
        }
        let Claim::Ours(claim) = claim_existing(&path, self.owners, &Board::LOCK).ok()? else { return None };
        if !sys::same_file(claim.identity(), self.board.identity()) {
            return None;
        }
        fail_point!("clear.locked");
        let (board, _) = Board::open(&claim, &path, *claim.identity(), Access::ReadWrite).ok()??;
        Some((board, claim))
    }
}

impl Remains for ClosedFiles<'_> {
    fn lives(&self, index: usize) -> bool {
        // If the system does not say, it may live.
        Table::SEATS.has_owner(self.table_file, index).unwrap_or(true)
    }

    fn try_lock(&mut self) -> bool {
        self.held = self.lock();
        self.held.is_some()
    }

    fn unlock(&mut self) {
        self.held = None;
    }

    fn remove(&mut self) {
        let Some((board, _claim)) = self.held.take() else { return };
        // Its writer has noted whether it had removed all that no slot names. If not, a process
        // has died in the middle of something.
        let is_tidy = board.state() == State::Left && board.pid().is_none();
        let payloads = is_tidy.then(|| board.payloads());
        // Best effort: the next writer of the name, or a remover, removes what stays.
        let _ = remove_closed(self.location, self.owners, &board, self.table, payloads.as_deref());
    }
}

/// Ends a channel whose writer's lock the caller holds.
///
/// Marks it as closed, wakes its readers, and removes its files. Goes on after an error, and
/// returns the first.
///
/// The mark comes first: should the caller be killed in between, no successor takes over a board
/// whose value has gone. The board comes last: as long as it has the name, all else that has it
/// belongs to a channel that a process can remove.
pub(crate) fn remove_closed(
    location: &Location,
    owners: Owners,
    board: &Board,
    table: &Table,
    payloads: Option<&[Uuid]>,
) -> Result<()> {
    board.set_state(State::Closed);
    fail_point!("clear.marked");
    // Those that sleep on this board would not hear of the next.
    table.wake_all();
    fail_point!("clear.rung");
    let mut first = Ok(());
    match payloads {
        Some(payloads) => {
            for id in payloads {
                first = first.and(remove_payload(&location.payload(*id), owners));
                fail_point!("clear.payload");
            }
        }
        None => {
            first = remove_payloads(location, owners, &[], || {
                fail_point!("clear.payload");
            });
        }
    }
    // Another channel may have the name, if the board has lost it. Its records are its own.
    if has_name(&location.board(), board.identity()) {
        first = first.and(remove_types(location, owners));
    }
    let mut unlink = |path: &Path, identity| {
        let unlinked = unlink_if_same(path, identity).map_err(|e| Error::io("remove", path, e));
        first = std::mem::replace(&mut first, Ok(())).and(unlinked);
    };
    unlink(&location.readers(), table.identity());
    fail_point!("clear.table");
    unlink(&location.board(), board.identity());
    fail_point!("clear.board");
    first
}
