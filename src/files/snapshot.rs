//! A copy of a file's front, seen through the types of the mapped file.
//!
//! For reports: nothing is mapped, so a file that is cut meanwhile does no harm.

use ndsharray_protocol::{channel, rwlock};
use std::sync::atomic::AtomicU64;

/// A type of which any bytes are a value.
///
/// # Safety
///
/// It is `repr(C)`, consists of atomics, and is aligned to 64 bytes at most.
pub(crate) unsafe trait Words: Sync {}

// SAFETY: `repr(C, align(64))`, and atomics alone; so are those below.
unsafe impl Words for channel::Hot {}
// SAFETY: see above.
unsafe impl Words for channel::Slot {}
// SAFETY: see above.
unsafe impl Words for channel::Shared {}
// SAFETY: see above.
unsafe impl Words for channel::Entry {}
// SAFETY: see above.
unsafe impl Words for rwlock::RwLockWords {}
// SAFETY: see above.
unsafe impl Words for rwlock::Entry {}

/// 64 bytes of a snapshot.
#[repr(C, align(64))]
struct Line([AtomicU64; 8]);

/// Bytes of a file, aligned as a mapping of the file would be.
pub(crate) struct Snapshot(Vec<Line>);

impl Snapshot {
    /// Copies the bytes; up to the end of their last line they are followed by zeros.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let word = |line: &[u8], i: usize| {
            let mut word = [0; 8];
            let there = line.get(i * 8..).unwrap_or_default();
            for (to, from) in word.iter_mut().zip(there) {
                *to = *from;
            }
            AtomicU64::new(u64::from_ne_bytes(word))
        };
        Self(bytes.chunks(64).map(|line| Line(core::array::from_fn(|i| word(line, i)))).collect())
    }

    /// What stands at byte `at`; `None` when it would end beyond the snapshot.
    pub(crate) fn at<T: Words>(&self, at: usize) -> Option<&T> {
        self.slice(at, 1)?.first()
    }

    /// As [`at`](Self::at), for `count` of them.
    pub(crate) fn slice<T: Words>(&self, at: usize, count: usize) -> Option<&[T]> {
        let end = size_of::<T>().checked_mul(count)?.checked_add(at)?;
        if end > size_of_val(self.0.as_slice()) || !at.is_multiple_of(align_of::<T>()) {
            return None;
        }
        let start = self.0.as_ptr().wrapping_byte_add(at).cast::<T>();
        // SAFETY: `count` values lie within the lines, which are borrowed as long. A line is
        // aligned to 64 bytes, a T to no more, and `at` to a T. Lines are atomics, as a T is, so
        // both may be changed through shared references; any bytes are a T, as `Words` promises.
        Some(unsafe { core::slice::from_raw_parts(start, count) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_beyond_the_snapshot_is_not_there() {
        let snapshot = Snapshot::of(&[0; 65]);
        assert!(snapshot.at::<channel::Entry>(64).is_some(), "zeros follow");
        assert!(snapshot.at::<channel::Entry>(128).is_none());
        assert!(snapshot.at::<channel::Entry>(8).is_none(), "nothing is there that is not aligned");
        assert!(snapshot.slice::<channel::Entry>(0, 2).is_some());
        assert!(snapshot.slice::<channel::Entry>(0, usize::MAX).is_none());
        assert!(Snapshot::of(&[]).at::<channel::Hot>(0).is_none());
    }

    #[test]
    fn words_are_as_in_the_bytes() {
        let mut bytes = [0; 128];
        bytes[64..72].copy_from_slice(&(7_u64 << 6 | 5).to_ne_bytes());
        let snapshot = Snapshot::of(&bytes);
        let latest = snapshot.at::<channel::Hot>(64).unwrap().latest.load();
        assert_eq!((latest.number(), latest.slot().get()), (7, 5));
    }
}
