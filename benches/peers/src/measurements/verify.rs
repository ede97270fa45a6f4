//! No contender is timed before it has shown that it works.

use std::rc::Rc;

use anyhow::{Result, ensure};

use crate::contenders::value::{counter, value};
use crate::contenders::{Frames, Put, PutFrame, Take, TakeFrame, Values};
use crate::harness::place::Place;

/// Both ends for 64-byte values.
pub(crate) struct ValueEnds<C: Values> {
    pub(crate) writer: C::Writer,
    pub(crate) reader: C::Reader,
    /// Last, so that it outlives what is mapped in it.
    _place: Place,
}

/// Opens both ends in a fresh place, carries some values, and hands the ends back for timing.
/// Nothing is left unread.
pub(crate) fn values<C: Values>() -> Result<ValueEnds<C>> {
    let place = Place::fresh()?;
    let mut writer = C::writer(&place)?;
    writer.put(&value(1))?;
    let mut reader = C::reader(&place)?;
    // A subscriber sees only what is sent after it came, the others see the first value too.
    reader.take(|_| ())?;
    for expected in 2..5 {
        writer.put(&value(expected))?;
        let found = reader.take(counter)?;
        ensure!(found == Some(Some(expected)), "{}: wrote {expected}, read {found:?}", C::NAME);
    }
    ensure!(reader.take(|_| ())?.is_none(), "{}: the same value came as new twice", C::NAME);
    // One that keeps its own note of what it saw may say "new" once.
    reader.poll()?;
    ensure!(!reader.poll()?, "{}: polls something new where nothing is", C::NAME);
    Ok(ValueEnds { writer, reader, _place: place })
}

/// Both ends for frames of `source`'s size, and the frame as the writer wants it.
pub(crate) struct FrameEnds<C: Frames> {
    pub(crate) frame: <C::Writer as PutFrame>::Frame,
    pub(crate) writer: C::Writer,
    /// Connected, and idle unless it is what is timed.
    pub(crate) reader: C::Reader,
    /// Last, so that it outlives what is mapped in it.
    _place: Place,
}

/// As `values`, for frames and a writer that is prepared for `readers`.
pub(crate) fn frames<C: Frames>(source: &Rc<Vec<u8>>, readers: usize) -> Result<FrameEnds<C>> {
    let place = Place::fresh()?;
    let frame = C::Writer::frame(source)?;
    let mut writer = C::writer(&place, source.len(), readers)?;
    writer.put_frame(&frame)?;
    let mut reader = C::reader(&place)?;
    reader.take_frame(|_| ())?;
    for _ in 0..3 {
        writer.put_frame(&frame)?;
        let same = reader.take_frame(|found| found == source.as_slice())?;
        ensure!(same == Some(true), "{}: a frame of {} bytes came out wrong", C::NAME, source.len());
    }
    Ok(FrameEnds { frame, writer, reader, _place: place })
}

/// Bytes without a pattern that a contender could profit from.
pub(crate) fn noise(len: usize) -> Rc<Vec<u8>> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    Rc::new(std::iter::repeat_with(next).take(len).collect())
}
