//! One array that all processes change in place.

pub(crate) mod array;
pub(crate) mod guard;
pub(crate) mod handle;

mod atomics;
