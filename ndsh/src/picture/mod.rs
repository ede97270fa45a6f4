//! Arrays as pictures.
//!
//! [`plane`] says which elements are pixels, [`paint`] which colours they have, [`fit`] brings them to a size, and [`blocks`] to a terminal.

pub(crate) mod blocks;
pub(crate) mod fit;
mod index;
mod paint;
mod plane;

pub(crate) use fit::Canvas;
pub(crate) use index::Index;
pub(crate) use paint::{Background, Colormap, Paint, Painter};
pub(crate) use plane::{Layout, Plane};
