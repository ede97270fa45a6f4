//! An array on its way from a file.

use super::{bad_file, npy};
use crate::array::Array;
use crate::failure::Result;
use ndsharray::DType;
use std::io::Read;

/// An array that a file has next. Its dtype and shape are known, and its elements are still to come.
pub(crate) struct Incoming<'a> {
    from: From<'a>,
}

enum From<'a> {
    /// To be read.
    Stream(npy::Incoming<&'a mut dyn Read>),
    /// A picture, which cannot be had in pieces.
    Memory(Array),
}

impl<'a> Incoming<'a> {
    /// The next of a stream; `None` at its end.
    pub(super) fn of_stream(from: &'a mut dyn Read) -> Result<Option<Self>> {
        Ok(npy::begin(from)?.map(|array| Self { from: From::Stream(array) }))
    }

    /// The one of an entry of an archive.
    pub(super) fn of_entry(from: &'a mut dyn Read) -> Result<Self> {
        let array = npy::begin(from)?.ok_or_else(|| bad_file(".npy", "it is empty"))?;
        Ok(Self { from: From::Stream(array.alone()) })
    }

    pub(super) fn of_array(array: Array) -> Self {
        Self { from: From::Memory(array) }
    }

    pub(crate) fn dtype(&self) -> DType {
        match &self.from {
            From::Stream(array) => array.dtype(),
            From::Memory(array) => array.dtype,
        }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        match &self.from {
            From::Stream(array) => array.shape(),
            From::Memory(array) => &array.shape,
        }
    }

    /// Reads the elements into memory that has their length.
    pub(crate) fn fill(self, room: &mut [u8]) -> Result<()> {
        match self.from {
            From::Stream(array) => array.fill(room),
            From::Memory(array) => {
                room.copy_from_slice(&array.bytes);
                Ok(())
            }
        }
    }

    /// Reads the array into memory of its own.
    pub(crate) fn into_array(self) -> Result<Array> {
        match self.from {
            From::Stream(array) => array.into_array(),
            From::Memory(array) => Ok(array),
        }
    }
}
