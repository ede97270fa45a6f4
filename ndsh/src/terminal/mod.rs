//! The terminal, and the signals that come from it.

mod colour;
mod graphics;
mod interrupt;
mod keys;
mod pace;
mod progress;
mod screen;

pub(crate) use colour::{Depth, Rgb, are_colours_forced, in_palette, in_sixteen, is_dumb};
pub(crate) use graphics::{Graphics, GraphicsArg, Protocol};
pub(crate) use interrupt::Interrupt;
pub(crate) use pace::Pace;
pub(crate) use progress::Progress;
pub(crate) use screen::{Action, Screen};
