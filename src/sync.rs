//! Atomics, fences and the mutex: the protocol's own.

pub(crate) use ndsharray_protocol::sync::*;
