//! ndsharray as a user would write it, with default options.

use std::rc::Rc;

use anyhow::{Context, Result};
use ndsharray::{Options, OwnedSample};

use super::value::Value;
use super::{Frames, HoldFrame, Latest, LatestFrame, LoanFrame, Put, PutFrame, Take, TakeFrame, Values};
use crate::harness::place::Place;

/// Both a carrier of small values, as arrays of 64 bytes, and of frames.
pub(crate) struct Ndsharray;

pub(crate) struct Writer(ndsharray::Writer<u8>);

pub(crate) struct Reader(ndsharray::Reader);

/// The channel's name within its place.
pub(crate) const CHANNEL: &str = "bench";

impl Writer {
    fn create(place: &Place) -> Result<Self> {
        Ok(Self(Options::new().dir(place.dir()).create::<u8>(CHANNEL)?))
    }
}

impl Reader {
    fn open(place: &Place) -> Result<Self> {
        Ok(Self(Options::new().dir(place.dir()).open(CHANNEL)?))
    }
}

impl Values for Ndsharray {
    const NAME: &'static str = "ndsharray";
    type Writer = Writer;
    type Reader = Reader;

    fn writer(place: &Place) -> Result<Writer> {
        Writer::create(place)
    }

    fn reader(place: &Place) -> Result<Reader> {
        Reader::open(place)
    }
}

impl Put for Writer {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        self.0.write(&[value.len()], value)?;
        Ok(())
    }
}

impl Take for Reader {
    #[inline]
    fn take<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<Option<R>> {
        let Some(sample) = self.0.read()? else { return Ok(None) };
        let view = sample.view::<u8>()?;
        Ok(Some(look(view.as_slice().try_into()?)))
    }

    #[inline]
    fn poll(&mut self) -> Result<bool> {
        Ok(self.0.read()?.is_some())
    }
}

impl Latest for Reader {
    #[inline]
    fn latest<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<R> {
        let sample = self.0.latest()?.context("no value")?;
        let view = sample.view::<u8>()?;
        Ok(look(view.as_slice().try_into()?))
    }
}

impl Frames for Ndsharray {
    const NAME: &'static str = "ndsharray";
    type Writer = Writer;
    type Reader = Reader;

    fn writer(place: &Place, _capacity: usize, _readers: usize) -> Result<Writer> {
        Writer::create(place)
    }

    fn reader(place: &Place) -> Result<Reader> {
        Reader::open(place)
    }
}

/// The same with `Options::prefault`.
pub(crate) struct Prefaulting;

impl Frames for Prefaulting {
    const NAME: &'static str = "ndsharray, prefault";
    type Writer = Writer;
    type Reader = Reader;

    fn writer(place: &Place, _capacity: usize, _readers: usize) -> Result<Writer> {
        Ok(Writer(Options::new().dir(place.dir()).prefault(true).create::<u8>(CHANNEL)?))
    }

    fn reader(place: &Place) -> Result<Reader> {
        Reader::open(place)
    }
}

impl PutFrame for Writer {
    type Frame = Rc<Vec<u8>>;

    fn frame(source: &Rc<Vec<u8>>) -> Result<Self::Frame> {
        Ok(Rc::clone(source))
    }

    fn put_frame(&mut self, frame: &Self::Frame) -> Result<()> {
        self.0.write(&[frame.len()], frame)?;
        Ok(())
    }
}

impl LoanFrame for Writer {
    fn loan_frame(&mut self, len: usize, first: u8) -> Result<()> {
        let mut loan = self.0.loan(&[len])?;
        if let Some(byte) = loan.as_mut_slice().first_mut() {
            *byte = first;
        }
        loan.publish()?;
        Ok(())
    }
}

impl TakeFrame for Reader {
    fn take_frame<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        let Some(sample) = self.0.read()? else { return Ok(None) };
        Ok(Some(look(sample.view::<u8>()?.as_slice())))
    }
}

impl HoldFrame for Reader {
    type Held = OwnedSample;

    fn hold(&mut self) -> Result<Self::Held> {
        self.0.latest_owned()?.context("nothing to hold")
    }
}

impl LatestFrame for Reader {
    #[inline]
    fn latest_frame<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R> {
        let sample = self.0.latest()?.context("no value")?;
        Ok(look(sample.view::<u8>()?.as_slice()))
    }
}
