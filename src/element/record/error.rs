//! Why there is no such record, and how two records differ.

use super::limits::{MAX_AXES, MAX_BYTES, MAX_DEPTH, MAX_FIELDS, MAX_ITEM_SIZE, MAX_NAME};
use thiserror::Error;

/// What keeps fields from being a record.
///
/// ```
/// use ndsharray::{DType, Field, RecordError, RecordType};
///
/// let twice = [Field::new("x", 0, DType::F32), Field::new("x", 4, DType::F32)];
/// assert_eq!(RecordType::new(8, twice), Err(RecordError::NameTwice { name: "x".to_owned() }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The item size is 0, or more than NumPy has.
    #[error("a record of {found} bytes, but 1 to {MAX_ITEM_SIZE} are possible")]
    ItemSize {
        /// Bytes of one record.
        found: u64,
    },
    /// There is no field.
    #[error("a record without fields")]
    NoFields,
    /// More fields than are possible, those of nested records included.
    #[error("more than {MAX_FIELDS} fields")]
    TooManyFields,
    /// Records lie too deep in each other.
    #[error("records nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// A name that no field can have.
    #[error("a field called {name:?}, but a name has 1 to {MAX_NAME} bytes without NUL")]
    Name {
        /// The name, or its beginning.
        name: String,
    },
    /// A name is not UTF-8.
    #[error("the name of field {index} is not UTF-8 after {valid} of its bytes")]
    Utf8 {
        /// Which field, counted from 0 over all of the description.
        index: usize,
        /// Bytes that are valid.
        valid: usize,
    },
    /// Two fields of one record have one name.
    #[error("two fields called {name:?}")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// A field ends behind the record.
    #[error("field {name:?} ends at byte {end}, the record at {item_size}")]
    Beyond {
        /// The field.
        name: String,
        /// Where it would end.
        end: u64,
        /// Bytes of one record.
        item_size: usize,
    },
    /// Two fields share bytes.
    #[error("fields {first:?} and {second:?} overlap: one ends at byte {end}, the other begins at {begin}")]
    Overlap {
        /// The field that begins first.
        first: String,
        /// The field that begins before the first one ends.
        second: String,
        /// Where the first one ends.
        end: usize,
        /// Where the second one begins.
        begin: usize,
    },
    /// A sub-array has too many axes.
    #[error("field {name:?} has {found} axes, but {MAX_AXES} are possible")]
    Axes {
        /// The field.
        name: String,
        /// Its axes.
        found: usize,
    },
    /// No dtype has this tag, or this parameter.
    #[error("the type of field {name:?} is unknown: tag {tag}, parameter {parameter:#x}")]
    Type {
        /// The field.
        name: String,
        /// The tag found.
        tag: u8,
        /// The parameter found.
        parameter: u32,
    },
    /// The bytes of a description end too early.
    #[error("the description ends at byte {found}, within a field")]
    Truncated {
        /// Its bytes.
        found: usize,
    },
    /// Bytes behind the last field of a description.
    #[error("{found} bytes behind the description")]
    Trailing {
        /// How many.
        found: usize,
    },
    /// A description is too long.
    #[error("a description of {found} bytes, but {MAX_BYTES} are possible")]
    TooLong {
        /// Its bytes.
        found: usize,
    },
    /// What NumPy writes about a dtype is not understood.
    #[error("the dtype is not understood at character {at}: {reason}")]
    Descr {
        /// The character, counted from 0.
        at: usize,
        /// What is wrong there.
        reason: &'static str,
    },
}

/// The first difference between two records.
///
/// Boxed where it is passed on: it is rare, and large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// The field, with those that it is nested in: `pose.x`. Empty for the record as a whole.
    pub(crate) field: String,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Mismatch {
    pub(super) fn new(field: &str, expected: String, found: String) -> Option<Box<Self>> {
        Some(Box::new(Self { field: field.to_owned(), expected, found }))
    }
}
