//! One file each: how a library is used for the operations that the measurements time.
//!
//! A contender implements the traits for what it can do; a measurement takes those that implement
//! what it needs. Everything is generic, so that each timed loop is compiled for its contender.

pub(crate) mod iceoryx2_blackboard;
pub(crate) mod iceoryx2_pubsub;
pub(crate) mod in_place;
pub(crate) mod locks;
pub(crate) mod memcpy;
pub(crate) mod mmap_sync;
pub(crate) mod ndsharray;
pub(crate) mod pattern;
pub(crate) mod python;
pub(crate) mod seqlock;
pub(crate) mod value;
pub(crate) mod wire;

use std::rc::Rc;

use anyhow::Result;

use crate::harness::place::Place;
use value::Value;

/// A contender that carries 64-byte values from one writer to its readers. Both ends are opened by
/// themselves, because they may live in different processes; the writer comes first.
pub(crate) trait Values: 'static {
    const NAME: &'static str;
    type Writer: Put + 'static;
    type Reader: Take + 'static;

    fn writer(place: &Place) -> Result<Self::Writer>;
    fn reader(place: &Place) -> Result<Self::Reader>;

    /// A writer that has to be told how many readers will come; most need not.
    fn crowd_writer(place: &Place, _readers: usize) -> Result<Self::Writer> {
        Self::writer(place)
    }
}

/// The writing end for 64-byte values.
pub(crate) trait Put {
    fn put(&mut self, value: &Value) -> Result<()>;
}

/// The reading end for 64-byte values.
pub(crate) trait Take {
    /// Shows the newest value to `look` if this reader has not seen it yet, in place where the
    /// contender can do that.
    fn take<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<Option<R>>;

    /// Is there something that this reader has not seen? The cheapest way the contender has.
    fn poll(&mut self) -> Result<bool>;
}

/// A reading end that can look at the current value again and again.
pub(crate) trait Latest {
    fn latest<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<R>;
}

/// A contender that carries byte arrays of any size.
pub(crate) trait Frames: 'static {
    const NAME: &'static str;
    type Writer: PutFrame + 'static;
    type Reader: TakeFrame + 'static;

    /// `capacity` bytes a frame and `readers` at once are the most that will come.
    fn writer(place: &Place, capacity: usize, readers: usize) -> Result<Self::Writer>;
    fn reader(place: &Place) -> Result<Self::Reader>;
}

/// The writing end for byte arrays.
pub(crate) trait PutFrame {
    /// What `put_frame` takes: for most the user's bytes as they are.
    type Frame: 'static;

    fn frame(source: &Rc<Vec<u8>>) -> Result<Self::Frame>;
    fn put_frame(&mut self, frame: &Self::Frame) -> Result<()>;
}

/// The reading end for byte arrays.
pub(crate) trait TakeFrame {
    fn take_frame<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>>;
}

/// A writing end that lends its memory, so that nothing is copied.
pub(crate) trait LoanFrame {
    /// Borrows room for `len` bytes, sets the first one, and publishes.
    fn loan_frame(&mut self, len: usize, first: u8) -> Result<()>;
}

/// A reading end whose values can be kept while newer ones arrive.
pub(crate) trait HoldFrame {
    type Held;

    fn hold(&mut self) -> Result<Self::Held>;
}

/// A reading end that can look at the current frame again and again.
pub(crate) trait LatestFrame {
    fn latest_frame<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R>;
}
