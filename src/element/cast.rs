//! From bytes to elements and back, checked and without unsafe code, for the types of the table.

use bytemuck::checked::{self, CheckedBitPattern};
use bytemuck::{NoUninit, Pod, Zeroable};
use core::any::Any;

/// Why bytes are no elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastError {
    /// The first one does not lie where its type may lie.
    Misaligned { align: usize },
    /// A byte of element `index` is `value`, which no element has there: byte `at` of a record, or
    /// that of a `bool`.
    Invalid { index: usize, at: Option<usize>, value: u8 },
}

/// What the casts below ask of a type.
///
/// - `NoUninit`: every byte is initialised, so values can be read as bytes.
/// - `CheckedBitPattern`: bytes can be read as values, once they are checked.
/// - `Zeroable`: a file of zeros is an array of values.
pub(super) trait Plain: CheckedBitPattern<Bits: Pod> + NoUninit + Zeroable {}

impl<T: CheckedBitPattern<Bits: Pod> + NoUninit + Zeroable> Plain for T {}

/// Reads bytes as elements. Their number must be a multiple of the item size.
#[inline(always)]
pub(super) fn elements<T: Plain>(bytes: &[u8]) -> Result<&[T], CastError> {
    // No bytes lie nowhere: an empty slice may have any address.
    if bytes.is_empty() {
        return Ok(&[]);
    }
    // The callers have tested the length, so an error can only be about the address.
    let misaligned = CastError::Misaligned { align: align_of::<T>() };
    let bits: &[T::Bits] = bytemuck::try_cast_slice(bytes).map_err(|_| misaligned)?;
    // A type that takes any bytes for a value is its own `Bits`. Asking that here, rather than
    // calling a check which is always true, makes the cast free in debug builds as well.
    match same_type(bits) {
        Some(elements) => Ok(elements),
        None => checked::try_cast_slice(bytes).map_err(|_| invalid::<T>(bytes, bits)),
    }
}

/// As [`elements`], to be written through.
pub(super) fn elements_mut<T: Plain>(bytes: &mut [u8]) -> Result<&mut [T], CastError> {
    if bytes.is_empty() {
        return Ok(&mut []);
    }
    // What is wrong is asked first: while an error is made, the slice that failed would still be
    // borrowed.
    elements::<T>(bytes)?;
    let misaligned = CastError::Misaligned { align: align_of::<T>() };
    match same_type_mut::<T::Bits, T>() {
        Some(retype) => bytemuck::try_cast_slice_mut(bytes).map(retype).map_err(|_| misaligned),
        None => checked::try_cast_slice_mut(bytes).map_err(|_| misaligned),
    }
}

/// The bytes of elements that may be overwritten with any others.
///
/// `None` for a type that does not take any bytes for a value.
pub(super) fn bytes_mut<T: Plain>(elements: &mut [T]) -> Option<&mut [u8]> {
    let retype = same_type_mut::<T, T::Bits>()?;
    Some(bytemuck::cast_slice_mut(retype(elements)))
}

/// The element that consists of these bytes, wherever they lie.
pub(super) fn read<T: Plain>(bytes: &[u8]) -> Option<T> {
    checked::try_pod_read_unaligned(bytes).ok()
}

/// Which element is no value.
#[cold]
fn invalid<T: Plain>(bytes: &[u8], bits: &[T::Bits]) -> CastError {
    let index = bits.iter().position(|bits| !<T as CheckedBitPattern>::is_valid_bit_pattern(bits)).unwrap_or(0);
    let at = index * size_of::<T>();
    CastError::Invalid { index, at: None, value: bytes.get(at).copied().unwrap_or(0) }
}

/// The slice itself, when `B` is `A`.
///
/// The compiler does not see that two type parameters are one; `Any` does. The identity function on
/// slices of `A` has the type of a function from slices of `A` to slices of `B` exactly when they
/// are. All of it is known at compile time, and vanishes.
#[inline(always)]
pub(crate) fn same_type<A: 'static, B: 'static>(slice: &[A]) -> Option<&[B]> {
    let identity: for<'s> fn(&'s [A]) -> &'s [A] = |slice| slice;
    let retyped = (&identity as &dyn Any).downcast_ref::<for<'s> fn(&'s [A]) -> &'s [B]>()?;
    Some(retyped(slice))
}

/// A function that exchanges a slice.
type Retype<A, B> = for<'s> fn(&'s mut [A]) -> &'s mut [B];

/// As [`same_type`], for slices to be written through.
fn same_type_mut<A: 'static, B: 'static>() -> Option<Retype<A, B>> {
    let identity: Retype<A, A> = |slice| slice;
    (&identity as &dyn Any).downcast_ref::<Retype<A, B>>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_type_is_the_same_type() {
        let data = [1_u8, 0];
        assert_eq!(same_type::<u8, u8>(&data), Some(data.as_slice()));
        assert_eq!(same_type::<u8, bool>(&data), None);
        assert_eq!(same_type::<u8, i8>(&data), None);
    }

    #[test]
    fn nothing_is_aligned_anywhere() {
        let bytes = [0_u8; 2];
        for start in 0..2 {
            assert_eq!(elements::<f64>(&bytes[start..start]), Ok([].as_slice()));
        }
    }
}
