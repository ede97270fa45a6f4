//! mmap-sync: two files and a reader count each; the closest relative, since it keeps the latest
//! value only.

use std::ffi::OsString;
use std::rc::Rc;
use std::time::Duration;

use ::mmap_sync::instance::InstanceVersion;
use ::mmap_sync::locks::LockDisabled;
use ::mmap_sync::synchronizer::Synchronizer;
use anyhow::Result;
use rkyv::AlignedVec;

use super::value::Value;
use super::{Frames, Latest, LatestFrame, Put, PutFrame, Take, TakeFrame, Values};
use crate::harness::place::Place;

/// The hasher that mmap-sync uses unless told otherwise.
type Hasher = wyhash::WyHash;

/// As by default, but for the time to sleep while a reader holds the other file: the default of one
/// second would bring a flooding writer to a halt, so it spins instead. That is the best for its
/// rate.
type Sync = Synchronizer<Hasher, LockDisabled, 1024, 0>;

/// Long enough that no living reader's count is ever reset: that would be tearing by configuration.
const GRACE: Duration = Duration::from_secs(10);

fn open(place: &Place) -> Sync {
    let mut prefix = OsString::from(place.dir());
    prefix.push("/mmap-sync");
    Sync::with_params(&prefix)
}

/// Writes through `write`, which serialises, validates, hashes and copies.
pub(crate) struct Typed;

/// Writes through `write_raw`, which trusts bytes that are serialised already.
pub(crate) struct Raw;

pub(crate) struct TypedWriter(Sync);

pub(crate) struct RawWriter(Sync);

pub(crate) struct Reader {
    sync: Sync,
    seen: Option<InstanceVersion>,
}

impl Reader {
    fn open(place: &Place) -> Self {
        Self { sync: open(place), seen: None }
    }
}

impl Values for Typed {
    const NAME: &'static str = "mmap-sync";
    type Writer = TypedWriter;
    type Reader = Reader;

    fn writer(place: &Place) -> Result<TypedWriter> {
        Ok(TypedWriter(open(place)))
    }

    fn reader(place: &Place) -> Result<Reader> {
        Ok(Reader::open(place))
    }
}

impl Values for Raw {
    const NAME: &'static str = "mmap-sync, write_raw";
    type Writer = RawWriter;
    type Reader = Reader;

    fn writer(place: &Place) -> Result<RawWriter> {
        Ok(RawWriter(open(place)))
    }

    fn reader(place: &Place) -> Result<Reader> {
        Ok(Reader::open(place))
    }
}

impl Put for TypedWriter {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        self.0.write(value, GRACE)?;
        Ok(())
    }
}

impl Put for RawWriter {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        // An array of bytes is archived as itself.
        self.0.write_raw::<Value>(value, GRACE)?;
        Ok(())
    }
}

impl Take for Reader {
    #[inline]
    fn take<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<Option<R>> {
        // SAFETY: the writer in this place writes `Value`s only, in which all bytes are valid, and
        // waits for GRACE, longer than `look` takes. That it may overwrite the value all the same
        // (it does not look twice) is what the measurement of torn values is about.
        let result = unsafe { self.sync.read::<Value>(false)? };
        Ok(if result.is_switched() { Some(look(&result)) } else { None })
    }

    #[inline]
    fn poll(&mut self) -> Result<bool> {
        let version = Some(self.sync.version()?);
        let new = version != self.seen;
        self.seen = version;
        Ok(new)
    }
}

impl Latest for Reader {
    #[inline]
    fn latest<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<R> {
        // SAFETY: as in `take`.
        let result = unsafe { self.sync.read::<Value>(false)? };
        Ok(look(&result))
    }
}

impl Frames for Typed {
    const NAME: &'static str = "mmap-sync";
    type Writer = TypedWriter;
    type Reader = Reader;

    fn writer(place: &Place, _capacity: usize, _readers: usize) -> Result<TypedWriter> {
        Ok(TypedWriter(open(place)))
    }

    fn reader(place: &Place) -> Result<Reader> {
        Ok(Reader::open(place))
    }
}

impl Frames for Raw {
    const NAME: &'static str = "mmap-sync, write_raw";
    type Writer = RawWriter;
    type Reader = Reader;

    fn writer(place: &Place, _capacity: usize, _readers: usize) -> Result<RawWriter> {
        Ok(RawWriter(open(place)))
    }

    fn reader(place: &Place) -> Result<Reader> {
        Ok(Reader::open(place))
    }
}

impl PutFrame for TypedWriter {
    type Frame = Rc<Vec<u8>>;

    fn frame(source: &Rc<Vec<u8>>) -> Result<Self::Frame> {
        Ok(Rc::clone(source))
    }

    fn put_frame(&mut self, frame: &Self::Frame) -> Result<()> {
        self.0.write::<Vec<u8>>(frame, GRACE)?;
        Ok(())
    }
}

impl PutFrame for RawWriter {
    /// Serialised before the clock starts, as if the frames came that way.
    type Frame = AlignedVec;

    fn frame(source: &Rc<Vec<u8>>) -> Result<Self::Frame> {
        Ok(rkyv::to_bytes::<Vec<u8>, 1024>(source)?)
    }

    fn put_frame(&mut self, frame: &Self::Frame) -> Result<()> {
        self.0.write_raw::<Vec<u8>>(frame, GRACE)?;
        Ok(())
    }
}

impl TakeFrame for Reader {
    fn take_frame<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        // SAFETY: the writer in this place writes archived `Vec<u8>`s only; as in `take` otherwise.
        // All frames of a place that is read while the writer is at work are equally long, so that
        // the archive's length and offset, which are the same each time, can be trusted even when
        // it is overwritten.
        let result = unsafe { self.sync.read::<Vec<u8>>(false)? };
        Ok(if result.is_switched() { Some(look(result.as_slice())) } else { None })
    }
}

impl LatestFrame for Reader {
    #[inline]
    fn latest_frame<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R> {
        // SAFETY: as in `take_frame`.
        let result = unsafe { self.sync.read::<Vec<u8>>(false)? };
        Ok(look(result.as_slice()))
    }
}
