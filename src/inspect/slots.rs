//! The slots of a channel.
//!
//! A writer may be at work on each of them. As for a copy without a pin, a slot's number is looked
//! at before and after its header: if it has not moved, the header is that value's. The kernel
//! makes the copies, so no reference to bytes that change is ever made.

use super::files::{Notes, Opened};
use super::report::{Role, Slot, SlotState, Value};
use crate::channel::board::HeaderWords;
use crate::channel::snapshot::BoardSnapshot;
use crate::error::{Error, Result};
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::files::snapshot::Snapshot;
use crate::files::trusted::open_trusted;
use crate::format::error::HeaderError;
use crate::format::slot::SlotHeader;
use crate::format::tail::Tail;
use crate::raw::Origin;
use crate::sys::{self, Access};
use ndsharray_protocol::channel::{self, Hot, Latest};
use std::sync::atomic::{Ordering, fence};

/// Attempts to copy the header of the current value before its writer goes on.
///
/// A writer that floods spoils all but one in some hundred; these take less than a second.
const ATTEMPTS: u32 = 50_000;

/// All slots. `before` is a copy of the board that is older than this call.
pub(super) fn all(file: &Opened, before: &BoardSnapshot, location: &Location, notes: &mut Notes) -> Result<Vec<Slot>> {
    // Acquire: what is copied from here on is as new as the numbers in `before`, at least. Pairs
    // with `WriterSide::publish`.
    fence(Ordering::Acquire);
    let Some(board) = snapshot(file)? else { return Ok(Vec::new()) };
    // Acquire: a number that is still the same in `after` was the same while `board` was copied.
    // Pairs with `WriterSide::confirm`.
    fence(Ordering::Acquire);
    let Some(after) = snapshot(file)? else { return Ok(Vec::new()) };
    let Some(hot) = board.hot() else { return Ok(Vec::new()) };
    let latest = hot.latest.load();
    check_cells(&board, &after, file, notes);
    let mut slots = Vec::new();
    for (index, slot) in board.slots().iter().enumerate() {
        let seq = slot.seq.load();
        let had = |board: &BoardSnapshot| board.slots().get(index).is_some_and(|slot| slot.seq.load() == seq);
        let stays = had(before) && had(&after);
        let current = !latest.is_none() && latest.slot().get() == index && latest.number() == seq;
        slots.push(describe(index, slot, stays, current, file, location, notes));
    }
    Ok(slots)
}

/// Notes cells that no writer leaves. `after` is a copy of the board that is newer than `board`.
fn check_cells(board: &BoardSnapshot, after: &BoardSnapshot, file: &Opened, notes: &mut Notes) {
    let Some(newest) = after.hot().map(|hot| hot.latest.load().number()) else { return };
    let count = board.slots().len();
    for (cell, slot) in board.slots().iter().enumerate() {
        let holds = slot.cell.load();
        if !channel::is_sound(holds, cell, count, newest) {
            let (found, slot) = (holds.number(), holds.slot().get());
            // The last number that is looked for there.
            let number = newest.saturating_sub(newest.wrapping_add((count - cell) as u64) % count as u64);
            notes.slot_problem(&file.path, cell, HeaderError::Cell { number, cell, found, slot });
        }
    }
}

fn snapshot(file: &Opened) -> Result<Option<BoardSnapshot>> {
    Ok(BoardSnapshot::of(&file.front(BoardSnapshot::longest())?)?)
}

fn describe(
    index: usize,
    slot: &channel::Slot,
    stays: bool,
    current: bool,
    file: &Opened,
    location: &Location,
    notes: &mut Notes,
) -> Slot {
    let (seq, header) = (slot.seq.load(), slot.header());
    let id = header.payload();
    let mut found =
        Slot { index, state: SlotState::Unused, value: None, payload: None, capacity: None, pinned_by: Vec::new() };
    if id.is_nil() {
        return found;
    }
    let path = location.payload(id);
    found.capacity = notes.file(path.clone(), Role::Payload);
    found.payload = Some(path.clone());
    if seq == 0 || !stays {
        found.state = SlotState::Writing;
        return found;
    }
    found.state = if current { SlotState::Current } else { SlotState::Earlier };
    match header.decode() {
        Ok(header) => {
            let expected = header.tail.end(header.byte_len) as u64;
            // Earlier values may have lost their files to a takeover; their readers have them
            // mapped.
            if current && found.capacity.is_none_or(|len| len < expected) {
                let error = HeaderError::Payload { expected, found: found.capacity.unwrap_or(0) };
                notes.slot_problem(&path, index, error);
            }
            let value = Value::with(seq, header);
            found.value = Some(Value { element_type: value.element_type.with_description(0), ..value });
        }
        Err(error) => {
            found.state = SlotState::Damaged;
            notes.slot_problem(&file.path, index, error);
        }
    }
    found
}

/// Why there is no current value.
pub(super) struct Missing {
    pub(super) slot: Option<usize>,
    pub(super) error: Error,
}

impl Missing {
    fn from(slot: usize, error: HeaderError) -> Self {
        Self { slot: Some(slot), error: error.into() }
    }
}

/// A copy of what stands behind the elements of a value; `None` if it cannot be had.
fn behind(location: &Location, header: &SlotHeader) -> Option<Vec<u8>> {
    let path = location.payload(header.payload);
    let (file, _) = open_trusted(&path, Access::Read, Owners::Anyone).ok()?;
    let mut bytes = vec![0; header.tail.len()];
    let found = sys::read_at(&file, &mut bytes, Tail::at(header.byte_len) as u64).ok()?;
    (found == bytes.len()).then_some(bytes)
}

/// The current value.
pub(super) fn current(
    file: &Opened,
    board: &BoardSnapshot,
    location: &Location,
) -> std::result::Result<Option<Value>, Missing> {
    let words = |(at, len)| -> Result<Snapshot> { Ok(Snapshot::of(&file.bytes(at, len)?)) };
    let latest = || -> Result<Latest> {
        let line = words(BoardSnapshot::HOT)?;
        Ok(line.at::<Hot>(0).map_or(Latest::NONE, |hot| hot.latest.load()))
    };
    let whole = |error| Missing { slot: None, error };
    for _ in 0..ATTEMPTS {
        let named = latest().map_err(whole)?;
        if named.is_none() {
            return Ok(None);
        }
        let index = named.slot().get();
        let broken = || HeaderError::Slot { number: named.number(), slot: index };
        if index >= board.slots().len() {
            return Err(Missing::from(index, broken()));
        }
        let at = BoardSnapshot::slot(named.slot());
        // Acquire: the header is as new as `latest`, at least. Pairs with `WriterSide::publish`.
        fence(Ordering::Acquire);
        let slot = words(at).map_err(whole)?;
        let header = slot.at::<channel::Slot>(0).map(|slot| slot.header().decode());
        let behind = match &header {
            Some(Ok(header)) if !header.tail.is_none() => behind(location, header),
            _ => None,
        };
        // Acquire: a number that is still the same has been so all the time. Pairs with
        // `WriterSide::confirm`.
        fence(Ordering::Acquire);
        let again = words(at).map_err(whole)?;
        let (slot, again) = (slot.at::<channel::Slot>(0), again.at::<channel::Slot>(0));
        if let (Some(slot), Some(again)) = (slot, again)
            && (slot.seq.load(), again.seq.load()) == (named.number(), named.number())
        {
            let header = header.unwrap_or_else(|| slot.header().decode());
            let value = header.map(|header| {
                let (record, attributes) =
                    behind.as_ref().and_then(|bytes| header.tail.split(bytes)).unwrap_or_default();
                let (attributes, origin) = (attributes.to_vec(), record.as_ref().map(Origin::of));
                Some(Value { attributes, origin, ..Value::with(named.number(), header) })
            });
            return value.map_err(|error| Missing::from(index, error));
        }
        if latest().map_err(whole)? == named {
            // A slot changes only after `latest` has gone on: this is not the protocol.
            return Err(Missing::from(index, broken()));
        }
    }
    Err(whole(Error::Contended { attempts: ATTEMPTS }))
}
