//! Copies of values on their way to slow receivers, so that these hold no slot of a local channel.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a value is sent in place. One that takes longer is copied.
pub const HOLD: Duration = Duration::from_millis(250);

/// The most bytes that copies of one process take together; one value may take more by itself.
pub const MAX_COPIES: u64 = 256 << 20;

static ROOM: Room = Room { taken: AtomicU64::new(0), most: MAX_COPIES };

struct Room {
    taken: AtomicU64,
    most: u64,
}

impl Room {
    /// Takes room for `bytes`, if there is as much.
    fn take(&self, bytes: u64) -> bool {
        let fits = |taken: u64| taken.checked_add(bytes).filter(|&sum| taken == 0 || sum <= self.most);
        // Relaxed, here and below: a count, which orders nothing.
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

/// A copy of a value's elements, or of the rest of them.
pub struct Copied {
    bytes: Vec<u8>,
    room: &'static Room,
}

impl Copied {
    /// Copies; `None` if other copies take all room, or there is no memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Self::within(&ROOM, bytes)
    }

    fn within(room: &'static Room, bytes: &[u8]) -> Option<Self> {
        if !room.take(bytes.len() as u64) {
            return None;
        }
        let mut copy = Vec::new();
        if copy.try_reserve_exact(bytes.len()).is_err() {
            room.taken.fetch_sub(bytes.len() as u64, Ordering::Relaxed);
            return None;
        }
        copy.extend_from_slice(bytes);
        Some(Self { bytes: copy, room })
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes.len() as u64, Ordering::Relaxed);
    }
}

impl AsRef<[u8]> for Copied {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_take_no_more_than_there_is() {
        static ROOM: Room = Room { taken: AtomicU64::new(0), most: 100 };
        let first = Copied::within(&ROOM, &[1; 60]).unwrap();
        assert!(Copied::within(&ROOM, &[2; 41]).is_none());
        let second = Copied::within(&ROOM, &[2; 40]).unwrap();
        assert!(Copied::within(&ROOM, &[3]).is_none() && Copied::within(&ROOM, &[]).is_some());
        drop(first);
        assert_eq!(second.as_ref(), [2; 40]);
        drop(second);
        // By itself a value may be larger: it would never go otherwise.
        let large = Copied::within(&ROOM, &[4; 500]).unwrap();
        assert!(Copied::within(&ROOM, &[5]).is_none());
        drop(large);
        assert_eq!(ROOM.taken.load(Ordering::Relaxed), 0);
    }
}
