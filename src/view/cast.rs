//! From bytes to elements, checked and without unsafe code.

use core::any::Any;

use bytemuck::checked::{self, CheckedBitPattern};

use super::error::ViewError;
use crate::element::ShElement;

/// Reads bytes as elements. Their number must be a multiple of the item size.
#[inline]
pub(super) fn elements<T: ShElement>(bytes: &[u8]) -> Result<&[T], ViewError> {
    // No bytes lie nowhere: an empty slice may have any address.
    if bytes.is_empty() {
        return Ok(&[]);
    }
    // The callers have tested the length, so an error can only be about the address.
    let misaligned = ViewError::Misaligned { align: align_of::<T>() };
    let bits: &[T::Bits] = bytemuck::try_cast_slice(bytes).map_err(|_| misaligned)?;
    // A type that takes any bytes for a value is its own `Bits`. Asking that here, rather than
    // calling a check which is always true, makes the cast free in debug builds as well.
    match same_type(bits) {
        Some(elements) => Ok(elements),
        None => checked::try_cast_slice(bytes).map_err(|_| invalid::<T>(bytes, bits)),
    }
}

/// As [`elements`], to be written through.
pub(super) fn elements_mut<T: ShElement>(bytes: &mut [u8]) -> Result<&mut [T], ViewError> {
    if bytes.is_empty() {
        return Ok(&mut []);
    }
    // What is wrong is asked first: while an error is made, the slice that failed would still be
    // borrowed.
    elements::<T>(bytes)?;
    let misaligned = ViewError::Misaligned { align: align_of::<T>() };
    match same_type_mut::<T::Bits, T>() {
        Some(retype) => bytemuck::try_cast_slice_mut(bytes).map(retype).map_err(|_| misaligned),
        None => checked::try_cast_slice_mut(bytes).map_err(|_| misaligned),
    }
}

/// The bytes of elements that may be overwritten with any others.
///
/// `None` for a type that does not take any bytes for a value.
pub(super) fn bytes_mut<T: ShElement>(elements: &mut [T]) -> Option<&mut [u8]> {
    let retype = same_type_mut::<T, T::Bits>()?;
    Some(bytemuck::cast_slice_mut(retype(elements)))
}

/// Which element is no value. `bool` is the one element type that can have such.
#[cold]
fn invalid<T: ShElement>(bytes: &[u8], bits: &[T::Bits]) -> ViewError {
    let index = bits.iter().position(|bits| !<T as CheckedBitPattern>::is_valid_bit_pattern(bits)).unwrap_or(0);
    ViewError::InvalidBool { index, value: bytes.get(index).copied().unwrap_or(0) }
}

/// Checks the bytes of a `bool` array.
pub(crate) fn check_bools(bytes: &[u8]) -> Result<(), ViewError> {
    const CHUNK: usize = 4096;
    // By chunks, without a way out in between: so the compiler looks at many bytes at once.
    let wrong = |chunk: &[u8]| chunk.iter().fold(0, |all, byte| all | byte) > 1;
    let Some(number) = bytes.chunks(CHUNK).position(wrong) else { return Ok(()) };
    match bytes.iter().enumerate().skip(number * CHUNK).find(|(_, byte)| **byte > 1) {
        Some((index, &value)) => Err(ViewError::InvalidBool { index, value }),
        None => Ok(()),
    }
}

/// The slice itself, when `B` is `A`.
///
/// The compiler does not see that two type parameters are one; `Any` does. The identity function on
/// slices of `A` has the type of a function from slices of `A` to slices of `B` exactly when they
/// are. All of it is known at compile time, and vanishes.
pub(super) fn same_type<A: 'static, B: 'static>(slice: &[A]) -> Option<&[B]> {
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

    /// Each type but `bool` must be its own `Bits`: otherwise reading inspects every element.
    #[test]
    fn casts_are_free_but_for_bool() {
        fn is_free<T: ShElement>() -> bool {
            same_type::<T::Bits, T>(&[]).is_some()
        }
        for dtype in crate::element::dtype::DType::ALL {
            let free = crate::element::dispatch::dispatch_dtype!(*dtype, T => is_free::<T>());
            assert_eq!(free, *dtype != crate::element::dtype::DType::Bool, "{dtype}");
        }
    }
}
