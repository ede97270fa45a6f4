//! Which bytes are no element.

use super::dtype::DType;
use super::element_type::ElementType;

/// Whether any bytes are an element.
pub(crate) const fn takes_any_bytes(element: ElementType) -> bool {
    !matches!(element.dtype(), DType::Bool)
}

/// The first of an element's bytes that is not one of any element.
pub(crate) fn invalid_byte(element: ElementType, bytes: &[u8]) -> Option<usize> {
    match element.dtype() {
        DType::Bool => bytes.iter().position(|byte| *byte > 1),
        _ => None,
    }
}
