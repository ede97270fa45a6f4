//! Shapes: how many elements and bytes an array has, in checked arithmetic.

use thiserror::Error;

/// The largest number of dimensions, as in NumPy 2.
pub const MAX_NDIM: usize = 64;

/// Why a shape cannot be an array's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// More than [`MAX_NDIM`] dimensions.
    #[error("{ndim} dimensions, but an array has at most {MAX_NDIM}")]
    TooManyDims {
        /// Dimensions found.
        ndim: usize,
    },
    /// The byte length of the array does not fit the address space.
    #[error("the array's byte length overflows at axis {axis} of length {len}")]
    Overflow {
        /// The first axis at which the product is too large.
        axis: usize,
        /// That axis' length.
        len: usize,
    },
}

/// Bytes of an array of `shape` with elements of `itemsize` bytes.
///
/// The product over the non-zero axes must fit as well, as NumPy demands: otherwise whether a shape
/// is valid would depend on where its zero stands.
#[inline]
pub(crate) fn byte_len(shape: &[usize], itemsize: usize) -> Result<usize, ShapeError> {
    if shape.len() > MAX_NDIM {
        return Err(ShapeError::TooManyDims { ndim: shape.len() });
    }
    let mut bytes = itemsize;
    let mut empty = false;
    for (axis, &len) in shape.iter().enumerate() {
        if len == 0 {
            empty = true;
            continue;
        }
        bytes = bytes
            .checked_mul(len)
            .filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or(ShapeError::Overflow { axis, len })?;
    }
    Ok(if empty { 0 } else { bytes })
}

/// Elements of an array of `shape`.
pub(crate) fn element_count(shape: &[usize]) -> Result<usize, ShapeError> {
    byte_len(shape, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scalars_have_one_element_and_zero_axes_none() {
        assert_eq!(element_count(&[]), Ok(1));
        assert_eq!(element_count(&[3, 0, 5]), Ok(0));
        assert_eq!(byte_len(&[720, 1280, 3], 4), Ok(720 * 1280 * 3 * 4));
    }

    #[test]
    fn sixty_four_dimensions_and_no_more() {
        assert_eq!(element_count(&[1; 64]), Ok(1));
        assert_eq!(element_count(&[1; 65]), Err(ShapeError::TooManyDims { ndim: 65 }));
    }

    #[test]
    fn overflow_names_the_axis_and_a_zero_does_not_hide_it() {
        let huge = usize::MAX / 2;
        assert_eq!(byte_len(&[2, huge], 8), Err(ShapeError::Overflow { axis: 1, len: huge }));
        assert_eq!(byte_len(&[0, 2, huge], 8), Err(ShapeError::Overflow { axis: 2, len: huge }));
        assert_eq!(byte_len(&[2, huge, 0], 8), Err(ShapeError::Overflow { axis: 1, len: huge }));
        assert!(byte_len(&[isize::MAX as usize], 1).is_ok());
        assert!(byte_len(&[isize::MAX as usize + 1], 1).is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_wide_arithmetic(shape in prop::collection::vec(prop_oneof![0usize..5, Just(usize::MAX), 1usize << (usize::BITS / 3)..1 << (usize::BITS / 8 * 5)], 0..6), itemsize in 1usize..33) {
            let nonzero: Option<u128> = shape.iter().filter(|&&n| n != 0)
                .try_fold(itemsize as u128, |all, &n| all.checked_mul(n as u128));
            let fits = nonzero.is_some_and(|n| n <= isize::MAX as u128);
            match byte_len(&shape, itemsize) {
                Ok(n) => {
                    prop_assert!(fits);
                    let expected = if shape.contains(&0) { 0 } else { nonzero.unwrap() };
                    prop_assert_eq!(n as u128, expected);
                }
                Err(_) => prop_assert!(!fits),
            }
        }
    }
}
