//! What an array's elements are: one of the crate's element types, or records with their fields.

use ndsharray::raw::{self, LoanRefused, OwnedLoan};
use ndsharray::{AnySharedArray, AnyWriter, ArrayOptions, DType, ElementType, RecordType, RecordView, Result};
use std::fmt;

/// What an array's elements are, to the last detail.
#[derive(Clone, PartialEq)]
pub(crate) enum Elements {
    Plain(ElementType),
    /// The items of a structured array.
    Records(RecordType),
}

impl Elements {
    /// The elements of an array of the crate, which says of records what they consist of.
    #[inline]
    pub(crate) fn of(element: ElementType, record: Option<&RecordType>) -> Self {
        match record {
            None => Self::Plain(element),
            Some(record) => Self::Records(record.clone()),
        }
    }

    /// Bytes of one element.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Plain(element) => element.size(),
            Self::Records(record) => record.item_size(),
        }
    }

    /// Fails where a byte that stands for a `bool` is neither 0 nor 1.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Plain(element) if element.dtype() == DType::Bool => raw::check_bools(bytes),
            Self::Plain(_) => Ok(()),
            Self::Records(record) => raw::check_records(record, bytes),
        }
    }

    /// Publishes a copy of `bytes`.
    #[inline]
    pub(crate) fn write(
        &self,
        writer: &mut AnyWriter,
        shape: &[usize],
        bytes: &[u8],
        attributes: &[u8],
    ) -> Result<u64> {
        match self {
            Self::Plain(element) => writer.write_bytes_with(*element, shape, bytes, attributes),
            Self::Records(record) => {
                raw::check_records(record, bytes)?;
                writer.write_any_with(&RecordView::new(record, shape, bytes)?.into(), attributes)
            }
        }
    }

    /// Turns the writer into a loan of the next value's memory.
    #[inline]
    pub(crate) fn lend(&self, writer: Box<AnyWriter>, shape: &[usize]) -> std::result::Result<OwnedLoan, LoanRefused> {
        match self {
            Self::Plain(element) => writer.into_boxed_loan(*element, shape),
            Self::Records(record) => writer.into_boxed_loan_of_records(record, shape),
        }
    }

    /// Makes a shared array of them.
    pub(crate) fn create(
        &self,
        options: &ArrayOptions,
        name: &str,
        shape: &[usize],
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<AnySharedArray> {
        match self {
            Self::Plain(element) => options.create_any(name, *element, shape, fill),
            Self::Records(record) => options.create_records(name, record, shape, fill),
        }
    }

    /// Opens a shared array of them, or makes it.
    pub(crate) fn open_or_create(&self, options: &ArrayOptions, name: &str, shape: &[usize]) -> Result<AnySharedArray> {
        match self {
            Self::Plain(element) => options.open_or_create_any(name, *element, shape),
            Self::Records(record) => options.open_or_create_records(name, record, shape),
        }
    }

    /// Takes a block of memory for an array of them.
    pub(crate) fn attach_raw(&self, options: &ArrayOptions, name: &str, shape: &[usize]) -> Result<AnySharedArray> {
        match self {
            Self::Plain(element) => options.attach_raw_any(name, *element, shape),
            Self::Records(record) => options.attach_raw_records(name, record, shape),
        }
    }
}

impl From<ElementType> for Elements {
    fn from(element: ElementType) -> Self {
        Self::Plain(element)
    }
}

impl From<RecordType> for Elements {
    fn from(record: RecordType) -> Self {
        Self::Records(record)
    }
}

impl From<DType> for Elements {
    fn from(dtype: DType) -> Self {
        Self::Plain(dtype.into())
    }
}

/// Writes the element type as `numpy.dtype` takes it, and records by their fields.
impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(element) => element.fmt(f),
            Self::Records(record) => record.fmt(f),
        }
    }
}
