//! The files of a channel, mapped: board, reader table, payloads; and those of shared arrays.
//!
//! Raw pointers live here alone. A mapping is made once, its length is checked against what will be accessed, and from then on it is
//! reached through references to atomics (board, table) or through byte slices whose exclusiveness the slot protocol grants
//! (payloads).
//!
//! Words that the slot protocol does not know (`state`, `epoch`, `files`) have their orderings beside them here.

mod array;
mod board;
mod claim;
mod files;
mod mapping;
mod payload;
mod remains;
mod room;
mod seats;
mod table;

pub(crate) use crate::slots::State;
pub(crate) use array::{ArrayMemory, Cell, Extent};
pub(crate) use board::{Board, BoardCopy, Slot, SlotCopy};
pub(crate) use claim::{Claim, Claimed, claim_existing, claim_name};
pub(crate) use files::{
    check_ours, create, has_name, open_table_file, open_trusted, payload_files, remove_if_there, remove_payload,
    remove_payloads, unlink_if_same,
};
pub use mapping::DetachedMemory;
pub(crate) use payload::{ReadPayload, WritePayload, check_set_aside};
pub(crate) use remains::{ClosedFiles, remove_closed};
pub(crate) use room::{check_limits, no_room, reserve};
pub(crate) use seats::{Seat, Seats};
pub(crate) use table::{OwnEntry, Table, TableCopy};

use crate::error::Result;
use crate::header::HeaderError;
use crate::sync::{AtomicU64, Ordering, fence};
use crate::sys::{Access, Identity};
use mapping::{Mapping, Pages};
use room::{no_file, no_mapping, too_large, write_new};
use std::fs::File;

/// The length of a file to be mapped, if it is at least `least` bytes; `None` for an empty file, which is still being made.
fn mappable(identity: &Identity, least: usize) -> Result<Option<usize>> {
    if identity.len == 0 {
        return Ok(None);
    }
    let too_short = HeaderError::Truncated { expected: least as u64, found: identity.len };
    match usize::try_from(identity.len) {
        Ok(len) if len >= least => Ok(Some(len)),
        _ => Err(too_short.into()),
    }
}

/// Whether the front of a file can be mapped, and two mappings of it are one memory.
pub(crate) fn try_mapping(file: &File, len: usize) -> std::io::Result<()> {
    let map = |access| Mapping::new(file, len, access, Pages::NONE);
    let (a, b) = (map(Access::ReadWrite)?, map(Access::Read)?);
    let (a, b) = (words(&a), words(&b));
    let Some((a, b)) = a.first().zip(b.first()) else { return Ok(()) };
    let number = a.load(Ordering::Relaxed).wrapping_add(1);
    a.store(number, Ordering::Relaxed);
    // SeqCst: one thread, two addresses of one word; the fence keeps the compiler from keeping them apart.
    fence(Ordering::SeqCst);
    let same = b.load(Ordering::Relaxed) == number;
    if same { Ok(()) } else { Err(std::io::Error::other("two mappings of a file show different bytes")) }
}

/// A whole mapping as 64-bit words (a rest of less than eight bytes is left out).
fn words(mapping: &Mapping) -> &[AtomicU64] {
    // SAFETY: `len / 8` words are mapped at a page boundary for as long as the mapping is borrowed; an AtomicU64 is valid whatever its
    // bytes, and may be changed by others. Stores are made only through mappings for writing.
    unsafe { core::slice::from_raw_parts(mapping.as_ptr().cast::<AtomicU64>(), mapping.len() / 8) }
}
