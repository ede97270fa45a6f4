//! The head of a board or reader table, in mapped memory.

use crate::format::error::HeaderError;
use crate::format::file::HEAD_BYTES;
use ndsharray_protocol::channel;
use std::sync::atomic::AtomicU64;

/// Copies a head out of the first words of a file; `None` while the magic is not there.
pub(crate) fn load_head(words: &[AtomicU64]) -> Option<[u8; HEAD_BYTES]> {
    channel::load_head::<{ HEAD_BYTES / 8 }>(words).map(bytemuck::cast)
}

/// Writes a head, the magic last.
pub(crate) fn store_head(words: &[AtomicU64], head: &[u8; HEAD_BYTES]) {
    channel::store_head::<{ HEAD_BYTES / 8 }>(words, &bytemuck::cast(*head));
}

pub(crate) fn truncated(expected: usize, found: usize) -> HeaderError {
    HeaderError::Truncated { expected: expected as u64, found: found as u64 }
}
