//! From bytes to records and back: what [`Record`] promises, used.

use super::layout::{InvalidByte, Record, RecordLayout};
use crate::element::ShElement;
use crate::element::cast::CastError;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::sealed::Sealed;

impl<T: Record> ShElement for T {
    const DTYPE: DType = DType::Record;
    const ELEMENT: ElementType = ElementType::of_record(T::LAYOUT.item_size);
}

impl<T: Record> Sealed for T {
    const TAKES_ANY_BYTES: bool = T::LAYOUT.takes_any_bytes();
    const RECORD: Option<&'static RecordLayout> = Some(&T::LAYOUT);

    #[inline]
    fn bytes(elements: &[Self]) -> &[u8] {
        // SAFETY: each byte of a `Record` is initialised, and none is changed through a shared
        // reference, as its fields are elements. The slice borrows `elements`.
        unsafe { core::slice::from_raw_parts(elements.as_ptr().cast::<u8>(), size_of_val(elements)) }
    }

    #[inline(always)]
    fn elements(bytes: &[u8]) -> Result<&[Self], CastError> {
        let len = check_records::<T>(bytes)?;
        let start = if len == 0 { core::ptr::dangling() } else { bytes.as_ptr().cast::<T>() };
        // SAFETY: `check_records` has found the bytes aligned for a `T`, to hold `len` of them, and
        // each of these to be a value. They are borrowed as long as the slice.
        Ok(unsafe { core::slice::from_raw_parts(start, len) })
    }

    fn elements_mut(bytes: &mut [u8]) -> Result<&mut [Self], CastError> {
        let len = check_records::<T>(bytes)?;
        let start = if len == 0 { core::ptr::dangling_mut() } else { bytes.as_mut_ptr().cast::<T>() };
        // SAFETY: as in `elements`; whatever `T` is written leaves initialised bytes, as a `Record`
        // has no others.
        Ok(unsafe { core::slice::from_raw_parts_mut(start, len) })
    }

    fn bytes_mut(elements: &mut [Self]) -> Option<&mut [u8]> {
        let (start, len) = (elements.as_mut_ptr().cast::<u8>(), size_of_val(elements));
        // SAFETY: as in `bytes`; any bytes that are written are a value, as has been asked.
        Self::TAKES_ANY_BYTES.then(|| unsafe { core::slice::from_raw_parts_mut(start, len) })
    }

    #[inline]
    fn zeroed() -> Self {
        // SAFETY: zeros are a value of a `Record`.
        unsafe { core::mem::zeroed() }
    }

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<T>() || (!Self::TAKES_ANY_BYTES && T::LAYOUT.invalid_byte(bytes).is_some()) {
            return None;
        }
        // SAFETY: there are as many bytes as a `T` has, and they are one; it may lie anywhere.
        Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
    }
}

/// How many records the bytes are, which are a whole number of them.
#[inline(always)]
fn check_records<T: Record>(bytes: &[u8]) -> Result<usize, CastError> {
    if !bytes.is_empty() && !bytes.as_ptr().cast::<T>().is_aligned() {
        return Err(CastError::Misaligned { align: align_of::<T>() });
    }
    // A constant: asked of the layout here, it would be found out at each view.
    if !T::TAKES_ANY_BYTES {
        check_each::<T>(bytes)?;
    }
    // A record has at least one byte: one without would have a size of 0, which the layout of no
    // derived struct has.
    Ok(bytes.len().checked_div(size_of::<T>()).unwrap_or(0))
}

fn check_each<T: Record>(bytes: &[u8]) -> Result<(), CastError> {
    for (index, item) in bytes.chunks_exact(size_of::<T>().max(1)).enumerate() {
        if let Some(InvalidByte { at, value }) = T::LAYOUT.invalid_byte(item) {
            return Err(CastError::Invalid { index, at: Some(at), value });
        }
    }
    Ok(())
}
