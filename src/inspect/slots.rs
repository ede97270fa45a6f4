//! The slots of a channel.
//!
//! A writer may be at work on each of them. As for a copy without a pin, a slot's number is looked
//! at before and after its header: if it has not moved, the header is that value's. The kernel
//! makes the copies, so no reference to bytes that change is ever made.

use super::files::{Notes, Opened};
use super::report::{Role, Slot, SlotState, Value};
use crate::channel::board::copy::{BoardCopy, SlotCopy};
use crate::error::{Error, Result};
use crate::files::location::Location;
use crate::format::error::HeaderError;
use crate::format::slot::{self, SlotHeader};
use crate::sys;
use ndsharray_protocol::channel::{Latest, SlotIndex};
use std::sync::atomic::{Ordering, fence};

/// Attempts to copy the header of the current value before its writer goes on.
const ATTEMPTS: u32 = 1_000;

/// All slots. `before` is a copy of the board that is older than this call.
pub(super) fn all(file: &Opened, before: &BoardCopy, location: &Location, notes: &mut Notes) -> Result<Vec<Slot>> {
    // Acquire: what is copied from here on is as new as the numbers in `before`, at least. Pairs
    // with `WriterSide::publish`.
    fence(Ordering::Acquire);
    let Some(board) = copy(file)? else { return Ok(Vec::new()) };
    // Acquire: a number that is still the same in `after` was the same while `board` was copied.
    // Pairs with `WriterSide::confirm`.
    fence(Ordering::Acquire);
    let Some(after) = copy(file)? else { return Ok(Vec::new()) };
    let latest = board.latest();
    let mut slots = Vec::new();
    for index in 0..board.slot_count() {
        let Some(at) = SlotIndex::new(index) else { break };
        let slot = board.slot(at);
        let stays = index < before.slot_count()
            && index < after.slot_count()
            && before.slot(at).seq == slot.seq
            && after.slot(at).seq == slot.seq;
        let current = !latest.is_none() && latest.slot() == at && latest.number() == slot.seq;
        slots.push(describe(index, &slot, stays, current, file, location, notes));
    }
    Ok(slots)
}

fn copy(file: &Opened) -> Result<Option<BoardCopy>> {
    Ok(BoardCopy::new(file.front(BoardCopy::longest())?)?)
}

fn describe(
    index: usize,
    slot: &SlotCopy,
    stays: bool,
    current: bool,
    file: &Opened,
    location: &Location,
    notes: &mut Notes,
) -> Slot {
    let id = slot.header.payload();
    let mut found =
        Slot { index, state: SlotState::Unused, value: None, payload: None, capacity: None, pinned_by: Vec::new() };
    if id.is_nil() {
        return found;
    }
    let path = location.payload(id);
    found.capacity = notes.file(path.clone(), Role::Payload);
    found.payload = Some(path.clone());
    if slot.seq == 0 || !stays {
        found.state = SlotState::Writing;
        return found;
    }
    found.state = if current { SlotState::Current } else { SlotState::Earlier };
    match slot::decode(slot.header.as_bytes()) {
        Ok(header) => {
            let expected = header.byte_len as u64;
            // Earlier values may have lost their files to a takeover; their readers have them
            // mapped.
            if current && found.capacity.is_none_or(|len| len < expected) {
                let error = HeaderError::Payload { expected, found: found.capacity.unwrap_or(0) };
                notes.slot_problem(&path, index, error);
            }
            found.value = Some(Value {
                seq: Some(slot.seq),
                byte_len: header.byte_len,
                age: Some(sys::age_of(header.written_ns)),
                dtype: header.dtype,
                shape: header.shape,
            });
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

/// The current value's number and header.
pub(super) fn current(file: &Opened, board: &BoardCopy) -> std::result::Result<Option<(Latest, SlotHeader)>, Missing> {
    let latest = || -> Result<Latest> { Ok(Latest::copied(&file.bytes(BoardCopy::latest_at() as u64, 8)?, 0)) };
    let whole = |error| Missing { slot: None, error };
    for _ in 0..ATTEMPTS {
        let named = latest().map_err(whole)?;
        if named.is_none() {
            return Ok(None);
        }
        let index = named.slot().get();
        let broken = || HeaderError::Slot { number: named.number(), slot: index };
        if index >= board.slot_count() {
            return Err(Missing::from(index, broken()));
        }
        let at = BoardCopy::slot_at(named.slot()) as u64;
        // Acquire: the header is as new as `latest`, at least. Pairs with `WriterSide::publish`.
        fence(Ordering::Acquire);
        let slot = SlotCopy::new(&file.bytes(at, SlotCopy::BYTES).map_err(whole)?);
        // Acquire: a number that is still the same has been so all the time. Pairs with
        // `WriterSide::confirm`.
        fence(Ordering::Acquire);
        let again = SlotCopy::new(&file.bytes(at, 8).map_err(whole)?);
        if (slot.seq, again.seq) == (named.number(), named.number()) {
            let header = slot::decode(slot.header.as_bytes());
            return header.map(|header| Some((named, header))).map_err(|error| Missing::from(index, error));
        }
        if latest().map_err(whole)? == named {
            // A slot changes only after `latest` has gone on: this is not the protocol.
            return Err(Missing::from(index, broken()));
        }
    }
    Err(whole(Error::Contended { attempts: ATTEMPTS }))
}
