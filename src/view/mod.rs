//! A typed look at borrowed bytes.

pub(crate) mod any;
pub(crate) mod cast;
pub(crate) mod error;
mod fmt;
mod index;
mod iter;
mod look;
#[cfg(feature = "ndarray")]
mod ndarray;
pub(crate) mod record;
pub(crate) mod shape;
mod strided;
pub(crate) mod time;
pub(crate) mod wide;

use error::ViewError;

use crate::element::ShElement;
use crate::element::cast::same_type;
use shape::byte_len;

/// A read-only n-dimensional array in C order (the last axis varies fastest), borrowed for `'a`.
///
/// All that it returns lives for `'a` too: as long as the owner of the bytes, not just as long as
/// this view, which is two slices and `Copy`. A 0-d array has the shape `[]` and one element; an
/// array with a zero axis has none.
///
/// # Alignment
///
/// Elements are aligned for their type. Where they lie in memory of this library, they have more:
///
/// - In a sample that is read in place they begin at a page.
/// - In a shared array they begin at a multiple of 64 bytes; at a page, if this version made it.
/// - In an [`OwnedArray`](crate::OwnedArray), a copy, they begin at a multiple of 16.
///
/// A view of any other slice is aligned as the slice is, and no more.
///
/// # Example
///
/// ```
/// use ndsharray::ArrayView;
///
/// let data = [1, 2, 3, 4, 5, 6];
/// let view = ArrayView::new(&data, &[2, 3])?;
/// assert_eq!(view[[1, 0]], 4);
/// assert_eq!(view.get(&[2, 0]), None);
/// assert_eq!(view.iter().sum::<i32>(), 21);
/// # Ok::<(), ndsharray::ViewError>(())
/// ```
// Invariant, upheld by the constructors here, as the fields are private to this module:
// `data.len()` is the product of `shape`, and the product of the non-zero axes times the item size
// is at most `isize::MAX`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ArrayView<'a, T> {
    data: &'a [T],
    shape: &'a [usize],
}

impl<'a, T: ShElement> ArrayView<'a, T> {
    /// Looks at a slice as an array of this shape.
    ///
    /// # Errors
    ///
    /// - [`ViewError::Length`] when the slice has more or fewer elements than the shape.
    /// - [`ViewError::Shape`] when no array has this shape: too many axes, or too large.
    ///
    /// # Example
    ///
    /// ```
    /// use ndsharray::{ArrayView, ViewError};
    ///
    /// assert!(ArrayView::new(&[0_u8; 6], &[2, 3]).is_ok());
    ///
    /// let too_short = ArrayView::new(&[0_u8; 5], &[2, 3]);
    /// assert_eq!(too_short, Err(ViewError::Length { expected: 6, found: 5 }));
    /// ```
    pub fn new(data: &'a [T], shape: &'a [usize]) -> Result<Self, ViewError> {
        check_len::<T>(shape, size_of_val(data))?;
        Ok(Self { data, shape })
    }

    /// Looks at bytes as an array of this shape.
    ///
    /// The one place where bytes become elements. Costs nothing per element, except for `bool`,
    /// whose bytes are all looked at. The bytes must not change while they are borrowed, as for any
    /// `&[u8]`. The code that made a slice of shared memory answers for that.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also [`ViewError::Misaligned`], and [`ViewError::InvalidBool`] for a
    /// `bool` that is neither 0 nor 1.
    pub(crate) fn from_bytes(bytes: &'a [u8], shape: &'a [usize]) -> Result<Self, ViewError> {
        check_len::<T>(shape, bytes.len())?;
        Ok(Self { data: cast::elements(bytes)?, shape })
    }

    /// Looks at bytes as an array of a shape known to take exactly that many.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), but for length and shape.
    #[inline]
    pub(crate) fn from_array_bytes(bytes: &'a [u8], shape: &'a [usize]) -> Result<Self, ViewError> {
        debug_assert_eq!(check_len::<T>(shape, bytes.len()), Ok(()));
        Ok(Self { data: cast::elements(bytes)?, shape })
    }

    /// The elements as they lie in memory, in this machine's byte order.
    ///
    /// ```
    /// # use ndsharray::ArrayView;
    /// let view = ArrayView::new(&[1.0_f32], &[])?;
    /// assert_eq!(view.as_bytes(), 1.0_f32.to_ne_bytes());
    /// # Ok::<(), ndsharray::ViewError>(())
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        T::bytes(self.data)
    }

    /// The same view, when `U` is `T`.
    pub(crate) fn as_typed<U: ShElement>(self) -> Option<ArrayView<'a, U>> {
        Some(ArrayView { data: same_type(self.data)?, shape: self.shape })
    }
}

impl<'a, T> ArrayView<'a, T> {
    /// The length of each axis, in elements; `[]` for a 0-d array.
    #[must_use]
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// How many axes there are.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// How many elements there are, over all axes (NumPy: `size`).
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements, that is, whether an axis is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// All elements in C order.
    ///
    /// ```
    /// # use ndsharray::ArrayView;
    /// let data = [1, 2, 3, 4];
    /// let slice = ArrayView::new(&data, &[2, 2])?.as_slice(); // outlives the view
    /// assert_eq!(slice, [1, 2, 3, 4]);
    /// # Ok::<(), ndsharray::ViewError>(())
    /// ```
    #[must_use]
    pub fn as_slice(&self) -> &'a [T] {
        self.data
    }

    /// A copy of all elements in C order.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.data.to_vec()
    }
}

/// Bytes as elements to be written, checked as for [`ArrayView::from_bytes`].
pub(crate) fn slice_mut<T: ShElement>(bytes: &mut [u8]) -> Result<&mut [T], ViewError> {
    cast::elements_mut(bytes)
}

/// The bytes of elements, to be overwritten with any others.
///
/// `None` for `bool`, which does not take any bytes for a value.
pub(crate) fn bytes_mut<T: ShElement>(elements: &mut [T]) -> Option<&mut [u8]> {
    T::bytes_mut(elements)
}

/// Bytes as elements, checked as for [`ArrayView::from_bytes`]; they are a whole number of
/// elements.
pub(crate) fn slice<T: ShElement>(bytes: &[u8]) -> Result<&[T], ViewError> {
    cast::elements(bytes)
}

/// Tests that `found` bytes are just what an array of this shape takes.
fn check_len<T>(shape: &[usize], found: usize) -> Result<(), ViewError> {
    let expected = byte_len(shape, size_of::<T>())?;
    if expected == found { Ok(()) } else { Err(ViewError::Length { expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::dispatch::dispatch_dtype;
    use crate::element::dtype::DType;
    use crate::view::shape::ShapeError;
    use proptest::prelude::*;

    static_assertions::assert_impl_all!(ArrayView<'static, bool>: Copy, Send, Sync, Eq);

    /// Bytes at an address that suits every dtype.
    #[repr(align(64))]
    struct Aligned([u8; 4096]);

    fn bytes_come_back<T: ShElement>(bytes: &[u8], shape: &[usize]) -> Result<(), ViewError> {
        let view = ArrayView::<T>::from_bytes(bytes, shape)?;
        assert_eq!(view.as_bytes(), bytes);
        assert_eq!(view.shape(), shape);
        assert_eq!(view.ndim(), shape.len());
        assert_eq!(view.len(), shape.iter().product::<usize>());
        assert_eq!(view.is_empty(), shape.contains(&0));
        assert_eq!(view.as_slice().len(), view.len());
        let again = ArrayView::new(view.as_slice(), shape)?;
        assert_eq!(again.as_bytes(), bytes);
        Ok(())
    }

    #[test]
    fn a_view_outlives_itself() {
        fn first<'a>(data: &'a [i16], shape: &'a [usize]) -> Option<(&'a i16, &'a [usize], &'a [u8])> {
            let view = ArrayView::new(data, shape).ok()?;
            Some((view.iter().next()?, view.shape(), view.as_bytes()))
        }
        assert_eq!(first(&[0, 7], &[2]), Some((&0, [2].as_slice(), bytemuck::cast_slice(&[0_i16, 7]))));
    }

    #[test]
    fn a_shape_is_part_of_the_value() -> Result<(), ViewError> {
        assert_ne!(ArrayView::<u8>::new(&[], &[0, 3])?, ArrayView::new(&[], &[3, 0])?);
        assert_ne!(ArrayView::new(&[1], &[])?, ArrayView::new(&[1], &[1])?);
        Ok(())
    }

    #[test]
    fn sixty_four_axes() {
        assert_eq!(bytes_come_back::<u8>(&[7], &[1; 64]), Ok(()));
        assert_eq!(bytes_come_back::<f64>(&[], &[0; 64]), Ok(()));
        let overflow = ShapeError::Overflow { axis: isize::BITS as usize - 2, len: 2 };
        assert_eq!(ArrayView::<u8>::from_bytes(&[7], &[2; 64]), Err(overflow.into()));
        assert_eq!(ArrayView::<u8>::new(&[7], &[1; 65]), Err(ShapeError::TooManyDims { ndim: 65 }.into()));
    }

    proptest! {
        #[test]
        fn every_dtype_and_shape(
            dtype in proptest::sample::select(DType::ALL),
            shape in prop::collection::vec(0_usize..=5, 0..=3),
            seed: u8,
        ) {
            let mut memory = Aligned([0; 4096]);
            for (byte, i) in memory.0.iter_mut().zip(0_u8..=255) {
                *byte = if dtype == DType::Bool { i & 1 } else { i.wrapping_mul(seed) };
            }
            let len = shape.iter().product::<usize>() * dtype.size();
            let bytes = &memory.0[..len];
            prop_assert_eq!(dispatch_dtype!(dtype, T => bytes_come_back::<T>(bytes, &shape)), Ok(()));
        }

        #[test]
        fn another_length_is_refused(
            dtype in proptest::sample::select(DType::ALL),
            shape in prop::collection::vec(0_usize..=4, 0..=3),
            found in 0_usize..4096,
        ) {
            let memory = Aligned([0; 4096]);
            let expected = shape.iter().product::<usize>() * dtype.size();
            let bytes = &memory.0[..found];
            let answer = dispatch_dtype!(dtype, T => ArrayView::<T>::from_bytes(bytes, &shape).map(|_| ()));
            let want = if found == expected { Ok(()) } else { Err(ViewError::Length { expected, found }) };
            prop_assert_eq!(answer, want);
        }

        #[test]
        fn any_shape_has_an_answer(
            dtype in proptest::sample::select(DType::ALL),
            shape in prop::collection::vec(prop_oneof![any::<usize>(), 0_usize..3], 0..=64),
            found in 0_usize..64,
        ) {
            let memory = Aligned([0; 4096]);
            let answer = dispatch_dtype!(dtype, T => {
                ArrayView::<T>::from_bytes(&memory.0[..found], &shape).map(|view| view.len() * size_of::<T>())
            });
            prop_assert!(answer.is_err() || answer == Ok(found));
        }

        #[test]
        fn misaligned_bytes_are_refused(dtype in proptest::sample::select(DType::ALL), offset in 0_usize..=64) {
            let memory = Aligned([0; 4096]);
            let bytes = &memory.0[offset..offset + dtype.size()];
            let answer = dispatch_dtype!(dtype, T => ArrayView::<T>::from_bytes(bytes, &[1]).map(|_| ()));
            let align = dtype.align();
            let want = if offset.is_multiple_of(align) { Ok(()) } else { Err(ViewError::Misaligned { align }) };
            prop_assert_eq!(answer, want);
        }

        #[test]
        fn one_wrong_bool_is_found(len in 1_usize..300, at: prop::sample::Index, value in 2_u8..) {
            let index = at.index(len);
            let mut bytes = vec![1; len];
            bytes[index] = value;
            let answer = ArrayView::<bool>::from_bytes(&bytes, &[len]).map(|_| ());
            prop_assert_eq!(answer, Err(ViewError::InvalidBool { index, value }));
        }
    }
}
