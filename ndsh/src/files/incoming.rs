//! An array on its way from a file.

use super::{RawLayout, bad_file, npy};
use crate::array::{Array, ArrayRef};
use crate::failure::Result;
use ndsharray::{ElementType, RecordType};
use std::io::Read;

/// The next array of a file; its elements may be still unread.
pub(crate) struct Incoming<'a>(Elements<'a>);

enum Elements<'a> {
    /// Still to be read.
    Unread(npy::ArrayReader<&'a mut dyn Read>),
    /// A picture, which is decoded as a whole.
    Decoded(Array),
    /// A part of another array.
    Borrowed(ArrayRef<'a>),
}

impl<'a> Incoming<'a> {
    /// Begins the next array of a stream; `None` at its end.
    pub(super) fn of_stream(from: &'a mut dyn Read) -> Result<Option<Self>> {
        Ok(npy::ArrayReader::begin(from)?.map(|array| Self(Elements::Unread(array))))
    }

    /// Begins the next array of a file that [`npy::survey`] has checked; `None` at its end.
    pub(super) fn of_surveyed(from: &'a mut dyn Read) -> Result<Option<Self>> {
        Ok(npy::ArrayReader::begin(from)?.map(|array| Self(Elements::Unread(array.surveyed()))))
    }

    /// Begins the only array of an archive's entry.
    pub(super) fn of_entry(from: &'a mut dyn Read) -> Result<Self> {
        let array = npy::ArrayReader::begin(from)?.ok_or_else(|| bad_file(".npy", "it is empty"))?;
        Ok(Self(Elements::Unread(array.alone())))
    }

    /// Begins the next value of a stream of bytes alone.
    pub(super) fn of_raw(from: &'a mut dyn Read, layout: &RawLayout) -> Self {
        Self(Elements::Unread(npy::ArrayReader::raw(from, layout)))
    }

    pub(super) fn of_array(array: Array) -> Self {
        Self(Elements::Decoded(array))
    }

    pub(crate) fn of_ref(array: ArrayRef<'a>) -> Self {
        Self(Elements::Borrowed(array))
    }

    pub(crate) fn element(&self) -> ElementType {
        match &self.0 {
            Elements::Unread(array) => array.element(),
            Elements::Decoded(array) => array.element,
            Elements::Borrowed(array) => array.element,
        }
    }

    /// What the elements consist of, if they are records.
    pub(crate) fn record(&self) -> Option<&RecordType> {
        match &self.0 {
            Elements::Unread(array) => array.record(),
            Elements::Decoded(array) => array.record.as_ref(),
            Elements::Borrowed(array) => array.record,
        }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        match &self.0 {
            Elements::Unread(array) => array.shape(),
            Elements::Decoded(array) => &array.shape,
            Elements::Borrowed(array) => array.shape,
        }
    }

    /// Reads the elements into memory of their length.
    pub(crate) fn fill(self, room: &mut [u8]) -> Result<()> {
        match self.0 {
            Elements::Unread(array) => return array.fill(room),
            Elements::Decoded(array) => room.copy_from_slice(&array.bytes),
            Elements::Borrowed(array) => room.copy_from_slice(array.bytes),
        }
        Ok(())
    }

    /// Reads the array into memory of its own.
    pub(crate) fn into_array(self) -> Result<Array> {
        match self.0 {
            Elements::Unread(array) => array.into_array(),
            Elements::Decoded(array) => Ok(array),
            Elements::Borrowed(array) => array.to_array(),
        }
    }

    /// Reads the array, and calls `take` with it.
    pub(crate) fn with_array<R>(self, take: impl FnOnce(ArrayRef<'_>) -> Result<R>) -> Result<R> {
        match self.0 {
            Elements::Borrowed(array) => take(array),
            _ => take(self.into_array()?.view()),
        }
    }

    /// Calls `take` with each part along the first axis, until it returns false.
    ///
    /// Reads the parts one by one where that is safe, otherwise the whole array first. Returns
    /// false if `take` did, and `None` if the array has no axis.
    pub(crate) fn split(self, mut take: impl FnMut(Incoming<'_>) -> Result<bool>) -> Result<Option<bool>> {
        if self.shape().is_empty() {
            return Ok(None);
        }
        let whole = match self.0 {
            Elements::Unread(array) => match array.into_parts() {
                Ok(mut parts) => {
                    while let Some(part) = parts.next() {
                        if !take(Incoming(Elements::Unread(part)))? {
                            return Ok(Some(false));
                        }
                    }
                    return Ok(Some(true));
                }
                Err(array) => array.into_array()?,
            },
            Elements::Decoded(array) => array,
            Elements::Borrowed(array) => array.to_array()?,
        };
        let Some(parts) = whole.along_first_axis() else { return Ok(None) };
        for part in parts {
            if !take(Incoming(Elements::Borrowed(part)))? {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }
}
