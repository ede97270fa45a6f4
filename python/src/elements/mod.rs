//! Arrays, scalars and dtypes of NumPy over memory of this crate.

pub(crate) mod array;
pub(crate) mod bools;
pub(crate) mod buffer;
pub(crate) mod described;
pub(crate) mod dtypes;
pub(crate) mod lent;
mod plain;
pub(crate) mod release;
mod structured;
mod variables;
