//! An array of its own, of any dtype.

use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::known::KnownRecord;
use crate::element::record::record_type::RecordType;
use crate::error::{Error, Result, check_elements};
use crate::view::any::AnyArrayView;
use crate::view::{ArrayView, shape};
use std::collections::TryReserveError;
use std::fmt;

/// A block that is as strictly aligned as any dtype asks for: some records do by 64 bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Block([u8; 64]);

// SAFETY: an array of bytes, whose size is a multiple of its alignment, so without padding; all
// zeros is a value.
unsafe impl bytemuck::Zeroable for Block {}
// SAFETY: as above; any bytes are a value, it is Copy and 'static, and has no interior mutability
// or pointers.
unsafe impl bytemuck::Pod for Block {}

/// Makes blocks of zeros.
fn zeroed(count: usize) -> std::result::Result<Vec<Block>, TryReserveError> {
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(count)?;
    blocks.resize(count, Block([0; 64]));
    Ok(blocks)
}

/// A copy of an array: element type, shape and elements in C order.
#[derive(Clone)]
pub struct OwnedArray {
    element: ElementType,
    /// What its elements consist of, if they are records.
    record: Option<KnownRecord>,
    shape: Vec<usize>,
    byte_len: usize,
    blocks: Vec<Block>,
}

impl OwnedArray {
    /// An array of zeros.
    pub(crate) fn zeros(element: ElementType, record: Option<RecordType>, shape: &[usize]) -> Result<Self> {
        Self::over(None, element, record, shape)
    }

    /// An array to be filled. It has the memory of `used`, and the bytes there, if they are enough.
    pub(crate) fn over(
        used: Option<Self>,
        element: ElementType,
        record: Option<RecordType>,
        shape: &[usize],
    ) -> Result<Self> {
        let byte_len = shape::byte_len(shape, element.size())?;
        let count = byte_len.div_ceil(size_of::<Block>());
        let blocks = match used {
            Some(used) if used.blocks.len() == count => used.blocks,
            used => {
                // Before memory is asked for.
                drop(used);
                zeroed(count).map_err(|_| Error::no_copy(byte_len))?
            }
        };
        let record = record.map(KnownRecord::new);
        Ok(Self { element, record, shape: shape.to_vec(), byte_len, blocks })
    }

    /// The dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.element.dtype()
    }

    /// The element type: the dtype with its parameter.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        self.element
    }

    /// What the elements consist of, if they are records.
    #[must_use]
    pub fn record_type(&self) -> Option<&RecordType> {
        self.record.as_ref().map(KnownRecord::record)
    }

    pub(crate) fn known_record(&self) -> Option<&KnownRecord> {
        self.record.as_ref()
    }

    /// The length of each axis; empty for a scalar.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements' bytes, in C order and this machine's byte order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let bytes: &[u8] = bytemuck::cast_slice(&self.blocks);
        bytes.get(..self.byte_len).unwrap_or(bytes)
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        let len = self.byte_len;
        bytemuck::cast_slice_mut(&mut self.blocks).split_at_mut_checked(len).map_or(&mut [], |(bytes, _)| bytes)
    }

    /// The array, if its elements are `T`; for `bool` all bytes are checked.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`], [`Error::ElementMismatch`] for another element type;
    /// [`Error::InvalidBool`] when a `bool` is neither 0 nor 1.
    pub fn view<T: ShElement>(&self) -> Result<ArrayView<'_, T>> {
        check_elements::<T>(self.element, self.record.as_ref())?;
        Ok(ArrayView::from_bytes(self.as_bytes(), &self.shape)?)
    }

    /// The array, as an enum over all element types; for `bool` all bytes are checked.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidBool`] when a `bool` is neither 0 nor 1.
    pub fn any_view(&self) -> Result<AnyArrayView<'_>> {
        Ok(AnyArrayView::of(self.element, self.record_type(), &self.shape, self.as_bytes())?)
    }
}

impl fmt::Debug for OwnedArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedArray").field("dtype", &self.element).field("shape", &self.shape).finish_non_exhaustive()
    }
}
