//! How large the description of a record can be.

/// Bytes of the largest record: what NumPy can have.
pub(crate) const MAX_ITEM_SIZE: usize = i32::MAX as usize;

/// Fields of a record, those of nested records included.
pub(crate) const MAX_FIELDS: usize = 1024;

/// Records within each other, the outermost included.
pub(crate) const MAX_DEPTH: usize = 16;

/// Bytes of a field's name.
pub(crate) const MAX_NAME: usize = 255;

/// Axes of a sub-array: as many as an array can have.
pub(crate) const MAX_AXES: usize = 64;

/// Bytes of a description, encoded.
pub(crate) const MAX_BYTES: usize = 64 << 10;

/// Bytes of an encoded record before its fields, and of a field beside its name and its axes.
pub(crate) const RECORD_BYTES: usize = 8;
pub(crate) const FIELD_BYTES: usize = 12;
/// Bytes of an axis.
pub(crate) const AXIS_BYTES: usize = 4;
