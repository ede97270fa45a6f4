//! The floor: a cache line that one process stores and the other loads, and a futex. Frames that do
//! not fit into the line are copied into one of two buffers first. Nothing is protected: the sender
//! is to wait until the frame has been received.

use std::fs::OpenOptions;
use std::hint;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anyhow::{Result, ensure};
use memmap2::MmapMut;

use super::{ReceiveFrame, SendFrame, Waiting, Wire, stamp, stamp_of};
use crate::harness::place::Place;

/// A cache line of its own, whatever the processor prefetches beside it.
#[repr(C, align(128))]
struct Line {
    stamp: AtomicU64,
    /// Changes with each frame; the futex compares it.
    turn: AtomicU32,
}

/// Sizes up to this one are the line itself.
const LINE: usize = 64;

/// Where the first buffer begins.
const BUFFERS: usize = 4096;

/// A line that the other end watches.
pub(crate) struct Spin;

/// A futex that the other end sleeps on.
pub(crate) struct Futex;

/// Either end.
pub(crate) struct End {
    map: MmapMut,
    source: Vec<u8>,
    waiting: Waiting,
    last: u64,
}

impl End {
    fn open(place: &Place, size: usize, waiting: Waiting) -> Result<Self> {
        let path = place.dir().join("floor");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let len = BUFFERS + 2 * size.next_multiple_of(4096);
        file.set_len(len as u64)?;
        // SAFETY: the file lies in a private directory and keeps its length; the line is touched
        // through atomics only, and the buffers by one end at a time, as the stamp says.
        let mut map = unsafe { MmapMut::map_mut(&file)? };
        ensure!(map.len() == len, "the mapping has another size");
        // Warm: no page is touched for the first time while it is timed.
        for byte in map.iter_mut().step_by(4096) {
            // Written although nothing changes.
            *byte = std::hint::black_box(*byte);
        }
        Ok(Self { map, source: vec![0xA5; size], waiting, last: 0 })
    }

    #[inline]
    fn line(&self) -> &Line {
        // SAFETY: the mapping starts on a page, is longer than a line, lives as long as `self`, and
        // any bytes are valid atomics.
        unsafe { &*self.map.as_ptr().cast() }
    }

    #[inline]
    fn buffer(&self, turn: u32) -> std::ops::Range<usize> {
        let start = BUFFERS + (turn & 1) as usize * self.source.len().next_multiple_of(4096);
        start..start + self.source.len()
    }
}

impl SendFrame for End {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        let turn = self.line().turn.load(Ordering::Relaxed).wrapping_add(1);
        if self.source.len() > LINE {
            let range = self.buffer(turn);
            stamp(&mut self.source, now);
            self.map[range].copy_from_slice(&self.source);
        }
        let line = self.line();
        line.turn.store(turn, Ordering::Relaxed);
        line.stamp.store(now, Ordering::Release);
        if self.waiting == Waiting::Asleep {
            // SAFETY: FUTEX_WAKE uses the word's address as a key; it is mapped while `self` lives.
            unsafe { libc::syscall(libc::SYS_futex, &raw const line.turn, libc::FUTEX_WAKE, 1) };
        }
        Ok(())
    }
}

impl ReceiveFrame for End {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        let now = loop {
            let line = self.line();
            let turn = line.turn.load(Ordering::Acquire);
            let now = line.stamp.load(Ordering::Acquire);
            if now != self.last {
                break now;
            }
            match self.waiting {
                Waiting::Spinning => hint::spin_loop(),
                Waiting::Asleep => {
                    // SAFETY: FUTEX_WAIT reads the word, which is mapped while `self` lives; there
                    // is no time-out.
                    let result = unsafe {
                        let none = ptr::null::<libc::timespec>();
                        libc::syscall(libc::SYS_futex, &raw const line.turn, libc::FUTEX_WAIT, turn, none)
                    };
                    let error = io::Error::last_os_error();
                    let expected = matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR));
                    ensure!(result == 0 || expected, "futex: {error}");
                }
            }
        };
        self.last = now;
        if self.source.len() > LINE {
            let turn = self.line().turn.load(Ordering::Acquire);
            ensure!(stamp_of(&self.map[self.buffer(turn)])? == now, "another frame than the line says");
        }
        Ok(now)
    }
}

macro_rules! floors {
    ($($floor:ident $name:literal)*) => {$(
        impl Wire for $floor {
            const NAME: &'static str = $name;
            type Sender = End;
            type Receiver = End;

            fn sender(place: &Place, size: usize, waiting: Waiting) -> Result<End> {
                End::open(place, size, waiting)
            }

            fn receiver(place: &Place, size: usize, waiting: Waiting) -> Result<End> {
                End::open(place, size, waiting)
            }
        }
    )*};
}

floors!(Spin "floor: cache line" Futex "floor: futex");
