//! Copies of whole arrays into shared memory.
//!
//! The C library's `memcpy` is hard to beat below a megabyte, and it decides by sizes of caches
//! that a virtual machine may report wrongly. Above that two things count which it does not know.
//! The target lies at the start of a page or near it, and is overwritten entirely. Its next reader
//! is another process, on another core.
//!
//! | bytes | how | why |
//! |---|---|---|
//! | below [`STRING_FROM`] | `memcpy` | it stays within the core's own cache |
//! | below [`STREAM_FROM`] | [`string`] where the processor is known to be good at it, else `memcpy` | lines that are overwritten entirely need not be fetched first |
//! | above | [`stream`] | as above, and the copy does not drive its source, and other programs' data, out of a cache that cannot hold it anyway |
//!
//! Each wins not only for the writer alone, but also for writer and a reader together that then
//! reads all of it, on the same core or another.

#[cfg(target_arch = "x86_64")]
use super::{stream, string};
/// The size of a core's own cache on the processors that [`string`] is for. Up to this size the C
/// library uses the same instruction by itself.
#[cfg(any(test, target_arch = "x86_64"))]
const STRING_FROM: usize = 1 << 20;

/// Bytes from which on the copy bypasses the caches: half of 32 MiB.
///
/// The cores of one chiplet share 32 MiB, so from here on source and target do not fit into it
/// together. From a third of it on the writer gains, since source and two targets in turn do not
/// fit. Up to here it is a draw for a reader on the same core.
#[cfg(any(test, target_arch = "x86_64"))]
const STREAM_FROM: usize = 16 << 20;

/// Copies all of `from` over `to`; does nothing if their lengths differ.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    if to.len() != from.len() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if from.len() >= STRING_FROM {
        return copy_large(to, from);
    }
    to.copy_from_slice(from);
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn copy_large(to: &mut [u8], from: &[u8]) {
    if from.len() >= STREAM_FROM && stream::copy(to, from) {
        return;
    }
    if string::is_quick(to.as_ptr().addr(), from.as_ptr().addr()) {
        string::copy(to, from);
    } else {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Bytes that differ from their neighbours, and from those a power of two away.
    #[allow(clippy::cast_possible_truncation, reason = "any byte will do")]
    pub(super) fn pattern(len: usize) -> Vec<u8> {
        // A prime length, so that repeating it makes no period of a power of two.
        let block: Vec<u8> = (0..4093_usize).map(|i| (i ^ i >> 8) as u8 | 1).collect();
        let mut bytes = block.repeat(len.div_ceil(block.len()));
        bytes.truncate(len);
        bytes
    }

    /// Runs `how` on `len` bytes at these offsets; checks them and their surroundings.
    pub(in crate::arch) fn check(how: impl Fn(&mut [u8], &[u8]), to_at: usize, from_at: usize, len: usize) {
        let source = pattern(from_at + len);
        let mut target = vec![0; to_at + len + 128];
        how(&mut target[to_at..to_at + len], &source[from_at..]);
        assert_eq!(&target[to_at..to_at + len], &source[from_at..], "{len} bytes from {from_at} to {to_at}");
        let around = target[..to_at].iter().chain(&target[to_at + len..]);
        assert!(around.copied().all(|byte| byte == 0), "{len} bytes from {from_at} to {to_at}: written beside");
    }

    #[test]
    fn every_size_range_copies_all_bytes_and_no_other() {
        for around in [0_usize, 4096, STRING_FROM, STREAM_FROM] {
            for len in [around.saturating_sub(1), around, around + 1, around + 129] {
                check(copy, 3, 0, len);
                check(copy, 0, 16, len);
            }
        }
    }

    #[test]
    fn slices_of_different_lengths_are_left_alone() {
        let mut target = [0; 8];
        copy(&mut target, &[1; 7]);
        assert_eq!(target, [0; 8]);
    }
}
