//! Where copied elements go.

use super::recycled::Recycled;
use crate::element::ShElement;
use crate::element::element_type::ElementType;
use crate::element::record::known::KnownRecord;
use crate::element::record::record_type::RecordType;
use crate::error::{Error, Result, check_elements};
use crate::format::slot::SlotHeader;
use crate::owned_array::OwnedArray;
use crate::view;

/// Where a copy goes, once its header is known.
pub(super) trait Sink {
    fn room(&mut self, header: &SlotHeader, record: Option<RecordType>) -> Result<&mut [u8]>;
}

/// Elements of a known type.
pub(super) struct Elements<'o, T: ShElement> {
    pub(super) out: &'o mut Vec<T>,
    /// Replaces `out` for a type that does not take any bytes for a value.
    pub(super) unchecked: Vec<u8>,
}

impl<T: ShElement> Sink for Elements<'_, T> {
    fn room(&mut self, header: &SlotHeader, record: Option<RecordType>) -> Result<&mut [u8]> {
        check_elements::<T>(header.element, record.map(KnownRecord::new).as_ref())?;
        resize(self.out, header.byte_len / size_of::<T>(), T::zeroed())?;
        match view::bytes_mut(self.out.as_mut_slice()) {
            Some(bytes) => Ok(bytes),
            None => {
                resize(&mut self.unchecked, header.byte_len, 0)?;
                Ok(&mut self.unchecked)
            }
        }
    }
}

/// As [`Vec::resize`], but an error when there is no memory.
///
/// Another process wrote how much is wanted.
fn resize<T: Copy>(vec: &mut Vec<T>, len: usize, value: T) -> Result<()> {
    let more = len.saturating_sub(vec.len());
    vec.try_reserve_exact(more).map_err(|_| Error::no_copy(more.saturating_mul(size_of::<T>())))?;
    vec.resize(len, value);
    Ok(())
}

impl<T: ShElement> Elements<'_, T> {
    pub(super) fn finish(self) -> Result<()> {
        if !self.unchecked.is_empty() {
            self.out.clear();
            self.out.extend_from_slice(view::slice(&self.unchecked)?);
        }
        Ok(())
    }
}

/// A value that is taken only if it is accepted.
pub(super) struct Accepted<F> {
    pub(super) accept: F,
    pub(super) array: Option<OwnedArray>,
    /// Memory for it.
    pub(super) recycled: Recycled,
}

impl<F: FnMut(ElementType, Option<&RecordType>, &[usize]) -> Result<()>> Sink for Accepted<F> {
    fn room(&mut self, header: &SlotHeader, record: Option<RecordType>) -> Result<&mut [u8]> {
        (self.accept)(header.element, record.as_ref(), &header.shape)?;
        let used = self.array.take().or_else(|| self.recycled.take());
        let array = OwnedArray::over(used, header.element, record, &header.shape)?;
        Ok(self.array.insert(array).bytes_mut())
    }
}

/// Bytes of the caller's, for a value that is accepted.
pub(super) struct Bytes<'o, F> {
    pub(super) accept: F,
    pub(super) out: &'o mut [u8],
}

impl<F: FnMut(ElementType, &[usize]) -> Result<()>> Sink for Bytes<'_, F> {
    fn room(&mut self, header: &SlotHeader, _: Option<RecordType>) -> Result<&mut [u8]> {
        (self.accept)(header.element, &header.shape)?;
        if self.out.len() != header.byte_len {
            return Err(Error::ShapeMismatch { expected: self.out.len(), found: header.byte_len });
        }
        Ok(self.out)
    }
}
