//! How the sender learns that its frame has been received: a cache line of its own, the same for
//! all contenders.

use std::fs::OpenOptions;
use std::hint;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use memmap2::MmapMut;

use crate::harness::place::Place;

/// Nothing takes that long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Ack {
    map: MmapMut,
}

impl Ack {
    pub(super) fn open(place: &Place) -> Result<Self> {
        let path = place.dir().join("ack");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.set_len(4096)?;
        // SAFETY: the file lies in a private directory, keeps its length, and is touched through an
        // atomic only.
        let map = unsafe { MmapMut::map_mut(&file)? };
        ensure!(map.len() == 4096, "the mapping has another size");
        Ok(Self { map })
    }

    fn word(&self) -> &AtomicU64 {
        // SAFETY: the mapping starts on a page, lives as long as `self`, and any bytes are a valid
        // atomic.
        unsafe { &*self.map.as_ptr().cast() }
    }

    pub(super) fn give(&self, stamp: u64) {
        self.word().store(stamp, Ordering::Release);
    }

    /// Spins until the frame stamped so has been received.
    pub(super) fn wait(&self, stamp: u64) -> Result<()> {
        let mut looks = 0_u32;
        let mut begin = None;
        while self.word().load(Ordering::Acquire) != stamp {
            hint::spin_loop();
            looks += 1;
            if looks.is_multiple_of(1 << 20) {
                let begin = begin.get_or_insert_with(Instant::now);
                ensure!(begin.elapsed() < PATIENCE, "a frame was not received");
            }
        }
        Ok(())
    }
}
