//! The readers of a channel.

use super::files::Notes;
use super::report::{Life, Owner, Reader, Role};
use crate::head::Head;
use crate::location::Location;
use crate::segment::{Table, TableCopy};
use crate::slots::{PinMask, Registered, SlotIndex};

/// The readers of the channel with this board, and how many there can be.
pub(super) fn look(location: &Location, board: &Head, notes: &mut Notes) -> (Vec<Reader>, usize) {
    let path = location.readers();
    let most = board.readers as usize;
    let Some(file) = notes.open(path.clone(), Role::Readers) else {
        if !notes.problems.iter().any(|problem| problem.path == path) {
            notes.problem(&path, crate::Error::not_found(path.clone()));
        }
        return (Vec::new(), most);
    };
    let table = match file.front(TableCopy::longest()).map(|bytes| TableCopy::new(bytes, board)) {
        Ok(Ok(Some(table))) => table,
        Ok(Ok(None)) => return (Vec::new(), most),
        Ok(Err(error)) => {
            notes.problem(&file.path, error);
            return (Vec::new(), most);
        }
        Err(error) => {
            notes.problem(&file.path, error);
            return (Vec::new(), most);
        }
    };
    let reader = |index| {
        let pins = table.pins(index);
        Reader {
            index,
            owner: Owner { life: file.life(&Table::SEATS.range(index)), pid: table.pid(index) },
            pins: slots(pins.borrowed).chain(slots(pins.kept.without(pins.borrowed))).collect(),
            seen: pins.seen,
            retries: pins.retries,
            sharing: 0,
        }
    };
    (table.registered().into_iter().map(reader).collect(), table.entries())
}

/// The table of a channel whose board cannot be read: who lives, of all entries that any table can have.
pub(super) fn living(location: &Location, notes: &mut Notes) -> Vec<Reader> {
    let Some(file) = notes.open(location.readers(), Role::Readers) else { return Vec::new() };
    if file.any_life(&Table::SEATS.all()) == Life::Gone {
        return Vec::new();
    }
    let reader = |index| Reader {
        index,
        owner: Owner { life: file.life(&Table::SEATS.range(index)), pid: None },
        pins: Vec::new(),
        seen: 0,
        retries: 0,
        sharing: 0,
    };
    (0..Registered::MAX).map(reader).filter(|reader| reader.owner.life != Life::Gone).collect()
}

fn slots(mask: PinMask) -> impl Iterator<Item = usize> {
    (0..crate::slots::MAX_SLOTS).filter(move |&slot| SlotIndex::new(slot).is_some_and(|slot| mask.contains(slot)))
}
