//! Memory of a future value, loaned to be filled.

use super::attributes::Belongings;
use super::raw::RawWriter;
use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::typing::{Dyn, Typing};
use crate::error::{Error, Result};
use crate::view::{self, shape};
use ndsharray_protocol::channel::Claim;
use std::fmt;
use std::marker::PhantomData;

/// An array that is not yet published: fill it, then [`publish`](Self::publish) it.
///
/// If it is dropped unpublished, nothing has happened.
///
/// From [`Writer::loan`](crate::Writer::loan).
pub struct Loan<'w, T: Typing> {
    core: &'w mut RawWriter,
    // `None` once it is published or returned.
    claim: Option<Claim>,
    byte_len: usize,
    element: PhantomData<T>,
}

impl<'w, T: Typing> Loan<'w, T> {
    /// A loan of an array of `element`, which must be `T`'s, if it names one.
    #[inline(always)]
    pub(super) fn of(core: &'w mut RawWriter, element: ElementType, shape: &[usize]) -> Result<Self> {
        let byte_len = shape::byte_len(shape, element.size())?;
        let claim = core.claim(byte_len)?;
        core.make_valid(&claim, element);
        core.describe(&claim, element, shape, byte_len);
        Ok(Self { core, claim: Some(claim), byte_len, element: PhantomData })
    }

    /// The dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.element_type().dtype()
    }

    /// The element type: the dtype with its parameter.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        match &self.claim {
            Some(claim) => self.core.element(claim).with_description(0),
            None => unreachable!("a loan has its claim until `publish` takes the loan"),
        }
    }

    /// Keeps a forked child from writing into what its parent is about to publish.
    #[inline]
    #[track_caller]
    fn refuse_child(&self) {
        if self.core.check_process().is_err() {
            refused();
        }
    }

    /// The length of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.claim.as_ref().map_or(&[], |claim| self.core.shape(claim))
    }

    /// Puts attributes of the caller's own beside the elements, in place of those set before.
    ///
    /// They may be any bytes, at most [`MAX_ATTRIBUTES`](crate::MAX_ATTRIBUTES), and are published
    /// with the value, as by [`Writer::write_with`](crate::Writer::write_with). Without a call the
    /// value has none. The elements stay where they are, whatever is set.
    ///
    /// # Errors
    ///
    /// [`Error::AttributesTooLong`]; [`Error::OutOfMemory`] when the file's extension does not fit.
    /// Nothing has changed then.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let mut writer = ndsharray::Options::new().dir(dir.path()).create::<u8>("doc-loan-with")?;
    /// # let mut reader = ndsharray::Options::new().dir(dir.path()).open("doc-loan-with")?;
    /// let mut loan = writer.loan(&[1000])?;
    /// loan.as_mut_slice().fill(1);
    /// loan.set_attributes(b"exposure 20 ms")?;
    /// loan.publish()?;
    /// assert_eq!(reader.latest()?.unwrap().attributes(), b"exposure 20 ms");
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_attributes(&mut self, bytes: &[u8]) -> Result<()> {
        self.set_belongings(&Belongings::attributes(bytes))
    }

    pub(crate) fn set_belongings(&mut self, belongings: &Belongings<'_>) -> Result<()> {
        match &self.claim {
            Some(claim) => self.core.set_belongings(claim, self.byte_len, belongings),
            None => unreachable!("a loan has its claim until `publish` takes the loan"),
        }
    }

    /// Makes it the current value; returns its sequence number.
    ///
    /// # Errors
    ///
    /// When the dtype was chosen at run time: [`Error::InvalidBool`](crate::Error::InvalidBool) for
    /// a `bool` that is neither 0 nor 1; [`Error::View`] when a byte is not one of such records.
    /// The value is lost then, and the one before it stays current.
    pub fn publish(mut self) -> Result<u64> {
        if !self.core.is_plain() {
            return self.publish_kept();
        }
        let claim = self.checked()?;
        Ok(self.core.publish_plain(claim, self.byte_len))
    }

    /// As [`publish`](Self::publish), for a writer that keeps values, and in a forked child.
    #[cold]
    #[inline(never)]
    fn publish_kept(mut self) -> Result<u64> {
        self.core.check_process()?;
        let claim = self.checked()?;
        Ok(self.core.publish(claim, self.byte_len))
    }

    /// The claim, once the bytes are known to be valid.
    #[inline(always)]
    fn checked(&mut self) -> Result<Claim> {
        let Some(claim) = self.claim.take() else {
            unreachable!("a loan has its claim until `publish` takes the loan")
        };
        if T::DTYPE.is_none()
            && let Err(error) = self.core.check_elements(&claim, self.byte_len)
        {
            self.core.discard(claim);
            return Err(error);
        }
        Ok(claim)
    }
}

impl<'w, T: ShElement> Loan<'w, T> {
    pub(super) fn new(core: &'w mut RawWriter, shape: &[usize]) -> Result<Self> {
        let element = core.element_of::<T>()?;
        let loan = Self::of(core, element, shape);
        // An older value may be no value of this one's records.
        if T::RECORD.is_some() && !T::TAKES_ANY_BYTES { loan.map(Self::filled_with_zeros) } else { loan }
    }

    fn filled_with_zeros(self) -> Self {
        if let Some(claim) = &self.claim {
            self.core.payload_mut(claim, T::ELEMENT, self.byte_len).fill(0);
        }
        self
    }

    /// All elements, in C order.
    ///
    /// # Panics
    ///
    /// In a forked child: the memory is its parent's, which goes on filling it.
    #[must_use]
    #[track_caller]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.refuse_child();
        let Some(claim) = &self.claim else { return &mut [] };
        let bytes = self.core.payload_mut(claim, T::ELEMENT, self.byte_len);
        // Payloads start at a page, and the length is a multiple of the item size: what fails is a
        // bool. `new` made those valid, so another program has written to the file since.
        if view::slice::<T>(bytes).is_err() {
            bytes.fill(0);
        }
        view::slice_mut(bytes).unwrap_or(&mut [])
    }

    /// The array, to be filled through `ndarray`.
    ///
    /// # Panics
    ///
    /// As [`as_mut_slice`](Self::as_mut_slice).
    #[cfg(feature = "ndarray")]
    #[must_use]
    #[track_caller]
    pub fn view_mut(&mut self) -> ndarray::ArrayViewMutD<'_, T> {
        let shape = ndarray::IxDyn(self.shape());
        match ndarray::ArrayViewMutD::from_shape(shape, self.as_mut_slice()) {
            Ok(view) => view,
            Err(error) => unreachable!("the slice has as many elements as the shape: {error}"),
        }
    }
}

impl Loan<'_, Dyn> {
    /// The elements' bytes, in C order and this machine's byte order, to be filled.
    ///
    /// For `bool` each byte must be 0 or 1 when the loan is published.
    ///
    /// # Panics
    ///
    /// In a forked child: the memory is its parent's, which goes on filling it.
    #[must_use]
    #[track_caller]
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        self.refuse_child();
        let Some(claim) = &self.claim else { return &mut [] };
        // As bytes: what is written here is not known to be bools.
        self.core.payload_mut(claim, DType::U8.into(), self.byte_len)
    }
}

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "the documented answer in a forked child, as there is no other way to say no")]
fn refused() -> ! {
    panic!("the loan's memory cannot be lent: {}", Error::Forked)
}

impl<T: Typing> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.core.discard(claim);
        }
    }
}

impl<T: Typing> fmt::Debug for Loan<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan")
            .field("dtype", &self.element_type())
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}
