//! Arrays as pictures.
//!
//! [`plane`] chooses the elements that are pixels, [`paint`] their colours. [`fit`] scales the
//! picture, and [`blocks`] or [`graphics`] prints it. [`curves`] draws signals.

pub(crate) mod blocks;
mod curves;
pub(crate) mod fit;
pub(crate) mod graphics;
mod index;
mod paint;
mod plane;

pub(crate) use curves::{Curves, Plot};
pub(crate) use fit::Canvas;
pub(crate) use index::Index;
pub(crate) use paint::{Background, Colormap, Paint, Painter};
pub(crate) use plane::{Layout, Plane, slice};
