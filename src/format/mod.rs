//! Bytes in, a value or an error out: one decoder for each kind of bytes.
//!
//! Nothing here touches a file. Readers, writers, `inspect` and the fuzzer decode with the same
//! functions.

pub(crate) mod array;
pub(crate) mod error;
pub(crate) mod extent;
pub(crate) mod file;
pub(crate) mod npy_descr;
mod npy_leaf;
pub(crate) mod python;
pub(crate) mod python_dtypes;
pub(crate) mod record;
pub(crate) mod record_types;
pub(crate) mod slot;
pub(crate) mod tail;
