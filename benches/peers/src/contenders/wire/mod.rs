//! From one process to another: one end sends stamped frames, the other waits for them, spinning or
//! asleep.
//!
//! A frame begins and ends with its stamp, so that the receiver has to touch both ends of what it
//! got. The stamp is the time at which it was sent, on the clock that all processes share, and so
//! grows with each frame.

pub(crate) mod floor;
pub(crate) mod iceoryx2;
pub(crate) mod in_order;
pub(crate) mod many;
pub(crate) mod mmap_sync;
pub(crate) mod ndsharray;
pub(crate) mod streams;

use anyhow::{Context, Result, ensure};

use crate::harness::place::Place;

/// How a receiver waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Waiting {
    /// Looks again and again.
    Spinning,
    /// Leaves the processor to others until it is woken.
    Asleep,
}

/// A contender that carries frames of one size between two processes. The sender is opened first.
pub(crate) trait Wire: 'static {
    const NAME: &'static str;
    type Sender: SendFrame + 'static;
    type Receiver: ReceiveFrame + 'static;

    fn sender(place: &Place, size: usize, waiting: Waiting) -> Result<Self::Sender>;
    fn receiver(place: &Place, size: usize, waiting: Waiting) -> Result<Self::Receiver>;
}

/// The sending end.
pub(crate) trait SendFrame {
    /// Sends a frame of the size agreed on that begins and ends with `stamp`.
    fn send(&mut self, stamp: u64) -> Result<()>;
}

/// The receiving end.
pub(crate) trait ReceiveFrame {
    /// Waits for a frame that is newer than the last one, and returns its stamp.
    fn receive(&mut self) -> Result<u64>;
}

/// Writes the stamp at both ends of a frame.
#[inline]
pub(crate) fn stamp(frame: &mut [u8], stamp: u64) {
    let bytes = stamp.to_ne_bytes();
    if let Some(first) = frame.first_chunk_mut() {
        *first = bytes;
    }
    if let Some(last) = frame.last_chunk_mut() {
        *last = bytes;
    }
}

/// The stamp of a frame, which must be the same at both ends.
#[inline]
pub(crate) fn stamp_of(frame: &[u8]) -> Result<u64> {
    let first = frame.first_chunk().context("a frame without a stamp")?;
    let last = frame.last_chunk().context("a frame without a stamp")?;
    ensure!(first == last, "the stamps at both ends of a frame differ");
    Ok(u64::from_ne_bytes(*first))
}
