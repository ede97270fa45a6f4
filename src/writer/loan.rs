//! Memory of a value to come, lent out to be filled.

use super::core::Core;
use crate::element::ShElement;
use crate::error::Result;
use crate::shape;
use crate::slots::Claim;
use crate::view;
use std::fmt;
use std::marker::PhantomData;

/// An array that is not yet published: fill it, then [`publish`](Self::publish) it. Dropped unpublished, nothing has happened.
///
/// From [`Writer::loan`](crate::Writer::loan).
pub struct Loan<'w, T: ShElement> {
    core: &'w mut Core,
    // `None` once it is published or given back.
    claim: Option<Claim>,
    byte_len: usize,
    element: PhantomData<T>,
}

impl<'w, T: ShElement> Loan<'w, T> {
    pub(super) fn new(core: &'w mut Core, shape: &[usize]) -> Result<Self> {
        let byte_len = shape::byte_len(shape, size_of::<T>())?;
        let claim = core.claim(byte_len)?;
        core.make_valid(&claim, T::DTYPE);
        core.describe(&claim, T::DTYPE, shape, byte_len);
        Ok(Self { core, claim: Some(claim), byte_len, element: PhantomData })
    }

    /// The length of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.claim.as_ref().map_or(&[], |claim| self.core.shape(claim))
    }

    /// All elements, in C order.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let Some(claim) = &self.claim else { return &mut [] };
        let bytes = self.core.payload_mut(claim, T::DTYPE, self.byte_len);
        // Payloads start at a page, and the length is a multiple of the item size: what fails is a bool. `new` saw to those, so that
        // somebody else has written to the file since.
        if view::slice::<T>(bytes).is_err() {
            bytes.fill(0);
        }
        view::slice_mut(bytes).unwrap_or(&mut [])
    }

    /// The array, to be filled through `ndarray`.
    #[cfg(feature = "ndarray")]
    #[must_use]
    pub fn view_mut(&mut self) -> ndarray::ArrayViewMutD<'_, T> {
        let shape = ndarray::IxDyn(self.shape());
        match ndarray::ArrayViewMutD::from_shape(shape, self.as_mut_slice()) {
            Ok(view) => view,
            Err(error) => unreachable!("the slice has as many elements as the shape: {error}"),
        }
    }

    /// Makes it the current value; returns its sequence number.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`](crate::Error::Forked) in a forked child: the loan is its parent's.
    pub fn publish(mut self) -> Result<u64> {
        self.core.check_process()?;
        match self.claim.take() {
            Some(claim) => Ok(self.core.publish(claim, self.byte_len)),
            None => unreachable!("a loan has its claim until `publish` takes the loan"),
        }
    }
}

impl<T: ShElement> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.core.discard(claim);
        }
    }
}

impl<T: ShElement> fmt::Debug for Loan<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("dtype", &T::DTYPE).field("shape", &self.shape()).finish_non_exhaustive()
    }
}
