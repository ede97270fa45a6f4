//! Why bytes are no header of this library.

use crate::element::record::error::RecordError;
use crate::view::shape::ShapeError;
use thiserror::Error;
use uuid::Uuid;

/// Why bytes in shared memory are not what this library writes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Fewer bytes than the structure needs.
    #[error("{found} bytes, but {expected} are needed")]
    Truncated {
        /// Bytes needed.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The file does not start like a file of this kind.
    #[error("not a file of this library: it starts with {found:02x?}")]
    Magic {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// Written on a machine of the other byte order.
    #[error("byte order mark {found:#010x}: written on a machine of another byte order")]
    ByteOrder {
        /// The mark as this machine reads it.
        found: u32,
    },
    /// Another version of the format.
    #[error("format version {found}, but this library speaks version {expected}")]
    Version {
        /// The version of this library.
        expected: u32,
        /// The file's version.
        found: u32,
    },
    /// A count on the board is out of range.
    #[error("{found} {what}, but 1 to {max} are possible")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The count found.
        found: u32,
        /// The largest possible.
        max: u32,
    },
    /// Two files of a channel do not belong together.
    #[error("the reader table belongs to channel {found}, the board to {expected}")]
    Stranger {
        /// The board's channel id.
        expected: Uuid,
        /// The table's channel id.
        found: Uuid,
    },
    /// No dtype has this tag.
    #[error("unknown dtype tag {tag}")]
    DType {
        /// The tag found.
        tag: u8,
    },
    /// A dtype parameter or reserved field that this version does not know.
    #[error("unknown dtype parameter {found:#x}")]
    Parameter {
        /// The parameter, with the reserved bytes above it.
        found: u64,
    },
    /// Long doubles in the format of another kind of processor.
    #[error("long doubles in the format {found}, but this machine's are {expected}")]
    LongDouble {
        /// The format here.
        expected: &'static str,
        /// The format found.
        found: &'static str,
    },
    /// A shape that no array has.
    #[error("impossible shape")]
    Shape(#[from] ShapeError),
    /// An axis that does not fit this machine's address space.
    #[error("axis {axis} has length {len}, which this machine cannot address")]
    Axis {
        /// The axis.
        axis: usize,
        /// Its length.
        len: u64,
    },
    /// The byte length contradicts shape and dtype.
    #[error("{found} bytes, but shape and dtype make {expected}")]
    Length {
        /// Shape × itemsize.
        expected: u64,
        /// The byte length found.
        found: u64,
    },
    /// The elements of an array do not begin where they can.
    #[error("the elements begin at byte {found}, but only multiples of 64 from {least} on are possible")]
    Offset {
        /// The offset found.
        found: u64,
        /// The least possible.
        least: u64,
    },
    /// Attributes of a length that no value has.
    #[error("attributes of {found} bytes, but 1 to {max} are possible")]
    Attributes {
        /// Their length in bytes.
        found: u32,
        /// The largest possible length.
        max: usize,
    },
    /// The file of a channel's records has a description of a length that none has.
    #[error("description {number} of the channel's records has {found} bytes")]
    RecordTypes {
        /// Which description, counted from 0.
        number: usize,
        /// Its length.
        found: u32,
    },
    /// A header names a description of records that is not there.
    #[error("description {number} of the channel's records is missing: its file has {found}")]
    NoRecordType {
        /// Which description, counted from 0.
        number: usize,
        /// Descriptions in the file.
        found: usize,
    },
    /// Records are not as large as their description says.
    #[error("records of {found} bytes, but their description says {expected}")]
    RecordSize {
        /// The size in the description.
        expected: usize,
        /// The size in the header.
        found: usize,
    },
    /// A description describes no record.
    #[error("impossible record")]
    Record(#[from] RecordError),
    /// The payload file is shorter than the array in it, or gone.
    #[error("payload file has {found} bytes, the array {expected}")]
    Payload {
        /// The array's byte length.
        expected: u64,
        /// The file's length; 0 when there is none.
        found: u64,
    },
    /// The payload file has its length, but most of it has no memory.
    ///
    /// No writer of this library leaves that.
    #[error("payload file has set aside {found} bytes, the array has {expected}")]
    Sparse {
        /// The array's byte length.
        expected: u64,
        /// Bytes of memory that the file has.
        found: u64,
    },
    /// A current value is named in a slot that does not hold it.
    #[error("the board names value {number} in slot {slot}, which does not hold it")]
    Slot {
        /// The sequence number.
        number: u64,
        /// The slot.
        slot: usize,
    },
    /// The word that leads from a number to its slot says something impossible.
    ///
    /// An older value cannot be found by it. The current one still can.
    #[error("value {number} is looked for in slot {cell}, which names value {found} in slot {slot}")]
    Cell {
        /// The sequence number looked for.
        number: u64,
        /// The slot that has the word.
        cell: usize,
        /// The sequence number that it names.
        found: u64,
        /// The slot that it names.
        slot: usize,
    },
}
