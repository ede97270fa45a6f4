//! The readers of a channel.

use super::files::{Notes, Opened};
use super::report::{Life, Owner, Reader, Role};
use crate::channel::reader_table::Table;
use crate::channel::snapshot::TableSnapshot;
use crate::error::{Error, Result};
use crate::files::location::Location;
use crate::format::file::FileHeader;
use ndsharray_protocol::channel::{Entry, PinMask, Pins, SlotIndex};
use ndsharray_protocol::members::Members;

/// What the reader table shows.
pub(super) struct Seen {
    pub(super) readers: Vec<Reader>,
    /// Whether it could be read.
    pub(super) known: bool,
    /// How many readers there can be; 0 where that is not known.
    pub(super) most: usize,
}

impl Seen {
    fn nothing(known: bool, most: usize) -> Self {
        Self { readers: Vec::new(), known, most }
    }
}

/// The readers of the channel with this board.
///
/// `newest` is the number of its current value.
pub(super) fn look(location: &Location, board: &FileHeader, newest: u64, notes: &mut Notes) -> Seen {
    let path = location.readers();
    let most = board.readers as usize;
    let file = match open(location, notes) {
        Access::Open(file) => file,
        Access::Hidden => return Seen::nothing(false, most),
        Access::None => {
            if !notes.problems.iter().any(|problem| problem.path == path) {
                notes.problem(&path, Error::not_found(path.clone()));
            }
            return Seen::nothing(true, most);
        }
    };
    let table = match snapshot(&file, board) {
        Ok(Some(table)) => table,
        Ok(None) => return Seen::nothing(true, most),
        Err(error) => {
            notes.problem(&file.path, error);
            return Seen::nothing(true, most);
        }
    };
    let reader = |(index, entry): (usize, &Entry)| {
        let pins: &Pins = entry.as_ref();
        let seen = pins.seen();
        Reader {
            index,
            owner: Owner { life: file.life(&Table::SEATS.range(index)), pid: entry.pid() },
            pins: slots(pins.borrowed()).chain(slots(pins.kept().without(pins.borrowed()))).collect(),
            seen: seen.number(),
            behind: newest.saturating_sub(seen.number()),
            lossless: seen.is_lossless(),
            retries: pins.retries(),
            sharing: 0,
        }
    };
    Seen { readers: table.members().into_iter().map(reader).collect(), known: true, most: table.entries().len() }
}

/// The table of a channel whose board cannot be read.
///
/// The living readers of all entries that any table can have.
pub(super) fn living(location: &Location, notes: &mut Notes) -> Seen {
    let file = match open(location, notes) {
        Access::Open(file) => file,
        Access::Hidden => return Seen::nothing(false, 0),
        Access::None => return Seen::nothing(true, 0),
    };
    if file.any_life(&Table::SEATS.all()) == Life::Gone {
        return Seen::nothing(true, 0);
    }
    let reader = |index| Reader {
        index,
        owner: Owner { life: file.life(&Table::SEATS.range(index)), pid: None },
        pins: Vec::new(),
        seen: 0,
        behind: 0,
        lossless: false,
        retries: 0,
        sharing: 0,
    };
    let all = (0..Members::MAX).map(reader);
    Seen { readers: all.filter(|reader| reader.owner.life != Life::Gone).collect(), known: true, most: 0 }
}

/// A reader table, as far as this user can have it.
enum Access {
    Open(Opened),
    /// It is there, for other users: as it is meant to be.
    Hidden,
    None,
}

/// Opens the table.
///
/// That this user may not read it is no problem; any other obstacle is noted as one.
fn open(location: &Location, notes: &mut Notes) -> Access {
    let before = notes.problems.len();
    if let Some(file) = notes.open(location.readers(), Role::Readers) {
        return Access::Open(file);
    }
    let hidden = |error: &Error| matches!(error, Error::PermissionDenied { .. });
    if notes.problems.get(before).is_some_and(|problem| hidden(&problem.error)) {
        notes.problems.truncate(before);
        return Access::Hidden;
    }
    Access::None
}

fn snapshot(file: &Opened, board: &FileHeader) -> Result<Option<TableSnapshot>> {
    Ok(TableSnapshot::of(&file.front(TableSnapshot::longest())?, board)?)
}

fn slots(mask: PinMask) -> impl Iterator<Item = usize> {
    (0..ndsharray_protocol::channel::MAX_SLOTS)
        .filter(move |&slot| SlotIndex::new(slot).is_some_and(|slot| mask.contains(slot)))
}
