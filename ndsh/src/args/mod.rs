//! Arguments that several commands take.

mod globals;
mod kind;
pub(crate) mod seconds;

pub(crate) use globals::{Color, Globals};
pub(crate) use kind::{KindArg, kinds, one_kind};
