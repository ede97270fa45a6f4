//! Arrays, scalars and dtypes of NumPy over memory of this crate.

pub(crate) mod array;
pub(crate) mod bools;
pub(crate) mod buffer;
pub(crate) mod dtypes;
pub(crate) mod lent;
pub(crate) mod release;
