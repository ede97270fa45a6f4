//! What the enum over all dtypes asks of the views in it.

use super::ArrayView;
use super::error::ViewError;
use crate::element::ShElement;
use crate::element::element_type::ElementType;

/// A view inside of [`AnyArrayView`](crate::AnyArrayView).
pub(super) trait AnyView<'a>: Sized {
    fn from_bytes(element: ElementType, shape: &'a [usize], bytes: &'a [u8]) -> Result<Self, ViewError>;
    fn element_type(&self) -> ElementType;
    fn shape(&self) -> &'a [usize];
    fn len(&self) -> usize;
    fn as_bytes(&self) -> &'a [u8];
    fn as_typed<T: ShElement>(&self) -> Option<ArrayView<'a, T>>;
}

impl<'a, E: ShElement> AnyView<'a> for ArrayView<'a, E> {
    fn from_bytes(_: ElementType, shape: &'a [usize], bytes: &'a [u8]) -> Result<Self, ViewError> {
        ArrayView::from_bytes(bytes, shape)
    }

    fn element_type(&self) -> ElementType {
        E::ELEMENT
    }

    fn shape(&self) -> &'a [usize] {
        self.shape()
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn as_bytes(&self) -> &'a [u8] {
        self.as_bytes()
    }

    fn as_typed<T: ShElement>(&self) -> Option<ArrayView<'a, T>> {
        (*self).as_typed()
    }
}
