//! Reading one array of a `.npy` stream.

use super::header::{self, Header, read_up_to};
use crate::array::{Array, byte_len, no_memory, strides};
use crate::failure::{Failure, Result};
use crate::files::{RawLayout, bad_file};
use ndarray::{ArrayViewMut, IxDyn};
use ndsharray::{DType, ElementType, NpyRecord, RecordType, raw};
use std::io::{Read, Seek, SeekFrom};

/// Bytes that are read before more memory is allocated.
///
/// A header that claims too much costs no more than this.
const STEP: usize = 16 << 20;

/// Bytes to turn into C order at a time: a multiple of every element's size.
const BLOCK: usize = 1 << 16;

/// An array whose header has been read, and its elements not yet.
pub(crate) struct ArrayReader<R> {
    header: Header,
    /// Length of the elements, in bytes.
    len: usize,
    from: R,
    end: End,
}

/// What is known about the end of the elements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nothing: the stream may be cut.
    Unknown,
    /// The stream has all elements: [`survey`] has looked.
    There,
    /// The stream must end behind them.
    ///
    /// An archive compares a checksum only at the end of an entry.
    OfStream,
}

impl<R: Read> ArrayReader<R> {
    /// Reads the header of the next array of a stream; `None` at its end.
    pub(crate) fn begin(mut from: R) -> Result<Option<Self>> {
        let Some(header) = header::read(&mut from)? else { return Ok(None) };
        let Some(len) = byte_len(header.element, &header.shape) else {
            return Err(bad_file(".npy", format!("an array of shape {:?} is larger than any memory", header.shape)));
        };
        Ok(Some(Self { header, len, from, end: End::Unknown }))
    }

    /// Begins an array of bytes alone, whose layout the user has given.
    pub(crate) fn raw(from: R, layout: &RawLayout) -> Self {
        let RawLayout { element, swap, shape, len } = layout.clone();
        let header = Header { element, record: None, swap, fortran: false, shape, format: "raw" };
        Self { header, len, from, end: End::Unknown }
    }

    /// Refuses bytes behind the elements.
    pub(crate) fn alone(self) -> Self {
        Self { end: End::OfStream, ..self }
    }

    /// Notes that [`survey`] has counted this array.
    pub(crate) fn surveyed(self) -> Self {
        Self { end: End::There, ..self }
    }

    pub(crate) fn element(&self) -> ElementType {
        self.header.element
    }

    /// What the elements consist of, if they are records.
    pub(crate) fn record(&self) -> Option<&RecordType> {
        self.header.record.as_ref().map(NpyRecord::record_type)
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// Reads the elements into memory of their length, in C order and native byte order.
    pub(crate) fn fill(mut self, room: &mut [u8]) -> Result<()> {
        if self.header.is_turned() {
            turn(&self.header, &mut self.from, room)?;
            return self.finish();
        }
        let found = read_up_to(&mut self.from, room)?;
        if found < room.len() {
            return Err(cut(self.header.format, found, self.len));
        }
        self.finish()?;
        settle(&self.header, room)
    }

    /// Reads the array into memory of its own.
    pub(crate) fn into_array(mut self) -> Result<Array> {
        let (element, record, shape) = (self.element(), self.record().cloned(), self.header.shape.clone());
        if self.end == End::There {
            let mut bytes = zeroes(self.len)?;
            self.fill(&mut bytes)?;
            return Ok(Array { element, record, shape, bytes });
        }
        // Memory grows with what comes, as nothing proves the length.
        let mut bytes = read_bytes(&mut self.from, self.len, self.header.format)?;
        self.finish()?;
        if self.header.is_turned() {
            let stored = std::mem::replace(&mut bytes, zeroes(self.len)?);
            turn(&self.header, &mut stored.as_slice(), &mut bytes)?;
        } else {
            settle(&self.header, &mut bytes)?;
        }
        Ok(Array { element, record, shape, bytes })
    }

    /// Cuts the array along its first axis, if parts can be read singly.
    ///
    /// They can if no later byte makes the array an invalid one, and each part lies in one piece.
    pub(crate) fn into_parts(self) -> std::result::Result<Parts<R>, Self> {
        let sound = self.end == End::There && !matches!(self.header.element.dtype(), DType::Bool | DType::Record);
        match self.header.shape.split_first() {
            Some((&count, shape)) if sound && !self.header.is_turned() => {
                let len = self.len.checked_div(count).unwrap_or(0);
                let header = Header { shape: shape.to_vec(), ..self.header };
                Ok(Parts { header, len, left: count, from: self.from })
            }
            _ => Err(self),
        }
    }

    /// Reads on to the end of the stream, where the elements must end with it.
    fn finish(&mut self) -> Result<()> {
        let mut more = Vec::new();
        if self.end == End::OfStream && (&mut self.from).take(1).read_to_end(&mut more)? > 0 {
            return Err(bad_file(".npy", "more follows behind its elements"));
        }
        Ok(())
    }
}

/// The parts of an array along its first axis, which are still to be read.
pub(crate) struct Parts<R> {
    /// Of each part.
    header: Header,
    /// Length of a part, in bytes.
    len: usize,
    /// Parts to come.
    left: usize,
    from: R,
}

impl<R: Read> Parts<R> {
    /// The next part, which must be read before the one after it.
    pub(crate) fn next(&mut self) -> Option<ArrayReader<&mut dyn Read>> {
        self.left = self.left.checked_sub(1)?;
        Some(ArrayReader { header: self.header.clone(), len: self.len, from: &mut self.from, end: End::There })
    }
}

/// Counts the arrays of a file, without reading their elements.
pub(crate) fn survey(file: &mut (impl Read + Seek)) -> Result<usize> {
    let end = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut count = 0;
    while let Some(array) = ArrayReader::begin(&mut *file)? {
        let (len, format) = (array.len, array.header.format);
        let at = file.stream_position()?;
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        if left < len {
            return Err(cut(format, left, len));
        }
        file.seek(SeekFrom::Start(at + len as u64))?;
        count += 1;
    }
    file.rewind()?;
    Ok(count)
}

/// The stream ends within the elements.
fn cut(format: &str, found: usize, len: usize) -> Failure {
    bad_file(format, format!("it ends after {found} of {len} bytes of elements"))
}

/// Turns elements to this machine's byte order, and checks them.
fn settle(header: &Header, bytes: &mut [u8]) -> Result<()> {
    if header.swap > 1 {
        bytes.chunks_exact_mut(header.swap).for_each(<[u8]>::reverse);
    }
    if let Some(record) = &header.record {
        record.make_native(bytes);
        return raw::check_records(record.record_type(), bytes).map_err(|error| bad_file(header.format, error));
    }
    match bytes.iter().find(|byte| **byte > 1) {
        Some(byte) if header.element.dtype() == DType::Bool => {
            Err(bad_file(header.format, format!("a bool is the byte {byte}")))
        }
        _ => Ok(()),
    }
}

fn zeroes(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| no_memory(len))?;
    bytes.resize(len, 0);
    Ok(bytes)
}

fn read_bytes(from: impl Read, len: usize, format: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut from = from.take(len as u64);
    while bytes.len() < len {
        let step = STEP.max(bytes.len()).min(len - bytes.len());
        bytes.try_reserve_exact(step).map_err(|_| no_memory(len))?;
        if (&mut from).take(step as u64).read_to_end(&mut bytes)? < step {
            return Err(cut(format, bytes.len(), len));
        }
    }
    Ok(bytes)
}

/// Reads elements in Fortran order, and puts them into `room` in C order.
///
/// Reads block by block, so that the array is in memory once.
fn turn(header: &Header, from: &mut impl Read, room: &mut [u8]) -> Result<()> {
    match header.element.size() {
        1 => turn_elements::<1>(header, from, room),
        2 => turn_elements::<2>(header, from, room),
        4 => turn_elements::<4>(header, from, room),
        8 => turn_elements::<8>(header, from, room),
        16 => turn_elements::<16>(header, from, room),
        32 => turn_elements::<32>(header, from, room),
        size => turn_any(header, from, room, size),
    }
}

/// [`turn`], for elements of any size.
fn turn_any(header: &Header, from: &mut impl Read, room: &mut [u8], size: usize) -> Result<()> {
    let (len, strides) = (room.len(), strides(&header.shape));
    let mut index = vec![0_usize; header.shape.len()];
    // Whole elements, and one at least.
    let mut block = vec![0; (BLOCK / size).max(1).saturating_mul(size).min(len)];
    let mut done = 0;
    while done < len {
        let some = block.len().min(len - done);
        let block = block.split_at_mut(some).0;
        let found = read_up_to(from, block)?;
        if found < some {
            return Err(cut(header.format, done + found, len));
        }
        settle(header, block)?;
        for element in block.chunks_exact(size) {
            let at: usize = index.iter().zip(&strides).map(|(&at, stride)| at * stride.unsigned_abs()).sum();
            if let Some(place) = room.get_mut(at * size..(at + 1) * size) {
                place.copy_from_slice(element);
            }
            // The first axis is the quickest.
            for (at, &axis) in index.iter_mut().zip(&header.shape) {
                *at += 1;
                if *at < axis {
                    break;
                }
                *at = 0;
            }
        }
        done += some;
    }
    Ok(())
}

/// [`turn`], for elements of `N` bytes.
fn turn_elements<const N: usize>(header: &Header, from: &mut impl Read, room: &mut [u8]) -> Result<()> {
    let (len, shape) = (room.len(), header.shape.as_slice());
    let elements = room.as_chunks_mut::<N>().0;
    let mut places = ArrayViewMut::from_shape(IxDyn(shape), elements)
        .map_err(|_| bad_file(".npy", format!("an array of shape {shape:?} cannot be turned into C order")))?
        // The iterator goes in C order, which is Fortran order of the reversed axes.
        .reversed_axes();
    let mut places = places.iter_mut();
    let mut block = vec![0; BLOCK.min(len)];
    let mut done = 0;
    while done < len {
        let room = block.len().min(len - done);
        let block = block.split_at_mut(room).0;
        let found = read_up_to(from, block)?;
        if found < room {
            return Err(cut(header.format, done + found, len));
        }
        settle(header, block)?;
        block.as_chunks::<N>().0.iter().zip(&mut places).for_each(|(from, to)| *to = *from);
        done += room;
    }
    Ok(())
}
