//! Why bytes or a slice are no array of a shape.

use super::shape::ShapeError;

/// What keeps data from being looked at as an array.
///
/// ```
/// use ndsharray::{ArrayView, ViewError};
///
/// let error = ArrayView::new(&[1_u16, 2], &[3]).unwrap_err();
/// assert_eq!(error, ViewError::Length { expected: 6, found: 4 });
/// assert_eq!(error.to_string(), "the shape takes 6 bytes, but there are 4");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The data is shorter or longer than the shape says.
    #[error("the shape takes {expected} bytes, but there are {found}")]
    Length {
        /// Bytes that an array of the shape takes.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The first element does not lie where its type may lie.
    #[error("the data does not lie at a multiple of {align} bytes")]
    Misaligned {
        /// The alignment that the type asks for, in bytes.
        align: usize,
    },
    /// A `bool` is neither 0 nor 1.
    #[error("element {index} is no bool: its byte is {value}, which is neither 0 nor 1")]
    InvalidBool {
        /// The first such element, counted in C order.
        index: usize,
        /// Its byte.
        value: u8,
    },
    /// A byte of a record is not what its field may hold: a `bool` that is neither 0 nor 1.
    #[error("byte {at} of record {index} is no bool: it is {value}, which is neither 0 nor 1")]
    InvalidRecord {
        /// The first such record, counted in C order.
        index: usize,
        /// Where in the record.
        at: usize,
        /// The byte.
        value: u8,
    },
    /// An element type of records says nothing of their fields.
    #[error("an array of records is looked at with its RecordType: RecordView::new")]
    NoRecordType,
    /// No array has the shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// Why there is no such field to look at.
///
/// ```
/// use ndsharray::{DType, FieldError, RecordType, RecordView};
///
/// let record = RecordType::packed([("x", DType::F32)])?;
/// let view = RecordView::new(&record, &[0], &[])?;
/// assert_eq!(view.field("y").unwrap_err(), FieldError::NoField { name: "y".to_owned() });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The records have no field of this name.
    #[error("the records have no field {name:?}")]
    NoField {
        /// The name asked for.
        name: String,
    },
    /// The field of some record holds no value, or its axes are too many in all.
    #[error(transparent)]
    View(#[from] ViewError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        assert_eq!(ViewError::Misaligned { align: 8 }.to_string(), "the data does not lie at a multiple of 8 bytes");
        assert_eq!(
            ViewError::InvalidBool { index: 3, value: 7 }.to_string(),
            "element 3 is no bool: its byte is 7, which is neither 0 nor 1"
        );
        let shape = ShapeError::TooManyDims { ndim: 65 };
        assert_eq!(ViewError::from(shape).to_string(), shape.to_string());
    }
}
