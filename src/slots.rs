//! The slot protocol, which stands in a crate of its own.

pub(crate) use ndsharray_protocol::channel::*;
pub(crate) use ndsharray_protocol::event_count::EventCount;
pub(crate) use ndsharray_protocol::members::Members;
