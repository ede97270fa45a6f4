//! Memory of a future value, loaned by its address.
//!
//! For callers that do not know how long it will be used, such as bindings for other languages.

use super::AnyWriter;
use super::attributes::Belongings;
use super::records::refuse_records;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::error::{Error, Result};
use crate::files::mapping::DetachedMemory;
use crate::view::shape;
use ndsharray_protocol::channel::Claim;
use std::fmt;

/// An array that is not yet published, together with its writer.
///
/// As [`Loan`](crate::Loan), but it borrows nothing, its dtype is known at run time, and its memory
/// can be passed on by address.
///
/// From [`AnyWriter::into_loan`]; [`into_writer`](Self::into_writer) returns the writer. Dropped,
/// it closes the channel, as dropping the writer does.
///
/// ```
/// use ndsharray::DType;
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let options = ndsharray::Options::new().dir(&dir);
/// let writer = options.create_any("sensor")?;
/// let mut loan = writer.into_loan(DType::U8, &[3]).map_err(|refused| refused.error)?;
/// loan.as_mut_bytes().copy_from_slice(&[1, 2, 3]);
/// loan.publish()?;
/// let writer = loan.into_writer();
/// # let mut reader = options.open("sensor")?;
/// # assert_eq!(reader.latest()?.unwrap().view::<u8>()?.as_slice(), [1, 2, 3]);
/// # Ok(())
/// # }
/// ```
///
/// # Addresses that outlive the loan
///
/// A caller may pass [`as_mut_ptr`](Self::as_mut_ptr) on without knowing when its use ends. It then
/// calls [`sever`](Self::sever) before publishing, or [`forfeit`](Self::forfeit) instead of it, and
/// keeps what they return for as long as the address may be used.
pub struct OwnedLoan {
    // In a box: a writer has a table of slots, which no loan should have to move.
    writer: Box<AnyWriter>,
    // `None` once it is published or forfeited.
    claim: Option<Claim>,
    element: ElementType,
    byte_len: usize,
}

/// Why there is no loan, with the unchanged writer.
///
/// From [`AnyWriter::into_loan`].
#[derive(Debug)]
#[non_exhaustive]
pub struct LoanRefused {
    /// The reason.
    pub error: Error,
    /// The writer.
    pub writer: Box<AnyWriter>,
}

static_assertions::assert_impl_all!(OwnedLoan: Send, Sync);

impl AnyWriter {
    /// Turns the writer into a loan of the next value's memory.
    ///
    /// It starts with whatever is there: zeros, or an older value. [`OwnedLoan::publish`] makes it
    /// the current value, an array of `element` and `shape`.
    ///
    /// # Errors
    ///
    /// As [`Writer::loan`](crate::Writer::loan), with the writer.
    pub fn into_loan(
        self,
        element: impl Into<ElementType>,
        shape: &[usize],
    ) -> std::result::Result<OwnedLoan, LoanRefused> {
        Box::new(self).into_boxed_loan(element, shape)
    }

    /// As [`into_loan`](Self::into_loan), without moving the writer.
    ///
    /// [`OwnedLoan::into_boxed_writer`] returns it.
    ///
    /// # Errors
    ///
    /// As [`Writer::loan`](crate::Writer::loan), with the writer.
    pub fn into_boxed_loan(
        self: Box<Self>,
        element: impl Into<ElementType>,
        shape: &[usize],
    ) -> std::result::Result<OwnedLoan, LoanRefused> {
        let element = element.into();
        match refuse_records(element) {
            Ok(()) => self.into_loan_of(element, shape),
            Err(error) => Err(LoanRefused { error, writer: self }),
        }
    }

    /// As [`into_loan`](Self::into_loan), for records that are known at run time.
    ///
    /// Records with a `bool` start with zeros.
    ///
    /// # Errors
    ///
    /// As [`Writer::loan`](crate::Writer::loan), with the writer; [`Error::TooManyRecordTypes`].
    pub fn into_loan_of_records(
        self,
        record: &RecordType,
        shape: &[usize],
    ) -> std::result::Result<OwnedLoan, LoanRefused> {
        Box::new(self).into_boxed_loan_of_records(record, shape)
    }

    /// As [`into_loan_of_records`](Self::into_loan_of_records), without moving the writer.
    ///
    /// # Errors
    ///
    /// As [`into_loan_of_records`](Self::into_loan_of_records).
    pub fn into_boxed_loan_of_records(
        mut self: Box<Self>,
        record: &RecordType,
        shape: &[usize],
    ) -> std::result::Result<OwnedLoan, LoanRefused> {
        match self.core.element_of_record(record) {
            Ok(element) => {
                let mut loan = self.into_loan_of(element, shape)?;
                // An older value may be no value of these records.
                if !record.takes_any_bytes() {
                    loan.as_mut_bytes().fill(0);
                }
                Ok(loan)
            }
            Err(error) => Err(LoanRefused { error, writer: self }),
        }
    }

    fn into_loan_of(
        mut self: Box<Self>,
        element: ElementType,
        shape: &[usize],
    ) -> std::result::Result<OwnedLoan, LoanRefused> {
        let core = &mut self.core;
        let claimed =
            shape::byte_len(shape, element.size()).map_err(Error::from).and_then(|len| Ok((core.claim(len)?, len)));
        match claimed {
            Ok((claim, byte_len)) => {
                core.make_valid(&claim, element);
                core.describe(&claim, element, shape, byte_len);
                Ok(OwnedLoan { writer: self, claim: Some(claim), element, byte_len })
            }
            Err(error) => Err(LoanRefused { error, writer: self }),
        }
    }
}

impl OwnedLoan {
    /// The dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.element.dtype()
    }

    /// The element type: the dtype with its parameter.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        self.element.with_description(0)
    }

    /// The length of each axis; empty once the loan is over.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.claim.as_ref().map_or(&[], |claim| self.writer.core.shape(claim))
    }

    /// The elements' bytes, in C order and this machine's byte order, to be filled.
    ///
    /// For `bool` each must be 0 or 1 in the end. Empty once the loan is over, and in a forked
    /// child: the memory is its parent's, which goes on filling it.
    #[must_use]
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        let Some(claim) = self.claim.as_ref().filter(|_| self.writer.core.check_process().is_ok()) else {
            return &mut [];
        };
        // As bytes: what is written here is not known to be bools.
        self.writer.core.payload_mut(claim, DType::U8.into(), self.byte_len)
    }

    /// The address of the first byte, aligned for the dtype.
    ///
    /// Valid for reads and writes of as many bytes as the array has, until the loan is published or
    /// dropped. No other code uses the memory meanwhile.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.as_mut_bytes().as_mut_ptr()
    }

    /// Separates the addresses passed on so far from the value to be published.
    ///
    /// From now on they lead to private memory, all zeros, valid for reads and writes as long as
    /// the returned value lives. The value itself is untouched, and from now on at another address.
    /// Other threads may use the addresses at the same time.
    ///
    /// Costs two system calls, and some nanoseconds per page.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the operating system cannot; then nothing has changed.
    /// [`Error::Unsupported`] once the loan is over.
    pub fn sever(&mut self) -> Result<DetachedMemory> {
        match &self.claim {
            Some(claim) => self.writer.core.sever(claim),
            None => Err(Error::Unsupported { what: "severing the memory of a loan that is over" }),
        }
    }

    /// Ends the loan without a value, and leaves its memory to holders of its address.
    ///
    /// The memory is valid for reads and writes as long as the returned value lives, and no longer
    /// shared. The writer will use other memory. `None` once the loan is over.
    pub fn forfeit(&mut self) -> Option<DetachedMemory> {
        let claim = self.claim.take()?;
        let memory = self.writer.core.forfeit(&claim);
        self.writer.core.discard(claim);
        memory
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
    /// [`Error::Unsupported`] once the loan is over.
    pub fn set_attributes(&mut self, bytes: &[u8]) -> Result<()> {
        self.set_belongings(&Belongings::attributes(bytes))
    }

    pub(crate) fn set_belongings(&mut self, belongings: &Belongings<'_>) -> Result<()> {
        match &self.claim {
            Some(claim) => self.writer.core.set_belongings(claim, self.byte_len, belongings),
            None => Err(Error::Unsupported { what: "attributes of a loan that is over" }),
        }
    }

    /// Makes it the current value; returns its sequence number. The loan is over then.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidBool`] when a byte of a `bool` array is neither 0 nor 1; [`Error::View`]
    /// when a byte is not one of such records; [`Error::Unsupported`] once the loan is over.
    /// After any other error the loan goes on.
    pub fn publish(&mut self) -> Result<u64> {
        self.writer.core.check_process()?;
        if let Some(claim) = &self.claim {
            self.writer.core.check_elements(claim, self.byte_len)?;
        }
        match self.claim.take() {
            Some(claim) => Ok(self.writer.core.publish(claim, self.byte_len)),
            None => Err(Error::Unsupported { what: "publishing a loan that is over" }),
        }
    }

    /// The writer. If the loan has not been published, nothing has happened.
    #[must_use]
    pub fn into_writer(self) -> AnyWriter {
        *self.into_boxed_writer()
    }

    /// As [`into_writer`](Self::into_writer), without moving the writer.
    #[must_use]
    pub fn into_boxed_writer(mut self) -> Box<AnyWriter> {
        if let Some(claim) = self.claim.take() {
            self.writer.core.discard(claim);
        }
        self.writer
    }
}

impl fmt::Debug for OwnedLoan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedLoan").field("dtype", &self.element).field("shape", &self.shape()).finish_non_exhaustive()
    }
}
