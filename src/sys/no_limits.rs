//! Where the system does not show what is left for a process.
//!
//! Nor does it show what memory a file has.

use std::fs::File;

/// Whether a file's [`Identity::allocated`](super::types::Identity) is all the memory that it has;
/// not known.
pub(crate) fn tells_what_is_set_aside(_: &File) -> bool {
    false
}

/// Bytes of address space that this process may still map; not known.
pub(crate) fn address_space_left() -> Option<u64> {
    None
}

/// Mappings that this process may still have; not known.
pub(crate) fn mappings_left() -> Option<u64> {
    None
}

/// Bytes that this process' group may still take, if less than `wanted`.
///
/// There are no such groups.
pub(crate) fn group_memory_short_of(_wanted: u64) -> Option<u64> {
    None
}
