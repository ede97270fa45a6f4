//! The lock of a shared array, which stands in a crate of its own.

pub(crate) use ndsharray_protocol::members::Members;
pub(crate) use ndsharray_protocol::rwlock::*;
