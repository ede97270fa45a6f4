//! Writing arrays of the crate `ndarray`.

use super::loan::Loan;
use super::raw::RawWriter;
use crate::element::ShElement;
use crate::error::Result;
use crate::view::shape;
use ndarray::{ArrayRef, Dimension};

/// Publishes a copy of `array` in C order.
pub(super) fn write<T: ShElement, D: Dimension>(core: &mut RawWriter, array: &ArrayRef<T, D>) -> Result<u64> {
    shape::byte_len(array.shape(), size_of::<T>())?;
    let element = core.element_of::<T>()?;
    match array.as_slice() {
        Some(data) => core.write(element, array.shape(), T::bytes(data)),
        None => {
            let mut loan = Loan::<T>::new(core, array.shape())?;
            loan.view_mut().assign(&array.view().into_dyn());
            loan.publish()
        }
    }
}
