//! The head of a board or reader table, in mapped memory.

use crate::format::error::HeaderError;
use crate::format::file::HEAD_BYTES;
use ndsharray_protocol::channel;
use std::sync::atomic::AtomicU64;

/// Copies a head out of the first words of a file; `None` while the magic is not there.
pub(crate) fn load_head(words: &[AtomicU64]) -> Option<[u8; HEAD_BYTES]> {
    let words = channel::load_head::<{ HEAD_BYTES / 8 - 1 }>(words)?;
    let mut head = [0; HEAD_BYTES];
    // The last word is not part of it: in a reader table others store to its halves.
    head.iter_mut().zip(bytemuck::bytes_of(&words)).for_each(|(byte, copy)| *byte = *copy);
    Some(head)
}

/// Writes a head, the magic last.
pub(crate) fn store_head(words: &[AtomicU64], head: &[u8; HEAD_BYTES]) {
    channel::store_head::<{ HEAD_BYTES / 8 }>(words, &bytemuck::cast(*head));
}

pub(crate) fn truncated(expected: usize, found: usize) -> HeaderError {
    HeaderError::Truncated { expected: expected as u64, found: found as u64 }
}
