//! From bytes to elements, with the errors of views.

use super::error::ViewError;
use crate::element::ShElement;
use crate::element::cast::CastError;

/// Reads bytes as elements. Their number must be a multiple of the item size.
#[inline(always)]
pub(super) fn elements<T: ShElement>(bytes: &[u8]) -> Result<&[T], ViewError> {
    T::elements(bytes).map_err(ViewError::from)
}

/// As [`elements`], to be written through.
pub(super) fn elements_mut<T: ShElement>(bytes: &mut [u8]) -> Result<&mut [T], ViewError> {
    T::elements_mut(bytes).map_err(ViewError::from)
}

impl From<CastError> for ViewError {
    #[cold]
    fn from(error: CastError) -> Self {
        match error {
            CastError::Misaligned { align } => Self::Misaligned { align },
            CastError::Invalid { index, at: None, value } => Self::InvalidBool { index, value },
            CastError::Invalid { index, at: Some(at), value } => Self::InvalidRecord { index, at, value },
        }
    }
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

#[cfg(test)]
mod tests {
    use crate::element::ShElement;
    use crate::element::dispatch::dispatch_dtype;
    use crate::element::dtype::DType;

    /// Each type but `bool` takes any bytes: otherwise reading inspects every element.
    #[test]
    fn casts_are_free_but_for_bool() {
        fn is_free<T: ShElement>() -> bool {
            assert_eq!(T::bytes_mut(&mut []).is_some(), T::TAKES_ANY_BYTES);
            T::TAKES_ANY_BYTES
        }
        for dtype in DType::ALL {
            assert_eq!(dispatch_dtype!(*dtype, T => is_free::<T>()), *dtype != DType::Bool, "{dtype}");
        }
    }
}
