//! Records: elements that have fields, as a struct has.

mod cast;
mod checked;
mod difference;
pub(crate) mod error;
pub(crate) mod field;
pub(crate) mod known;
pub(crate) mod layout;
pub(crate) mod limits;
pub(crate) mod record_type;
