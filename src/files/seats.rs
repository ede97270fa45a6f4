//! Seats in a file.
//!
//! Each seat is an entry for one reader or handle. A process owns it by the kernel's lock on its
//! bytes.

use crate::error::{Error, Result};
use crate::sys::{ByteRange, LockedFile, range_lock};
use std::path::Path;

/// Bytes of a seat: a cache line.
const LEN: usize = 64;

/// Where the seats of a file are.
///
/// The bytes before them stand for the right to make or remove the file. A remover that [locks all
/// seats](Self::lock_all) has those bytes too. So a newcomer that finds no seat can distinguish a
/// full file from one that is about to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seats {
    start: usize,
    /// How many seats such a file can have. Its head says how many this one has.
    most: usize,
}

/// What came of an attempt to take a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// The seat of this index is ours.
    Taken(usize),
    /// Each has a living owner.
    Full,
    /// The file is about to be removed, or to be finished by its maker.
    LockedOut,
}

impl Seats {
    /// The bytes whose lock makes a process the maker, or the remover, of the file.
    pub(crate) const FILE: ByteRange = 0..LEN as u64;

    /// `most` seats from byte `start` on, which lies behind [`FILE`](Self::FILE).
    pub(crate) const fn new(start: usize, most: usize) -> Self {
        Self { start, most }
    }

    /// The bytes whose lock makes a process the owner of seat `index`.
    pub(crate) const fn range(self, index: usize) -> ByteRange {
        let start = self.start.saturating_add(index.saturating_mul(LEN));
        start as u64..start.saturating_add(LEN) as u64
    }

    /// All seats that such a file can have.
    pub(crate) const fn all(self) -> ByteRange {
        self.range(0).start..self.range(self.most).start
    }

    /// Takes the first of the `count` seats without a living owner. The caller clears away what a
    /// dead one has left there.
    ///
    /// The lock goes with `file`. A remover may have come and gone meanwhile. With a seat or
    /// without, the caller makes sure that the file still has its name, or that its state is not
    /// one that a remover leaves.
    pub(crate) fn take(self, file: &LockedFile, path: &Path, count: usize) -> Result<Seat> {
        let fail = |e| Error::io("lock", path, e);
        // Twice: a process that reaps a dead owner's seat has its lock for a moment.
        for index in (0..count).chain(0..count) {
            if range_lock::try_lock(file, &self.range(index)).map_err(fail)? {
                return Ok(Seat::Taken(index));
            }
        }
        Ok(if range_lock::is_locked(file, &Self::FILE).map_err(fail)? { Seat::LockedOut } else { Seat::Full })
    }

    /// Calls `clear` if the owner of seat `index` is dead.
    ///
    /// The seat's lock is held meanwhile, so no newcomer takes it before it is cleared.
    ///
    /// Not for the caller's own seat, nor for two threads at once that share `file`: a lock does
    /// not stop its owner.
    pub(crate) fn reap(self, file: &LockedFile, index: usize, clear: impl FnOnce()) {
        let range = self.range(index);
        // An error is taken for a sign of life: waiters retry.
        if let Ok(true) = range_lock::try_lock(file, &range) {
            clear();
            let _ = range_lock::unlock(file, &range);
        }
    }

    /// Locks all seats, and the file itself, if no living process owns one of them.
    ///
    /// From then on no newcomer gets a seat. The locks go with `file`.
    pub(crate) fn lock_all(self, file: &LockedFile, path: &Path) -> Result<bool> {
        // In one step, where the system has it: a vain attempt then keeps no newcomer out, not even
        // for a moment.
        range_lock::try_lock_all(file, &(Self::FILE.start..self.all().end)).map_err(|e| Error::io("lock", path, e))
    }

    /// Whether seat `index` has a living owner other than the caller.
    pub(crate) fn has_owner(self, file: &LockedFile, index: usize) -> std::io::Result<bool> {
        range_lock::is_locked(file, &self.range(index))
    }

    /// How many seats have a living owner; a seat that the system cannot check counts.
    pub(crate) fn living(self, file: &LockedFile) -> usize {
        (0..self.most).filter(|&index| self.has_owner(file, index).unwrap_or(true)).count()
    }
}

#[cfg(all(test, any(unix, windows)))]
mod tests {
    use super::*;
    use crate::sys::{Access, open, open_exclusive};

    const SEATS: Seats = Seats::new(128, 4);

    #[test]
    fn newcomers_tell_a_full_file_from_one_that_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        drop(open_exclusive(&path, 0o600).unwrap());
        let handle = || LockedFile::new(open(&path, Access::ReadWrite).unwrap());
        let (a, b, c) = (handle(), handle(), handle());
        assert_eq!(SEATS.take(&a, &path, 2).unwrap(), Seat::Taken(0));
        assert_eq!(SEATS.take(&b, &path, 2).unwrap(), Seat::Taken(1));
        assert_eq!(SEATS.take(&c, &path, 2).unwrap(), Seat::Full);
        assert!(!SEATS.lock_all(&c, &path).unwrap());
        assert_eq!(SEATS.living(&c), 2);
        SEATS.reap(&c, 1, || panic!("it lives"));
        drop(b);
        let mut cleared = 0;
        SEATS.reap(&c, 1, || cleared += 1);
        assert_eq!(cleared, 1);
        assert_eq!(SEATS.take(&handle(), &path, 2).unwrap(), Seat::Taken(1), "it was given back");
        drop(a);
        assert!(SEATS.lock_all(&c, &path).unwrap());
        assert_eq!(SEATS.take(&handle(), &path, 2).unwrap(), Seat::LockedOut);
        drop(c);
        let maker = handle();
        assert!(range_lock::try_lock(&maker, &Seats::FILE).unwrap());
        assert!(!SEATS.lock_all(&handle(), &path).unwrap(), "its maker is at it");
        assert_eq!(SEATS.living(&handle()), 0);
    }
}
