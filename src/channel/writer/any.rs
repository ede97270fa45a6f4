//! A writer whose dtype is chosen at run time.

use super::AnyWriter;
use super::attributes::Belongings;
use super::loan::Loan;
use super::records::refuse_records;
#[cfg(feature = "ndarray")]
use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::element::typing::Dyn;
use crate::error::{Error, Result};
use crate::view::any::AnyArrayView;
use crate::view::cast::check_bools;
use crate::view::shape;

impl AnyWriter {
    /// Publishes a copy of `array`; returns its sequence number.
    ///
    /// # Errors
    ///
    /// [`Error::AllSlotsPinned`], [`Error::OutOfMemory`], as
    /// [`Writer::write`](crate::Writer::write).
    pub fn write_any(&mut self, array: &AnyArrayView<'_>) -> Result<u64> {
        let element = self.core.element_of_view(array)?;
        self.core.write(element, array.shape(), array.as_bytes())
    }

    /// As [`write_any`](Self::write_any), with attributes, as
    /// [`Writer::write_with`](crate::Writer::write_with) has them.
    ///
    /// # Errors
    ///
    /// As [`Writer::write_with`](crate::Writer::write_with).
    pub fn write_any_with(&mut self, array: &AnyArrayView<'_>, attributes: &[u8]) -> Result<u64> {
        let belongings = Belongings::attributes(attributes);
        let element = self.core.element_of_view(array)?;
        self.core.write_with(element, array.shape(), array.as_bytes(), &belongings)
    }

    /// Publishes a copy of `bytes` as an array of `element` and `shape`.
    ///
    /// A [`DType`](crate::DType) will do, where its elements have no parameter.
    ///
    /// The bytes are the elements in C order and this machine's byte order; they need no alignment.
    /// Returns the value's sequence number.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when `bytes` is not as long as the array; [`Error::InvalidBool`]
    /// when a `bool` is neither 0 nor 1; and as [`Writer::write`](crate::Writer::write).
    pub fn write_bytes(&mut self, element: impl Into<ElementType>, shape: &[usize], bytes: &[u8]) -> Result<u64> {
        let element = element.into();
        check(element, shape, bytes)?;
        self.core.write(element, shape, bytes)
    }

    /// As [`write_bytes`](Self::write_bytes), with attributes, as
    /// [`Writer::write_with`](crate::Writer::write_with) has them.
    ///
    /// # Errors
    ///
    /// [`Error::AttributesTooLong`]; otherwise as [`write_bytes`](Self::write_bytes).
    pub fn write_bytes_with(
        &mut self,
        element: impl Into<ElementType>,
        shape: &[usize],
        bytes: &[u8],
        attributes: &[u8],
    ) -> Result<u64> {
        self.write_bytes_as(element.into(), shape, bytes, &Belongings::attributes(attributes))
    }

    pub(crate) fn write_bytes_as(
        &mut self,
        element: ElementType,
        shape: &[usize],
        bytes: &[u8],
        belongings: &Belongings<'_>,
    ) -> Result<u64> {
        check(element, shape, bytes)?;
        self.core.write_with(element, shape, bytes, belongings)
    }

    /// Returns a loan of the next value's memory, to be filled without a copy.
    ///
    /// It starts with whatever is there: zeros, or an older value. [`Loan::publish`] makes it the
    /// current value.
    ///
    /// # Errors
    ///
    /// As [`Writer::loan`](crate::Writer::loan).
    ///
    /// ```
    /// use ndsharray::DType;
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let mut writer = ndsharray::Options::new().dir(dir.path()).create_any("doc-any-loan")?;
    /// let mut loan = writer.loan(DType::U8, &[3])?;
    /// loan.as_mut_bytes().copy_from_slice(&[1, 2, 3]);
    /// loan.publish()?;
    /// # let mut reader = ndsharray::Options::new().dir(dir.path()).open("doc-any-loan")?;
    /// # assert_eq!(reader.latest()?.unwrap().view::<u8>()?.as_slice(), [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn loan(&mut self, element: impl Into<ElementType>, shape: &[usize]) -> Result<Loan<'_, Dyn>> {
        let element = element.into();
        refuse_records(element)?;
        Loan::of(&mut self.core, element, shape)
    }

    /// As [`loan`](Self::loan), for records that are known at run time.
    ///
    /// # Errors
    ///
    /// As [`Writer::loan`](crate::Writer::loan); [`Error::TooManyRecordTypes`].
    pub fn loan_records(&mut self, record: &RecordType, shape: &[usize]) -> Result<Loan<'_, Dyn>> {
        let element = self.core.element_of_record(record)?;
        Loan::of(&mut self.core, element, shape)
    }

    /// Publishes a copy of an [`ndarray`](::ndarray) array in C order; returns its sequence number.
    ///
    /// # Errors
    ///
    /// As [`Writer::write_array`](crate::Writer::write_array).
    #[cfg(feature = "ndarray")]
    pub fn write_array<T: ShElement, D: ndarray::Dimension>(&mut self, array: &ndarray::ArrayRef<T, D>) -> Result<u64> {
        super::arrays::write(&mut self.core, array)
    }
}

/// Whether `bytes` are an array of `element` and `shape`.
fn check(element: ElementType, shape: &[usize], bytes: &[u8]) -> Result<()> {
    refuse_records(element)?;
    let expected = shape::byte_len(shape, element.size())?;
    if expected != bytes.len() {
        return Err(Error::ShapeMismatch { expected, found: bytes.len() });
    }
    if element.dtype() == DType::Bool {
        check_bools(bytes)?;
    }
    Ok(())
}
