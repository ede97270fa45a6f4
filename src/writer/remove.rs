//! Removing a channel: the remover is its writer for as long as that takes.

use super::attach::{ATTEMPTS, lock_board, open_board, take_lock};
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::location::Location;
use crate::options::Options;
use crate::segment::{self, State, Table};
use crate::slots::Registered;
use crate::sys::{self, Access, Lock, Locked};
use std::io;
use std::path::Path;

/// Whether living readers are in the way of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// They keep what they have.
    MayLive,
    /// A single one is in the way.
    MustBeGone,
}

/// Removes a channel that has no living writer, damaged or not.
pub(super) fn remove(location: &Location, options: &Options, readers: Readers) -> Result<()> {
    let path = location.board();
    for _ in 0..ATTEMPTS {
        let file = match segment::open_trusted(&path, Access::ReadWrite, options.owners) {
            Ok((file, _)) => take_lock(location, file)?,
            // Without a board there is nobody to ask: what else there is may be removed once the name is ours.
            Err(Error::NotFound { .. }) if has_leftovers(location) => lock_board(location, options)?,
            Err(other) => return Err(other),
        };
        let Some(file) = file else { continue };
        let identity = sys::identify(&file).map_err(|e| Error::io("inspect", &path, e))?;
        let opened = open_board(location, &file);
        // Held to the end: nobody becomes a reader of what goes.
        let _no_reader = match readers {
            Readers::MayLive => None,
            Readers::MustBeGone => lock_out_readers(location, options).inspect_err(|_| {
                // A board that was made for its lock alone goes again.
                if matches!(opened, Ok(None)) {
                    let _ = segment::unlink_if_same(&path, &identity);
                }
            })?,
        };
        if let Ok(Some((board, _))) = opened {
            board.set_state(State::Closed);
            fail_point!("remove.marked");
            board.wake_all();
        }
        let remove = |path: &Path| match sys::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, e)),
            _ => Ok(()),
        };
        for id in segment::payload_files(location)? {
            remove(&location.payload(id))?;
            fail_point!("remove.payload");
        }
        remove(&location.readers())?;
        fail_point!("remove.table");
        segment::unlink_if_same(&path, &identity).map_err(|e| Error::io("remove", &path, e))?;
        fail_point!("remove.board");
        return Ok(());
    }
    Err(Error::Contended { attempts: ATTEMPTS })
}

/// Takes the locks of all entries of the reader table, which is possible when no reader lives. They go with the file; `None` when there is none.
fn lock_out_readers(location: &Location, options: &Options) -> Result<Option<Locked>> {
    let path = location.readers();
    let file = match segment::open_trusted(&path, Access::ReadWrite, options.owners) {
        Ok((file, _)) => Locked::new(file),
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let fail = |e| Error::io("lock", &path, e);
    if Lock::try_take_all(&file, &Table::all_locks()).map_err(fail)? {
        return Ok(Some(file));
    }
    let lives = |index: &usize| Lock::is_taken(&file, &Table::lock_range(*index)).unwrap_or(true);
    let living = (0..Registered::MAX).filter(lives).count();
    Err(Error::InUse { name: location.name().to_owned(), living: Some(living) })
}

fn has_leftovers(location: &Location) -> bool {
    location.readers().symlink_metadata().is_ok()
        || segment::payload_files(location).is_ok_and(|files| !files.is_empty())
}
